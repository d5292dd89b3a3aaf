// The tree of VMAs against a sorted array.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkTree } from '../../simulator/checks/spaces.ts';
import { newTally } from '../../simulator/checks/tally.ts';
import { DEFAULT_MACHINE } from '../../simulator/index.ts';
import type { Vma } from '../../simulator/mm/vma.ts';
import { VmaTree } from '../../simulator/mm/vma-tree.ts';
import { newEpoch } from '../../simulator/state/cow.ts';
import { Kernel } from '../../simulator/state/kernel.ts';

const PAGES = 4000;
const END = PAGES * 4096;

function vmaOf(start: number, end: number): Vma {
  return {
    vm_start: start * 4096,
    vm_end: end * 4096,
    vm_flags: 0,
    vm_pgoff: start,
    vm_file: 0,
    inode: 0,
    anon: null,
    vm_ops: 'none',
    special: null,
  };
}

/** The array's side: the same questions, answered by looking at everything. */
class Sorted {
  vmas: Vma[] = [];

  free(start: number, end: number): boolean {
    return !this.vmas.some((vma) => vma.vm_start < end * 4096 && vma.vm_end > start * 4096);
  }

  insert(vma: Vma): void {
    this.vmas.push(vma);
    this.vmas.sort((a, b) => a.vm_start - b.vm_start);
  }
}

function disagreements(tree: VmaTree, sorted: Sorted): string[] {
  const tally = newTally(new Kernel(DEFAULT_MACHINE));
  checkTree(tally, 'tree', tree, sorted.vmas, END);
  return tally.violations;
}

function compare(tree: VmaTree, sorted: Sorted): void {
  expect(tree.size).toBe(sorted.vmas.length);
  expect(tree.toArray()).toEqual(sorted.vmas);
  expect(disagreements(tree, sorted)).toEqual([]);
}

const op = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      at: fc.nat(PAGES - 4),
      size: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat(10000), size: fc.constant(0) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('shrink' as const), at: fc.nat(10000), size: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('snapshot' as const, 'restore' as const),
      at: fc.nat(7),
      size: fc.constant(0),
    }),
  },
);

const edit = fc.record({
  kind: fc.constantFrom('split', 'split twice', 'join below', 'join both', 'join above', 'border', 'snapshot'),
  at: fc.nat(10000),
});

/** Makes a change of the tree that leaves covered what is covered; nothing when it does not fit the VMA at `index`. */
function editBoth(tree: VmaTree, { vmas }: Sorted, kind: string, index: number): void {
  const vma = vmas[index] as Vma;
  const [below, above] = [vmas[index - 1], vmas[index + 1]];
  const place = tree.seek(vma.vm_start);
  const [from, to] = [vma.vm_start / 4096, vma.vm_end / 4096];
  const put = (first: number, count: number, ...pages: number[]): void => {
    const parts = pages.slice(1).map((end, i) => vmaOf(pages[i] as number, end));
    vmas.splice(first, count, ...parts);
  };
  if (kind === 'split' && to - from > 1) {
    const part = tree.splitAt(place, (from + 1) * 4096, null);
    expect(tree.vm_end(part)).toBe((from + 1) * 4096);
    put(index, 1, from, from + 1, to);
  } else if (kind === 'split twice' && to - from > 2) {
    tree.splitAt(place, (from + 1) * 4096, (to - 1) * 4096);
    put(index, 1, from, from + 1, to - 1, to);
  } else if (kind === 'join both' && below?.vm_end === vma.vm_start && above?.vm_start === vma.vm_end) {
    tree.joinBoth(place);
    put(index - 1, 3, below.vm_start / 4096, above.vm_end / 4096);
  } else if (kind === 'join below' && below?.vm_end === vma.vm_start) {
    tree.joinBelow(place);
    put(index - 1, 2, below.vm_start / 4096, to);
  } else if (kind === 'join above' && above?.vm_start === vma.vm_end) {
    tree.joinAbove(place);
    put(index, 2, from, above.vm_end / 4096);
  } else if (kind === 'border' && above?.vm_start === vma.vm_end) {
    const border = to - from > 1 ? to - 1 : above.vm_end / 4096 - 1;
    if (border === from || border === to) return;
    tree.moveBorder(place, border * 4096);
    put(index, 2, from, border, above.vm_end / 4096);
  }
}

test('splits and joins as a sorted array does', () => {
  const edits = fc.array(edit, { minLength: 40, maxLength: 300 });
  fc.assert(
    fc.property(fc.constantFrom(3, 70, 1300), fc.integer({ min: 1, max: 5 }), edits, (count, size, list) => {
      const epoch = newEpoch();
      let tree = new VmaTree(epoch);
      const sorted = new Sorted();
      for (let i = 0; i < count; i++) {
        const vma = vmaOf(i * size, (i + 1) * size);
        tree.insert(vma);
        sorted.vmas.push(vma);
      }
      const kept: { tree: VmaTree; vmas: Vma[] }[] = [];
      for (const { kind, at } of list) {
        if (kind === 'snapshot') {
          kept.push({ tree: tree.share(), vmas: [...sorted.vmas] });
          epoch.now++;
          tree = tree.share();
        } else editBoth(tree, sorted, kind, (at % 90) % sorted.vmas.length);
      }
      for (const { tree: old, vmas } of kept) expect(old.toArray()).toEqual(vmas);
      compare(tree, sorted);
    }),
    { numRuns: 120 },
  );
});

/** VMAs to begin with: a chunk, many, and so many that the tree keeps hints. */
const counts = fc.oneof({ weight: 8, arbitrary: fc.nat(900) }, { weight: 1, arbitrary: fc.constant(1300) });

/** Fills the tree before the operations begin, so that it has more than one level: every `step`-th page. */
function filled(tree: VmaTree, sorted: Sorted, count: number, step: number): void {
  for (let i = 0; i < count && (i + 1) * step < PAGES; i++) {
    const vma = vmaOf(i * step, i * step + 1);
    tree.insert(vma);
    sorted.vmas.push(vma);
  }
}

test('answers as a sorted array does', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 4 }), fc.array(op, { maxLength: 120 }), (count, step, ops) => {
      const epoch = newEpoch();
      let tree = new VmaTree(epoch);
      const sorted = new Sorted();
      const kept: { tree: VmaTree; vmas: Vma[] }[] = [];
      filled(tree, sorted, count, step);
      for (const { kind, at, size } of ops) {
        if (kind === 'insert') {
          if (!sorted.free(at, at + size)) continue;
          const vma = vmaOf(at, at + size);
          tree.insert(vma);
          sorted.insert(vma);
          continue;
        }
        if (kind === 'snapshot') {
          kept.push({ tree: tree.share(), vmas: [...sorted.vmas] });
          epoch.now++;
          continue;
        }
        if (kind === 'restore') {
          const place = kept[at % Math.max(1, kept.length)];
          if (place === undefined) continue;
          epoch.now++;
          tree = place.tree.share();
          sorted.vmas = [...place.vmas];
          compare(tree, sorted);
          continue;
        }
        const index = at % Math.max(1, sorted.vmas.length);
        const vma = sorted.vmas[index];
        if (vma === undefined) continue;
        if (kind === 'remove') {
          tree.remove(vma.vm_end - 1);
          sorted.vmas.splice(index, 1);
          continue;
        }
        if (vma.vm_end - vma.vm_start < 8192) continue;
        const [from, to] = [vma.vm_start / 4096, vma.vm_end / 4096];
        const smaller = size === 0 ? vmaOf(from + 1, to) : vmaOf(from, to - 1);
        tree.replace(vma.vm_start, smaller);
        sorted.vmas[index] = smaller;
      }
      compare(tree, sorted);
    }),
    { numRuns: 120 },
  );
});

test('a search in part of the tree stays in its bounds', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(300), { maxLength: 120 }),
      fc.nat(310),
      fc.nat(310),
      fc.integer({ min: 1, max: 9 }),
      (pages, a, b, length) => {
        const tree = new VmaTree(newEpoch());
        for (const page of pages) tree.insert(vmaOf(page, page + 1));
        const [low, high] = a < b ? [a, b] : [b, a];
        const taken = new Set(pages);
        const fits: number[] = [];
        for (let at = low; at + length <= high; at++) {
          if (!Array.from({ length }, (_, i) => taken.has(at + i)).includes(true)) fits.push(at);
        }
        const highest = fits.length === 0 ? -1 : ((fits.at(-1) as number) + length) * 4096;
        const lowest = fits.length === 0 ? -1 : (fits[0] as number) * 4096;
        expect(tree.highestHole(low * 4096, high * 4096, length * 4096)).toBe(highest);
        expect(tree.lowestHole(low * 4096, high * 4096, length * 4096)).toBe(lowest);
      },
    ),
    { numRuns: 400 },
  );
});

/** Upper end of the highest hole of `bytes` below `high`; -1 when there is none. */
function highestHole({ vmas }: Sorted, high: number, bytes: number): number {
  let top = high;
  for (const vma of vmas.toReversed()) {
    if (top - Math.min(top, vma.vm_end) >= bytes) return top;
    top = Math.min(top, vma.vm_start);
  }
  return top >= bytes ? top : -1;
}

const mapping = fc.record({
  kind: fc.constantFrom('map', 'map', 'map', 'unmap', 'cut start', 'cut end'),
  pages: fc.integer({ min: 1, max: 5 }),
  at: fc.nat(100),
});

test('finds the highest hole, whatever was mapped and unmapped before', () => {
  const high = 200 * 4096;
  fc.assert(
    fc.property(fc.array(mapping, { minLength: 10, maxLength: 60 }), (list) => {
      const tree = new VmaTree(newEpoch());
      const sorted = new Sorted();
      for (const { kind, pages, at } of list) {
        if (kind === 'map') {
          const end = tree.highestHole(0, high, pages * 4096);
          expect(end).toBe(highestHole(sorted, high, pages * 4096));
          if (end < 0) continue;
          const vma = vmaOf(end / 4096 - pages, end / 4096);
          tree.insert(vma);
          sorted.insert(vma);
          continue;
        }
        const index = at % Math.max(1, sorted.vmas.length);
        const vma = sorted.vmas[index];
        if (vma === undefined) continue;
        const [from, to] = [vma.vm_start / 4096, vma.vm_end / 4096];
        if (kind === 'unmap' || to - from < 2) {
          tree.remove(vma.vm_start);
          sorted.vmas.splice(index, 1);
          continue;
        }
        const [first, end] = kind === 'cut start' ? [from, from + 1] : [to - 1, to];
        tree.cut(tree.seek(vma.vm_start), first * 4096, end * 4096);
        sorted.vmas[index] = kind === 'cut start' ? vmaOf(from + 1, to) : vmaOf(from, to - 1);
      }
    }),
    { numRuns: 500 },
  );
});

test('refuses to remove what is not there', () => {
  const tree = new VmaTree(newEpoch());
  tree.insert(vmaOf(4, 6));
  expect(() => tree.remove(3 * 4096)).toThrow('VmaTree.remove');
  expect(() => tree.replace(6 * 4096, vmaOf(6, 7))).toThrow('VmaTree.replace');
});
