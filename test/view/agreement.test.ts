// The views agree with the machine, and with each other, whatever happened before.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cachedFiles,
  type FrameView,
  frameMap,
  frameView,
  machineNumbers,
  memoryMaps,
  pageRuns,
  processViews,
  slotView,
  swapMap,
  type Timeline,
  vmaViews,
  walk,
} from '../../simulator/index.ts';
import { tryAccess, type Verdict } from '../../simulator/view/verdict.ts';
import { scenario, somewhere } from './random.ts';
import { open } from './run.ts';

/** Runs to the end step by step; steps may fail. */
function run(text: string): Timeline {
  const timeline = open(text);
  while (timeline.step() !== null);
  return timeline;
}

function alive(timeline: Timeline): number[] {
  return processViews(timeline).flatMap(({ pid, state }) => (state === 'alive' ? [pid] : []));
}

/** The verdict that the words of a walk begin with. */
function saidBy(words: string): string {
  const signal = /^would be (\w+ \(\w+\))/.exec(words);
  if (signal !== null) return signal[1] ?? '';
  if (words.startsWith('would succeed without a fault')) return 'hit';
  return /\((major|minor) fault\)$/.exec(words)?.[1] ?? words;
}

function inShort(verdict: Verdict): string {
  if (verdict.kind === 'signal') return `${verdict.signal} (${verdict.code})`;
  if (verdict.kind === 'fault') return verdict.faults.some(({ major }) => major) ? 'major' : 'minor';
  return verdict.kind;
}

const OPS = { read: 'load', write: 'store', exec: 'fetch' } as const;

/** Address of one of the pages that a process has, present or in swap: those that have the most to say. */
function pageAt(timeline: Timeline, pid: number, wish: number): string {
  const { pages } = timeline.simulator.reportProcess(pid);
  const swapped = pages.filter(({ swap }) => swap !== null);
  const among = wish % 2 === 0 && swapped.length > 0 ? swapped : pages;
  return among[wish % Math.max(1, among.length)]?.va ?? '0';
}

describe('what an access would do', () => {
  test('is what it does', () => {
    const target = fc.oneof(somewhere, fc.nat({ max: 200 }));
    const access = fc.constantFrom('read', 'read', 'write', 'write', 'exec');
    fc.assert(
      fc.property(scenario, target, access, fc.constantFrom('a', 'kid'), (text, wish, kind, wanted) => {
        const timeline = run(text);
        const name = timeline.processNamed(wanted) === null ? 'a' : wanted;
        const pid = timeline.processNamed(name);
        if (pid === null || !alive(timeline).includes(pid)) return;
        const where = typeof wish === 'string' ? wish : pageAt(timeline, pid, wish);
        const address = timeline.evaluate(where);
        if (!('value' in address)) throw new Error(`no address: ${where}`);
        const said = walk(timeline, pid, address.value).would[kind];
        const { verdict } = tryAccess(timeline.simulator, pid, address.value, kind);
        const line = `${name}: ${OPS[kind]}(${where}${kind === 'write' ? ', 1' : ''})`;
        const real = run(`${text}${line}\n`).lastRecord?.outcome;
        if (real === undefined) throw new Error('the access was not made');
        if (verdict.kind === 'signal') {
          expect(real.result).toMatchObject({ kind: 'signal', signal: verdict.signal, code: verdict.code });
        } else {
          expect(real.result.kind).toBe('value');
          expect(real.faults.map((fault) => [fault.kind, fault.major])).toEqual(
            verdict.kind === 'fault' ? verdict.faults.map((fault) => [fault.kind, fault.major]) : [],
          );
        }
        expect(saidBy(said)).toBe(inShort(verdict));
      }),
      { numRuns: 400 },
    );
  });
});

describe('at the end of any run', () => {
  test('runs of pages tile their VMA and tell of each page what pagemap tells', () => {
    fc.assert(
      fc.property(scenario, (text) => {
        const timeline = run(text);
        for (const pid of alive(timeline)) {
          const { pages } = timeline.simulator.reportProcess(pid);
          const byAddress = new Map(pages.map((page) => [page.va, page]));
          for (const vma of vmaViews(timeline, pid)) {
            let at = BigInt(vma.start);
            for (const run of pageRuns(timeline, pid, vma.start, Number.POSITIVE_INFINITY)) {
              expect(BigInt(run.start)).toBe(at);
              for (; at < BigInt(run.end); at += 4096n) {
                const page = byAddress.get(`0x${at.toString(16)}`);
                expect([run.state === 'swapped', run.state === 'zero-page']).toEqual([
                  page !== undefined && page.swap !== null,
                  page?.zero === true,
                ]);
                if (run.state === 'untouched' || run.state === 'guard') expect(page).toBeUndefined();
                else expect(page?.writable).toBe(run.writable);
              }
            }
            expect(at).toBe(BigInt(vma.end));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('resident pages of VMAs add up to the counters of the mm_struct', () => {
    fc.assert(
      fc.property(scenario, (text) => {
        const timeline = run(text);
        for (const view of processViews(timeline)) {
          if (view.state !== 'alive') continue;
          const number = (name: string) => Number(view.numbers.find((n) => n.name === name)?.value);
          const vmas = vmaViews(timeline, view.pid);
          const rss = vmas.reduce((sum, vma) => sum + vma.rssPages, 0);
          expect(rss).toBe(number('MM_ANONPAGES') + number('MM_FILEPAGES') + number('MM_SHMEMPAGES'));
          expect(vmas.reduce((sum, vma) => sum + vma.swapPages, 0)).toBe(number('MM_SWAPENTS'));
          expect([vmas.length, view.vmaCount]).toEqual([number('map_count'), number('map_count')]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the map of frames agrees with each frame, the page cache and the free count', () => {
    fc.assert(
      fc.property(scenario, (text) => {
        const timeline = run(text);
        const map = frameMap(timeline);
        const uses = Array.from(map.uses, (use) => map.legend[use]);
        uses.forEach((use, i) => {
          const frame = frameView(timeline, map.first + i);
          expect(frame.use).toBe(use);
          expect(frame.mappers.length).toBe(frame.mapcount);
        });
        expect(uses.filter((use) => use === 'free').length).toBe(map.free);
        const inCache = uses.filter((use) => use === 'shmem' || use?.startsWith('file')).length;
        const files = cachedFiles(timeline);
        // A page that truncation took from its file may still be mapped, and then it is no cache page.
        expect(files.reduce((sum, file) => sum + file.cachedPages, 0)).toBeLessThanOrEqual(inCache);
        for (const file of files) {
          expect(file.runs.reduce((sum, { pages }) => sum + pages, 0)).toBe(file.cachedPages);
        }
        const swap = swapMap(timeline);
        expect(swap.counts.filter((count) => count > 0).length).toBe(swap.used);
      }),
      { numRuns: 60 },
    );
  });

  test('the maps tell the list, bits and owner that each frame tells, and who waits for each slot', () => {
    fc.assert(
      fc.property(scenario, (text) => {
        const timeline = run(text);
        const { frames, swap } = memoryMaps(timeline);
        expect(frames.exact).toBe(true);
        for (let i = 0; i < frames.total; i++) {
          const frame = frameView(timeline, frames.first + i);
          const state = frames.states[i] ?? 0;
          expect(frames.lists[state & 7]).toBe(frame.list);
          expect([8, 16, 32, 64].map((bit) => (state & bit) !== 0)).toEqual([
            frame.referenced,
            frame.dirty,
            frame.writeback,
            frame.accessed,
          ]);
          expect(ownersOf(frames.sharedUses, frames.owners[i] ?? 0, [])).toEqual(mapperPids(frame));
        }
        const waiting = slotPids(timeline);
        for (let slot = 0; slot < swap.slots; slot++) {
          const { owners } = swap.shared.find((one) => one.slot === slot) ?? { owners: [] };
          const told = ownersOf(swap.sharedUses, swap.owners[slot] ?? 0, owners);
          expect(told === 'shared' ? [] : told, `slot ${slot}`).toEqual(waiting.get(slot) ?? []);
          const view = slotView(timeline, slot);
          const pids = [...new Set(view?.waiters.map(({ pid }) => pid))].sort((a, b) => a - b);
          expect(pids, `slot ${slot}`).toEqual(waiting.get(slot) ?? []);
          expect((view?.waiters.length ?? 0) + (view?.file == null ? 0 : 1), `slot ${slot}`).toBe(view?.count);
          for (const { pid, va } of view?.waiters ?? []) {
            expect(walk(timeline, pid, BigInt(va)).levels.at(-1)?.entry?.text).toBe(`swap slot ${slot}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('marks of change are the differences to the step before, for every view', () => {
    fc.assert(
      fc.property(scenario, (text) => {
        const timeline = open(text);
        let before = state(timeline);
        while (timeline.step() !== null) {
          const now = state(timeline);
          for (const pid of alive(timeline)) {
            const old = before.pages.get(pid);
            if (old === undefined) continue;
            expect(changedPages(timeline, pid)).toEqual(differences(old, now.pages.get(pid) ?? new Map()));
          }
          for (const [i, number] of machineNumbers(timeline).entries()) {
            expect(number.changed, number.name).toBe(number.value !== before.numbers[i]);
          }
          const marks = new Set(frameMap(timeline).changed.map(String));
          for (const [pfn, use] of now.uses) if (before.uses.get(pfn) !== use) expect(marks).toContain(pfn);
          before = now;
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** Pids that an owner stands for; `shared` where it stands for several without a name. */
function ownersOf(
  sharedUses: readonly string[],
  owner: number,
  several: readonly number[],
): readonly number[] | 'shared' {
  const use = sharedUses[owner];
  if (use === undefined) return [owner];
  if (use !== 'several') return [];
  return several.length > 0 ? [...several].sort((a, b) => a - b) : 'shared';
}

/** Who maps a frame, one pid for each address space; `shared` when there are several. */
function mapperPids({ mappers }: FrameView): readonly number[] | 'shared' {
  const pids = [...new Set(mappers.map(({ pid }) => pid))];
  return pids.length > 1 ? 'shared' : pids;
}

/** Who has an entry for each swap slot, one pid for each address space: taken from walks. */
function slotPids(timeline: Timeline): Map<number, number[]> {
  const pids = new Map<number, number[]>();
  const seen = new Set<number>();
  for (const view of processViews(timeline)) {
    if (view.state !== 'alive' || view.sharesMmWith.some((pid) => seen.has(pid))) continue;
    seen.add(view.pid);
    const slots = leaves(timeline, view.pid, ({ text }) => /\bslot (\d+)/.exec(text)?.[1]);
    for (const slot of new Set([...slots.values()].map(Number))) pids.set(slot, [...(pids.get(slot) ?? []), view.pid]);
  }
  return pids;
}

/** Entries of the lowest level by address, of every process: taken from walks, not from marks. */
function state(timeline: Timeline) {
  const pages = new Map<number, Map<string, string>>();
  for (const pid of alive(timeline))
    pages.set(
      pid,
      leaves(timeline, pid, (entry) => entry.value),
    );
  const map = frameMap(timeline);
  const uses = new Map(Array.from(map.uses, (use, i) => [String(map.first + i), use]));
  return { pages, uses, numbers: machineNumbers(timeline).map(({ value }) => value) };
}

type LeafEntry = ReturnType<typeof walk>['levels'][number]['entries'][number];

function leaves(timeline: Timeline, pid: number, read: (entry: LeafEntry) => string | undefined): Map<string, string> {
  const found = new Map<string, string>();
  const blocks = new Set(vmaViews(timeline, pid).flatMap((vma) => blocksOf(BigInt(vma.start), BigInt(vma.end))));
  for (const block of blocks) {
    const table = walk(timeline, pid, block).levels.at(-1);
    for (const entry of table?.entries ?? []) {
      const value = read(entry);
      if (value !== undefined) found.set(`0x${(block + BigInt(entry.index) * 4096n).toString(16)}`, value);
    }
  }
  return found;
}

function blocksOf(start: bigint, end: bigint): bigint[] {
  const blocks: bigint[] = [];
  for (let at = start - (start % 0x200000n); at < end; at += 0x200000n) blocks.push(at);
  return blocks;
}

/** Entries that the views mark, with the value before. */
function changedPages(timeline: Timeline, pid: number): Map<string, string> {
  return leaves(timeline, pid, (entry) => entry.before);
}

/** Entries that are there now and were different before. */
function differences(old: Map<string, string>, now: Map<string, string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [va, value] of now) if (old.get(va) !== value) found.set(va, old.get(va) ?? '0x0');
  return found;
}
