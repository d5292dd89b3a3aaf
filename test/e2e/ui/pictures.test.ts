// Pictures of the whole, to be looked at: the editor with results, the tree and the page tables, in every theme.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { contrasts } from '../../support/contrast.ts';
import { type Editor, sharedEditor, themes } from '../harness/editor.ts';

let editor: Editor;

beforeAll(async () => {
  editor = await sharedEditor();
  await editor.openContainer('Address Space Explorer');
  await roomy();
  await editor.openFile('fork.vas');
  await editor.goTo((await lineOf('kid:  store(buf, "J")')) + 1);
  await editor.runCommand("Address Space: Run to Cursor's Line");
  await editor.runCommand('Address Space: Show Page Tables');
  const frame = await editor.webviewFrame('[data-level="PTE"] [data-anchor="entry"]');
  expect(await frame.locator('.page-state').textContent()).not.toBe('');
  await editor.page.locator('.tab[data-resource-name="fork.vas"]').click();
  await editor.expandTreeRow('bash (1000)', false);
  await editor.expandTreeRow('7ffff7ff5000-');
  await editor.page.mouse.move(900, 960);
});

/** The line (from 1) of fork.vas that begins like this. */
async function lineOf(start: string): Promise<number> {
  const lines = (await readFile(join(editor.workspace, 'fork.vas'), 'utf8')).split('\n');
  const index = lines.findIndex((line) => line.startsWith(start));
  if (index < 0) throw new Error(`lineOf: no line of fork.vas begins with ${start}`);
  return index + 1;
}

/** A wide window with a wide side bar, so that the areas are seen with their names. */
async function roomy(): Promise<void> {
  const { page } = editor;
  await page.setViewportSize({ width: 1760, height: 1000 });
  const box = await page.locator('.part.sidebar').boundingBox();
  if (box === null) throw new Error('roomy: no side bar');
  await page.mouse.move(box.x + box.width, 500);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 160, 500, { steps: 5 });
  await page.mouse.up();
}

for (const theme of Object.keys(themes) as (keyof typeof themes)[]) {
  test(`the page tables beside the scenario, ${theme}`, async () => {
    expect((await stat(await editor.screenshot('explorer', theme))).size).toBeGreaterThan(10_000);
  });

  test(`what changed can be read, ${theme}`, async () => {
    await editor.setTheme(theme);
    const frame = await editor.webviewFrame('.entry-flags-changed');
    const found = await contrasts(frame.locator('.change-mark, .entry-flags-changed'));
    expect(Math.min(...found)).toBeGreaterThan(4.5);
  });
}

for (const theme of ['high-contrast', 'light'] as const) {
  test(`a hover, ${theme}`, async () => {
    await editor.setTheme(theme);
    const text = await editor.hover(await lineOf('kid:  store(buf, "J")'), 'buf');
    expect(text).toContain('PTE');
    expect((await stat(await editor.screenshot(`hover-${theme}`))).size).toBeGreaterThan(10_000);
    await editor.page.keyboard.press('Escape');
  });
}
