// Everything by keyboard: steps in the editor, in the page tables and in the tree, and buttons that look as they are.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';

let editor: Editor;

beforeAll(async () => {
  editor = await sharedEditor();
  await editor.openContainer('Address Space Explorer');
  await editor.openFile('fork.vas');
  await position(0);
});

/** The line (from 1) of fork.vas that begins like this. */
async function lineOf(start: string): Promise<number> {
  const lines = (await readFile(join(editor.workspace, 'fork.vas'), 'utf8')).split('\n');
  const index = lines.findIndex((line) => line.startsWith(start));
  if (index < 0) throw new Error(`lineOf: no line of fork.vas begins with ${start}`);
  return index + 1;
}

async function isAt(step: number): Promise<boolean> {
  const item = editor.page.locator('.statusbar-item[id$="vas.position"]');
  return new RegExp(`step ${step} of`).test((await item.textContent()) ?? '');
}

async function position(step: number): Promise<void> {
  await eventually(`step ${step}`, async () => (await isAt(step)) || undefined);
}

async function press(key: string): Promise<void> {
  await editor.page.keyboard.press(key);
}

/** Presses a key, and once more when nothing came of it in a while: a window that is drawing itself anew may lose one. */
async function pressUntil(key: string, reached: () => Promise<boolean>): Promise<void> {
  for (const patience of [5000, 12000]) {
    await press(key);
    const end = Date.now() + patience;
    while (Date.now() < end) {
      if (await reached()) return;
      await editor.page.waitForTimeout(50);
    }
  }
  throw new Error(`pressUntil: nothing came of ${key}`);
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
  await pressUntil('F10', () => isAt(1));
  await pressUntil('Alt+.', () => isAt(2));
  await pressUntil('Alt+,', () => isAt(1));
  expect(await enabled('Step Back')).toBe(true);
  await pressUntil('Alt+End', async () => !(await enabled('Step')));
  await pressUntil('Alt+Home', () => isAt(0));
  await editor.goTo(await lineOf('bash: store(buf, "hello")'));
  await pressUntil('Control+F10', () => isAt(2));
});

/** What stands on a line (from 1) of the editor, the results that decorate it included. */
async function lineText(line: number): Promise<string> {
  const lines = editor.page.locator('.editor-group-container .view-lines .view-line');
  const texts = await lines.evaluateAll((elements) =>
    elements
      .map((element) => {
        const parts = [...element.querySelectorAll('span > span')].map((span) => {
          const after = getComputedStyle(span, '::after').content;
          return (span.textContent ?? '') + (/^".*"$/.test(after) ? after.slice(1, -1) : '');
        });
        return { top: (element as HTMLElement).offsetTop, text: parts.join('').replace(/\u00a0/g, ' ') };
      })
      .sort((a, b) => a.top - b.top)
      .map(({ text }) => text),
  );
  return texts[line - 1] ?? '';
}

test('a hover at the end of a statement tells its result in full, also where the window cuts it off', async () => {
  await editor.clickEditorAction('Step');
  await position(3);
  const store = await lineOf('bash: store(buf, "hello")');
  expect(await editor.hover(store, 'r ')).toContain('✓ minor fault (demand-zero)');
  await editor.page.keyboard.press('Escape');
  await editor.clickEditorAction('Step Back');
  await position(2);
});

test('results stand on their lines, and the title buttons work', async () => {
  await editor.clickEditorAction('Step');
  await position(3);
  const store = await lineOf('bash: store(buf, "hello")');
  await eventually('the result of the store', async () =>
    /store\(buf, "hello"\).*✓ minor fault \(demand-zero\)/.test(await lineText(store)) ? true : undefined,
  );
  await editor.clickEditorAction('Step Back');
  await position(2);
  await eventually('the result to go', async () =>
    (await lineText(store)).includes('demand-zero)') ? undefined : true,
  );
  expect(await lineText(await lineOf('bash: buf = mmap'))).toContain('✓ = 0x7ffff7ff5000');
});

test('a line that is deleted takes its result along, also from a text that cannot run without it', async () => {
  const [spawn, mmap] = [await lineOf('bash = spawn('), await lineOf('bash: buf = mmap')];
  expect(await lineText(mmap)).toContain('✓ = 0x7ffff7ff5000');
  await editor.goTo(mmap);
  await editor.page.keyboard.press('Control+Shift+K');
  await editor.page.locator('.squiggly-error').first().waitFor();
  await eventually('the deleted result to go', async () => ((await lineText(mmap)).includes('✓') ? undefined : true));
  expect(await lineText(mmap)).toContain('bash: store(buf, "hello")');
  expect(await lineText(spawn)).toContain('= 1000 (bash)');
  await editor.page.keyboard.press('Control+Z');
  await eventually('the result of the mapping', async () =>
    (await lineText(mmap)).includes('✓ = 0x7ffff7ff5000') ? true : undefined,
  );
  await position(2);
  expect(await lineText(mmap + 1)).not.toContain('✓');
});

test('in the tree, where the rows are reached by arrows', async () => {
  const shown = async () => (await editor.treeRows()).map(({ text }) => text).join('\n');
  await (await editor.treeRow('mm_struct')).click();
  await editor.treeRow('map_count');
  const before = await shown();
  await pressUntil('F10', () => isAt(3));
  await eventually('the tree to follow', async () => (await shown()) !== before || undefined);
  const focused = async () => (await editor.treeRows()).find((row) => row.focused);
  await eventually('the focus on mm_struct', async () => (await focused())?.text.startsWith('mm_struct') || undefined);
  await pressUntil('ArrowLeft', async () => (await focused())?.expanded === false);
  await pressUntil('ArrowDown', async () => (await focused())?.text.startsWith('bash r--p 00400000-') === true);
  await pressUntil('ArrowRight', async () => (await focused())?.expanded === true);
  const opened = async () => (await editor.treeRows()).find(({ expanded, level }) => level === 2 && expanded)?.text;
  await eventually(
    'the first area to open',
    async () => (await opened())?.startsWith('bash r--p 00400000-') || undefined,
  );
  await pressUntil('F10', () => isAt(4));
  expect(await opened(), 'it stays open').toMatch(/^bash r--p 00400000-/);
});

test('in a tree that has no process yet, and gets its first one', async () => {
  await (await editor.treeRow('mm_struct')).click();
  await pressUntil('Alt+Home', () => isAt(0));
  const begin = await editor.treeRow('No process yet');
  expect(await begin.textContent()).toContain('step to begin');
  await pressUntil('F10', () => isAt(1));
  await editor.treeRow('bash (1000)');
  await pressUntil('F10', () => isAt(2));
  await pressUntil('Alt+Home', () => isAt(0));
  await (await editor.treeRow('No process yet')).click();
  await position(1);
  await pressUntil('F10', () => isAt(2));
  for (const step of [3, 4]) await pressUntil('F10', () => isAt(step));
});

test('in a document of /proc, which follows', async () => {
  await editor.runCommand('Address Space: Open /proc/meminfo');
  await editor.page.locator('.tab[data-resource-name="meminfo"]').click();
  await pressUntil('Alt+,', () => isAt(3));
  await pressUntil('F10', () => isAt(4));
  expect(await editor.page.locator('.tab.active[data-resource-name="meminfo"]').count()).toBeGreaterThan(0);
  await editor.runCommand('View: Close Editor');
});

test('in the page tables', async () => {
  await editor.runCommand('Address Space: Show Page Tables');
  const frame = await editor.webviewFrame('input.address-field');
  await frame.locator('input.address-field').focus();
  await pressUntil('F10', () => isAt(5));
  await pressUntil('Alt+,', () => isAt(4));
  expect(await frame.locator('.position').textContent()).toContain('step 4');
});

test('a second Show Page Tables goes into them, and Tab on through them', async () => {
  const frame = await editor.webviewFrame('input.address-field');
  await editor.page.locator('.tab[data-resource-name="fork.vas"]').click();
  await editor.runCommand('Address Space: Show Page Tables');
  await eventually('the focus in the page tables', async () =>
    (await frame.evaluate(() => document.hasFocus())) ? true : undefined,
  );
  const focused = () => frame.evaluate(() => document.activeElement?.closest('#root *')?.className ?? '');
  await pressUntil('Tab', async () => (await focused()) !== '');
  const first = await focused();
  expect(await isAt(4), 'the keys of the editor are not at work').toBe(true);
  await pressUntil('Tab', async () => !['', first].includes(await focused()));
  await pressUntil('Shift+Tab', async () => (await focused()) === first);
});

test('a mistake in the address field is told there', async () => {
  const frame = await editor.webviewFrame('input.address-field');
  await frame.locator('input.address-field').fill('nowhere + 1');
  await frame.locator('input.address-field').press('Enter');
  const error = frame.locator('#address-error');
  await error.waitFor();
  expect(await error.textContent()).toContain('nowhere');
});
