// What the views of the machine say that the last step changed, against what they tell before and after it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Timeline } from '../../simulator/index.ts';
import { cachedFiles, frameUses, frameView, machineNumbers, machineView, swapMap } from '../../simulator/index.ts';
import { scenario } from './random.ts';
import { open, play } from './run.ts';

/** What is told at a place, each piece by a name of its own, without any marks. */
interface Told {
  readonly files: ReadonlyMap<string, string>;
  /** The frame of each cached page, and its state. */
  readonly pages: ReadonlyMap<string, string>;
  readonly runs: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, number>;
  /** Use of each frame. */
  readonly frames: readonly string[];
  readonly numbers: ReadonlyMap<string, string>;
  readonly slots: readonly number[];
  readonly roots: string;
}

function told(timeline: Timeline): Told {
  const files = cachedFiles(timeline);
  const states = new Map<string, string>();
  for (const { path, runs } of files) {
    for (const { first, pages, text } of runs) {
      for (let page = first; page < first + pages; page++) states.set(`${path}#${page}`, text);
    }
  }
  const pages = new Map<string, string>();
  for (const inode of timeline.simulator.state.inodes.values()) {
    for (const [at, chunk] of inode.cache) {
      chunk.pages.forEach((pfn, i) => {
        const name = `${inode.path}#${at * chunk.pages.length + i}`;
        if (pfn > 0) pages.set(name, `${pfn} ${states.get(name)}`);
      });
    }
  }
  const { total } = timeline.simulator.state.frames;
  const { cache, memory, swap } = machineView(timeline);
  return {
    files: new Map(files.map((file) => [file.path, `${file.size >> 12} ${file.cachedPages} ${file.dirtyPages}`])),
    pages,
    runs: new Map(
      files.flatMap(({ path, runs }) => runs.map((run) => [`${path}#${run.first}`, `${run.pages} ${run.text}`])),
    ),
    uses: new Map(frameUses(timeline).map(({ use, frames }) => [use, frames])),
    frames: Array.from({ length: total }, (_, i) => frameView(timeline, i + 1).use),
    numbers: new Map(machineNumbers(timeline).map(({ name, value }) => [name, value])),
    slots: [...swapMap(timeline).counts],
    roots: JSON.stringify([cache.pages, cache.files, memory.free, swap.used]),
  };
}

/** The names of what is marked. */
function marks(timeline: Timeline): { files: string[]; runs: string[]; uses: string[]; roots: boolean[] } {
  const files = cachedFiles(timeline);
  const { cache, memory, swap } = machineView(timeline);
  return {
    files: files.filter(({ changed }) => changed).map(({ path }) => path),
    runs: files.flatMap(({ path, runs }) => runs.filter((run) => run.changed).map(({ first }) => `${path}#${first}`)),
    uses: frameUses(timeline).flatMap(({ use, changed }) => (changed ? [use] : [])),
    roots: [cache.changed, memory.changed, swap.changed],
  };
}

function same<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

function pagesOf(path: string, { pages }: Told): Map<string, string> {
  return new Map([...pages].filter(([name]) => name.startsWith(`${path}#`)));
}

/** The runs that are other ones, or of which a page is another one. */
function otherRuns(now: Told, then: Told): string[] {
  return [...now.runs].flatMap(([name, run]) => {
    const [path, first] = name.split('#');
    const from = Number(first);
    const pages = Array.from({ length: Number(run.split(' ')[0]) }, (_, i) => `${path}#${from + i}`);
    const isSame = then.runs.get(name) === run && pages.every((page) => now.pages.get(page) === then.pages.get(page));
    return isSame ? [] : [name];
  });
}

function check(timeline: Timeline, now: Told, then: Told): void {
  const { files, runs, uses, roots } = marks(timeline);
  const other = (path: string) =>
    now.files.get(path) !== then.files.get(path) || !same(pagesOf(path, now), pagesOf(path, then));
  expect(files).toEqual([...now.files.keys()].filter(other));
  expect(runs).toEqual(otherRuns(now, then));
  expect(roots[0]).toBe(!same(now.files, then.files) || !same(now.pages, then.pages));
  // Frames and slots are marked for what they hold, too.
  for (const [use, frames] of now.uses) if (then.uses.get(use) !== frames) expect(uses).toContain(use);
  now.frames.forEach((use, i) => {
    if (use !== then.frames[i]) expect(uses).toEqual(expect.arrayContaining([use]));
  });
  if (uses.length > 0 || !same(now.numbers, then.numbers)) expect(roots[1]).toBe(true);
  else expect(roots[1]).toBe(false);
  expect(roots[2]).toBe(swapMap(timeline).changed.length > 0);
  if (now.slots.join() !== then.slots.join()) expect(roots[2]).toBe(true);
}

describe('the marks of the last step', () => {
  test('are on what is not as it was, on the way forward and back', () => {
    fc.assert(
      fc.property(scenario, (text) => {
        const timeline = open(text);
        const places = [told(timeline)];
        expect(marks(timeline)).toEqual({ files: [], runs: [], uses: [], roots: [false, false, false] });
        const steps: ReturnType<typeof marks>[] = [marks(timeline)];
        while (timeline.step() !== null) {
          const now = told(timeline);
          check(timeline, now, places.at(-1) ?? now);
          places.push(now);
          steps.push(marks(timeline));
        }
        for (let at = timeline.position - 1; at >= 0; at--) {
          timeline.back();
          expect(marks(timeline), `after a step back to ${at}`).toEqual(steps[at]);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a page in the middle that goes, and one that comes, mark the runs around them', () => {
    const timeline = play(`machine ram=1M fault_around=4K readahead=4K
file "/f" size=40K
p = spawn()
p: fd = open("/f", O_RDWR)
p: m = mmap(NULL, 40K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
p: load(m, 12K)
p: load(m + 20K, 12K)
p: load(m + 12K)`);
    expect(marks(timeline).runs).toEqual(['/f#0']);
    expect(marks(timeline).roots).toEqual([true, true, false]);
    timeline.back();
    expect(marks(timeline).runs).toEqual(['/f#5']);
  });

  test('more frames than a map marks are marked for each use', () => {
    const timeline = play(`machine ram=64M overcommit=1
p = spawn()
p: m = mmap(NULL, 32M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: s = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
p: store(m, 1, 32M)
p: store(s, 1)
p: munmap(m, 32M)`);
    expect(marks(timeline).uses).toEqual(['free', 'anon']);
    timeline.back();
    expect(marks(timeline).uses).toEqual(['free', 'shmem']);
    timeline.back();
    expect(marks(timeline).uses).toEqual(['free', 'anon']);
  });
});
