/**
 * One page under reclaim: whether it was used lately, and what becomes of it (mm/vmscan.c: shrink_folio_list(),
 * folio_check_references(); try_to_unmap() of mm/rmap.c).
 */

import type { SparedBecause, SparedFate } from '../events.ts';
import { type Pfn, pteIndex } from '../machine/address.ts';
import {
  CHUNK_MASK,
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_DIRTY,
  PG_FILE,
  PG_LAZYFREE,
  PG_RECLAIM,
  PG_REFERENCED,
  PG_SHMEM,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../machine/frames.ts';
import { lru_del, lru_move } from '../machine/lru.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_SWAP, PTE_SWP_EXCLUSIVE, type PteTable } from '../machine/pagetable.ts';
import { NR_VMSCAN_IMMEDIATE, NR_VMSCAN_WRITE, NR_WRITTEN, PGLAZYFREED } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Mm } from '../state/records.ts';
import { page_is_dirty, page_mkclean } from './filemap.ts';
import { mapping_unevictable } from './mlock-page.ts';
import { free_page } from './page-alloc.ts';
import { cache_delete, cache_set_shadow, cache_store } from './page-cache.ts';
import { add_mm_counter, flush_tlb_range, set_pte } from './pte.ts';
import { rmap_one, rmap_walk } from './rmap.ts';
import { add_to_swap_cache, delete_from_swap_cache, folio_alloc_swap, slot_of, swap_write } from './swap-cache.ts';
import { VM_DROPPABLE, VM_EXEC, VM_LOCKED } from './vma.ts';
import { workingset_eviction } from './workingset.ts';
import { folio_wait_writeback, start_swap_write, start_writepage } from './writeback.ts';
import { update_hiwater_rss } from './zap.ts';

/** Why a page is looked at: memory is short, a process asked for it (MADV_PAGEOUT), or a textbook policy chose. */
export type Cause = 'pressure' | 'pageout' | 'policy';

/**
 * What became of a page that was looked at: `writing`, it is on its way to swap and can be freed later; `culled`, it is
 * locked and goes to the unevictable list.
 */
export type Verdict = 'freed' | 'writing' | SparedFate;

/** The reason of the last verdict that spared a page. */
export let lastReason: SparedBecause = 'busy';

function spare(verdict: SparedFate, reason: SparedBecause): SparedFate {
  lastReason = reason;
  return verdict;
}

/** What the last {@link folio_referenced} saw beside the number of PTEs. */
export let sawLocked = false;
export let sawExec = false;

/** Clears the accessed bit of one PTE; 1 if it was set. */
function clear_young(k: Kernel, readOnly: Mm, table: PteTable, addr: number, pfn: Pfn): number {
  const flags = table.words[2 * pteIndex(addr)] as number;
  if ((flags & PTE_ACCESSED) === 0) return 0;
  const mm = k.mms.edit(readOnly.id);
  set_pte(k, mm, mm.pt.edit(addr), addr, flags & ~PTE_ACCESSED, pfn);
  flush_tlb_range(k, mm, addr, addr + 4096);
  return 1;
}

/**
 * folio_referenced(): counts and clears the accessed bits of all PTEs that map the page. The TLB forgets the page, so that
 * its next use is seen; Linux on x86 leaves that to chance.
 */
export function folio_referenced(k: Kernel, pfn: Pfn): number {
  sawLocked = false;
  sawExec = false;
  const one = rmap_one(k, pfn);
  // An anonymous page's VM_EXEC does not count, and a locked one is on no list that reclaim looks at.
  if (one !== null) return clear_young(k, one.mm as Mm, one.table as PteTable, one.addr, pfn);
  let young = 0;
  rmap_walk(k, pfn, (mm, vma, addr) => {
    if ((vma.vm_flags & VM_LOCKED) !== 0) sawLocked = true;
    if ((vma.vm_flags & VM_EXEC) !== 0) sawExec = true;
    const table = mm.pt.find(addr);
    if (table !== undefined) young += clear_young(k, mm, table, addr, pfn);
    return true;
  });
  return young;
}

/** folio_check_references(): the second chance. Null: the page may be taken. */
function folio_check_references(k: Kernel, pfn: Pfn): SparedFate | null {
  const young = folio_referenced(k, pfn);
  if (sawLocked) return spare('culled', 'mlocked');
  const flags = k.frames.flagsOf(pfn);
  if (young === 0) {
    if ((flags & PG_REFERENCED) !== 0) k.frames.clearFlags(pfn, PG_REFERENCED);
    return null;
  }
  k.frames.setFlags(pfn, PG_REFERENCED);
  if ((flags & PG_REFERENCED) !== 0 || young > 1) return spare('activated', 'referenced again');
  if (sawExec && (flags & (PG_FILE | PG_SHMEM)) === PG_FILE) return spare('activated', 'executed');
  return spare('kept', 'referenced');
}

/** References beside PTEs that caches explain; more means that somebody works with the page. */
function expectedRefs(flags: number): number {
  return ((flags & PG_FILE) !== 0 ? 1 : 0) + ((flags & PG_SWAPCACHE) !== 0 ? 1 : 0);
}

/** try_to_unmap_one(): an anonymous page leaves `slot` in the PTE; -1 for a page of a file. */
function try_to_unmap_one(k: Kernel, readOnly: Mm, addr: number, pfn: Pfn, slot: number): void {
  const mm = k.mms.edit(readOnly.id);
  const table = mm.pt.edit(addr);
  const flags = table.words[2 * pteIndex(addr)] as number;
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  if ((flags & PTE_DIRTY) !== 0) k.frames.markDirty(pfn);
  const frame = chunk.flags[i] as number;
  update_hiwater_rss(mm);
  add_mm_counter(mm, frame, -1);
  chunk.mapcount[i] = (chunk.mapcount[i] as number) - 1;
  if (slot >= 0) {
    const exclusive = (frame & PG_ANON_EXCLUSIVE) !== 0 ? PTE_SWP_EXCLUSIVE : 0;
    k.swap.duplicate(slot);
    mm.swapents++;
    set_pte(k, mm, table, addr, PTE_SWAP | exclusive, slot);
  } else set_pte(k, mm, table, addr, 0, 0);
  flush_tlb_range(k, mm, addr, addr + 4096);
}

/** try_to_unmap(): takes the page from every process. */
function try_to_unmap(k: Kernel, pfn: Pfn, slot: number): void {
  if (k.frames.mapcountOf(pfn) === 0) return;
  const one = rmap_one(k, pfn);
  if (one !== null) try_to_unmap_one(k, one.mm as Mm, one.addr, pfn, slot);
  else {
    rmap_walk(k, pfn, (mm, _vma, addr) => {
      try_to_unmap_one(k, mm, addr, pfn, slot);
      return true;
    });
  }
  k.frames.clearFlags(pfn, PG_ANON_EXCLUSIVE);
}

/** Whoever reclaims does not wait for the disk: Linux's reclaim, where writes take time. */
function writesLast(k: Kernel, cause: Cause): boolean {
  return k.writes.steps > 0 && cause !== 'policy';
}

/** The slot of a page gets what it holds, in no time. */
function write_swap_now(k: Kernel, pfn: Pfn, slot: number): void {
  swap_write(k, pfn, slot);
  k.frames.countEvent(NR_VMSCAN_WRITE);
  k.frames.countEvent(NR_WRITTEN);
}

/** pageout() of a page of the swap cache, which stays there until it is written. */
function pageout(k: Kernel, pfn: Pfn): 'writing' {
  start_swap_write(k, pfn);
  k.frames.countEvent(NR_VMSCAN_WRITE);
  if (k.sink !== null) k.emit({ type: 'swap-out', pfn, slot: slot_of(k, pfn), written: true, pending: true });
  return 'writing';
}

/** A clean page that nobody maps leaves the swap cache (__remove_mapping()). */
function dropSwapCache(k: Kernel, pfn: Pfn): 'freed' {
  const slot = slot_of(k, pfn);
  k.swap.setShadow(slot, workingset_eviction(k, k.frames.flagsOf(pfn)));
  if (k.sink !== null) k.emit({ type: 'swap-cache-drop', pfn, slot });
  delete_from_swap_cache(k, pfn);
  return 'freed';
}

/** {@link swapOutAnon} where the write takes time: the page waits for its end in the swap cache. */
function swapOutSlowly(k: Kernel, pfn: Pfn): Verdict {
  const had = (k.frames.flagsOf(pfn) & PG_SWAPCACHE) !== 0;
  if (!had) {
    const slot = folio_alloc_swap(k);
    if (slot < 0) return spare('activated', 'no swap slot');
    add_to_swap_cache(k, pfn, slot);
  }
  try_to_unmap(k, pfn, slot_of(k, pfn));
  if (had && (k.frames.flagsOf(pfn) & PG_DIRTY) === 0) return dropSwapCache(k, pfn);
  return pageout(k, pfn);
}

/**
 * An anonymous page goes to a swap slot: the one that it has in the swap cache, without a write unless it changed since;
 * or a new one.
 */
function swapOutAnon(k: Kernel, pfn: Pfn, cause: Cause): Verdict {
  if (writesLast(k, cause)) return swapOutSlowly(k, pfn);
  const had = (k.frames.flagsOf(pfn) & PG_SWAPCACHE) !== 0;
  const slot = had ? slot_of(k, pfn) : folio_alloc_swap(k);
  if (slot < 0) return spare('activated', 'no swap slot');
  k.recorder?.swappedOut(pfn, slot);
  lru_del(k.frames, pfn);
  try_to_unmap(k, pfn, slot);
  const flags = k.frames.flagsOf(pfn);
  const write = !had || (flags & PG_DIRTY) !== 0;
  if (write) write_swap_now(k, pfn, slot);
  k.swap.setShadow(slot, workingset_eviction(k, flags));
  if (k.sink !== null) k.emit({ type: 'swap-out', pfn, slot, written: write, pending: false });
  if (had) delete_from_swap_cache(k, pfn);
  else free_page(k, pfn);
  return 'freed';
}

/** shmem_delete_from_page_cache(): the file names the slot from now on, and the swap cache has the page. */
function shmem_to_swap_cache(k: Kernel, inode: Inode, index: number, pfn: Pfn, slot: number): void {
  add_to_swap_cache(k, pfn, slot);
  cache_delete(k, inode, index, pfn);
  cache_store(k, inode, index, -(slot + 1));
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = (chunk.flags[i] as number) & ~PG_FILE;
  chunk.mapping[i] = 0;
  chunk.index[i] = 0;
}

/** shmem_writeout(): the page's place in the file names its slot. A page that was never written is a hole again. */
function swapOutShmem(k: Kernel, pfn: Pfn, cause: Cause): Verdict {
  const chunk = k.frames.chunk(pfn);
  const inode = k.inodes.edit(chunk.mapping[pfn & CHUNK_MASK] as number);
  const index = chunk.index[pfn & CHUNK_MASK] as number;
  if (!page_is_dirty(k, pfn)) {
    try_to_unmap(k, pfn, -1);
    cache_delete(k, inode, index, pfn);
    return 'freed';
  }
  const slot = folio_alloc_swap(k);
  // Linux has unmapped it by then.
  try_to_unmap(k, pfn, -1);
  if (slot < 0) return spare('activated', 'no swap slot');
  k.swap.duplicate(slot);
  if (writesLast(k, cause)) {
    shmem_to_swap_cache(k, inode, index, pfn, slot);
    return pageout(k, pfn);
  }
  write_swap_now(k, pfn, slot);
  k.swap.setShadow(slot, workingset_eviction(k, k.frames.flagsOf(pfn)));
  if (k.sink !== null) k.emit({ type: 'swap-out', pfn, slot, written: true, pending: false });
  cache_delete(k, inode, index, pfn);
  cache_store(k, inode, index, -(slot + 1));
  return 'freed';
}

/**
 * A page of a disk file is dropped. A dirty one is left to the flusher threads, and wanted back once they have written it;
 * where writes take no time it is written at once, under pressure. A textbook policy waits for the write.
 */
function dropFilePage(k: Kernel, pfn: Pfn, cause: Cause): Verdict {
  const chunk = k.frames.chunk(pfn);
  const inode = k.inodes.edit(chunk.mapping[pfn & CHUNK_MASK] as number);
  const index = chunk.index[pfn & CHUNK_MASK] as number;
  try_to_unmap(k, pfn, -1);
  if ((k.frames.flagsOf(pfn) & PG_DIRTY) !== 0) {
    if (cause === 'pageout' || writesLast(k, cause)) {
      // To be dropped once it is written: the bit is that of PG_readahead as well, and fault-around sees it.
      k.frames.setFlags(pfn, PG_RECLAIM);
      k.frames.countEvent(NR_VMSCAN_IMMEDIATE);
      return spare('activated', 'dirty');
    }
    page_mkclean(k, pfn);
    start_writepage(k, inode, index, pfn, 'reclaim');
    folio_wait_writeback(k, pfn, 'reclaim');
  }
  if (k.sink !== null) k.emit({ type: 'cache-drop', path: inode.path, index, pfn });
  const shadow = workingset_eviction(k, k.frames.flagsOf(pfn));
  cache_delete(k, inode, index, pfn);
  cache_set_shadow(k, inode, index, shadow);
  return 'freed';
}

/** The page lies in a mapping made with MAP_DROPPABLE. No fork copies one, so a single PTE maps the page. */
function isDroppable(k: Kernel, pfn: Pfn): boolean {
  let droppable = false;
  rmap_walk(k, pfn, (_mm, vma) => {
    droppable = (vma.vm_flags & VM_DROPPABLE) !== 0;
    return false;
  });
  return droppable;
}

/** MADV_FREE's pages go without a write, unless they were written again; those of MAP_DROPPABLE always go. */
function dropLazyfree(k: Kernel, pfn: Pfn): Verdict {
  const dirty = page_is_dirty(k, pfn);
  const droppable = isDroppable(k, pfn);
  if (dirty && !droppable) {
    lru_move(k.frames, pfn, 0, PG_LAZYFREE);
    return spare('activated', 'written again');
  }
  try_to_unmap(k, pfn, -1);
  if (k.sink !== null) k.emit({ type: 'lazyfree-drop', pfn, droppable });
  free_page(k, pfn);
  // A dirty one goes back to its list first, and is freed there because nobody has it any more.
  if (!dirty) k.frames.countEvent(PGLAZYFREED);
  return 'freed';
}

/**
 * A page under writeback is left, and wanted once it is written; a textbook policy waits. Null: it is written now, and is
 * still there.
 */
function reclaimWritten(k: Kernel, pfn: Pfn, cause: Cause): Verdict | null {
  if (cause !== 'policy') {
    k.frames.setFlags(pfn, PG_RECLAIM);
    return spare('activated', 'under writeback');
  }
  folio_wait_writeback(k, pfn, 'reclaim');
  return k.frames.flagsOf(pfn) === 0 ? 'freed' : null;
}

/** shrink_folio_list() for one page; {@link lastReason} says why one was spared. The caller moves it to its list. */
export function shrink_page(k: Kernel, pfn: Pfn, cause: Cause): Verdict {
  const flags = k.frames.flagsOf(pfn);
  if (mapping_unevictable(k, pfn)) return spare('culled', 'SHM_LOCK');
  if (k.frames.refsOf(pfn) !== expectedRefs(flags)) return spare('kept', 'busy');
  if ((flags & PG_WRITEBACK) !== 0) {
    const verdict = reclaimWritten(k, pfn, cause);
    if (verdict !== null) return verdict;
  }
  if (cause === 'pressure') {
    const verdict = folio_check_references(k, pfn);
    if (verdict !== null) return verdict;
  }
  if ((flags & PG_ANON) !== 0) return (flags & PG_LAZYFREE) !== 0 ? dropLazyfree(k, pfn) : swapOutAnon(k, pfn, cause);
  if ((flags & PG_SHMEM) === 0) return dropFilePage(k, pfn, cause);
  if ((flags & PG_FILE) !== 0) return swapOutShmem(k, pfn, cause);
  // Shmem in the swap cache, read ahead or written: its file names the slot.
  return dropSwapCache(k, pfn);
}
