/** Taking and freeing page frames (mm/page_alloc.c, release_pages() of mm/swap.c). */

import type { Pfn } from '../machine/address.ts';
import { CHUNK_MASK, LRUVEC_KSWAPD_AWAKE, PG_ANON, PG_FILE, PG_SHMEM } from '../machine/frames.ts';
import { lru_del } from '../machine/lru.ts';
import { PGALLOC, PGFREE } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';

/**
 * How far an allocation goes where memory is short: `oom`, until somebody is killed for it; `noretry`, one reclaim and no
 * more (__GFP_NORETRY, as readahead asks for pages that nobody waits for).
 */
export type Effort = 'oom' | 'noretry';

/** A zeroed frame; reclaims when free frames are short. 0 when there is none to be had: out of memory. */
export function alloc_page(k: Kernel, use: 'anon' | 'file' | 'shmem', effort: Effort = 'oom'): Pfn {
  const short = k.frames.counters.free <= k.watermarks.low;
  const pfn = short ? alloc_pages_slowpath(k, effort) : k.frames.take();
  if (pfn === 0) return 0;
  k.frames.countEvent(PGALLOC);
  k.nextUses?.arrive(pfn);
  k.recorder?.allocated(pfn);
  if (k.sink !== null) k.emit({ type: 'frame-alloc', pfn, use });
  return pfn;
}

/** __alloc_pages_slowpath(): wakes kswapd; what is free at the mark `min` is not for processes. */
function alloc_pages_slowpath(k: Kernel, effort: Effort): Pfn {
  const { min } = k.watermarks;
  k.frames.counters.lruvec[LRUVEC_KSWAPD_AWAKE] = 1;
  if (k.frames.counters.free > min) return k.frames.take();
  if (k.reclaimer(k, min + 1 - k.frames.counters.free) > 0 && k.frames.counters.free > min) return k.frames.take();
  if (effort === 'noretry') return 0;
  while (k.frames.counters.free <= min) {
    if (!k.oomKiller(k)) return 0;
    // Who was killed may have left no frame, but slots: what is reclaimed now can go there.
    if (k.frames.counters.free <= min) k.reclaimer(k, min + 1 - k.frames.counters.free);
  }
  return k.frames.take();
}

/** Frees a frame that no PTE and no cache holds any more. */
export function free_page(k: Kernel, pfn: Pfn): void {
  lru_del(k.frames, pfn);
  k.frames.give(pfn);
  k.frames.countEvent(PGFREE);
  if (k.sink !== null) k.emit({ type: 'frame-free', pfn });
}

/** Makes a fresh frame an anonymous page of the family `root` at `index`. */
export function init_anon_page(k: Kernel, pfn: Pfn, root: number, index: number): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = (chunk.flags[i] as number) | PG_ANON;
  chunk.mapping[i] = root;
  chunk.index[i] = index;
}

/** True when the frame's page belongs to a file or to shmem (pagemap's bit 61, of a mapped page). */
export function page_is_file(flags: number): boolean {
  return (flags & (PG_FILE | PG_SHMEM)) !== 0;
}
