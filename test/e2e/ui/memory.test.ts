// Memory that runs out, as a person sees it: the maps of frames and slots, the story of an eviction, the machine's files.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Editor, eventually, sharedEditor } from '../harness/editor.ts';

let editor: Editor;
let view: Frame;

/** Before the step that reads everything back: frames and slots are full. */
const READ_BACK = 'app: load(a, 160K)';

beforeAll(async () => {
  editor = await sharedEditor();
  await editor.openContainer('Address Space Explorer');
  await editor.page.setViewportSize({ width: 1760, height: 1300 });
  await editor.openFile('swap.vas');
  const lines = (await readFile(join(editor.workspace, 'swap.vas'), 'utf8')).split('\n');
  await editor.goTo(lines.findIndex((line) => line.startsWith(READ_BACK)) + 1);
  await editor.runCommand("Address Space: Run to Cursor's Line");
  await editor.runCommand('Address Space: Step');
  await editor.runCommand('Address Space: Show Page Tables');
  view = await editor.webviewFrame('.story-lines .sentence');
});

afterAll(() => editor.page.setViewportSize({ width: 1400, height: 900 }));

/** The text that the cell under the map's cursor has, at the map's beginning. */
async function firstCell(map: string): Promise<string> {
  const grid = view.locator(`${map} .cell-map-grid`);
  await grid.focus();
  await editor.page.keyboard.press('Home');
  return (await view.locator(`${map} [role="gridcell"]`).textContent()) ?? '';
}

test('each frame and each slot tells its list, its bits and its owner', async () => {
  expect(await firstCell('.frames')).toMatch(
    /^0x1 anonymous, (in)?active\(anon\), (accessed, )?(referenced, )?(dirty, )?of app/,
  );
  expect(await firstCell('.slots')).toMatch(/^slot 0: 1 user, of app$/);
});

test('a slot tells who waits for it, and leads there', async () => {
  await view.locator('.slots .cell-map-grid canvas').click({ position: { x: 4, y: 4 } });
  const chosen = view.locator('.chosen[aria-label="The chosen slot"]');
  expect(await chosen.textContent()).toMatch(/^Slot 0Anonymous memory of app\./);
  const va = (await chosen.locator('.mapper .address').textContent()) ?? '';
  await chosen.locator('.mapper').click();
  await eventually('the walk of its page', async () =>
    (await view.locator('.page-state').textContent()) === 'Swapped out to slot 0.' ? true : undefined,
  );
  expect(await view.locator('input.address-field').inputValue()).toBe(va);
  expect(await view.locator('.slots .ring-marked').count()).toBe(1);
  await chosen.getByRole('button', { name: 'Close the slot' }).click();
  await chosen.waitFor({ state: 'detached' });
  await view.locator('.toggle').click();
});

for (const [colouring, theme] of [
  ['list', 'dark'],
  ['owner', 'light'],
  ['list', 'high-contrast'],
] as const) {
  test(`frames are coloured by ${colouring}, ${theme}`, async () => {
    await view.locator('.choice label', { has: view.locator(`input[value="${colouring}"]`) }).click();
    const legend = view.locator(`.frames .legend[aria-label="Frames by ${colouring}"]`);
    expect(await legend.textContent()).toMatch(colouring === 'list' ? /active\(anon\)\d+/ : /app\d+/);
    expect((await stat(await editor.screenshot(`memory-${colouring}`, theme))).size).toBeGreaterThan(10_000);
  });
}

test('the story of an eviction tells who was spared and taken, and leads to the frame', async () => {
  const spared = view.locator('.sentence-button', { hasText: 'is spared' }).first();
  expect(await spared.textContent()).toMatch(/^frame 0x[0-9a-f]+ is spared: it was used since/);
  expect(await view.locator('.sentence-button', { hasText: 'swap-out of frame' }).count()).toBeGreaterThan(0);
  const pfn = /0x[0-9a-f]+/.exec((await spared.textContent()) ?? '')?.[0];
  await spared.hover();
  await spared.click();
  const chosen = view.locator('.chosen h3 .address');
  expect(await eventually('the frame', async () => (await chosen.textContent()) ?? undefined)).toBe(pfn);
  expect(await view.locator('.frames .ring-selected').count()).toBe(1);
});

test('the machine’s files open from the tree', async () => {
  const row = await editor.treeRow('Physical memory');
  await row.hover();
  await row.locator('a.action-label[aria-label^="Open /proc/meminfo"]').click();
  await editor.page.locator('.tab[data-resource-name="meminfo"]').waitFor();
  const lines = () => editor.page.locator('.editor-group-container .view-line').allTextContents();
  await eventually('its text', async () => ((await lines()).some((line) => /MemFree:/.test(line)) ? true : undefined));
  await row.click({ button: 'right' });
  const menu = editor.page.locator('.monaco-menu');
  const items = await eventually('the menu', async () => {
    const texts = (await menu.locator('.action-label').allTextContents()).filter((text) => text !== '');
    return texts.length > 0 ? texts : undefined;
  });
  expect(items).toEqual(['Open /proc/meminfo', 'Open /proc/vmstat', 'Open free(1)']);
  await editor.page.keyboard.press('Escape');
  expect((await stat(await editor.screenshot('memory-files', 'dark'))).size).toBeGreaterThan(10_000);
});
