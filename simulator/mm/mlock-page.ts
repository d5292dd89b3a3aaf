/**
 * Locked pages: those that a VM_LOCKED VMA maps lie on the unevictable list, where reclaim does not look (mm/mlock.c).
 * Linux counts the locks of a page; here the reverse map is asked whether one is left.
 */

import type { Pfn, VirtAddr } from '../machine/address.ts';
import { PG_ACTIVE, PG_MLOCKED, PG_UNEVICTABLE } from '../machine/frames.ts';
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
import { read_ptes } from './pagewalk.ts';
import { rmap_walk } from './rmap.ts';
import { VM_LOCKED } from './vma.ts';

/** mlock_folio(): the page becomes unevictable. */
export function mlock_folio(k: Kernel, pfn: Pfn): void {
  if ((k.frames.flagsOf(pfn) & PG_MLOCKED) !== 0 || pfn >= k.frames.deviceBase) return;
  lru_move(k.frames, pfn, PG_MLOCKED | PG_UNEVICTABLE, PG_ACTIVE);
  k.frames.countEvent(UNEVICTABLE_MLOCKED);
  k.frames.countEvent(UNEVICTABLE_CULLED);
}

function lockedSomewhere(k: Kernel, pfn: Pfn): boolean {
  let locked = false;
  rmap_walk(k, pfn, (_mm, vma) => {
    locked = (vma.vm_flags & VM_LOCKED) !== 0;
    return !locked;
  });
  return locked;
}

/** munlock_folio(): one lock of the page may be gone; without any it is evictable again, on the inactive list. */
export function munlock_folio(k: Kernel, pfn: Pfn): void {
  if ((k.frames.flagsOf(pfn) & PG_MLOCKED) === 0 || lockedSomewhere(k, pfn)) return;
  lru_move(k.frames, pfn, 0, PG_MLOCKED | PG_UNEVICTABLE);
  k.frames.countEvent(UNEVICTABLE_MUNLOCKED);
  k.frames.countEvent(UNEVICTABLE_RESCUED);
}

/** mlock_vma_pages_range(): the present pages of [start, end), whose VMA was just locked or unlocked. */
export function mlock_vma_pages_range(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, lock: boolean): void {
  read_ptes(mm, start, end, (_addr, flags, pfn) => {
    if ((flags & PTE_MAPPED) === 0 || (flags & PTE_SPECIAL) !== 0) return;
    if (lock) mlock_folio(k, pfn);
    else munlock_folio(k, pfn);
  });
}
