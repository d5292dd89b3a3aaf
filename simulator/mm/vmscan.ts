/**
 * Reclaim: who is looked at, spared and taken when frames are short (mm/vmscan.c with the classic lists). Departs from
 * Linux in that a round ends as soon as enough was freed.
 */

import type { SparedFate } from '../events.ts';
import type { Pfn } from '../machine/address.ts';
import {
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRUVEC_KSWAPD_AWAKE,
  LRUVEC_KSWAPD_FAILURES,
  PG_ACTIVE,
  PG_ANON,
  PG_FILE,
  PG_REFERENCED,
  PG_SHMEM,
  PG_SWAPCACHE,
  PG_WORKINGSET,
} from '../machine/frames.ts';
import { lru_move, lru_rotate } from '../machine/lru.ts';
import {
  ALLOCSTALL,
  PAGEOUTRUN,
  PGACTIVATE,
  PGDEACTIVATE,
  PGREFILL,
  PGSCAN,
  PGSCAN_KIND,
  PGSTEAL,
  PGSTEAL_KIND,
} from '../machine/vm-events.ts';
import { inOneGo, PART_PAGES, type Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import { total_swap_pages } from './accounting.ts';
import { wakeup_flusher_threads } from './filemap.ts';
import { cull_unevictable, mapping_unevictable, mlock_folio } from './mlock-page.ts';
import { replace_pages } from './replacement.ts';
import {
  BY_ASKING,
  BY_DIRECT,
  BY_KSWAPD,
  DEF_PRIORITY,
  first_priority,
  get_scan_count,
  inactive_is_low,
  prepare_scan_control,
  progress,
  type ScanControl,
  scanControl,
  snapshot_refaults,
  swap_cluster,
  zone_reclaimable_pages,
} from './scan-balance.ts';
import { folio_referenced, lastReason, sawExec, sawLocked, shrink_page } from './shrink-page.ts';
import { folio_free_swap } from './swap-cache.ts';
import { lru_note_cost } from './workingset.ts';
import { wait_for_disk } from './writeback.ts';

/** Attempts without a page freed before memory counts as exhausted. */
const MAX_RECLAIM_RETRIES = 16;
/** Pages of one reclaim of which an event tells each that they were spared; the rest is counted. */
const MAX_TOLD = 48;
/** SWAP_CLUSTER_MAX of Linux, as the weight of a write among the costs of reclaim. */
const WRITE_COST = 32;

/** Names of {@link ScanControl.by} for those who listen. */
const REASONS = ['kswapd', 'direct reclaim', 'asked for'] as const;

function tellSpared(k: Kernel, sc: ScanControl, pfn: Pfn, verdict: SparedFate): void {
  if (sc.nr_spared > MAX_TOLD) return;
  k.emit({ type: 'spared', pfn, why: lastReason, fate: verdict });
}

/** The page goes where its verdict says; the lists of those that were looked at are put back head first. */
function putback(k: Kernel, pfn: Pfn, verdict: SparedFate | 'writing'): void {
  if (verdict === 'kept' || verdict === 'writing') {
    lru_rotate(k.frames, pfn);
    return;
  }
  const flags = k.frames.flagsOf(pfn);
  // vm_swap_full(): a page that stays gives its slot up early.
  if ((flags & PG_SWAPCACHE) !== 0 && (flags & PG_ANON) !== 0 && k.swap.free * 2 < k.swap.total) freeSlot(k, pfn);
  if (verdict === 'culled') cull_unevictable(k, pfn);
  else {
    lru_move(k.frames, pfn, PG_ACTIVE, 0);
    k.frames.countEvent(PGACTIVATE);
  }
}

function freeSlot(k: Kernel, pfn: Pfn): void {
  if (k.frames.mapcountOf(pfn) > 0) folio_free_swap(k, pfn);
}

/** shrink_inactive_list(): looks at up to `count` of the oldest pages. */
function shrink_inactive_list(k: Kernel, sc: ScanControl, list: number, count: number): void {
  const { frames } = k;
  const kind = list >= LRU_INACTIVE_FILE ? 1 : 0;
  const before = sc.nr_reclaimed;
  const writingBefore = sc.nr_writing;
  let left = Math.min(count, frames.counters.count[list] as number);
  let scanned = 0;
  let unqueued = 0;
  for (; left > 0 && progress(sc) < sc.nr_to_reclaim; left--) {
    const pfn = frames.counters.tail[list] as number;
    if (pfn === 0) break;
    scanned++;
    const verdict = shrink_page(k, pfn, 'pressure');
    if (verdict === 'freed') sc.nr_reclaimed++;
    else {
      if (verdict === 'writing') sc.nr_writing++;
      else {
        sc.nr_spared++;
        if (lastReason === 'dirty') unqueued++;
        if (k.sink !== null) tellSpared(k, sc, pfn, verdict);
      }
      putback(k, pfn, verdict);
    }
  }
  const freed = sc.nr_reclaimed - before;
  const writes = k.writes.steps === 0 ? freed : sc.nr_writing - writingBefore;
  sc.nr_scanned += scanned;
  frames.countEvent(PGSCAN + sc.by, scanned);
  frames.countEvent(PGSCAN_KIND + kind, scanned);
  frames.countEvent(PGSTEAL + sc.by, freed);
  frames.countEvent(PGSTEAL_KIND + kind, freed);
  lru_note_cost(frames, kind === 1, (kind === 1 ? 0 : writes * WRITE_COST) + scanned - freed);
  sc.nr_unqueued_dirty += unqueued;
  // handle_reclaim_writeback(): nothing but dirty pages that nobody writes.
  if (unqueued > 0 && unqueued === scanned) wake_flusher(k, sc);
}

/** Dirty pages of files stand in the way: the flusher thread begins to write them. */
function wake_flusher(k: Kernel, sc: ScanControl): void {
  sc.nr_unqueued_dirty = 0;
  sc.nr_writing += wakeup_flusher_threads(k, 'flusher');
}

/** shrink_active_list(): the oldest active pages become inactive, but for code that was used. */
function shrink_active_list(k: Kernel, list: number, count: number): void {
  const { frames } = k;
  const file = list >= LRU_INACTIVE_FILE;
  let rotated = 0;
  let deactivated = 0;
  const length = Math.min(count, frames.counters.count[list] as number);
  for (let n = 0; n < length; n++) {
    const pfn = frames.counters.tail[list] as number;
    if (mapping_unevictable(k, pfn)) {
      cull_unevictable(k, pfn);
      continue;
    }
    const young = folio_referenced(k, pfn);
    if (sawLocked) {
      mlock_folio(k, pfn);
      continue;
    }
    const flags = frames.flagsOf(pfn);
    if (young > 0 && sawExec && (flags & (PG_FILE | PG_SHMEM)) === PG_FILE) {
      rotated++;
      if (k.sink !== null && rotated <= MAX_TOLD)
        k.emit({ type: 'spared', pfn, why: 'executed', fate: 'stays active' });
      lru_rotate(frames, pfn);
      continue;
    }
    lru_move(frames, pfn, PG_WORKINGSET, PG_ACTIVE);
    deactivated++;
    if (k.sink !== null && deactivated <= MAX_TOLD) k.emit({ type: 'deactivated', pfn });
  }
  frames.countEvent(PGREFILL, length);
  frames.countEvent(PGDEACTIVATE, deactivated);
  lru_note_cost(frames, file, rotated);
}

/** How much of each list is still to be looked at by those whose reclaim comes in one go. */
const shared = new Int32Array(4);

/** shrink_lruvec(): one round over all lists, a batch of each in turn, until enough was freed. */
function* shrink_lruvec(k: Kernel, sc: ScanControl): Parts<void> {
  const nr = sc.by === BY_ASKING ? new Int32Array(4) : shared;
  get_scan_count(k, sc, nr);
  const cluster = swap_cluster(k.frames);
  let pause = sc.nr_scanned + PART_PAGES;
  while (
    ((nr[LRU_INACTIVE_ANON] as number) > 0 ||
      (nr[LRU_ACTIVE_FILE] as number) > 0 ||
      (nr[LRU_INACTIVE_FILE] as number) > 0) &&
    progress(sc) < sc.nr_to_reclaim
  ) {
    if (sc.nr_scanned >= pause) {
      pause = sc.nr_scanned + PART_PAGES;
      yield { done: progress(sc), of: sc.nr_to_reclaim };
    }
    for (let list = LRU_INACTIVE_ANON; list <= LRU_ACTIVE_FILE; list++) {
      const part = Math.min(nr[list] as number, cluster);
      if (part === 0) continue;
      nr[list] = (nr[list] as number) - part;
      if (list === LRU_INACTIVE_ANON || list === LRU_INACTIVE_FILE) shrink_inactive_list(k, sc, list, part);
      else if (list === LRU_ACTIVE_ANON ? sc.mayDeactivateAnon : sc.mayDeactivateFile) {
        shrink_active_list(k, list, part);
      } else sc.skipped_deactivate = true;
    }
  }
  if (k.swap.total > 0 && inactive_is_low(k.frames, LRU_INACTIVE_ANON)) {
    shrink_active_list(k, LRU_ACTIVE_ANON, cluster);
  }
}

function shrink_node(k: Kernel, sc: ScanControl): Parts<void> {
  prepare_scan_control(k, sc);
  return shrink_lruvec(k, sc);
}

/** do_try_to_free_pages(): looks harder at each priority; at last at pages that were thought to be in use. */
function* do_try_to_free_pages(k: Kernel, sc: ScanControl): Parts<void> {
  const before = progress(sc);
  sc.skipped_deactivate = false;
  for (;;) {
    for (sc.priority = first_priority(k.frames); sc.priority >= 0; sc.priority--) {
      yield* shrink_node(k, sc);
      if (progress(sc) >= sc.nr_to_reclaim) break;
    }
    snapshot_refaults(k);
    if (progress(sc) > before || !sc.skipped_deactivate) return;
    sc.force_deactivate = true;
    sc.skipped_deactivate = false;
  }
}

/** Tells the beginning of a reclaim; what it does is told deeper. */
function tellStart(k: Kernel, sc: ScanControl): void {
  if (k.sink === null) return;
  const { min, low, high } = k.watermarks;
  const { nr_to_reclaim: wanted } = sc;
  const slots = total_swap_pages(k);
  const { free } = k.frames.counters;
  k.emit({ type: 'reclaim-start', by: REASONS[sc.by], wanted, free, min, low, high, slots, freeSlots: k.swap.free });
  k.depth++;
}

function tellEnd(k: Kernel, sc: ScanControl, wanted: number): void {
  if (k.sink === null) return;
  k.depth--;
  const { nr_reclaimed: got, nr_scanned: scanned, nr_spared: spared, nr_writing: writing } = sc;
  const untold = k.config.replacement === 'linux' ? Math.max(0, spared - MAX_TOLD) : 0;
  k.emit({ type: 'reclaim', wanted, got, scanned, spared, untold, writing, why: REASONS[sc.by] });
}

/**
 * A process goes on with any frame that was freed, and where writes take time, with the frames that it `needs`; who asks
 * for reclaim wants all (user_proactive_reclaim()), and waits for no write.
 */
function enough(k: Kernel, sc: ScanControl, needs: number): boolean {
  if (sc.by === BY_ASKING) return progress(sc) >= sc.nr_to_reclaim;
  return sc.nr_reclaimed >= (k.writes.steps === 0 ? 1 : needs);
}

/**
 * reclaim_throttle(): what could be freed is under writeback, or dirty and not even that: a process waits until the disk has
 * finished something. False: there is nothing to wait for, or nobody who would.
 */
function reclaim_throttle(k: Kernel, sc: ScanControl): boolean {
  if (sc.nr_unqueued_dirty > 0) wake_flusher(k, sc);
  if (sc.by !== BY_DIRECT || k.writes.size === 0) return false;
  if (k.sink !== null) k.emit({ type: 'throttled', pages: k.writes.size });
  wait_for_disk(k, 'reclaim');
  sc.nr_writing = 0;
  return true;
}

/** should_reclaim_retry(): tries again while too little was freed and there is something that could be. */
function* tryHard(k: Kernel, by: ScanControl['by'], wanted: number, needs: number): Parts<number> {
  const sc = scanControl(by, wanted);
  tellStart(k, sc);
  yield* do_try_to_free_pages(k, sc);
  for (let loop = 1; loop <= MAX_RECLAIM_RETRIES && !enough(k, sc, needs); loop++) {
    const waited = reclaim_throttle(k, sc);
    if (enough(k, sc, needs) || (!waited && zone_reclaimable_pages(k) === 0)) break;
    const before = progress(sc);
    sc.desperate = sc.desperate || !waited;
    sc.force_deactivate = false;
    yield* do_try_to_free_pages(k, sc);
    if (waited || progress(sc) > before) loop = 0;
  }
  if (sc.nr_reclaimed > 0) k.frames.counters.lruvec[LRUVEC_KSWAPD_FAILURES] = 0;
  tellEnd(k, sc, wanted);
  return sc.nr_reclaimed;
}

/** How the textbook policies look at a frame and take it. */
const EVICTOR = {
  evict: (k: Kernel, pfn: Pfn): boolean => {
    if (shrink_page(k, pfn, 'policy') === 'freed') return true;
    if (k.sink !== null) k.emit({ type: 'spared', pfn, why: lastReason, fate: 'passed over' });
    return false;
  },
  used: (k: Kernel, pfn: Pfn): boolean => folio_referenced(k, pfn) > 0 || (k.frames.flagsOf(pfn) & PG_REFERENCED) !== 0,
};

/** Reclaim by a textbook policy. Returns how many frames were freed. */
function replace(k: Kernel, by: ScanControl['by'], wanted: number): number {
  const sc = scanControl(by, wanted);
  tellStart(k, sc);
  replace_pages(k, sc, EVICTOR);
  tellEnd(k, sc, wanted);
  return sc.nr_reclaimed;
}

/**
 * try_to_free_pages(): direct reclaim, of at least `wanted` frames and a batch. Returns how many were freed; 0 means that
 * memory is exhausted.
 */
export function try_to_free_pages(k: Kernel, wanted: number): number {
  k.frames.countEvent(ALLOCSTALL);
  if (k.config.replacement !== 'linux') return replace(k, BY_DIRECT, wanted);
  return inOneGo(tryHard(k, BY_DIRECT, Math.max(wanted, swap_cluster(k.frames)), wanted));
}

/** `kernel: reclaim(pages)`: reclaim that is asked for, in parts but for that of a textbook policy. Returns how many were freed. */
export function reclaim_on_demand(k: Kernel, wanted: number): number | Parts<number> {
  if (wanted === 0) return 0;
  return k.config.replacement === 'linux' ? tryHard(k, BY_ASKING, wanted, wanted) : replace(k, BY_ASKING, wanted);
}

function balanced(k: Kernel): boolean {
  return k.frames.counters.free > k.watermarks.high;
}

/** Frames that kswapd has to see to: what is under writeback can be freed when the disk has it. */
function missing(k: Kernel): number {
  return k.watermarks.high + 1 - k.frames.counters.free - k.writes.size;
}

/**
 * kswapd(): runs where the step that woke it ends, until more than the mark `high` are free; after 16 runs that freed
 * nothing it sleeps until direct reclaim frees something. While it waits for the disk it stays awake.
 */
export function kswapd(k: Kernel): void {
  const { lruvec } = k.frames.counters;
  if (lruvec[LRUVEC_KSWAPD_AWAKE] === 0) return;
  lruvec[LRUVEC_KSWAPD_AWAKE] = 0;
  if (k.watermarks.high === 0 || balanced(k) || hopeless(k)) return;
  if (missing(k) > 0) {
    const sc = scanControl(BY_KSWAPD, missing(k));
    const wanted = sc.nr_to_reclaim;
    tellStart(k, sc);
    while (missing(k) > 0 && !hopeless(k)) balance_pgdat(k, sc);
    tellEnd(k, sc, wanted);
  }
  if (!balanced(k) && k.writes.size > 0) lruvec[LRUVEC_KSWAPD_AWAKE] = 1;
}

function hopeless(k: Kernel): boolean {
  return (k.frames.counters.lruvec[LRUVEC_KSWAPD_FAILURES] as number) >= MAX_RECLAIM_RETRIES;
}

/** balance_pgdat(): one run of kswapd, through all priorities but the last. */
function balance_pgdat(k: Kernel, sc: ScanControl): void {
  k.frames.countEvent(PAGEOUTRUN);
  const round = Math.max(k.watermarks.high, swap_cluster(k.frames));
  const first = progress(sc);
  for (sc.priority = DEF_PRIORITY; sc.priority >= 1 && missing(k) > 0; ) {
    const before = progress(sc);
    const scanned = sc.nr_scanned;
    if (k.swap.total > 0 && inactive_is_low(k.frames, LRU_INACTIVE_ANON)) {
      shrink_active_list(k, LRU_ACTIVE_ANON, swap_cluster(k.frames));
    }
    sc.nr_to_reclaim = before + Math.min(round, missing(k));
    inOneGo(shrink_node(k, sc));
    if (sc.nr_scanned - scanned < round || progress(sc) === before) sc.priority--;
  }
  if (progress(sc) === first && sc.nr_unqueued_dirty > 0) wake_flusher(k, sc);
  const { lruvec } = k.frames.counters;
  const failures = lruvec[LRUVEC_KSWAPD_FAILURES] as number;
  lruvec[LRUVEC_KSWAPD_FAILURES] = progress(sc) === first ? failures + 1 : 0;
  snapshot_refaults(k);
}

/** reclaim_pages(): MADV_PAGEOUT takes these pages, used lately or not. Returns how many went. */
export function reclaim_pages(k: Kernel, pfns: readonly Pfn[]): number {
  let freed = 0;
  for (const pfn of pfns) {
    if ((k.frames.flagsOf(pfn) & (PG_ANON | PG_FILE)) === 0) continue;
    const verdict = shrink_page(k, pfn, 'pageout');
    if (verdict === 'freed') freed++;
    else if (verdict === 'writing') lru_rotate(k.frames, pfn);
    else if (verdict === 'activated') lru_move(k.frames, pfn, PG_ACTIVE, 0);
  }
  return freed;
}
