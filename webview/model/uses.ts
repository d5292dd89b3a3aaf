/** The uses of a frame in words, and a map of them summed up for legends, overviews and screen readers. */
import type { FrameMapView, FrameUse } from '../../simulator/view/types.ts';
import { hex } from './address.ts';

interface UseWords {
  /** For the legend. */
  readonly name: string;
  readonly text: string;
}

const WORDS: Readonly<Record<FrameUse, UseWords>> = {
  free: { name: 'free', text: 'Nobody uses it.' },
  anon: { name: 'anonymous', text: 'Memory of processes that no file stands behind.' },
  'file-clean': { name: 'file, clean', text: 'Page cache: the same bytes are in the file.' },
  'file-dirty': { name: 'file, dirty', text: 'Page cache: written to, not yet in the file.' },
  shmem: { name: 'shared memory', text: 'A page of tmpfs, a memfd or shared anonymous memory.' },
  zero: { name: 'zero page', text: 'The one page of zeros that all reads of untouched memory share.' },
  table: { name: 'page table', text: 'Holds 512 entries of a page table.' },
  device: { name: 'device', text: 'Belongs to a device.' },
  'swap-cache': { name: 'swap cache', text: 'In RAM and in a swap slot at once.' },
};

export function useName(use: FrameUse): string {
  return WORDS[use].name;
}

export function useText(use: FrameUse): string {
  return WORDS[use].text;
}

/** The use of the frame at index `i` of the map; `free` outside of it. */
export function useAt(map: FrameMapView, i: number): FrameUse {
  return map.legend[map.uses[i] ?? 0] ?? 'free';
}

/** Index of a PFN (`0x…`) in the map; null when it lies outside. */
export function frameIndex(map: FrameMapView, pfn: string | null | undefined): number | null {
  if (pfn === null || pfn === undefined) return null;
  const i = Number(pfn) - map.first;
  return Number.isInteger(i) && i >= 0 && i < map.uses.length ? i : null;
}

/** How many frames each use has, in the order of the legend, unused uses left out. */
export function useCounts(map: FrameMapView): { use: FrameUse; count: number }[] {
  const counts = new Uint32Array(map.legend.length);
  for (let i = 0; i < map.uses.length; i++) {
    const use = map.uses[i] ?? 0;
    counts[use] = (counts[use] ?? 0) + 1;
  }
  return map.legend.map((use, i) => ({ use, count: counts[i] ?? 0 })).filter(({ count }) => count > 0);
}

/** One cell of an overview: the use that most of its frames that are not free have, and the share of those. */
export interface OverviewCell {
  readonly use: FrameUse;
  /** 0 to 1. */
  readonly share: number;
}

/** The map summed up in cells of `perCell` frames. */
export function overview(map: FrameMapView, perCell: number): OverviewCell[] {
  const cells: OverviewCell[] = [];
  const counts = new Uint32Array(map.legend.length);
  const free = map.legend.indexOf('free');
  for (let from = 0; from < map.uses.length; from += perCell) {
    const to = Math.min(from + perCell, map.uses.length);
    counts.fill(0);
    for (let i = from; i < to; i++) {
      const use = map.uses[i] ?? 0;
      counts[use] = (counts[use] ?? 0) + 1;
    }
    let best = -1;
    for (let use = 0; use < counts.length; use++) {
      if (use !== free && (counts[use] ?? 0) > (best < 0 ? 0 : (counts[best] ?? 0))) best = use;
    }
    const used = to - from - (free < 0 ? 0 : (counts[free] ?? 0));
    cells.push({ use: best < 0 ? 'free' : (map.legend[best] ?? 'free'), share: used / (to - from) });
  }
  return cells;
}

/** Neighbouring frames of one use. */
export interface UseRun {
  readonly use: FrameUse;
  /** PFNs, both included. */
  readonly first: string;
  readonly last: string;
  readonly count: number;
}

/** The map as runs, the first `limit` of them. */
export function useRuns(map: FrameMapView, limit: number): UseRun[] {
  const runs: UseRun[] = [];
  for (let from = 0; from < map.uses.length && runs.length < limit; ) {
    let to = from + 1;
    while (to < map.uses.length && map.uses[to] === map.uses[from]) to++;
    const first = hex(map.first + from);
    runs.push({ use: useAt(map, from), first, last: hex(map.first + to - 1), count: to - from });
    from = to;
  }
  return runs;
}
