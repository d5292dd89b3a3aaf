// The corpus: each scenario states one rule of Linux and must run as it says. Goldens beside it hold what /proc prints at
// its end, what the hardware did on the way (`X.events`), and what the steps of nobody's process tell (`X.story`).
// `UPDATE_GOLDENS=1` rewrites them; a new one starts as an empty file, but an `X.PROCESS.json` names the fields to keep.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProcessReport } from '../../simulator/abi.ts';
import { parseScenario, Timeline } from '../../simulator/index.ts';
import { hardwareEvents } from './hardware-events.ts';

const here = import.meta.dirname;
const update = process.env['UPDATE_GOLDENS'] === '1';
const scenarios = globSync('**/*.vas', { cwd: here }).sort();
const goldens = globSync('**/*.{maps,json}', { cwd: here }).sort();
const eventGoldens = globSync('**/*.events', { cwd: here }).sort();
const storyGoldens = globSync('**/*.story', { cwd: here }).sort();

/** Fields of smaps entries by the address of the VMA, of status, and of pages by their address. */
interface PartsGolden {
  readonly smaps?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly pages?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function finished(file: string): Timeline {
  const timeline = Timeline.open(parseScenario(readFileSync(join(here, file), 'utf8')));
  if (timeline.diagnostics.length > 0) throw new Error(`${file}: ${JSON.stringify(timeline.diagnostics[0])}`);
  timeline.runToEnd({ budgetSteps: 1_000_000 });
  return timeline;
}

/** What did not go as a scenario says, as `line: message`. */
function complaints(timeline: Timeline): string[] {
  return timeline.records.flatMap(({ line, failure, error }) => {
    const remark = failure ?? error;
    return remark === undefined ? [] : [`${line}: ${remark.message}`];
  });
}

/** `topic/name.process.maps` → the scenario, the process and the kind of golden. */
function partsOf(golden: string): { scenario: string; process: string; kind: string } {
  const match = /^(.*)\.(\w+)\.(maps|json)$/.exec(golden);
  if (match === null) throw new Error(`${golden}: a golden is called SCENARIO.PROCESS.maps or SCENARIO.PROCESS.json`);
  const [, stem = '', process = '', kind = ''] = match;
  return { scenario: `${stem}.vas`, process, kind };
}

function pick(from: Readonly<Record<string, unknown>> | undefined, keys: object): Record<string, unknown> {
  return Object.fromEntries(Object.keys(keys).map((key) => [key, from?.[key] ?? null]));
}

/** Of each entry that the golden names, the fields that it names; null where there is none. */
function pickEach(
  golden: Readonly<Record<string, object>>,
  find: (key: string) => Readonly<Record<string, unknown>> | undefined,
): Record<string, Record<string, unknown>> {
  return Object.fromEntries(Object.entries(golden).map(([key, fields]) => [key, pick(find(key), fields)]));
}

/** The fields that the golden names, as the simulator has them. */
function partsLike({ smaps, status, pages }: PartsGolden, report: ProcessReport): PartsGolden {
  return {
    ...(smaps && { smaps: pickEach(smaps, (start) => report.smaps.find((entry) => entry.start === start)) }),
    ...(status && { status: pick(report.status, status) }),
    ...(pages && { pages: pickEach(pages, (va) => ({ ...report.pages.find((page) => page.va === va) })) }),
  };
}

test('the corpus is complete', () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(569);
  expect(goldens.length).toBeGreaterThanOrEqual(124);
  expect(storyGoldens.length).toBeGreaterThanOrEqual(2);
  expect(eventGoldens.length).toBeGreaterThanOrEqual(13);
});

test('each golden belongs to a scenario', () => {
  for (const golden of goldens) expect(scenarios, golden).toContain(partsOf(golden).scenario);
});

describe('meets its expectations', () => {
  test.each(scenarios)('%s', (file) => {
    const timeline = finished(file);
    expect(complaints(timeline)).toEqual([]);
    const judged = timeline.records.filter(({ expected }) => expected !== undefined);
    expect(judged.length).toBeGreaterThan(0);
  });
});

describe('shows in /proc what the golden says', () => {
  test.each(goldens)('%s', (golden) => {
    const { scenario, process, kind } = partsOf(golden);
    const timeline = finished(scenario);
    const pid = timeline.processNamed(process);
    if (pid === null) throw new Error(`${golden}: no process '${process}' at the end of the scenario`);
    const report = timeline.simulator.reportProcess(pid);
    const path = join(here, golden);
    if (kind === 'maps') {
      if (update) writeFileSync(path, report.maps);
      expect(report.maps).toBe(readFileSync(path, 'utf8'));
      return;
    }
    const wanted = JSON.parse(readFileSync(path, 'utf8')) as PartsGolden;
    const actual = partsLike(wanted, report);
    if (update) writeFileSync(path, `${JSON.stringify(actual, null, 2)}\n`);
    else expect(actual).toEqual(wanted);
    expect(Object.keys(actual).length).toBeGreaterThan(0);
  });
});

describe('makes the hardware do what the golden says', () => {
  test.each(eventGoldens)('%s', (golden) => {
    const actual = hardwareEvents(finished(golden.replace(/\.events$/, '.vas')));
    const path = join(here, golden);
    if (update) writeFileSync(path, actual);
    expect(actual).toBe(readFileSync(path, 'utf8'));
  });
});

/** The stories of the `kernel:` steps, line by line. */
function kernelStories(timeline: Timeline): string {
  const told: string[] = [];
  timeline.start();
  for (let record = timeline.step(); record !== null; record = timeline.step()) {
    if (record.process !== 'kernel') continue;
    told.push(
      ...record.story().map(({ depth, text }) => `${'  '.repeat(depth)}${depth === 0 ? `${record.line} ` : ''}${text}`),
    );
  }
  return `${told.join('\n')}\n`;
}

describe('tells what the golden says', () => {
  test.each(storyGoldens)('%s', (golden) => {
    const actual = kernelStories(finished(golden.replace(/\.story$/, '.vas')));
    const path = join(here, golden);
    if (update) writeFileSync(path, actual);
    expect(actual).toBe(readFileSync(path, 'utf8'));
  });
});
