/** Advice that is about the pages of a range: what madvise(2) frees, ages, pages out, guards (mm/madvise.c). */

import { nextPmd, PAGE_SIZE, pteIndex, type VirtAddr } from '../machine/address.ts';
import {
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_LAZYFREE,
  PG_NOT_UPTODATE,
  PG_REFERENCED,
  PG_SHMEM,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
} from '../machine/frames.ts';
import { lru_move } from '../machine/lru.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_GUARD, PTE_MAPPED, PTE_SPECIAL, PTE_SWAP } from '../machine/pagetable.ts';
import { PART_PAGES, type Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { vma_with_anon } from './map-page.ts';
import { putback_unevictable } from './mlock-page.ts';
import { tlb_finish_mmu, tlb_gather_mmu, tlb_remove } from './mmu-gather.ts';
import { init_anon_page } from './page-alloc.ts';
import { cache_for_each, file_pages, find_get_page } from './page-cache.ts';
import { change_ptes, read_ptes } from './pagewalk.ts';
import { MAX_POPULATED } from './populate.ts';
import { set_pte } from './pte.ts';
import { do_page_cache_ra } from './readahead.ts';
import { refuse } from './refuse.ts';
import { folio_free_swap, free_swap_entry, read_swap_cache } from './swap-cache.ts';
import { max_bytes, punch_hole } from './truncate.ts';
import {
  linear_page_index,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_MAYWRITE,
  VM_SHARED,
  VM_SPECIAL,
  type Vma,
  vma_is_anonymous,
} from './vma.ts';
import { vma_replace } from './vma-link.ts';
import { reclaim_pages } from './vmscan.ts';
import { zap_page_range } from './zap.ts';

/** madvise_free_single_vma(): pages may be dropped instead of swapped; a write takes that back. */
export function madvise_free(k: Kernel, mm: Mm, vma: Vma, start: VirtAddr, end: VirtAddr): 0 | string {
  if (vma.vm_ops !== 'none') return refuse(k, 'EINVAL', 'MADV_FREE is for anonymous memory');
  const tlb = tlb_gather_mmu();
  change_ptes(mm, start, end, (table, addr, flags, value) => {
    if ((flags & PTE_SWAP) !== 0) {
      set_pte(k, mm, table, addr, 0, 0);
      mm.swapents--;
      free_swap_entry(k, value);
      return;
    }
    if ((flags & PTE_MAPPED) === 0 || (flags & PTE_SPECIAL) !== 0) return;
    const frame = k.frames.flagsOf(value);
    if ((frame & PG_ANON) === 0) return;
    if ((frame & (PG_SWAPCACHE | PG_DIRTY)) !== 0) {
      if (k.frames.mapcountOf(value) !== 1) return;
      if ((frame & PG_SWAPCACHE) !== 0 && !folio_free_swap(k, value)) return;
      k.frames.clearFlags(value, PG_DIRTY);
    }
    if ((flags & (PTE_ACCESSED | PTE_DIRTY)) !== 0) {
      set_pte(k, mm, table, addr, flags & ~(PTE_ACCESSED | PTE_DIRTY), value);
      tlb_remove(tlb, addr, addr);
    }
    // folio_mark_lazyfree(): what somebody has locked stays a page like others.
    if ((frame & (PG_LAZYFREE | PG_UNEVICTABLE)) === 0)
      lru_move(k.frames, value, PG_LAZYFREE, PG_ACTIVE | PG_REFERENCED);
  });
  tlb_finish_mmu(k, mm, tlb);
  return 0;
}

/** A page of this process alone that is on the LRU: COLD and PAGEOUT leave shared ones be. */
function agedPage(k: Kernel, flags: number, pfn: number): boolean {
  return (flags & PTE_MAPPED) !== 0 && (flags & PTE_SPECIAL) === 0 && k.frames.mapcountOf(pfn) === 1;
}

/** MADV_COLD: the pages become old and inactive. */
export function madvise_cold(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr): 0 {
  const tlb = tlb_gather_mmu();
  change_ptes(mm, start, end, (table, addr, flags, pfn) => {
    if (!agedPage(k, flags, pfn)) return;
    if ((flags & PTE_ACCESSED) !== 0) {
      set_pte(k, mm, table, addr, flags & ~PTE_ACCESSED, pfn);
      tlb_remove(tlb, addr, addr);
    }
    lru_move(k.frames, pfn, 0, PG_ACTIVE | PG_REFERENCED);
  });
  tlb_finish_mmu(k, mm, tlb);
  return 0;
}

/** MADV_PAGEOUT: the pages are reclaimed at once, whether they were used lately or not. */
export function* madvise_pageout(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr): Parts<0> {
  const victims: number[] = [];
  read_ptes(mm, start, end, (_addr, flags, pfn) => {
    if (!agedPage(k, flags, pfn)) return;
    // What stays all the same, for want of swap, counts as not used lately.
    lru_move(k.frames, pfn, 0, PG_ACTIVE | PG_REFERENCED);
    if ((k.frames.flagsOf(pfn) & PG_UNEVICTABLE) === 0) victims.push(pfn);
    else putback_unevictable(k, pfn);
  });
  for (let at = 0; at < victims.length; at += PART_PAGES) {
    reclaim_pages(k, victims.slice(at, at + PART_PAGES));
    yield { done: Math.min(at + PART_PAGES, victims.length), of: victims.length };
  }
  return 0;
}

/** swapin_walk_pmd_entry(): what is in swap is read, a table's pages at a time. */
function* swapin_walk(k: Kernel, { id }: Mm, vma: Vma, start: VirtAddr, end: VirtAddr): Parts<0> {
  const root = vma.anon?.root ?? 0;
  for (let from = start; from < end; ) {
    const { pt } = k.mms.edit(id);
    const stop = Math.min(end, nextPmd(from));
    if (pt.find(from) === undefined) {
      from = pt.nextTable(stop, end);
      continue;
    }
    // Reading may evict what lies behind: the table is owned, so that its entries are seen as they are then.
    change_ptes(k.mms.get(id), from, stop, (_table, addr, flags, slot) => {
      if ((flags & PTE_SWAP) === 0) return;
      read_swap_cache(k, slot, (pfn) => init_anon_page(k, pfn, root, linear_page_index(vma, addr)));
    });
    from = stop;
    yield { done: (from - start) / PAGE_SIZE, of: (end - start) / PAGE_SIZE };
  }
  return 0;
}

/** MADV_WILLNEED: reads ahead what is in the file or in swap. */
export function madvise_willneed(k: Kernel, mm: Mm, vma: Vma, start: VirtAddr, end: VirtAddr): 0 | Parts<0> {
  if (vma.inode === 0) return swapin_walk(k, mm, vma, start, end);
  const inode = k.inodes.edit(vma.inode);
  const first = linear_page_index(vma, start);
  const last = Math.min(file_pages(inode), linear_page_index(vma, end));
  if (inode.kind === 'shmem') {
    // Into the swap cache only: the file's entry stays a slot until somebody touches it.
    cache_for_each(inode, first, last, (_index, entry) => {
      if (entry < 0) read_swap_cache(k, -entry - 1, (pfn) => k.frames.setFlags(pfn, PG_SHMEM));
    });
  } else if (vma.vm_ops === 'generic_file') do_page_cache_ra(k, inode, first, last - first);
  return 0;
}

/** MADV_REMOVE: punches a hole into the file of a shared writable mapping. */
export function madvise_remove(k: Kernel, _mm: Mm, vma: Vma, start: VirtAddr, end: VirtAddr): 0 | string {
  if ((vma.vm_flags & VM_LOCKED) !== 0 || vma.inode === 0) {
    return refuse(k, 'EINVAL', 'MADV_REMOVE needs a file, and no lock');
  }
  if ((vma.vm_flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) {
    return refuse(k, 'EACCES', 'MADV_REMOVE needs a shared mapping that may be written');
  }
  // vfs_fallocate().
  const inode = k.inodes.get(vma.inode);
  if (inode.kind !== 'file' && inode.kind !== 'shmem') return refuse(k, 'ENODEV', 'only files can have holes');
  const [first, last] = [linear_page_index(vma, start), linear_page_index(vma, end)];
  if (BigInt(last) * BigInt(PAGE_SIZE) > max_bytes(inode)) {
    return refuse(k, 'EFBIG', 'the file system has no files of that size');
  }
  punch_hole(k, vma.inode, first, last);
  return 0;
}

/** MADV_GUARD_INSTALL: the pages go, and every access to them is SIGSEGV from now on. */
export function madvise_guard_install(k: Kernel, mm: Mm, vma: Vma, start: VirtAddr, end: VirtAddr): 0 | string {
  if ((vma.vm_flags & (VM_SPECIAL | VM_LOCKED)) !== 0) {
    return refuse(k, 'EINVAL', 'a guard page needs a VMA that is neither locked nor special');
  }
  if (end - start > MAX_POPULATED) return refuse(k, 'ENOMEM', 'more page tables than this simulator makes in one call');
  const named = vma_is_anonymous(vma) ? vma_with_anon(k, mm, vma) : vma;
  if ((named.vm_flags & VM_MAYBE_GUARD) === 0) {
    vma_replace(k, mm, named, { ...named, vm_flags: named.vm_flags | VM_MAYBE_GUARD });
  }
  zap_page_range(k, mm, vma.vm_flags, start, end, 'pages');
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const table = mm.pt.edit(addr);
    if (((table.words[2 * pteIndex(addr)] as number) & PTE_GUARD) === 0) set_pte(k, mm, table, addr, PTE_GUARD, 0);
  }
  return 0;
}

/** MADV_GUARD_REMOVE: untouched memory again. */
export function madvise_guard_remove(k: Kernel, mm: Mm, vma: Vma, start: VirtAddr, end: VirtAddr): 0 | string {
  if ((vma.vm_flags & VM_SPECIAL) !== 0) return refuse(k, 'EINVAL', 'the VMA is special (VM_SPECIAL)');
  change_ptes(mm, start, end, (table, addr, flags) => {
    if ((flags & PTE_GUARD) !== 0) set_pte(k, mm, table, addr, 0, 0);
  });
  return 0;
}

/** mincore(2): one byte a page; the caller checked that the range is mapped. */
export function mincore_vec(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr): Uint8Array {
  const vec = new Uint8Array((end - start) / PAGE_SIZE);
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const vma = mm.vmas.lookup(addr) as Vma;
    const table = mm.pt.find(addr);
    const at = 2 * pteIndex(addr);
    const flags = table === undefined ? 0 : (table.words[at] as number);
    const value = table === undefined ? 0 : (table.words[at + 1] as number);
    let present = 0;
    // can_do_mincore() is false for a mapping without a file: the answer is 1.
    if (vma.special !== null) present = 1;
    else if ((flags & PTE_MAPPED) !== 0) present = 1;
    else if ((flags & PTE_SWAP) !== 0) present = k.swap.cached(value) !== 0 ? 1 : 0;
    else if (flags === 0 && vma.inode !== 0) {
      const pfn = find_get_page(k.inodes.get(vma.inode), linear_page_index(vma, addr));
      present = pfn !== 0 && (k.frames.flagsOf(pfn) & PG_NOT_UPTODATE) === 0 ? 1 : 0;
    }
    vec[(addr - start) / PAGE_SIZE] = present;
  }
  return vec;
}
