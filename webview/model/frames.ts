/** What the map of frames tells: how each cell looks by the chosen colouring, its words, and all of them summed up. */
import type { FrameMapView, FrameUse, SharedUse } from '../../simulator/view/types.ts';
import type { FrameColouring } from '../protocol.ts';
import { hex } from './address.ts';
import { useName, useText } from './uses.ts';

export type ListTile = 'list-none' | `list-${'inactive' | 'active'}-${'anon' | 'file'}` | 'list-unevictable';
/** Processes take turns in as many looks as there are. */
export type OwnerTile = `owner-${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}` | `owner-${Exclude<SharedUse, 'nobody'>}`;
export type FrameTile = FrameUse | ListTile | OwnerTile;

/** What a frame tells beside its tile, by a sign in a corner. */
export type Mark = 'referenced' | 'accessed' | 'dirty' | 'writeback' | 'hand' | 'cached';

/** The scenario's names of processes, by pid. */
export type Names = ReadonlyMap<number, string>;

/** What the frames of one look have in common. */
export interface Look {
  readonly tile: FrameTile;
  readonly name: string;
  readonly text: string;
}

/** A colouring of one map: each frame has a key, and frames of one key look the same. Key 0 is a free frame. */
export interface Looks {
  keyAt(i: number): number;
  look(key: number): Look;
}

/** Bits of {@link FrameMapView.states}. */
const LIST_BITS = 7;
const REFERENCED = 8;
const DIRTY = 16;
const WRITEBACK = 32;
const ACCESSED = 64;

const LIST_TILES: readonly ListTile[] = [
  'list-none',
  'list-inactive-anon',
  'list-active-anon',
  'list-inactive-file',
  'list-active-file',
  'list-unevictable',
];
const LIST_TEXTS: readonly string[] = [
  'In use, and not to be reclaimed: on no list.',
  'Anonymous and shared memory that was not used lately: the first to go to swap.',
  'Anonymous and shared memory in use.',
  'Pages of files that were not used lately: the first to be dropped.',
  'Pages of files in use.',
  'Locked: reclaim does not look here.',
];
const OWNER_TILES: readonly OwnerTile[] = [
  'owner-0',
  'owner-1',
  'owner-2',
  'owner-3',
  'owner-4',
  'owner-5',
  'owner-6',
  'owner-7',
];

const SHARED: Readonly<Record<SharedUse, { readonly name: string; readonly of: string; readonly text: string }>> = {
  nobody: { name: 'free', of: 'of nobody', text: 'Nobody uses it.' },
  several: { name: 'several processes', of: 'of several processes', text: 'More than one address space maps it.' },
  cache: {
    name: 'cache only',
    of: 'mapped by nobody',
    text: 'No process maps it: the page cache or the swap cache has it.',
  },
  kernel: { name: 'kernel', of: 'of the kernel', text: 'The kernel works with it.' },
  somebody: { name: 'mapped', of: 'mapped', text: 'A process maps it; choose it to see which.' },
};

function nameOf(names: Names, pid: number): string {
  return names.get(pid) ?? String(pid);
}

/** An owner, a pid or an index into `sharedUses`, in words: `of bash`, `of several processes`. */
export function ownerText(sharedUses: readonly SharedUse[], owner: number, names: Names): string {
  const shared = sharedUses[owner];
  return shared === undefined ? `of ${nameOf(names, owner)}` : SHARED[shared].of;
}

const FREE: Look = { tile: 'free', name: useName('free'), text: useText('free') };

function byUse(map: FrameMapView): Looks {
  return {
    keyAt: (i) => map.uses[i] ?? 0,
    look: (key) => {
      const use = map.legend[key] ?? 'free';
      return { tile: use, name: useName(use), text: useText(use) };
    },
  };
}

function byList(map: FrameMapView): Looks {
  return {
    // Free frames come first, then the lists.
    keyAt: (i) => (isFree(map, i) ? 0 : 1 + ((map.states[i] ?? 0) & LIST_BITS)),
    look: (key) => {
      if (key === 0) return FREE;
      const name = map.lists[key - 1] ?? '';
      return {
        tile: LIST_TILES[key - 1] ?? 'list-none',
        name: name === '' ? 'on no list' : name,
        text: LIST_TEXTS[key - 1] ?? '',
      };
    },
  };
}

function byOwner(map: FrameMapView, names: Names): Looks {
  return {
    keyAt: (i) => (isFree(map, i) ? 0 : (map.owners[i] ?? 0)),
    look: (key) => {
      const shared = map.sharedUses[key];
      if (shared === 'nobody') return FREE;
      if (shared !== undefined) return { tile: `owner-${shared}`, ...SHARED[shared] };
      const name = nameOf(names, key);
      const text = `Only ${name} maps it.`;
      return { tile: OWNER_TILES[key % OWNER_TILES.length] ?? 'owner-0', name, text };
    },
  };
}

/** The map in the colouring chosen. */
export function looksOf(map: FrameMapView, colouring: FrameColouring, names: Names): Looks {
  if (colouring === 'list') return byList(map);
  return colouring === 'owner' ? byOwner(map, names) : byUse(map);
}

function isFree(map: FrameMapView, i: number): boolean {
  return map.legend[map.uses[i] ?? 0] === 'free';
}

const BITS: readonly (readonly [bit: number, mark: Mark])[] = [
  [ACCESSED, 'accessed'],
  [REFERENCED, 'referenced'],
  [DIRTY, 'dirty'],
  [WRITEBACK, 'writeback'],
];
/** The signs of each state that has any, and of the frame under the hand. */
const MARKS: readonly (readonly Mark[])[] = Array.from({ length: 2 * ACCESSED }, (_, state) =>
  BITS.filter(([bit]) => (state & bit) !== 0).map(([, mark]) => mark),
);
const HAND_MARKS = MARKS.map((marks): readonly Mark[] => [...marks, 'hand']);

/** The signs of a frame. */
export function marksAt(map: FrameMapView, i: number): readonly Mark[] {
  const marks = map.hand === map.first + i ? HAND_MARKS : MARKS;
  return marks[map.states[i] ?? 0] ?? [];
}

/** How many frames have each bit. */
export function markCounts(map: FrameMapView): {
  readonly accessed: number;
  readonly referenced: number;
  readonly dirty: number;
  readonly writeback: number;
} {
  let accessed = 0;
  let referenced = 0;
  let dirty = 0;
  let writeback = 0;
  const { states } = map;
  for (let i = 0; i < states.length; i++) {
    const state = states[i] ?? 0;
    if (state < REFERENCED) continue;
    if ((state & ACCESSED) !== 0) accessed++;
    if ((state & REFERENCED) !== 0) referenced++;
    if ((state & DIRTY) !== 0) dirty++;
    if ((state & WRITEBACK) !== 0) writeback++;
  }
  return { accessed, referenced, dirty, writeback };
}

/** What a sign says of a frame. */
const MARK_TEXTS: Readonly<Record<Mark, string>> = {
  accessed: 'accessed',
  referenced: 'referenced',
  dirty: 'dirty',
  writeback: 'under writeback',
  hand: 'under the hand',
  cached: 'cached',
};

/** What the frame at index `i` is, by itself: `anonymous, active(anon), accessed, dirty, of bash`. */
export function frameText(map: FrameMapView, i: number, names: Names): string {
  if (isFree(map, i)) return 'free';
  const list = map.lists[(map.states[i] ?? 0) & LIST_BITS] ?? '';
  const owner = ownerText(map.sharedUses, map.owners[i] ?? 0, names);
  const use = useName(map.legend[map.uses[i] ?? 0] ?? 'free');
  const marks = marksAt(map, i).map((mark) => MARK_TEXTS[mark]);
  return [use, list === '' ? 'on no list' : list, ...marks, owner].join(', ');
}

export interface LookCount extends Look {
  readonly count: number;
}

/** How many frames have each look, in the order of the keys; looks that no frame has are left out. */
export function lookCounts(map: FrameMapView, looks: Looks): LookCount[] {
  const counts = new Map<number, number>();
  for (let from = 0; from < map.uses.length; ) {
    const key = looks.keyAt(from);
    let to = from + 1;
    while (to < map.uses.length && looks.keyAt(to) === key) to++;
    counts.set(key, (counts.get(key) ?? 0) + to - from);
    from = to;
  }
  const behind = map.total - map.uses.length;
  if (behind > 0) counts.set(0, (counts.get(0) ?? 0) + behind);
  return [...counts].sort(([a], [b]) => a - b).map(([key, count]) => ({ ...looks.look(key), count }));
}

/** One cell of an overview: the look that most of its frames that are not free have, and the share of those. */
export interface OverviewCell {
  readonly tile: FrameTile;
  /** 0 to 1. */
  readonly share: number;
}

/** The map summed up in cells of `perCell` frames. */
export function overview(map: FrameMapView, looks: Looks, perCell: number): OverviewCell[] {
  const cells: OverviewCell[] = [];
  const counts = new Map<number, number>();
  for (let from = 0; from < map.total; from += perCell) {
    const to = Math.min(from + perCell, map.total);
    counts.clear();
    let used = 0;
    for (let i = from; i < Math.min(to, map.uses.length); i++) {
      const key = looks.keyAt(i);
      if (key === 0) continue;
      used++;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const [most] = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
    cells.push({ tile: most === undefined ? 'free' : looks.look(most[0]).tile, share: used / (to - from) });
  }
  return cells;
}

/** Neighbouring frames that are alike in everything. */
export interface FrameRun {
  /** PFNs, both included. */
  readonly first: string;
  readonly last: string;
  readonly count: number;
  readonly text: string;
}

/** The map as runs, the first `limit` of them. */
export function frameRuns(map: FrameMapView, names: Names, limit: number): FrameRun[] {
  const runs: FrameRun[] = [];
  const { uses, states, owners, total } = map;
  const isHand = (i: number) => map.hand === map.first + i;
  const alike = (a: number, b: number) =>
    (isFree(map, a) && isFree(map, b)) ||
    (uses[a] === uses[b] && states[a] === states[b] && owners[a] === owners[b] && !isHand(a) && !isHand(b));
  for (let from = 0; from < total && runs.length < limit; ) {
    let to = from + 1;
    while (to < uses.length && alike(from, to)) to++;
    // Behind the end of the arrays all are free.
    if (to >= uses.length && isFree(map, from)) to = total;
    const first = hex(map.first + from);
    runs.push({ first, last: hex(map.first + to - 1), count: to - from, text: frameText(map, from, names) });
    from = to;
  }
  return runs;
}

/** Index of a PFN (`0x…`) in the map; null when it lies outside. */
export function frameIndex(map: FrameMapView, pfn: string | null | undefined): number | null {
  if (pfn === null || pfn === undefined) return null;
  const i = Number(pfn) - map.first;
  return Number.isInteger(i) && i >= 0 && i < map.total ? i : null;
}
