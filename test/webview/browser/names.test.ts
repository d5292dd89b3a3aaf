// What a screen reader hears: names of everything that can be reached, and a focus that is not lost.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES } from '../../../webview/dev/fixtures.ts';
import type { StateMessage } from '../../../webview/protocol.ts';
import { type DevPage, launchDevPage } from './dev-page.ts';

let dev: DevPage;
let page: Page;

beforeAll(async () => {
  dev = await launchDevPage();
});
afterEach(() => page.close());
afterAll(() => dev.browser.close());

async function open(state: string): Promise<void> {
  page = await dev.open(`state=${state}&theme=dark`, { width: 1200, height: 900 });
}

const show = (name: string) =>
  page.evaluate((n) => (globalThis as unknown as { showFixture: (name: string) => void }).showFixture(n), name);

const focused = () =>
  page.evaluate(() => `${document.activeElement?.tagName.toLowerCase()}.${document.activeElement?.className}`);

describe('names', () => {
  it.each(Object.keys(FIXTURES))('each thing of "%s" that the keyboard reaches has one', async (state) => {
    await open(state);
    const lines = (await page.locator('body').ariaSnapshot()).split('\n').map((line) => line.trim());
    const nameless =
      /^- (button|combobox|textbox|radio|grid|gridcell|option|listbox|toolbar|heading|progressbar)( \[.*\])?:?$/;
    expect(lines.filter((line) => nameless.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(10);
    // Words that the eye sees apart and the ear does not: `0x1from`.
    expect(lines.filter((line) => /0x[0-9a-f]*[g-z]/i.test(line.replaceAll('0x…', '')))).toEqual([]);
  });

  it('say where the top table comes from, and what the maps hold', async () => {
    await open('swapped');
    const text = await page.locator('body').ariaSnapshot();
    expect(text).toContain('heading "PGD 0x1 from CR3"');
    expect(text).toContain('grid "Frames 0x0 to 0xf: arrows move');
    expect(text).toContain('grid "Swap slots 0 to 7: arrows move');
  });

  it('say of a changed number and of a changed VMA that they are', async () => {
    await open('stored');
    const marks = await page.locator('.change-mark').allTextContents();
    expect(marks.length).toBeGreaterThan(2);
    expect(marks.filter((mark) => !mark.includes('changed'))).toEqual([]);
  });
});

describe('a cell of a map', () => {
  it('says that the last step changed it, of frames and of swap slots', async () => {
    await open('swapped');
    const told = async (map: string): Promise<string[]> => {
      await page.locator(`${map} [role="grid"]`).first().focus();
      await page.keyboard.press('Home');
      const cells: string[] = [];
      for (let i = 0; i < 16; i++) {
        cells.push((await page.textContent(`${map} [role="gridcell"]`)) ?? '');
        await page.keyboard.press('ArrowRight');
      }
      return [...new Set(cells)].filter((cell) => cell.endsWith(', changed'));
    };
    const frames = await told('.frames');
    expect(frames.length).toBeGreaterThan(0);
    const slots = await told('.slots');
    expect(slots).toHaveLength(1);
    expect(slots[0]).toMatch(/^slot 3: /);
  });
});

describe('the focus', () => {
  it('of a sentence stays in the story when a step brings another', async () => {
    await open('stored');
    await page.locator('.sentence-button').last().focus();
    await show('forked');
    await page.waitForSelector('text=step 4 of 8');
    expect(await focused()).toBe('button.sentence-button');
  });

  it('of an entry stays in its table when the walk leaves the entry', async () => {
    await open('stored');
    await page.locator('[data-level="PTE"] [data-index="506"]').focus();
    const state = FIXTURES['stored'] as StateMessage;
    const levels = state.walk?.levels.map((level) => ({
      ...level,
      entries: level.entries.filter((entry) => entry.index !== 506),
    }));
    // Typed arrays do not survive playwright's way into the page, so the page makes its own.
    await page.evaluate(
      (message) => {
        const none = { kind: 'delta', free: 0, length: 16, changed: [], hand: null, exact: true };
        const arrays = { indices: new Uint32Array(), uses: new Uint8Array(), states: new Uint8Array() };
        const frames = { ...none, ...arrays, owners: new Uint16Array() };
        (globalThis as unknown as { tell: (m: unknown) => void }).tell({ ...message, frames });
      },
      { ...state, frames: null, swap: { ...state.swap, counts: [] }, walk: { ...state.walk, levels } },
    );
    await page.waitForSelector('[data-level="PTE"] [data-index="506"]', { state: 'detached' });
    const index = await page.evaluate(() => document.activeElement?.getAttribute('data-index'));
    expect(index).toBe('502');
  });

  it('of the Cancel button goes to the steps when the run is over', async () => {
    await open('swapped');
    await page.getByRole('button', { name: 'Cancel' }).focus();
    await show('stored');
    await page.waitForSelector('.busy', { state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-action'))).toBe('step');
  });

  it('of a closed frame goes to the map', async () => {
    await open('forked');
    await page.locator('[aria-label="Close the frame"]').focus();
    await page.evaluate(() =>
      (globalThis as unknown as { tell: (m: unknown) => void }).tell({ type: 'frame', frame: null }),
    );
    await page.waitForSelector('.chosen', { state: 'detached' });
    expect(await focused()).toBe('div.cell-map-grid');
  });
});
