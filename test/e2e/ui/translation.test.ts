// One translation, told in four places: the tree, the page tables, the hover and the command line. They must agree.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { WalkView } from '../../../simulator/view/types.ts';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';
import { choose, entryShown, expectHover, expectWalk, translate } from '../harness/translation.ts';

const file = 'translation-test.vas';
const scenario = `machine ram=256K swap=64K
program "/bin/bash" text=12K data=8K bss=8K
bash = spawn("/bin/bash")
bash: buf = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
bash: store(buf, "hello")
bash: kid = fork()
kid:  store(buf + 8, "J") = cow
bash: load(buf + 8)
`;

let editor: Editor;

beforeAll(async () => {
  editor = await sharedEditor();
  await writeFile(join(editor.workspace, file), scenario);
  await editor.openContainer('Address Space Explorer');
  await editor.openFile(file);
});

const translated = (line: number, process: string, address: string) =>
  translate(join(editor.workspace, file), line, process, address);

async function stepTo(line: number): Promise<void> {
  await editor.goTo(line);
  await editor.runCommand("Address Space: Run to Cursor's Line");
  await eventually('the run to get there', async () =>
    (await editor.page.locator('.statusbar-item[id$="vas.position"]').textContent())?.includes(`step ${line - 3} of 6`)
      ? true
      : undefined,
  );
}

async function focusEditor(): Promise<void> {
  await editor.page.locator(`.tab[data-resource-name="${file}"]`).click();
  await editor.page.locator('.editor-group-container.active .view-lines').waitFor();
}

test('the walk of an address is the same in the page tables, the hover and vas translate', async () => {
  await stepTo(8);
  await editor.runCommand('Address Space: Show Page Tables');
  const frame = await editor.webviewFrame('input.address-field');
  for (const process of ['kid', 'bash']) {
    const expected = await translated(7, process, 'buf + 8');
    expect(expected.levels.map(({ level }) => level)).toEqual(['PGD', 'PUD', 'PMD', 'PTE']);
    await choose(frame, process, 'buf + 8');
    await expectWalk(frame, expected);
    await focusEditor();
    const hover = await editor.hover(process === 'kid' ? 7 : 8, 'buf + 8');
    expectHover(hover, expected);
    await editor.page.keyboard.press('Escape');
  }
});

test('the tree shows the area of the address as vas translate does, and the mark of the last step', async () => {
  const expected = await translated(7, 'kid', 'buf + 8');
  const maps = expected.vma?.mapsLine.replace(/\s+/g, ' ').trim() ?? '';
  // The tree draws only the rows that are on the screen.
  await editor.expandTreeRow('bash (1000)', false);
  const row = await eventually('the area of the kid', async () => {
    const now = await editor.treeRows();
    return now
      .slice(now.findIndex(({ text }) => text.startsWith('kid (1001)')))
      .find(({ text }) => text.trim() === `anon rw-p ${maps}`);
  });
  expect(row.level).toBe(2);
  expect(row.label).toContain('changed by the last step');
});

test('a step back takes the entry back, a step forward brings it again', async () => {
  const frame = await editor.webviewFrame('input.address-field');
  const before = await translated(6, 'kid', 'buf');
  const after = await translated(7, 'kid', 'buf');
  const pte = (view: WalkView) => view.levels.at(-1)?.entry?.value ?? '';
  expect(pte(before)).not.toBe(pte(after));
  await choose(frame, 'kid', 'buf');
  await entryShown(frame, 'PTE', pte(after));
  await frame.locator('[data-action="back"]').click();
  await entryShown(frame, 'PTE', pte(before));
  await frame.locator('[data-action="step"]').click();
  await entryShown(frame, 'PTE', pte(after));
});

test('a click on an area of the tree shows it in the page tables', async () => {
  const frame = await editor.webviewFrame('input.address-field');
  const [stack] = (await editor.treeRows()).filter(({ text }) => text.includes('[stack]'));
  const start = `0x${/\b([0-9a-f]{8,})-/.exec(stack?.text ?? '')?.[1]}`;
  await (await editor.treeRow('[stack]')).click();
  await eventually('the address field', async () =>
    (await frame.locator('input.address-field').inputValue()) === start ? true : undefined,
  );
  expect(await frame.locator('.maps-line').textContent()).toContain('[stack]');
});

test('a reload of the window brings the page tables back', async () => {
  const before = await editor.webviewFrame('input.address-field');
  await before.evaluate(() => document.body.classList.add('of-before'));
  await editor.runCommand('Developer: Reload Webviews');
  const line = await eventually('the walk to come back', async () => {
    const frame = await editor.webviewFrame('body:not(.of-before) [data-anchor="entry"]');
    return (await frame.locator('.maps-line').textContent({ timeout: 1000 })) ?? undefined;
  });
  expect(line).toContain('[stack]');
});
