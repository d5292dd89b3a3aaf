/**
 * The textbooks' replacement policies instead of Linux's (`machine replacement=…`): one list of all evictable frames,
 * anonymous and file alike, and one frame at a time.
 */

import type { Pfn } from '../machine/address.ts';
import { LRU_INACTIVE_ANON, PG_REFERENCED } from '../machine/frames.ts';
import { lru_move } from '../machine/lru.ts';
import { PGSCAN, PGSTEAL } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import { farthest, farthest_first, next_use } from './opt.ts';

/** Takes a frame from whoever has it; false when that cannot be done. Clears and tells whether it was used lately. */
export interface Evictor {
  readonly evict: (k: Kernel, pfn: Pfn) => boolean;
  readonly used: (k: Kernel, pfn: Pfn) => boolean;
}

/** The list that all policies share: oldest at the tail. */
const LIST = LRU_INACTIVE_ANON;

/** A number in [0, count) that depends on the run alone (Knuth's multiplicative hash of the scan counter). */
function draw(k: Kernel, count: number): number {
  const scanned = k.frames.counters.events[PGSCAN + 1] as number;
  return (Math.imul(2 * scanned + 1, 0x9e3779b1) >>> 0) % count;
}

/** The frame that the policy names next; 0 when the list is empty. */
function victim(k: Kernel, evictor: Evictor): Pfn {
  const { tail, count } = k.frames.counters;
  const length = count[LIST] as number;
  if (length === 0) return 0;
  if (k.config.replacement === 'random') {
    let pfn = tail[LIST] as number;
    for (let steps = draw(k, length); steps > 0; steps--) pfn = k.frames.chunk(pfn).prev[pfn & 255] as number;
    return pfn;
  }
  if (k.config.replacement === 'clock') {
    // The hand passes a used frame once: it goes to the other end with its bit cleared.
    for (let passed = 0; passed < length; passed++) {
      const pfn = tail[LIST] as number;
      if (!evictor.used(k, pfn)) return pfn;
      lru_move(k.frames, pfn, 0, PG_REFERENCED);
    }
  }
  return tail[LIST] as number;
}

/** Takes the frame that the policy has chosen; false when that cannot be done. */
function take(k: Kernel, pfn: Pfn, evictor: Evictor): boolean {
  if (k.sink !== null) {
    const { replacement } = k.config;
    if (replacement !== 'linux') k.emit({ type: 'victim', pfn, by: replacement, next: next_use(k, pfn) });
  }
  k.frames.countEvent(PGSCAN + 1);
  if (!evictor.evict(k, pfn)) return false;
  k.frames.countEvent(PGSTEAL + 1);
  return true;
}

/** Belady's OPT. The order matters only where the first choices cannot be taken. */
function replace_farthest(k: Kernel, wanted: number, evictor: Evictor): number {
  let freed = 0;
  for (; freed < wanted; freed++) {
    const pfn = farthest(k);
    if (pfn === 0 || !take(k, pfn, evictor)) break;
  }
  if (freed === wanted) return freed;
  for (const pfn of farthest_first(k)) {
    if (take(k, pfn, evictor)) freed++;
    if (freed === wanted) break;
  }
  return freed;
}

/** Evicts `wanted` frames by the machine's policy. Returns how many went. */
export function replace_pages(k: Kernel, wanted: number, evictor: Evictor): number {
  if (k.nextUses !== null) return replace_farthest(k, wanted, evictor);
  let freed = 0;
  for (let tries = k.frames.counters.count[LIST] as number; tries > 0 && freed < wanted; tries--) {
    const pfn = victim(k, evictor);
    if (pfn === 0) break;
    if (take(k, pfn, evictor)) freed++;
    else lru_move(k.frames, pfn, 0, 0);
  }
  return freed;
}
