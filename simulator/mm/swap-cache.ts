/** The swap cache: pages that are in RAM and have a swap slot (mm/swap_state.c, mm/swapfile.c). */

import type { Pfn } from '../machine/address.ts';
import { setFrame, shareFrame, WORD_BLOB } from '../machine/content.ts';
import { CHUNK_MASK, PG_DIRTY, PG_SWAPCACHE, PG_WRITEBACK } from '../machine/frames.ts';
import { lru_add } from '../machine/lru.ts';
import { PGPGIN, PGPGOUT, PSWPIN, PSWPOUT } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import { alloc_page, free_page } from './page-alloc.ts';
import { workingset_refault } from './workingset.ts';

/** Slot of a swap cache page. */
export function slot_of(k: Kernel, pfn: Pfn): number {
  return (k.frames.chunk(pfn).slot[pfn & CHUNK_MASK] as number) - 1;
}

/** add_to_swap_cache(): ties a frame and a slot together; the cache holds both. */
export function add_to_swap_cache(k: Kernel, pfn: Pfn, slot: number): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = (chunk.flags[i] as number) | PG_SWAPCACHE;
  chunk.slot[i] = slot + 1;
  chunk.refs[i] = (chunk.refs[i] as number) + 1;
  k.swap.setCached(slot, pfn);
}

/** delete_from_swap_cache(): the slot is freed when no PTE names it, the frame when nothing maps it. */
export function delete_from_swap_cache(k: Kernel, pfn: Pfn): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const slot = (chunk.slot[i] as number) - 1;
  const flags = chunk.flags[i] as number;
  if ((flags & PG_WRITEBACK) !== 0) throw new Error(`delete_from_swap_cache: frame ${pfn} is being written`);
  chunk.flags[i] = flags & ~PG_SWAPCACHE;
  chunk.slot[i] = 0;
  chunk.refs[i] = (chunk.refs[i] as number) - 1;
  k.swap.setCached(slot, 0);
  if (chunk.mapcount[i] === 0 && chunk.refs[i] === 0) free_page(k, pfn);
}

/**
 * folio_free_swap(): gives the slot up if no PTE names it; the page is then dirty, as it has no copy. Not while the page is
 * being written there.
 */
export function folio_free_swap(k: Kernel, pfn: Pfn): boolean {
  if ((k.frames.flagsOf(pfn) & (PG_SWAPCACHE | PG_WRITEBACK)) !== PG_SWAPCACHE) return false;
  if (k.swap.count(slot_of(k, pfn)) > 0) return false;
  k.frames.markDirty(pfn);
  delete_from_swap_cache(k, pfn);
  return true;
}

/**
 * swap_reclaim_full_clusters(): the device is full; a page that is back in RAM gives its slot up, the first that can. False:
 * there is none.
 */
function reclaim_full_slot(k: Kernel): boolean {
  for (let slot = 0; slot < k.swap.highWater && k.swap.cacheOnly > 0; slot++) {
    const pfn = k.swap.cached(slot);
    if (pfn !== 0 && k.swap.count(slot) === 0 && folio_free_swap(k, pfn)) return true;
  }
  return false;
}

/**
 * folio_alloc_swap(): a slot with count 0 for one more page; -1 when there is none to be had. Where writes take time, pages that
 * came back before theirs had ended have kept their slots.
 */
export function folio_alloc_swap(k: Kernel): number {
  const slot = k.swap.take();
  if (slot >= 0 || !k.swap.on || k.writes.steps === 0) return slot;
  return reclaim_full_slot(k) ? k.swap.take() : -1;
}

/** A PTE or shmem entry gives its slot up (free_swap_and_cache()). */
export function free_swap_entry(k: Kernel, slot: number): void {
  k.swap.drop(slot);
  if (k.swap.count(slot) > 0) return;
  const pfn = k.swap.cached(slot);
  if (pfn !== 0 && k.frames.mapcountOf(pfn) === 0) folio_free_swap(k, pfn);
}

/** The slot gets what the page holds, which is clean then: {@link start_swap_write} of mm/writeback.ts adds the time that it takes. */
export function swap_write(k: Kernel, pfn: Pfn, slot: number): void {
  const word = k.frames.chunk(pfn).word[pfn & CHUNK_MASK] as number;
  k.swap.write(slot, word, word === WORD_BLOB ? shareFrame(k.frames, pfn).bytes : undefined);
  k.frames.clearFlags(pfn, PG_DIRTY);
  k.frames.countEvent(PSWPOUT);
  k.frames.countEvent(PGPGOUT, 4);
}

/** Reads a slot into a new frame that is on no list and in no cache yet; 0 when no frame is to be had. */
export function swap_read(k: Kernel, slot: number, use: 'anon' | 'shmem'): Pfn {
  const pfn = alloc_page(k, use);
  if (pfn === 0) return 0;
  const word = k.swap.word(slot);
  if (word === WORD_BLOB) setFrame(k.frames, pfn, k.swap.content(slot));
  else k.frames.edit(pfn).word[pfn & CHUNK_MASK] = word;
  k.recorder?.swappedIn(slot, pfn);
  k.frames.countEvent(PSWPIN);
  k.frames.countEvent(PGPGIN, 4);
  const shadow = k.swap.shadow(slot);
  if (shadow !== 0) {
    k.swap.setShadow(slot, 0);
    workingset_refault(k, pfn, shadow, false);
  }
  return pfn;
}

/** read_swap_cache_async(): brings a slot into the swap cache without mapping it. */
export function read_swap_cache(k: Kernel, slot: number, init: (pfn: Pfn) => void): Pfn {
  const cached = k.swap.cached(slot);
  if (cached !== 0) return cached;
  const pfn = swap_read(k, slot, 'anon');
  if (pfn === 0) return 0;
  init(pfn);
  add_to_swap_cache(k, pfn, slot);
  lru_add(k.frames, pfn);
  return pfn;
}
