/**
 * Belady's OPT for a machine: the frame goes whose page is used next latest. It needs the future of the run
 * (mm/future.ts), and keeps its place in it; where the run leaves the way that was foreseen, pages are looked up by place.
 */

import type { NextUse } from '../events.ts';
import type { Pfn } from '../machine/address.ts';
import { CHUNK_MASK, LRU_INACTIVE_ANON, PG_ANON, PG_LRU } from '../machine/frames.ts';
import { lru_list } from '../machine/lru.ts';
import type { Kernel } from '../state/kernel.ts';
import { type Future, NEVER, type PagePlace } from './future.ts';
import type { Candidates, NextUses } from './next-uses.ts';
import { rmap_walk } from './rmap.ts';

/** How far ahead in its step a use is looked for that is not the next one. */
const MAX_SKIPPED = 64;

/** Step `step` of the scenario begins or goes on, or one that is none of its steps (-1). */
export function begin_opt_step(k: Kernel, step: number): void {
  if (step === k.scalars.step) return;
  k.scalars.step = step;
  if (step >= 0 && k.future !== null) k.scalars.use = k.future.firstUseOf(step);
}

/** The number of this use of a place in the future; -1 when it was not foreseen in this step. */
function foreseenUse(k: Kernel, future: Future, place: number): number {
  const { use, step } = k.scalars;
  if (step < 0 || place < 0) return -1;
  const end = Math.min(future.firstUseOf(step + 1), use + MAX_SKIPPED);
  for (let at = use; at < end; at++) if (future.placeOf(at) === place) return at;
  return -1;
}

/** A page was used: its next use is known, and the run is one use farther. */
export function note_opt_use(k: Kernel, kind: PagePlace['kind'], space: number, page: number, pfn: Pfn): void {
  const { future, nextUses } = k;
  if (future === null || nextUses === null) return;
  const place = future.placeNumber(kind, space, page);
  const use = foreseenUse(k, future, place);
  if (use >= 0) k.scalars.use = use + 1;
  nextUses.set(pfn, use >= 0 ? future.nextUse(use) : future.nextUseAt(place, k.scalars.use));
}

/** The next use of a frame's page by anybody who maps it, or of the file that it belongs to. */
function lookUp(k: Kernel, pfn: Pfn): number {
  const { future } = k;
  if (future === null) return NEVER;
  const { use } = k.scalars;
  const chunk = k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  if (((chunk.flags[i] as number) & PG_ANON) === 0) {
    const place = future.placeNumber('file', chunk.mapping[i] as number, chunk.index[i] as number);
    return future.nextUseAt(place, use);
  }
  let next = NEVER;
  rmap_walk(k, pfn, (mm, _vma, addr) => {
    next = Math.min(next, future.nextUseAt(future.placeNumber('process', mm.id, Math.floor(addr / 4096)), use));
    return true;
  });
  return next;
}

function candidates(k: Kernel): Candidates {
  return {
    evictable(pfn) {
      const flags = k.frames.flagsOf(pfn);
      if (flags === 0) return 'no';
      return (flags & PG_LRU) !== 0 && lru_list(k.frames, flags) === LRU_INACTIVE_ANON ? 'yes' : 'later';
    },
    nextUse: (pfn) => lookUp(k, pfn),
  };
}

function usesOf(k: Kernel): NextUses {
  if (k.nextUses === null) throw new Error('usesOf: the machine does not evict by OPT');
  return k.nextUses;
}

/** The frame whose page is needed latest, among equals the one that came in last; 0 when none can be evicted. */
export function farthest(k: Kernel): Pfn {
  return usesOf(k).farthest(k.scalars.use, candidates(k));
}

/** All frames that can be evicted, in the order in which they go. */
export function farthest_first(k: Kernel): Pfn[] {
  return usesOf(k).inOrder(k.scalars.use, candidates(k));
}

/** When the page in a frame is used next, for people; null where the machine does not evict by OPT. Changes nothing. */
export function next_use(k: Kernel, pfn: Pfn): NextUse | null {
  const { future, nextUses } = k;
  if (nextUses === null) return null;
  if (future === null) return 'no future';
  const known = nextUses.nextOf(pfn);
  const next = known >= k.scalars.use ? known : lookUp(k, pfn);
  if (next === NEVER) return future.complete ? 'never' : 'not foreseen';
  return { line: future.lineOf(next), uses: next - k.scalars.use };
}
