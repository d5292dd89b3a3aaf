// The view in a browser: what it shows, what it says to the host, and that keys do what the pointer does.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES } from '../../../webview/dev/fixtures.ts';
import type { HostMessage, ViewMessage } from '../../../webview/protocol.ts';
import { contrasts } from '../../support/contrast.ts';
import { type DevPage, launchDevPage } from './dev-page.ts';

let dev: DevPage;
let page: Page;

beforeAll(async () => {
  dev = await launchDevPage();
});
afterEach(() => page.close());
afterAll(() => dev.browser.close());

async function open(state: string, width = 1200): Promise<Page> {
  page = await dev.open(`state=${state}&theme=dark`, { width, height: 900 });
  return page;
}

/** What the view said, without `ready`. */
async function said(): Promise<ViewMessage[]> {
  const all = await page.evaluate(() => (globalThis as unknown as { said: ViewMessage[] }).said);
  return all.filter((message) => message.type !== 'ready');
}

async function tell(message: HostMessage): Promise<void> {
  await page.evaluate((m) => (globalThis as unknown as { tell: (m: HostMessage) => void }).tell(m), message);
}

const onPath = (level: string) => `[data-level="${level}"] [data-row="path"]`;

describe('the view', () => {
  it('shows the walk with the value of each entry and the frame at its end', async () => {
    await open('stored');
    expect(await page.textContent(`${onPath('PTE')} .entry-value`)).toBe('0x8000000000009067');
    expect(await page.textContent(`${onPath('PGD')} .entry-index`)).toBe('255');
    expect(await page.textContent('.physical .value')).toBe('0x9008');
    expect(await page.locator('.connector').count()).toBe(4);
    expect(await page.textContent('.position')).toBe('step 3 of 8');
    expect(await said()).toEqual([]);
  });

  it.each(['dark', 'light', 'hc-dark', 'hc-light'])(
    'writes what changed in a colour that can be read: %s',
    async (theme) => {
      page = await dev.open(`state=stored&theme=${theme}`, { width: 1200, height: 900 });
      for (const git of [true, false]) {
        if (!git) {
          const name = '--vscode-gitDecoration-modifiedResourceForeground';
          await page.evaluate((variable) => document.documentElement.style.removeProperty(variable), name);
        }
        const found = await contrasts(page.locator('.change-mark, .entry-flags-changed'));
        expect(found.length).toBeGreaterThan(1);
        expect(Math.min(...found)).toBeGreaterThan(4.5);
      }
    },
  );

  it.each(['dark', 'light', 'hc-dark', 'hc-light'])(
    'fills cells with opaque colours a canvas knows: %s',
    async (theme) => {
      page = await dev.open(`state=swapped&theme=${theme}`, { width: 1200, height: 900 });
      const alpha = await page.evaluate(() => {
        const pen = new OffscreenCanvas(1, 1).getContext('2d');
        const style = getComputedStyle(document.body);
        return ['--ase-swap', '--ase-changed', '--ase-anon', '--ase-file', '--ase-dirty', '--ase-shmem'].map((name) => {
          if (pen === null) return 0;
          pen.clearRect(0, 0, 1, 1);
          pen.fillStyle = 'transparent';
          pen.fillStyle = style.getPropertyValue(name).trim();
          pen.fillRect(0, 0, 1, 1);
          return pen.getImageData(0, 0, 1, 1).data[3];
        });
      });
      expect(alpha).toEqual(alpha.map(() => 255));
    },
  );

  it('keeps the value of an entry on one line in four columns, however narrow they are', async () => {
    await open('stored');
    for (const width of [620, 700, 939, 940, 1000]) {
      await page.setViewportSize({ width, height: 900 });
      const lines = await page.locator('[data-row="path"] .entry-value .word').evaluateAll((words) =>
        words.map((word) => {
          const range = word.ownerDocument.createRange();
          range.selectNodeContents(word);
          return new Set([...range.getClientRects()].map(({ top }) => top)).size;
        }),
      );
      expect(lines, `at ${width} pixels`).toEqual([1, 1, 1, 1]);
    }
  });

  it("keeps each of the machine's numbers at the right of its name and inside the card, however narrow it is", async () => {
    await open('stored');
    for (const width of [320, 400, 620, 800, 940, 1500, 1760]) {
      await page.setViewportSize({ width, height: 900 });
      const wrong = await page.locator('.numbers > div').evaluateAll((rows) =>
        rows.flatMap((row) => {
          const [name, value] = [...row.children].map((part) => part.getBoundingClientRect());
          const card = row.closest('.card')?.getBoundingClientRect();
          if (name === undefined || value === undefined || card === undefined) return ['not there'];
          const isRight =
            value.left >= name.right && value.right < card.right && Math.abs(value.bottom - name.bottom) < 4;
          return isRight ? [] : [row.textContent];
        }),
      );
      expect(wrong, `at ${width} pixels`).toEqual([]);
      expect(await page.locator('.numbers > div').count()).toBe(8);
    }
  });

  it('tells of a frame under the hand that it is, and what its other marks are', async () => {
    await open('swapped');
    await page.locator('.frames .cell-map-grid').focus();
    await page.keyboard.press('Home');
    for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowRight');
    const text = await page.textContent('.frames [role="gridcell"]');
    expect(text).toBe('0x7 file, clean, inactive(file), accessed, referenced, under the hand, of bash');
  });

  it('runs under its content security policy without a violation', async () => {
    await open('forked');
    const violations = await page.evaluate(async () => {
      const seen: string[] = [];
      document.addEventListener('securitypolicyviolation', (event) => seen.push(event.violatedDirective));
      (globalThis as unknown as { showFixture: (name: string) => void }).showFixture('large');
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return seen;
    });
    expect(violations).toEqual([]);
  });

  it('steps by button, both ways, and keeps the focus at the end', async () => {
    await open('stored');
    await page.click('[data-action="step"]');
    await page.waitForSelector('text=step 4 of 8');
    expect(await page.textContent(`${onPath('PTE')} .entry-flags-changed`)).toBe('−W');
    await page.click('[data-action="back"]');
    await page.waitForSelector('text=step 3 of 8');
    expect(await said()).toEqual([{ type: 'step' }, { type: 'back' }]);
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-action'))).toBe('back');
  });

  it('asks for nothing while a button says that it is disabled', async () => {
    await open('beginning');
    await page.dispatchEvent('[data-action="back"]', 'click');
    expect(await said()).toEqual([]);
  });

  it('sends the expression typed, and shows why it is refused', async () => {
    await open('stored');
    await page.fill('.address-field', 'nobody + 1');
    await page.press('.address-field', 'Enter');
    expect(await said()).toEqual([{ type: 'selectAddress', text: 'nobody + 1' }]);
    await tell({ type: 'notice', severity: 'error', about: 'address', message: 'unknown name nobody' });
    await page.waitForSelector('.field-error >> text=unknown name nobody');
    expect(await page.getAttribute('.address-field', 'aria-invalid')).toBe('true');
  });

  it.each(['', 'buf', 'nobody + 2'])('forgets why a text was refused when it becomes "%s"', async (text) => {
    await open('stored');
    await page.fill('.address-field', 'nobody + 1');
    await page.press('.address-field', 'Enter');
    await tell({ type: 'notice', severity: 'error', about: 'address', message: 'unknown name nobody' });
    await page.waitForSelector('.field-error');
    await page.fill('.address-field', text);
    await page.waitForSelector('.field-error', { state: 'detached' });
    expect(await page.getAttribute('.address-field', 'aria-invalid')).toBe('false');
    expect(await page.inputValue('.address-field')).toBe(text);
  });

  it.each(['Enter', 'Escape', 'Tab'])('goes back to what is shown when the field is left empty by %s', async (key) => {
    await open('stored');
    await page.fill('.address-field', '');
    await page.press('.address-field', key);
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>('.address-field')?.value !== '');
    expect(await page.inputValue('.address-field')).toBe('buf + 0x1008');
    expect(await said()).toEqual([]);
  });

  it('offers the list of all processes where there are too many for a menu, and keeps to the one shown', async () => {
    await open('crowd');
    const chooser = page.locator('select.process');
    expect(await chooser.locator('option').allTextContents()).toEqual([
      'All 3,001 processes…',
      'bash (1000)',
      'kid (1001)',
    ]);
    await chooser.selectOption({ label: 'All 3,001 processes…' });
    expect(await said()).toEqual([{ type: 'listProcesses' }]);
    expect(await chooser.inputValue()).toBe('1000');
  });

  it('drops a refused text with its error when a step is made', async () => {
    await open('stored');
    await page.fill('.address-field', 'nobody');
    await page.press('.address-field', 'Enter');
    await tell({ type: 'notice', severity: 'error', about: 'address', message: 'unknown name nobody' });
    await page.waitForSelector('.field-error');
    await page.click('[data-action="step"]');
    await page.waitForSelector('text=step 4 of 8');
    expect(await page.locator('.field-error').count()).toBe(0);
    expect(await page.inputValue('.address-field')).toBe('buf + 0x1008');
  });

  it('travels through the tables by arrows and goes to an entry with Enter', async () => {
    await open('stored');
    await page.focus(onPath('PTE'));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.focus(onPath('PTE'));
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await said()).toEqual([
      { type: 'goTo', pid: 1000, address: '0x7ffff7ff7000' },
      { type: 'goTo', pid: 1000, address: '0x7fffffe00000' },
    ]);
  });

  it('keeps the keyboard where it is when an entry is gone to', async () => {
    await open('stored');
    await page.focus(onPath('PTE'));
    await page.keyboard.press('ArrowDown');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-index'));
    expect(await focused()).toBe('503');
    await page.evaluate(() => (globalThis as unknown as { showFixture: (n: string) => void }).showFixture('neighbour'));
    await page.waitForSelector('[data-level="PTE"] [data-row="path"][data-index="503"]');
    expect(await focused()).toBe('503');
  });

  it('has one tab stop in the walk', async () => {
    await open('stored');
    expect(await page.locator('.walk [data-row][tabindex="0"]').count()).toBe(1);
  });

  it('explains the flags of the entry under the keyboard, until Escape', async () => {
    await open('stored');
    await page.focus('.address-field');
    await page.focus(onPath('PTE'));
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('.explain >> text=Execute disable');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.explain', { state: 'detached' });
    expect(await page.locator('.explain').count()).toBe(0);
  });

  it('chooses a frame by pointer and by keyboard', async () => {
    await open('stored');
    const grid = page.locator('.memory .cell-map-grid').first();
    await grid.locator('canvas').click({ position: { x: 4, y: 4 } });
    await grid.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    expect(await said()).toEqual([
      { type: 'selectFrame', pfn: '0x0' },
      { type: 'selectFrame', pfn: '0xf' },
    ]);
    expect(await page.textContent('[role="gridcell"]')).toBe('0xf free');
  });

  it('colours frames by use, list or owner, by pointer and by keyboard', async () => {
    await open('swapped');
    const legend = () => page.locator('.frames .legend').first().locator('li').allTextContents();
    const picture = () =>
      page.evaluate(() => document.querySelector<HTMLCanvasElement>('.frames .cell-map-grid canvas')?.toDataURL());
    const byUse = await picture();
    expect(await legend()).toContain('anonymous5');
    await page.click('.choice >> text=list');
    expect(await legend()).toContain('inactive(file)4');
    const byList = await picture();
    expect(byList).not.toBe(byUse);
    await page.keyboard.press('ArrowRight');
    expect(await legend()).toEqual(expect.arrayContaining(['bash7', 'kid2', 'several processes1']));
    expect(await page.locator('.choice input:checked').getAttribute('value')).toBe('owner');
    expect(await picture()).not.toBe(byList);
    expect(
      await page
        .getByRole('radiogroup')
        .or(page.getByRole('group', { name: 'Colour by' }))
        .count(),
    ).toBe(1);
  });

  it('remembers over a reload what the colours tell', async () => {
    await open('swapped');
    await page.click('.choice >> text=owner');
    await page.reload();
    await page.waitForSelector('.choice');
    expect(await page.locator('.choice input:checked').getAttribute('value')).toBe('owner');
  });

  it('tells of a frame its list, its bits and its owner, and counts the marks', async () => {
    await open('swapped');
    await page.locator('.frames .cell-map-grid').focus();
    await page.keyboard.press('End');
    expect(await page.textContent('.frames [role="gridcell"]')).toBe('0xf anonymous, active(anon), dirty, of kid');
    expect(await page.textContent('.frames .cell-map-caption')).toBe('0xf anonymous, active(anon), dirty, of kid');
    const marks = await page.locator('.frames .legend[aria-label="Marks on frames"] li').allTextContents();
    expect(marks).toEqual(
      ['accessed', 'referenced', 'dirty', 'hand'].map((mark) => expect.stringMatching(RegExp(`^${mark}\\d+$`))),
    );
    expect(await page.locator('.frames table caption + thead th').last().textContent()).toContain('owner');
  });

  it('tells who waits for a swap slot, and that its page is in RAM as well', async () => {
    await open('swapped');
    const grid = page.locator('.slots .cell-map-grid');
    await grid.focus();
    await page.keyboard.press('Home');
    const told = () => page.textContent('.slots .cell-map-caption');
    expect(await told()).toBe('slot 0: 1 user, of bash, in the swap cache');
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
    expect(await told()).toBe('slot 4: 2 users, of bash and kid');
    expect(await page.locator('.slots .legend').last().textContent()).toBe('in the swap cache2');
  });

  it('chooses a swap slot by pointer and by keyboard, and leads to who waits for it', async () => {
    await open('swapped');
    const grid = page.locator('.slots .cell-map-grid');
    await grid.locator('canvas').click({ position: { x: 4, y: 4 } });
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const chosen = page.getByRole('region', { name: 'The chosen slot' });
    expect(await chosen.textContent()).toContain('Anonymous memory of bash and kid.');
    expect(await page.locator('.slots .ring-selected').count()).toBe(1);
    await chosen.locator('.mappers .mapper >> text=kid').click();
    await chosen.locator('.mapper >> text=swap cache').click();
    await chosen.getByRole('button', { name: 'Close the slot' }).click();
    expect(await said()).toEqual([
      { type: 'selectSlot', slot: 0 },
      { type: 'selectSlot', slot: 7 },
      { type: 'goTo', pid: 1001, address: '0x7ffff7ff6000' },
      { type: 'selectFrame', pfn: '0x9' },
      { type: 'selectSlot', slot: null },
    ]);
    await tell({ type: 'slot', slot: null });
    await chosen.waitFor({ state: 'detached' });
    expect(await page.locator('.slots .ring-selected').count()).toBe(0);
  });

  it('says where page tables are, for they are not among the frames', async () => {
    await open('swapped');
    expect(await page.textContent('.map-scope')).toContain('Page tables are not among these frames');
  });

  it('draws few frames so large that their marks can be told apart, and keys move by its rows', async () => {
    await open('swapped');
    const grid = page.locator('.frames .cell-map-grid');
    const box = await grid.locator('canvas').boundingBox();
    const columns = Number(await grid.getAttribute('aria-colcount'));
    expect((box?.width ?? 0) / columns).toBeGreaterThan(22);
    await grid.focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.textContent('.frames [role="gridcell"]')).toMatch(RegExp(`^0x${columns.toString(16)} `));
  });

  it('says when there are too many page tables to know owners by name', async () => {
    await open('swapped');
    expect(await page.locator('.map-note').count()).toBe(0);
    await page.close();
    await open('large');
    expect(await page.textContent('.map-note')).toContain('Too many page tables');
  });

  it('shows who else maps a frame, and goes there', async () => {
    await open('forked');
    await page.click('.frame-card .mapper >> text=kid');
    await page.click('.chosen [aria-label="Close the frame"]');
    expect(await said()).toEqual([
      { type: 'goTo', pid: 1001, address: '0x7ffff7ff6000' },
      { type: 'selectFrame', pfn: null },
    ]);
  });

  it('says what absent entries are', async () => {
    await open('swapped');
    expect(await page.textContent(`${onPath('PTE')} .entry-target`)).toBe('swap slot 3');
    expect(await page.textContent('.would')).toContain('would read it back from swap slot 3');
    await page.close();
    await open('unmapped');
    expect(await page.textContent('[data-level="PUD"]')).toContain('No table: PGD 36 points to none.');
  });

  it('moves nothing when nothing changed', async () => {
    await open('stored');
    const before = await page.screenshot();
    await page.evaluate(() => (globalThis as unknown as { showFixture: (n: string) => void }).showFixture('stored'));
    const running = await page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return document.getAnimations().length;
    });
    expect(running).toBe(0);
    expect((await page.screenshot()).equals(before)).toBe(true);
  });

  it('lights up what changed, unless motion is unwanted', async () => {
    const lit = () =>
      page.evaluate(async () => {
        const { showFixture } = globalThis as unknown as { showFixture: (name: string) => void };
        showFixture('stored');
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return document.getAnimations().length;
      });
    await open('untouched');
    expect(await lit()).toBeGreaterThan(0);
    await page.close();
    await open('untouched');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await lit()).toBe(0);
  });

  it('draws a quarter of a million frames in a window under an overview', async () => {
    await open('large');
    expect(await page.locator('.overview canvas').count()).toBe(2);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    expect(height).toBeLessThan(2000);
  });

  it('needs no sideways scrolling in a narrow panel', async () => {
    await open('forked', 400);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over).toBe(0);
  });

  it('tells the host of every control of its header', async () => {
    await open('forked');
    await page.selectOption('.process', '1001');
    await page.click('.toggle');
    await page.click('.step-line:not(.next)');
    await page.click('.step-line.next');
    await page.focus('[data-action="step"]');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    expect(await said()).toEqual([
      { type: 'selectProcess', pid: 1001 },
      { type: 'follow', on: false },
      { type: 'revealLine', line: 9 },
      { type: 'revealLine', line: 11 },
      { type: 'end' },
    ]);
  });

  it('can only cancel while the host is busy', async () => {
    await open('swapped');
    await page.dispatchEvent('[data-action="step"]', 'click');
    await page.click('text=Cancel');
    expect(await said()).toEqual([{ type: 'cancel' }]);
  });

  it('comes back after a reload with what it showed', async () => {
    await open('forked');
    await page.reload();
    await page.waitForSelector('.app');
    const ready = await page.evaluate(() => (globalThis as unknown as { said: ViewMessage[] }).said[0]);
    const saved = {
      scenario: 'file:///cow-fork.vas',
      pid: 1000,
      text: 'buf + 0x1008',
      follow: true,
      pfn: '0x9',
      colouring: 'use',
    };
    expect(ready).toEqual({ type: 'ready', saved });
  });

  it('says above an assert what the step before it came to, and leads there', async () => {
    await open('asserted');
    expect(await page.textContent('.step-line.before .step-text')).toContain('bash: store(');
    expect(await page.textContent('.step-line.before .step-outcome')).toMatch(/^line 8: minor fault/);
    await page.click('.step-line.before');
    expect(await said()).toEqual([{ type: 'revealLine', line: 8 }]);
    await page.close();
    await open('stored');
    expect(await page.locator('.step-line.before').count()).toBe(0);
  });

  it('says why it is empty, and then asks for everything when it gets a difference only', async () => {
    await open('stored');
    await tell({ type: 'empty', message: 'The scenario was closed.' });
    await page.waitForSelector('text=The scenario was closed.');
    expect(await page.textContent('#root')).toBe('The scenario was closed.');
    const delta = {
      kind: 'delta',
      free: 0,
      changed: [],
      indices: new Uint32Array(),
      values: new Uint8Array(),
    } as const;
    const state = FIXTURES['stored'];
    if (state === undefined) throw new Error('view.test: no fixture');
    // Typed arrays do not survive playwright's way into the page, so the page makes its own.
    await page.evaluate(
      (message) => {
        const frames = { ...message.frames, indices: new Uint32Array(), values: new Uint8Array() };
        (globalThis as unknown as { tell: (m: unknown) => void }).tell({ ...message, frames });
      },
      { ...state, frames: { ...delta, indices: [], values: [] }, swap: { ...state.swap, counts: [] } },
    );
    await page.waitForFunction(() =>
      (globalThis as unknown as { said: { type: string }[] }).said.some((message) => message.type === 'resync'),
    );
    expect(await said()).toEqual([{ type: 'resync' }]);
  });
});
