/** What one reclaim looks for, and how it shares its scan between the lists (mm/vmscan.c: get_scan_count() and kin). */

import {
  type Frames,
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRUVEC_ANON_COST,
  LRUVEC_FILE_COST,
  LRUVEC_REFAULTS_ANON,
  LRUVEC_REFAULTS_FILE,
} from '../machine/frames.ts';
import { WORKINGSET_ACTIVATE } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';

/** Who reclaims: the index behind pgscan_kswapd and pgsteal_kswapd. */
export const BY_KSWAPD = 0;
export const BY_DIRECT = 1;
/** `kernel: reclaim()`, as memory.reclaim of a cgroup. */
export const BY_ASKING = 2;

/** struct scan_control, and what a reclaim tells of itself. */
export interface ScanControl {
  readonly by: typeof BY_KSWAPD | typeof BY_DIRECT | typeof BY_ASKING;
  nr_to_reclaim: number;
  nr_reclaimed: number;
  nr_scanned: number;
  /** A list's length is shifted by it: 12 at first, everything at 0. */
  priority: number;
  mayDeactivateAnon: boolean;
  mayDeactivateFile: boolean;
  /** An active list was left alone. */
  skipped_deactivate: boolean;
  force_deactivate: boolean;
  cache_trim_mode: boolean;
  /** Nothing else is left than to swap, whatever `swappiness` says. */
  file_is_tiny: boolean;
  /** An earlier attempt freed too little. */
  desperate: boolean;
  /** Pages spared. */
  nr_spared: number;
  /** Pages whose write it began and does not wait for: they count as if they were freed. */
  nr_writing: number;
  /** Dirty pages of files that were looked at and are not being written (reclaim_stat.nr_unqueued_dirty). */
  nr_unqueued_dirty: number;
}

/** Pages freed, and those that will be when the disk has them. */
export function progress(sc: ScanControl): number {
  return sc.nr_reclaimed + sc.nr_writing;
}

export function scanControl(by: ScanControl['by'], wanted: number): ScanControl {
  return {
    by,
    nr_to_reclaim: wanted,
    nr_reclaimed: 0,
    nr_scanned: 0,
    priority: DEF_PRIORITY,
    mayDeactivateAnon: false,
    mayDeactivateFile: false,
    skipped_deactivate: false,
    force_deactivate: false,
    cache_trim_mode: false,
    file_is_tiny: false,
    desperate: false,
    nr_spared: 0,
    nr_writing: 0,
    nr_unqueued_dirty: 0,
  };
}

export const DEF_PRIORITY = 12;
const MAX_SWAPPINESS = 200;
const PAGES_PER_GIB = 262144;

/** SWAP_CLUSTER_MAX: pages of one batch; 32, and a 64th of RAM on smaller machines than 8 MiB. */
export function swap_cluster(frames: Frames): number {
  return Math.max(1, Math.min(32, Math.floor(frames.total / 64)));
}

/** inactive_is_low(): the inactive list is shorter than the active one, or than the root of ten times the GiB allow. */
export function inactive_is_low(frames: Frames, inactiveList: number): boolean {
  const { count } = frames.counters;
  const inactive = count[inactiveList] as number;
  const active = count[inactiveList + 1] as number;
  const gib = Math.floor((inactive + active) / PAGES_PER_GIB);
  const ratio = gib > 0 ? Math.floor(Math.sqrt(10 * gib)) : 1;
  return inactive * ratio < active;
}

/** prepare_scan_control(): whether active pages may be aged, and whether one kind is to be spared. */
export function prepare_scan_control(k: Kernel, sc: ScanControl): void {
  const { count, events, lruvec, free } = k.frames.counters;
  sc.mayDeactivateAnon =
    sc.force_deactivate ||
    events[WORKINGSET_ACTIVATE] !== lruvec[LRUVEC_REFAULTS_ANON] ||
    inactive_is_low(k.frames, LRU_INACTIVE_ANON);
  sc.mayDeactivateFile =
    sc.force_deactivate ||
    events[WORKINGSET_ACTIVATE + 1] !== lruvec[LRUVEC_REFAULTS_FILE] ||
    inactive_is_low(k.frames, LRU_INACTIVE_FILE);
  const inactiveFile = count[LRU_INACTIVE_FILE] as number;
  sc.cache_trim_mode = !sc.desperate && inactiveFile >> sc.priority > 0 && !sc.mayDeactivateFile;
  const files = inactiveFile + (count[LRU_ACTIVE_FILE] as number);
  const inactiveAnon = count[LRU_INACTIVE_ANON] as number;
  sc.file_is_tiny = files + free <= k.watermarks.high && !sc.mayDeactivateAnon && inactiveAnon >> sc.priority > 0;
}

/** snapshot_refaults(): the next reclaim compares with this moment. */
export function snapshot_refaults(k: Kernel): void {
  const { events, lruvec } = k.frames.counters;
  lruvec[LRUVEC_REFAULTS_ANON] = events[WORKINGSET_ACTIVATE] as number;
  lruvec[LRUVEC_REFAULTS_FILE] = events[WORKINGSET_ACTIVATE + 1] as number;
}

/**
 * can_reclaim_anon_pages(): there is a slot for one more; or pages that have been written to theirs and wait in the swap
 * cache, which Linux would not look at.
 */
function can_reclaim_anon_pages(k: Kernel): boolean {
  return k.swap.free > 0 || (k.writes.steps > 0 && k.swap.on && k.swap.cachedPages > 0);
}

/**
 * get_scan_count(): pages of each list to look at in this round, into `nr` by list. Integers as in Linux: the kind whose
 * reclaim was dear lately is looked at less.
 */
export function get_scan_count(k: Kernel, sc: ScanControl, nr: Int32Array): void {
  const { count, lruvec } = k.frames.counters;
  const { swappiness } = k.config;
  let anonPart = 1;
  let filePart = 1;
  let whole = 1;
  if (!can_reclaim_anon_pages(k)) anonPart = 0;
  else if (sc.priority === 0 && (swappiness > 0 || (sc.desperate && sc.by === BY_DIRECT))) {
    // Close to the end: both, whole. Where swappiness is 0, only rather than that a process dies.
  } else if (sc.file_is_tiny) filePart = 0;
  else if (sc.cache_trim_mode) anonPart = 0;
  else {
    // calculate_pressure_balance()
    const anon = lruvec[LRUVEC_ANON_COST] as number;
    const file = lruvec[LRUVEC_FILE_COST] as number;
    const total = 3 * (anon + file) + 1;
    anonPart = Math.floor((swappiness * total) / (2 * anon + file + 1));
    filePart = Math.floor(((MAX_SWAPPINESS - swappiness) * total) / (anon + 2 * file + 1));
    whole = Math.max(1, anonPart + filePart);
  }
  for (let list = LRU_INACTIVE_ANON; list <= LRU_ACTIVE_FILE; list++) {
    const part = list >= LRU_INACTIVE_FILE ? filePart : anonPart;
    nr[list] = Math.floor((((count[list] as number) >> sc.priority) * part) / whole);
  }
}

/** zone_reclaimable_pages(): what reclaim could bring back at best. */
export function zone_reclaimable_pages(k: Kernel): number {
  const { count } = k.frames.counters;
  const files = (count[LRU_INACTIVE_FILE] as number) + (count[LRU_ACTIVE_FILE] as number);
  if (!can_reclaim_anon_pages(k)) return files;
  return files + (count[LRU_INACTIVE_ANON] as number) + (count[LRU_ACTIVE_ANON] as number);
}

/** The first priority at which the longest list has a page to look at: those before it would only count. */
export function first_priority(frames: Frames): number {
  const { count } = frames.counters;
  let longest = 0;
  for (let list = LRU_INACTIVE_ANON; list <= LRU_ACTIVE_FILE; list++)
    longest = Math.max(longest, count[list] as number);
  let priority = DEF_PRIORITY;
  while (priority > 0 && longest >> priority === 0) priority--;
  return priority;
}
