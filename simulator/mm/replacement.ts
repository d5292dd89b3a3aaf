/**
 * The textbooks' replacement policies instead of Linux's (`machine replacement=…`): one list of all evictable frames,
 * anonymous and file alike, and one frame at a time.
 */

import type { Pfn } from '../machine/address.ts';
import { CHUNK_MASK, LRU_INACTIVE_ANON, PG_FILE, PG_REFERENCED, PG_SHMEM } from '../machine/frames.ts';
import { lru_move } from '../machine/lru.ts';
import { PGSCAN, PGSCAN_KIND, PGSTEAL, PGSTEAL_KIND } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import { farthest, farthest_first, next_use } from './opt.ts';
import { BY_ASKING, BY_DIRECT, type ScanControl } from './scan-balance.ts';

/** Takes a frame from whoever has it; false when that cannot be done. Clears and tells whether it was used lately. */
export interface Evictor {
  readonly evict: (k: Kernel, pfn: Pfn) => boolean;
  readonly used: (k: Kernel, pfn: Pfn) => boolean;
}

/** The list that all policies share: oldest at the tail. */
const LIST = LRU_INACTIVE_ANON;

/** A number in [0, count) that depends on the run alone (Knuth's multiplicative hash of the scan counter). */
function draw(k: Kernel, count: number): number {
  const { events } = k.frames.counters;
  const scanned = (events[PGSCAN + BY_DIRECT] as number) + (events[PGSCAN + BY_ASKING] as number);
  return (Math.imul(2 * scanned + 1, 0x9e3779b1) >>> 0) % count;
}

/** 1 for a page of a file on disk, else 0: the index in the counters by kind. */
function kindOf(k: Kernel, pfn: Pfn): number {
  return (k.frames.flagsOf(pfn) & (PG_FILE | PG_SHMEM)) === PG_FILE ? 1 : 0;
}

function look(k: Kernel, sc: ScanControl, pfn: Pfn): void {
  sc.nr_scanned++;
  k.frames.countEvent(PGSCAN + sc.by);
  k.frames.countEvent(PGSCAN_KIND + kindOf(k, pfn));
}

/**
 * The frame that the policy names next. Those of `failed` could not be taken; they lie at the head, or were not reached
 * yet. 0 when there is no other.
 */
function victim(k: Kernel, sc: ScanControl, evictor: Evictor, failed: ReadonlySet<Pfn>): Pfn {
  const { tail, count } = k.frames.counters;
  const length = count[LIST] as number;
  if (length <= failed.size) return 0;
  if (k.config.replacement === 'random') {
    let pfn = tail[LIST] as number;
    for (let steps = draw(k, length - failed.size); steps > 0; steps--) {
      pfn = k.frames.chunk(pfn).prev[pfn & CHUNK_MASK] as number;
    }
    if (!failed.has(pfn)) return pfn;
  }
  // The hand of the clock passes a used frame once: it goes to the other end with its bit cleared.
  const isClock = k.config.replacement === 'clock';
  for (let passed = 0; passed < 2 * length; passed++) {
    const pfn = tail[LIST] as number;
    if (failed.has(pfn)) lru_move(k.frames, pfn, 0, 0);
    else if (!isClock || !evictor.used(k, pfn)) return pfn;
    else {
      look(k, sc, pfn);
      sc.nr_spared++;
      if (k.sink !== null) k.emit({ type: 'spared', pfn, why: 'referenced', fate: 'passed by the hand' });
      lru_move(k.frames, pfn, 0, PG_REFERENCED);
    }
  }
  return 0;
}

/** Takes the frame that the policy has chosen; false when that cannot be done. */
function take(k: Kernel, sc: ScanControl, pfn: Pfn, evictor: Evictor): boolean {
  if (k.sink !== null) {
    const { replacement } = k.config;
    if (replacement !== 'linux') k.emit({ type: 'victim', pfn, by: replacement, next: next_use(k, pfn) });
  }
  look(k, sc, pfn);
  const kind = kindOf(k, pfn);
  if (!evictor.evict(k, pfn)) {
    sc.nr_spared++;
    return false;
  }
  sc.nr_reclaimed++;
  k.frames.countEvent(PGSTEAL + sc.by);
  k.frames.countEvent(PGSTEAL_KIND + kind);
  return true;
}

/** Belady's OPT. The order matters only where the first choices cannot be taken. */
function replace_farthest(k: Kernel, sc: ScanControl, evictor: Evictor): void {
  while (sc.nr_reclaimed < sc.nr_to_reclaim) {
    const pfn = farthest(k);
    if (pfn === 0 || !take(k, sc, pfn, evictor)) break;
  }
  if (sc.nr_reclaimed === sc.nr_to_reclaim) return;
  for (const pfn of farthest_first(k)) {
    take(k, sc, pfn, evictor);
    if (sc.nr_reclaimed === sc.nr_to_reclaim) break;
  }
}

/** Evicts `sc.nr_to_reclaim` frames by the machine's policy, or as many as can be. */
export function replace_pages(k: Kernel, sc: ScanControl, evictor: Evictor): void {
  if (k.nextUses !== null) {
    replace_farthest(k, sc, evictor);
    return;
  }
  const failed = new Set<Pfn>();
  while (sc.nr_reclaimed < sc.nr_to_reclaim) {
    const pfn = victim(k, sc, evictor, failed);
    if (pfn === 0) break;
    if (take(k, sc, pfn, evictor)) continue;
    failed.add(pfn);
    lru_move(k.frames, pfn, 0, 0);
  }
}
