// A sample that is saved goes on under its new name where it stood.
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';

let editor: Editor;

beforeAll(async () => {
  editor = await sharedEditor();
});

test('a copy of a sample is saved by Ctrl+S, and its run stays where it is', async () => {
  const position = editor.page.locator('.statusbar-item[id$="vas.position"]');
  const isAt = (step: number) =>
    eventually(`step ${step}`, async () => (await position.textContent())?.includes(`step ${step} of 21`) || undefined);
  await editor.openSample('fork');
  await isAt(0);
  for (const step of [1, 2, 3]) {
    await editor.clickEditorAction('Step');
    await isAt(step);
  }
  await editor.page.locator('.editor-group-container.active .view-lines').click();
  await editor.page.keyboard.press('Control+S');
  const dialog = editor.page.locator('.quick-input-widget:visible .quick-input-filter input');
  // The dialog writes its own proposal first.
  await eventually('the dialog', async () => (await dialog.inputValue()).includes(editor.workspace) || undefined);
  await dialog.fill(join(editor.workspace, 'saved-fork.vas'));
  await editor.page.keyboard.press('Enter');
  await editor.page.locator('.tab.active[data-resource-name="saved-fork.vas"]').waitFor();
  await isAt(3);
  await editor.openContainer('Address Space Explorer');
  expect(await (await editor.treeRow('bash (1000)')).isVisible()).toBe(true);
});
