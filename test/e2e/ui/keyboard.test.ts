// Everything by keyboard: steps in the editor, in the page tables and in the tree, and buttons that look as they are.
import { beforeAll, expect, test } from 'vitest';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';

let editor: Editor;

beforeAll(async () => {
  editor = await sharedEditor();
  await editor.openContainer('Address Space Explorer');
  await editor.openFile('fork.vas');
  await position(0);
});

async function position(step: number): Promise<void> {
  const item = editor.page.locator('.statusbar-item[id$="vas.position"]');
  await eventually(`step ${step}`, async () =>
    new RegExp(`step ${step} of`).test((await item.textContent()) ?? '') ? true : undefined,
  );
}

async function press(key: string): Promise<void> {
  await editor.page.keyboard.press(key);
}

/** Whether a button of the editor's title bar can be pressed. */
async function enabled(title: string): Promise<boolean> {
  const actions = editor.page.locator('.editor-group-container.active .title .editor-actions');
  const button = actions.locator(`a.action-label:is([aria-label="${title}"], [aria-label^="${title} ("])`);
  return !((await button.getAttribute('class')) ?? '').split(/\s+/).includes('disabled');
}

test('in the editor: F10 and Alt+. step, Alt+, steps back, Alt+End and Alt+Home go to the ends', async () => {
  expect(await enabled('Step Back')).toBe(false);
  expect(await enabled('Step')).toBe(true);
  await press('F10');
  await position(1);
  await press('Alt+.');
  await position(2);
  await press('Alt+,');
  await position(1);
  expect(await enabled('Step Back')).toBe(true);
  await press('Alt+End');
  await eventually('the end', async () => ((await enabled('Step')) ? undefined : true));
  await press('Alt+Home');
  await position(0);
  await editor.goTo(12);
  await press('Control+F10');
  await position(2);
});

test('results stand on their lines, and the title buttons work', async () => {
  await editor.clickEditorAction('Step');
  await position(3);
  await eventually('the result of line 12', async () =>
    (await editor.visibleText()).some((line) => /store\(buf, "hello"\).*minor fault \(demand-zero\)/.test(line))
      ? true
      : undefined,
  );
  await editor.clickEditorAction('Step Back');
  await position(2);
  const lines = await editor.visibleText();
  expect(lines.some((line) => line.includes('demand-zero)'))).toBe(false);
  expect(lines.some((line) => line.includes('= 0x7ffff7ff5000 ✓'))).toBe(true);
});

test('in the tree, where the rows are reached by arrows', async () => {
  await (await editor.treeRow('bash (1000)', 'Processes')).click();
  await press('F10');
  await position(3);
  await press('ArrowDown');
  await press('ArrowDown');
  await press('ArrowRight');
  const rows = await editor.treeRows('Processes');
  expect(rows.find(({ expanded, level }) => level === 2 && expanded === true)?.text).toMatch(/^00400000-/);
  await press('F10');
  await position(4);
  const after = await editor.treeRows('Processes');
  expect(after.find(({ expanded, level }) => level === 2 && expanded === true)?.text, 'it stays open').toMatch(
    /^00400000-/,
  );
});

test('in the page tables', async () => {
  await editor.runCommand('Address Space: Show Page Tables');
  const frame = await editor.webviewFrame('input.address-field');
  await frame.locator('input.address-field').focus();
  await press('F10');
  await position(5);
  await press('Alt+,');
  await position(4);
});

test('a mistake in the address field is told there', async () => {
  const frame = await editor.webviewFrame('input.address-field');
  await frame.locator('input.address-field').fill('nowhere + 1');
  await frame.locator('input.address-field').press('Enter');
  const error = frame.locator('#address-error');
  await error.waitFor();
  expect(await error.textContent()).toContain('nowhere');
});
