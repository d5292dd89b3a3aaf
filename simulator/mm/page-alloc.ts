/** Taking and freeing page frames (mm/page_alloc.c, release_pages() of mm/swap.c). */

import type { Pfn } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_FILE, PG_SHMEM } from '../machine/frames.ts';
import { lru_del } from '../machine/lru.ts';
import type { Kernel } from '../state/kernel.ts';

/** A zeroed frame; reclaims when none is free. 0 when there is none to be had: out of memory. */
export function alloc_page(k: Kernel, use: 'anon' | 'file' | 'shmem'): Pfn {
  let pfn = k.frames.take();
  if (pfn === 0) {
    k.scalars.allocstall++;
    if (k.reclaimer(k, 1) > 0) pfn = k.frames.take();
    while (pfn === 0 && k.oomKiller(k)) pfn = k.frames.take();
  }
  if (pfn !== 0 && k.sink !== null) k.emit({ type: 'frame-alloc', pfn, use });
  return pfn;
}

/** Frees a frame that no PTE and no cache holds any more. */
export function free_page(k: Kernel, pfn: Pfn): void {
  lru_del(k.frames, pfn);
  k.frames.give(pfn);
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
