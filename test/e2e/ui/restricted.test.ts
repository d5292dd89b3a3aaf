// Restricted mode: a folder that nobody trusted yet. Simulations touch nothing, so everything works there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Editor, eventually, launchEditor, type OwnEditor } from '../harness/editor.ts';

let own: OwnEditor | undefined;
let editor: Editor;

beforeAll(async () => {
  own = await launchEditor('restricted', {
    'security.workspace.trust.enabled': true,
    'security.workspace.trust.startupPrompt': 'never',
  });
  editor = own.editor;
});

afterAll(async () => {
  await own?.close();
});

test('a scenario steps, and the tree and the page tables show it', async () => {
  const trust = editor.page.locator('.statusbar-item[id="status.workspaceTrust"]');
  expect(await trust.textContent()).toContain('Restricted Mode');
  await editor.openFile('fork.vas');
  await editor.clickEditorAction('Step');
  const position = editor.page.locator('.statusbar-item[id$="vas.position"]');
  await eventually('step 1', async () => (await position.textContent())?.includes('step 1 of 21') || undefined);
  await editor.openContainer('Address Space Explorer');
  expect(await (await editor.treeRow('[stack]')).textContent()).toContain('7ffffffde000-7ffffffff000');
  await editor.runCommand('Address Space: Show Page Tables');
  const frame = await editor.webviewFrame('[data-anchor="entry"]');
  expect(await frame.locator('select.process').textContent()).toContain('bash (1000)');
});
