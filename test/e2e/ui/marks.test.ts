// What the last step changed, as the tree of the machine shows and says it.
import { expect, test } from 'vitest';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';

async function click(editor: Editor, action: 'Step' | 'Step Back', position: number): Promise<void> {
  await editor.clickEditorAction(action);
  await eventually(`step ${position}`, async () => {
    const status = (await editor.page.locator('.part.statusbar').textContent()) ?? '';
    return new RegExp(`step\\s${position}\\s`).test(status) ? true : undefined;
  });
}

test('the rows of the machine are marked for what is below them, after a step and after a step back', async () => {
  const editor = await sharedEditor();
  await editor.openContainer('Address Space Explorer');
  await editor.openFile('swap.vas');
  for (let position = 1; position <= 12; position++) await click(editor, 'Step', position);
  const said = async (row: string) => (await (await editor.treeRow(row)).getAttribute('aria-label')) ?? '';
  const marked = async (isMarked: boolean) => {
    for (const row of ['Page cache', 'Physical memory', 'Swap']) {
      await eventually(`${row}: ${isMarked}`, async () =>
        (await said(row)).includes('changed by the last step') === isMarked ? true : undefined,
      );
    }
  };
  await marked(true);
  await click(editor, 'Step', 13);
  await marked(false);
  await click(editor, 'Step Back', 12);
  await marked(true);
  await editor.expandTreeRow('Page cache');
  const file = await editor.treeRow('1 of 2 pages');
  await eventually('the mark of the file', async () =>
    (await file.getAttribute('aria-label'))?.includes('changed by the last step') ? true : undefined,
  );
  // A mark is no reason for another icon.
  expect(await file.locator('.codicon-symbol-file').count()).toBe(1);
  await editor.expandTreeRow('Page cache', false);
});
