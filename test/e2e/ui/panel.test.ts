// The head of the page tables as a person uses it: the address that is typed, and the process that is chosen among many.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';

const file = 'panel-test.vas';
const scenario = `p = spawn()
p: buf = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(buf, "hello")
repeat 700
  p: k = fork()
end
`;

let editor: Editor;
let view: Frame;

beforeAll(async () => {
  editor = await sharedEditor();
  await writeFile(join(editor.workspace, file), scenario);
  await editor.openContainer('Address Space Explorer');
  await editor.openFile(file);
  await editor.goTo(4);
  await editor.runCommand("Address Space: Run to Cursor's Line");
  await editor.runCommand('Address Space: Show Page Tables');
  view = await editor.webviewFrame('[data-anchor="frame"]');
});

const field = () => view.locator('input.address-field');

test('a name that is nowhere is said to be nowhere; the error goes when the field is emptied, and covers nothing', async () => {
  const before = await field().inputValue();
  await field().fill('zzz');
  await field().press('Enter');
  const error = view.locator('.field-error');
  expect(await error.textContent()).toBe("'zzz' is not bound: no line of the scenario binds it");
  await field().fill('k');
  await field().press('Enter');
  await eventually('the other error', async () =>
    (await error.textContent())?.includes('line 5, which binds it, has not run') ? true : undefined,
  );
  await view.locator('[data-action="back"]').hover();
  expect(await view.locator('.position').isVisible()).toBe(true);
  await field().fill('');
  expect(await error.count()).toBe(0);
  await field().press('Enter');
  expect(await field().inputValue()).toBe(before);
});

test('every process can be chosen, however many there are', async () => {
  await editor.page.locator(`.tab[data-resource-name="${file}"]`).click();
  await editor.runCommand('Address Space: Run to End');
  const chooser = view.locator('select.process');
  await eventually('the many', async () =>
    (await chooser.locator('option').first().textContent()) === 'All 701 processes…' ? true : undefined,
  );
  expect(await chooser.locator('option[value="1350"]').count()).toBe(0);
  await chooser.selectOption('all');
  const filter = editor.page.locator('.quick-input-widget:visible .quick-input-filter input');
  await filter.fill('1350');
  await editor.page.locator('.quick-input-list .monaco-list-row', { hasText: '1350 (1350)' }).first().waitFor();
  await filter.press('Enter');
  await eventually('the process', async () => ((await chooser.inputValue()) === '1350' ? true : undefined));
  expect(await view.locator('.page-state').textContent()).toMatch(
    /^Present: frame 0x[0-9a-f]+, anonymous, shared with/,
  );
  await chooserHasKeyboard();
});

const chooserHasKeyboard = () =>
  eventually('the keyboard in the chooser', async () =>
    (await view.evaluate(() => document.hasFocus() && document.activeElement?.matches('select.process') === true))
      ? true
      : undefined,
  );

test('the list of all processes gives the keyboard back to the chooser, also when nothing was chosen', async () => {
  const { keyboard } = editor.page;
  const chooser = view.locator('select.process');
  const list = editor.page.locator('.quick-input-widget:visible .quick-input-filter input');
  const before = await chooser.inputValue();
  await chooser.focus();
  for (const attempt of ['first', 'second']) {
    await keyboard.press('Home');
    await list.waitFor();
    await keyboard.press('Escape');
    await chooserHasKeyboard();
    expect(await chooser.inputValue(), attempt).toBe(before);
  }
  await keyboard.press('End');
  await eventually('another process', async () => ((await chooser.inputValue()) === before ? undefined : true));
});
