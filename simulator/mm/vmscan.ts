/** Reclaim: who is looked at, spared and taken when frames are short (mm/vmscan.c, try_to_unmap() of mm/rmap.c). */

import { type Pfn, pteIndex } from '../machine/address.ts';
import { readFrame } from '../machine/content.ts';
import {
  CHUNK_MASK,
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  PG_ACTIVE,
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_DIRTY,
  PG_FILE,
  PG_LAZYFREE,
  PG_READAHEAD,
  PG_REFERENCED,
  PG_SHMEM,
  PG_SWAPCACHE,
} from '../machine/frames.ts';
import { lru_del, lru_move } from '../machine/lru.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_SWAP, PTE_SWP_EXCLUSIVE } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import { page_mkclean } from './filemap.ts';
import { free_page } from './page-alloc.ts';
import { cache_delete, cache_store, write_page } from './page-cache.ts';
import { add_mm_counter, flush_tlb_range, set_pte } from './pte.ts';
import { type Evictor, replace_pages } from './replacement.ts';
import { rmap_walk } from './rmap.ts';
import { add_to_swap_cache, delete_from_swap_cache, slot_of, swap_writepage } from './swap-cache.ts';
import { VM_EXEC, VM_LOCKED } from './vma.ts';

/** Why reclaim runs: memory is short, a process asked for it (MADV_PAGEOUT), or a textbook policy chose. */
type Cause = 'pressure' | 'pageout' | 'policy';

/** What became of a page that was looked at. */
type Verdict = 'freed' | 'activated' | 'kept';

/** A page as reclaim sees it: PTEs that were used lately (cleared by looking), locked or not, executable or not. */
interface References {
  readonly young: number;
  readonly locked: boolean;
  readonly exec: boolean;
}

/** folio_referenced(): counts and clears the accessed bits of all PTEs that map the page. */
function folio_referenced(k: Kernel, pfn: Pfn): References {
  let young = 0;
  let locked = false;
  let exec = false;
  rmap_walk(k, pfn, (readOnly, vma, addr) => {
    if ((vma.vm_flags & VM_LOCKED) !== 0) locked = true;
    if ((vma.vm_flags & VM_EXEC) !== 0) exec = true;
    const flags = readOnly.pt.find(addr)?.words[2 * pteIndex(addr)] ?? 0;
    if ((flags & PTE_ACCESSED) === 0) return true;
    young++;
    const mm = k.mms.edit(readOnly.id);
    set_pte(k, mm, mm.pt.edit(addr), addr, flags & ~PTE_ACCESSED, pfn);
    flush_tlb_range(k, mm, addr, addr + 4096);
    return true;
  });
  return { young, locked, exec };
}

/** folio_check_references(): the second chance. Null: the page may be taken. */
function check_references(k: Kernel, pfn: Pfn, seen: References): Verdict | null {
  const flags = k.frames.flagsOf(pfn);
  const referenced = (flags & PG_REFERENCED) !== 0;
  if (seen.locked) return 'activated';
  if (seen.young === 0) {
    k.frames.clearFlags(pfn, PG_REFERENCED);
    return null;
  }
  k.frames.setFlags(pfn, PG_REFERENCED);
  if (referenced || seen.young > 1) return 'activated';
  const file = (flags & PG_FILE) !== 0;
  if (seen.exec && file) return 'activated';
  return (flags & (PG_ANON | PG_SHMEM)) !== 0 ? 'activated' : 'kept';
}

/** References beside PTEs that caches explain; more means that somebody works with the page. */
function expectedRefs(flags: number): number {
  return ((flags & PG_FILE) !== 0 ? 1 : 0) + ((flags & PG_SWAPCACHE) !== 0 ? 1 : 0);
}

/** try_to_unmap(): takes the page from every process. Anonymous pages leave their slot in the PTE. */
function try_to_unmap(k: Kernel, pfn: Pfn): void {
  const slot = (k.frames.flagsOf(pfn) & PG_SWAPCACHE) !== 0 ? slot_of(k, pfn) : -1;
  rmap_walk(k, pfn, (readOnly, _vma, addr) => {
    const mm = k.mms.edit(readOnly.id);
    const table = mm.pt.edit(addr);
    const flags = table.words[2 * pteIndex(addr)] as number;
    const chunk = k.frames.edit(pfn);
    const i = pfn & CHUNK_MASK;
    const frame = chunk.flags[i] as number;
    if ((flags & PTE_DIRTY) !== 0) k.frames.markDirty(pfn);
    add_mm_counter(mm, frame, -1);
    chunk.mapcount[i] = (chunk.mapcount[i] as number) - 1;
    if (slot >= 0) {
      const exclusive = (frame & PG_ANON_EXCLUSIVE) !== 0 ? PTE_SWP_EXCLUSIVE : 0;
      k.swap.duplicate(slot);
      mm.swapents++;
      set_pte(k, mm, table, addr, PTE_SWAP | exclusive, slot);
    } else set_pte(k, mm, table, addr, 0, 0);
    flush_tlb_range(k, mm, addr, addr + 4096);
    return true;
  });
  k.frames.clearFlags(pfn, PG_ANON_EXCLUSIVE);
}

function pageIsDirty(k: Kernel, pfn: Pfn): boolean {
  let dirty = (k.frames.flagsOf(pfn) & PG_DIRTY) !== 0;
  rmap_walk(k, pfn, (mm, _vma, addr) => {
    if (((mm.pt.find(addr)?.words[2 * pteIndex(addr)] ?? 0) & PTE_DIRTY) !== 0) dirty = true;
    return !dirty;
  });
  return dirty;
}

/** An anonymous page goes to its swap slot. */
function swapOutAnon(k: Kernel, pfn: Pfn): Verdict {
  const had = (k.frames.flagsOf(pfn) & PG_SWAPCACHE) !== 0;
  if (!had) {
    const slot = k.swap.take();
    if (slot < 0) return 'activated';
    add_to_swap_cache(k, pfn, slot);
    k.frames.markDirty(pfn);
  }
  const slot = slot_of(k, pfn);
  lru_del(k.frames, pfn);
  try_to_unmap(k, pfn);
  const write = (k.frames.flagsOf(pfn) & PG_DIRTY) !== 0;
  if (write) swap_writepage(k, pfn);
  if (k.sink !== null) k.emit({ type: 'swap-out', pfn, slot, written: write });
  delete_from_swap_cache(k, pfn);
  return 'freed';
}

/** shmem_writeout(): the page's place in the file names its slot. A page that was never written is a hole again. */
function swapOutShmem(k: Kernel, pfn: Pfn): Verdict {
  if (!pageIsDirty(k, pfn)) {
    const clean = k.frames.chunk(pfn);
    try_to_unmap(k, pfn);
    cache_delete(
      k,
      k.inodes.edit(clean.mapping[pfn & CHUNK_MASK] as number),
      clean.index[pfn & CHUNK_MASK] as number,
      pfn,
    );
    return 'freed';
  }
  const chunk = k.frames.chunk(pfn);
  const inode = k.inodes.edit(chunk.mapping[pfn & CHUNK_MASK] as number);
  const index = chunk.index[pfn & CHUNK_MASK] as number;
  try_to_unmap(k, pfn);
  const slot = k.swap.take();
  if (slot < 0) return 'activated';
  k.swap.duplicate(slot);
  k.swap.write(slot, readFrame(k.frames, pfn));
  k.scalars.pswpout++;
  if (k.sink !== null) k.emit({ type: 'swap-out', pfn, slot, written: true });
  cache_delete(k, inode, index, pfn);
  cache_store(k, inode, index, -(slot + 1));
  return 'freed';
}

/** A page of a disk file is dropped; a dirty one is written first under pressure, and stays when a process asked. */
function dropFilePage(k: Kernel, pfn: Pfn, cause: Cause): Verdict {
  const chunk = k.frames.chunk(pfn);
  const inode = k.inodes.edit(chunk.mapping[pfn & CHUNK_MASK] as number);
  const index = chunk.index[pfn & CHUNK_MASK] as number;
  try_to_unmap(k, pfn);
  if ((k.frames.flagsOf(pfn) & PG_DIRTY) !== 0) {
    if (cause === 'pageout') {
      // PG_reclaim, to be dropped once it is written: the same bit as PG_readahead, and fault-around sees that.
      k.frames.setFlags(pfn, PG_READAHEAD);
      return 'activated';
    }
    page_mkclean(k, pfn);
    write_page(k, inode, index, pfn);
  }
  if (k.sink !== null) k.emit({ type: 'cache-drop', path: inode.path, index, pfn });
  cache_delete(k, inode, index, pfn);
  return 'freed';
}

/** MADV_FREE's pages go without a write, unless they were written again. */
function dropLazyfree(k: Kernel, pfn: Pfn): Verdict {
  if (pageIsDirty(k, pfn)) {
    lru_move(k.frames, pfn, 0, PG_LAZYFREE);
    return 'activated';
  }
  try_to_unmap(k, pfn);
  free_page(k, pfn);
  return 'freed';
}

/** shrink_folio_list() for one page. */
function shrink_page(k: Kernel, pfn: Pfn, cause: Cause): Verdict {
  const flags = k.frames.flagsOf(pfn);
  k.scalars.pgscan++;
  if (k.frames.refsOf(pfn) !== expectedRefs(flags)) return 'kept';
  if (cause === 'pressure') {
    const verdict = check_references(k, pfn, folio_referenced(k, pfn));
    if (verdict !== null) {
      if (k.sink !== null) k.emit({ type: 'spared', pfn, why: verdict });
      return verdict;
    }
  }
  if ((flags & (PG_ANON | PG_FILE)) === 0 && (flags & PG_SWAPCACHE) !== 0) {
    delete_from_swap_cache(k, pfn);
    return 'freed';
  }
  let verdict: Verdict;
  if ((flags & PG_ANON) !== 0) verdict = (flags & PG_LAZYFREE) !== 0 ? dropLazyfree(k, pfn) : swapOutAnon(k, pfn);
  else verdict = (flags & PG_SHMEM) !== 0 ? swapOutShmem(k, pfn) : dropFilePage(k, pfn, cause);
  if (verdict === 'freed') k.scalars.pgsteal++;
  return verdict;
}

/** reclaim_pages(): MADV_PAGEOUT takes these pages, used lately or not. Returns how many went. */
export function reclaim_pages(k: Kernel, pfns: readonly Pfn[]): number {
  let freed = 0;
  for (const pfn of pfns) {
    if ((k.frames.flagsOf(pfn) & (PG_ANON | PG_FILE)) === 0) continue;
    const verdict = shrink_page(k, pfn, 'pageout');
    if (verdict === 'freed') freed++;
    else if (verdict === 'activated') lru_move(k.frames, pfn, PG_ACTIVE, 0);
  }
  return freed;
}

/** shrink_active_list(): the oldest active pages become inactive. */
function deactivate(k: Kernel, list: number, count: number): void {
  for (let n = 0; n < count; n++) {
    const pfn = k.frames.counters.tail[list] as number;
    if (pfn === 0) return;
    const seen = folio_referenced(k, pfn);
    const code = seen.exec && (k.frames.flagsOf(pfn) & PG_FILE) !== 0 && seen.young > 0;
    // Executable file pages in use go round once more.
    lru_move(k.frames, pfn, 0, code ? 0 : PG_ACTIVE);
  }
}

interface ScanResult {
  readonly scanned: number;
  readonly freed: number;
}

/** shrink_inactive_list(): looks at up to `count` of the oldest pages. */
function shrinkInactive(k: Kernel, list: number, count: number, wanted: number): ScanResult {
  let scanned = 0;
  let freed = 0;
  while (scanned < count && freed < wanted) {
    const pfn = k.frames.counters.tail[list] as number;
    if (pfn === 0) break;
    scanned++;
    const verdict = shrink_page(k, pfn, 'pressure');
    if (verdict === 'freed') freed++;
    else if (verdict === 'activated') lru_move(k.frames, pfn, PG_ACTIVE, 0);
    else lru_move(k.frames, pfn, 0, 0);
  }
  return { scanned, freed };
}

/** inactive_is_low(): the inactive list should be as long as the active one on small machines. */
function balance(k: Kernel, active: number, inactive: number): void {
  const c = k.frames.counters.count;
  const surplus = (c[active] as number) - (c[inactive] as number);
  if (surplus > 0) deactivate(k, active, Math.ceil(surplus / 2));
}

/** How the textbook policies look at a frame and take it. */
function evictorOf(k: Kernel): Evictor {
  return {
    evict: (pfn) => shrink_page(k, pfn, 'policy') === 'freed',
    used: (pfn) => folio_referenced(k, pfn).young > 0,
  };
}

/**
 * try_to_free_pages(): looks for `wanted` frames, harder at each priority; file pages and anonymous ones share the
 * scan by `swappiness`. Returns how many were freed.
 */
export function try_to_free_pages(k: Kernel, wanted: number): number {
  if (k.config.replacement !== 'linux') return replace_pages(k, wanted, evictorOf(k));
  let freed = 0;
  let scanned = 0;
  for (let priority = 6; priority >= 0 && freed < wanted; priority--) {
    const swappiness = k.swap.free > 0 ? k.config.swappiness : 0;
    balance(k, LRU_ACTIVE_FILE, LRU_INACTIVE_FILE);
    if (swappiness > 0) balance(k, LRU_ACTIVE_ANON, LRU_INACTIVE_ANON);
    const c = k.frames.counters.count;
    const share = (list: number, part: number): number =>
      Math.ceil((((c[list] as number) / 2 ** priority) * part) / 200);
    const file = shrinkInactive(k, LRU_INACTIVE_FILE, share(LRU_INACTIVE_FILE, 200 - swappiness), wanted - freed);
    freed += file.freed;
    scanned += file.scanned;
    const lazy = swappiness > 0 || priority === 0;
    if (freed >= wanted || !lazy || swappiness === 0) continue;
    const anon = shrinkInactive(k, LRU_INACTIVE_ANON, share(LRU_INACTIVE_ANON, swappiness), wanted - freed);
    freed += anon.freed;
    scanned += anon.scanned;
    if (priority === 0 && freed < wanted) freed += lastResort(k, wanted - freed);
  }
  if (k.sink !== null) k.emit({ type: 'reclaim', wanted, got: freed, scanned, why: 'direct reclaim' });
  return freed;
}

/** The last priority looks at everything that is left. */
function lastResort(k: Kernel, wanted: number): number {
  let freed = 0;
  for (const list of [LRU_INACTIVE_FILE, LRU_INACTIVE_ANON, LRU_ACTIVE_FILE, LRU_ACTIVE_ANON]) {
    const length = k.frames.counters.count[list] as number;
    for (let n = 0; n < length && freed < wanted; n++) {
      const pfn = k.frames.counters.tail[list] as number;
      if (pfn === 0) break;
      const verdict = shrink_page(k, pfn, 'pressure');
      if (verdict === 'freed') freed++;
      else lru_move(k.frames, pfn, 0, 0);
    }
  }
  return freed;
}

/** Frames that a direct reclaim brings at once: a cluster of 32, fewer on tiny machines. */
export function reclaim_batch(k: Kernel): number {
  return Math.max(1, Math.min(32, Math.floor(k.frames.total / 64)));
}
