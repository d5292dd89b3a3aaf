// A translation as each place tells it: the command line, the page tables, the hover.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Frame } from 'playwright-core';
import { expect } from 'vitest';
import { root } from '../../../scripts/paths.ts';
import type { WalkView } from '../../../simulator/view/types.ts';
import { eventually } from './editor.ts';

/** What the command line says of an address when the steps of `file` up to a line have been made. */
export async function translate(file: string, line: number, process: string, address: string): Promise<WalkView> {
  const args = ['--no-warnings', join(root, 'cli/vas.ts'), 'translate', file, process, address];
  const { stdout } = await promisify(execFile)(globalThis.process.execPath, [
    ...args,
    '--json',
    '--until',
    String(line),
  ]);
  return JSON.parse(stdout) as WalkView;
}

/** The value of the entry on the path at a level, as the page-table view shows it. */
export async function entryShown(frame: Frame, level: string, value: string): Promise<string> {
  return eventually(`${value} at ${level} in the page tables`, async () => {
    const text = await frame.locator(`[data-level="${level}"] [data-anchor="entry"] .entry-value`).textContent();
    return text === value ? text : undefined;
  });
}

/** Chooses a process and an address in the page tables, as a person does. */
export async function choose(frame: Frame, process: string, address: string): Promise<void> {
  const chooser = frame.locator('select.process');
  const labels = await chooser.locator('option').allInnerTexts();
  await chooser.selectOption({ label: labels.find((label) => label.startsWith(`${process} (`)) ?? process });
  await frame.locator('input.address-field').fill(address);
  await frame.locator('input.address-field').press('Enter');
}

/** The page tables show this walk. */
export async function expectWalk(frame: Frame, expected: WalkView): Promise<void> {
  for (const { level, entry } of expected.levels) {
    if (entry === null) throw new Error(`no entry at ${level}`);
    expect(await entryShown(frame, level, entry.value)).toBe(entry.value);
  }
  expect(await frame.locator('.physical').textContent()).toContain(expected.physical);
  expect(await frame.locator('.page-state').textContent()).toBe(expected.state);
}

/** The hover tells this walk. */
export function expectHover(hover: string, expected: WalkView): void {
  for (const { level, index, entry } of expected.levels) {
    expect(hover.replace(/\s+/g, ' ')).toContain(`${level} ${index} ${entry?.value}`);
  }
  expect(hover).toContain(expected.physical);
  expect(hover).toContain(expected.would.write);
}
