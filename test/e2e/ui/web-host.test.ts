// The pure web extension host, as vscode.dev has it: a sample steps there, and every place tells the same translation.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../../scripts/paths.ts';
import type { WalkView } from '../../../simulator/view/types.ts';
import { type Editor, eventually, launchWebEditor, type OwnEditor } from '../harness/editor.ts';
import { choose, entryShown, expectHover, expectWalk, translate } from '../harness/translation.ts';

const sample = join(root, 'samples/fork.vas');
/** The line where the kid writes, and its number among the steps. */
const write = { line: 23, step: 10 };

let own: OwnEditor | undefined;
let editor: Editor;
const troubles: string[] = [];

beforeAll(async () => {
  own = await launchWebEditor();
  editor = own.editor;
  editor.page.on('pageerror', (error) => troubles.push(String(error)));
  await editor.openSample('fork');
  await editor.openContainer('Address Space Explorer');
});

afterAll(async () => {
  await own?.close();
});

async function position(step: number): Promise<void> {
  const item = editor.page.locator('.statusbar-item[id$="vas.position"]');
  await eventually(`step ${step}`, async () => (await item.textContent())?.includes(`step ${step} of `) || undefined);
}

const pte = (view: WalkView) => view.levels.at(-1)?.entry?.value ?? '';

test('page tables, tree and hover agree with vas translate', async () => {
  await editor.goTo(write.line + 1);
  await editor.runCommand("Address Space: Run to Cursor's Line");
  await position(write.step);
  const expected = await translate(sample, write.line, 'kid', 'buf');
  expect(expected.levels.map(({ level }) => level)).toEqual(['PGD', 'PUD', 'PMD', 'PTE']);
  expectHover(await editor.hover(write.line, 'buf'), expected);
  await editor.page.keyboard.press('Escape');
  await editor.expandTreeRow('bash (1000)', false);
  const maps = expected.vma?.mapsLine.replace(/\s+/g, ' ').trim() ?? '';
  const row = await eventually('the area of the kid', async () => {
    const rows = await editor.treeRows();
    return rows.find(({ text, level }) => level === 2 && text === `anon rw-p ${maps}`);
  });
  expect(row.label).toContain('changed by the last step');
  await editor.runCommand('Address Space: Show Page Tables');
  const frame = await editor.webviewFrame('input.address-field');
  await choose(frame, 'kid', 'buf');
  await expectWalk(frame, expected);
  await editor.screenshot('web-host');
});

test('the page tables step back and forward', async () => {
  const frame = await editor.webviewFrame('input.address-field');
  const before = await translate(sample, write.line - 1, 'kid', 'buf');
  const after = await translate(sample, write.line, 'kid', 'buf');
  expect(pte(before)).not.toBe(pte(after));
  await frame.locator('[data-action="back"]').click();
  await entryShown(frame, 'PTE', pte(before));
  await position(write.step - 1);
  await frame.locator('[data-action="step"]').click();
  await entryShown(frame, 'PTE', pte(after));
});

test('nothing went wrong in the page meanwhile', () => {
  expect(troubles).toEqual([]);
});
