/**
 * Shadow entries: what is remembered of a page that reclaim took, so that one which comes back soon is known to belong to
 * the working set (mm/workingset.c). An entry holds the clock of evictions and activations at that time.
 */

import type { Pfn } from '../machine/address.ts';
import {
  type Frames,
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRUVEC_ANON_COST,
  LRUVEC_FILE_COST,
  LRUVEC_NONRESIDENT_AGE,
  PG_ACTIVE,
  PG_WORKINGSET,
} from '../machine/frames.ts';
import { WORKINGSET_ACTIVATE, WORKINGSET_REFAULT, WORKINGSET_RESTORE } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';

/** Bits of an entry: there is one, the page had been active, and from bit 2 on the clock. */
const PRESENT = 1;
const HAD_WORKINGSET = 2;
const AGE_MASK = 0x1fffffff;

/** workingset_age_nonresident(): the clock goes on. */
export function workingset_age(frames: Frames): void {
  const { lruvec } = frames.counters;
  lruvec[LRUVEC_NONRESIDENT_AGE] = (lruvec[LRUVEC_NONRESIDENT_AGE] as number) + 1;
}

/** workingset_eviction(): the entry for a page with `flags` that goes now. Never 0. */
export function workingset_eviction(k: Kernel, flags: number): number {
  const age = k.frames.counters.lruvec[LRUVEC_NONRESIDENT_AGE] as number;
  workingset_age(k.frames);
  return ((age & AGE_MASK) << 2) | ((flags & PG_WORKINGSET) !== 0 ? HAD_WORKINGSET : 0) | PRESENT;
}

/** lru_note_cost(): what reclaiming one kind of page has cost lately; the sum decays to a quarter of the lists. */
export function lru_note_cost(frames: Frames, file: boolean, cost: number): void {
  if (cost === 0) return;
  const { lruvec, count } = frames.counters;
  const at = file ? LRUVEC_FILE_COST : LRUVEC_ANON_COST;
  lruvec[at] = (lruvec[at] as number) + cost;
  let pages = 0;
  for (let list = LRU_INACTIVE_ANON; list <= LRU_ACTIVE_FILE; list++) pages += count[list] as number;
  const anon = lruvec[LRUVEC_ANON_COST] as number;
  const files = lruvec[LRUVEC_FILE_COST] as number;
  if (anon + files <= Math.floor(pages / 4)) return;
  lruvec[LRUVEC_ANON_COST] = Math.floor(anon / 2);
  lruvec[LRUVEC_FILE_COST] = Math.floor(files / 2);
}

/** workingset_test_recent(): fewer pages went or were activated since than the other pages in use could give way. */
function recent(k: Kernel, shadow: number, file: boolean): boolean {
  const { lruvec, count } = k.frames.counters;
  const now = (lruvec[LRUVEC_NONRESIDENT_AGE] as number) & AGE_MASK;
  const distance = (now - (shadow >>> 2)) & AGE_MASK;
  let size = count[LRU_ACTIVE_FILE] as number;
  if (!file) size += count[LRU_INACTIVE_FILE] as number;
  if (k.swap.free > 0) {
    size += count[LRU_ACTIVE_ANON] as number;
    if (file) size += count[LRU_INACTIVE_ANON] as number;
  }
  return distance <= size;
}

/** workingset_refault(): a page with a shadow entry is back; `pfn` is on no list yet. Recent ones become active. */
export function workingset_refault(k: Kernel, pfn: Pfn, shadow: number, file: boolean): void {
  if (shadow === 0) return;
  const kind = file ? 1 : 0;
  k.frames.countEvent(WORKINGSET_REFAULT + kind);
  if (!recent(k, shadow, file)) return;
  k.frames.setFlags(pfn, PG_ACTIVE);
  workingset_age(k.frames);
  k.frames.countEvent(WORKINGSET_ACTIVATE + kind);
  if ((shadow & HAD_WORKINGSET) === 0) return;
  k.frames.setFlags(pfn, PG_WORKINGSET);
  lru_note_cost(k.frames, file, 1);
  k.frames.countEvent(WORKINGSET_RESTORE + kind);
}
