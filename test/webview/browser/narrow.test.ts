// The view in narrow columns: everything can be reached, nothing is cut off or covered.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES } from '../../../webview/dev/fixtures.ts';
import { type DevPage, launchDevPage } from './dev-page.ts';

let dev: DevPage;

beforeAll(async () => {
  dev = await launchDevPage();
});
afterAll(() => dev.browser.close());

/** What lies beyond the right edge of the page or of what clips it; a box that scrolls sideways shows all it has. */
async function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const edge = document.documentElement.clientWidth;
    const found: string[] = [];
    if (document.documentElement.scrollWidth > edge)
      found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const element of document.querySelectorAll<HTMLElement>('.app *')) {
      if (element.closest('.visually-hidden') !== null) continue;
      const { right, width } = element.getBoundingClientRect();
      if (width === 0) continue;
      const name = `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''} "${(element.textContent ?? '').slice(0, 40)}"`;
      const scroller = element.parentElement?.closest('.bytes pre, .story-lines') ?? null;
      if (scroller === null && right > edge + 0.5) found.push(`${name} ends at ${right}`);
      const { overflowX } = getComputedStyle(element);
      const clips = overflowX === 'hidden' || overflowX === 'clip';
      if (clips && element.scrollWidth > element.clientWidth + 1) found.push(`${name} hides a part of itself`);
    }
    return found;
  });
}

describe.each([200, 220, 260, 320, 420])('at %i pixels', (width) => {
  it('nothing is cut off', async () => {
    const page = await dev.open('state=stored&theme=hc-dark', { width, height: 900 });
    for (const state of Object.keys(FIXTURES)) {
      await page.evaluate((name) => {
        (globalThis as unknown as { showFixture: (name: string) => void }).showFixture(name);
        return new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve)));
      }, state);
      await page.locator('details').evaluateAll((all) => {
        for (const details of all) (details as HTMLDetailsElement).open = true;
      });
      expect(await cutOff(page), state).toEqual([]);
    }
    await page.close();
  });

  it('the first bytes of a frame and their characters are seen side by side', async () => {
    const page = await dev.open('state=stored&theme=dark', { width, height: 900 });
    const dump = page.locator('.frame-card .bytes pre').filter({ visible: true });
    expect(await dump.count()).toBe(1);
    expect(await dump.evaluate((pre) => pre.scrollWidth - pre.clientWidth)).toBe(0);
    const rows = await dump.locator('.bytes-row').allTextContents();
    // "hello" begins at 0x008 of the page.
    expect(rows.find((row) => row.startsWith('0x008 '))).toMatch(/68 65 6c 6c .*hell/);
    await page.close();
  });

  it('an explanation of flags stays inside', async () => {
    const page = await dev.open('state=stored&theme=dark', { width, height: 900 });
    await page.focus('.address-field');
    await page.focus('[data-level="PTE"] [data-row="path"]');
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('.explain');
    expect(await cutOff(page)).toEqual([]);
    await page.close();
  });
});

describe.each([200, 300, 400, 640, 1200])('at %i pixels', (width) => {
  it.each([900, 300])('what the keyboard comes to is not under the header, %i pixels high', async (height) => {
    const page = await dev.open('state=stored&theme=dark', { width, height });
    const reached = page.locator('.translation :is([tabindex="0"], summary, .mapper, .step-line)');
    const count = await reached.count();
    expect(count).toBeGreaterThan(3);
    for (let i = 0; i < count; i++) {
      await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
      await reached.nth(i).focus();
      const seen = await reached.nth(i).evaluate((element) => {
        const { left, top } = element.getBoundingClientRect();
        return element.contains(document.elementFromPoint(left + 6, top + 6));
      });
      expect(seen, `number ${i}`).toBe(true);
    }
    await page.close();
  });
});

/** Controls of the header that something else lies over, by their labels. */
async function covered(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const control of document.querySelectorAll<HTMLElement>('.header :is(select, input, button, .position)')) {
      const { left, top, width, height } = control.getBoundingClientRect();
      const there = document.elementFromPoint(left + width / 2, top + height / 2);
      if (there === null || !control.contains(there)) found.push(control.className);
    }
    return found;
  });
}

describe.each([200, 240, 320, 400, 500, 640, 800, 1200])('at %i pixels', (width) => {
  it('the reason why an address was refused covers nothing', async () => {
    const page = await dev.open('state=stored&theme=dark', { width, height: 900 });
    const message = "'a_name_that_is_rather_long' is not bound here: line 12345, which binds it, has not run";
    await page.evaluate(
      (text) =>
        (globalThis as unknown as { tell: (m: unknown) => void }).tell({
          type: 'notice',
          severity: 'error',
          about: 'address',
          message: text,
        }),
      message,
    );
    const error = page.locator('.field-error');
    await error.waitFor();
    const [box, header, body] = await Promise.all(
      [error, page.locator('.header'), page.locator('.body')].map((part) => part.boundingBox()),
    );
    expect(await covered(page)).toEqual([]);
    expect(box?.width).toBeGreaterThan(100);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan((header?.y ?? 0) + (header?.height ?? 0));
    expect(body?.y).toBeGreaterThanOrEqual((header?.y ?? 0) + (header?.height ?? 0));
    expect(await cutOff(page)).toEqual([]);
    await page.close();
  });
});
