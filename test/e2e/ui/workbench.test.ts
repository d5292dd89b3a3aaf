// The harness itself: the workbench opens a scenario, takes commands and changes its colours.
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Editor, sharedEditor } from '../harness/editor.ts';

let editor: Editor;

beforeAll(async () => {
  editor = await sharedEditor();
});

test('a scenario opens in the language of scenarios', async () => {
  await writeFile(join(editor.workspace, 'workbench-test.vas'), '# a test\np = spawn()\n');
  await editor.openFile('workbench-test.vas');
  const language = editor.page.locator('.statusbar-item[id="status.editor.mode"]');
  expect(await language.textContent()).toBe('Address Space Scenario');
  expect(await editor.visibleText()).toContain('p = spawn()');
});

test('the themes change and pictures are written', async () => {
  for (const theme of ['light', 'high-contrast', 'dark'] as const) {
    const picture = await editor.screenshot('workbench', theme);
    expect((await stat(picture)).size).toBeGreaterThan(10_000);
  }
});
