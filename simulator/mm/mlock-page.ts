/**
 * Locked pages: those that a VM_LOCKED VMA maps lie on the unevictable list, where reclaim does not look (mm/mlock.c).
 * The locks of a page are counted: one for each PTE in such a VMA. A VMA that is unlocked without a look at its pages
 * leaves them locked.
 */

import type { Pfn, VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ACTIVE, PG_FILE, PG_MLOCKED, PG_SHMEM, PG_UNEVICTABLE } from '../machine/frames.ts';
import { lru_move } from '../machine/lru.ts';
import { PTE_MAPPED, PTE_SPECIAL } from '../machine/pagetable.ts';
import {
  UNEVICTABLE_CULLED,
  UNEVICTABLE_MLOCKED,
  UNEVICTABLE_MUNLOCKED,
  UNEVICTABLE_RESCUED,
} from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { cache_for_each } from './page-cache.ts';
import { read_ptes } from './pagewalk.ts';

/** mlock_folio(): one lock more; the page becomes unevictable. */
export function mlock_folio(k: Kernel, pfn: Pfn): void {
  if (pfn >= k.frames.deviceBase) return;
  if ((k.frames.flagsOf(pfn) & PG_MLOCKED) !== 0) {
    k.frames.setMlocks(pfn, k.frames.mlocksOf(pfn) + 1);
    return;
  }
  lru_move(k.frames, pfn, PG_MLOCKED | PG_UNEVICTABLE, PG_ACTIVE);
  k.frames.countEvent(UNEVICTABLE_MLOCKED);
  k.frames.countEvent(UNEVICTABLE_CULLED);
}

/** munlock_folio(): one lock less; without any the page is evictable again, on the inactive list. */
export function munlock_folio(k: Kernel, pfn: Pfn): void {
  if ((k.frames.flagsOf(pfn) & PG_MLOCKED) === 0) return;
  const left = k.frames.mlocksOf(pfn) - 1;
  k.frames.setMlocks(pfn, Math.max(1, left));
  if (left > 0) return;
  const stays = mapping_unevictable(k, pfn);
  lru_move(k.frames, pfn, 0, stays ? PG_MLOCKED : PG_MLOCKED | PG_UNEVICTABLE);
  k.frames.countEvent(UNEVICTABLE_MUNLOCKED);
  if (!stays) k.frames.countEvent(UNEVICTABLE_RESCUED);
}

/** mapping_unevictable(): SHM_LOCK keeps the page's file in RAM. */
export function mapping_unevictable(k: Kernel, pfn: Pfn): boolean {
  if ((k.frames.flagsOf(pfn) & (PG_SHMEM | PG_FILE)) !== (PG_SHMEM | PG_FILE)) return false;
  return k.inodes.get(k.frames.chunk(pfn).mapping[pfn & CHUNK_MASK] as number).unevictable;
}

/** Reclaim met a page that it must not take: the page goes to the unevictable list. */
export function cull_unevictable(k: Kernel, pfn: Pfn): void {
  if (!mapping_unevictable(k, pfn)) {
    mlock_folio(k, pfn);
    return;
  }
  lru_move(k.frames, pfn, PG_UNEVICTABLE, PG_ACTIVE);
  k.frames.countEvent(UNEVICTABLE_CULLED);
}

/**
 * Somebody took a page off the list for reclaim and found it unevictable. It goes back, and its locks are counted anew
 * from none: what Linux does rather than to count one twice (mm/swap.c: lru_add()).
 */
export function putback_unevictable(k: Kernel, pfn: Pfn): void {
  if ((k.frames.flagsOf(pfn) & PG_MLOCKED) !== 0) k.frames.setMlocks(pfn, 0);
}

/** shmem_lock(): pages that come from now on are unevictable, those that are there once reclaim meets them. */
export function shmem_lock(k: Kernel, inode: number): void {
  k.inodes.edit(inode).unevictable = true;
}

/** shmem_unlock_mapping(): pages of the file that no mlock holds are evictable again. */
export function shmem_unlock(k: Kernel, id: number): void {
  const inode = k.inodes.edit(id);
  inode.unevictable = false;
  cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (_index, pfn) => {
    if (pfn <= 0 || (k.frames.flagsOf(pfn) & (PG_UNEVICTABLE | PG_MLOCKED)) !== PG_UNEVICTABLE) return;
    lru_move(k.frames, pfn, 0, PG_UNEVICTABLE);
    k.frames.countEvent(UNEVICTABLE_RESCUED);
  });
}

/** mlock_vma_pages_range(): the present pages of [start, end), whose VMA was just locked or unlocked. */
export function mlock_vma_pages_range(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, lock: boolean): void {
  read_ptes(mm, start, end, (_addr, flags, pfn) => {
    if ((flags & PTE_MAPPED) === 0 || (flags & PTE_SPECIAL) !== 0) return;
    if (lock) mlock_folio(k, pfn);
    else munlock_folio(k, pfn);
  });
}
