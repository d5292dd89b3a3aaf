/** Unmapping pages: zap_pte_range() and those who call it (mm/memory.c), and freeing empty page tables. */

import { nextPmd, PMD_SIZE, pteIndex, type VirtAddr } from '../machine/address.ts';
import { FrameBatch } from '../machine/frame-batch.ts';
import { CHUNK_MASK, PG_ANON, PG_FILE, PG_SWAPCACHE } from '../machine/frames.ts';
import { mark_accessed } from '../machine/lru.ts';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GUARD,
  PTE_MAPPED,
  PTE_SPECIAL,
  PTE_SWAP,
  type PteTable,
} from '../machine/pagetable.ts';
import { PGFREE } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Mm } from '../state/records.ts';
import { munlock_folio } from './mlock-page.ts';
import { type MmuGather, tlb_finish_mmu, tlb_gather_mmu, tlb_remove } from './mmu-gather.ts';
import { free_page } from './page-alloc.ts';
import { walk_pte_tables } from './pagewalk.ts';
import { add_mm_counter } from './pte.ts';
import { folio_free_swap, free_swap_entry } from './swap-cache.ts';
import { VM_LOCKED, VM_RAND_READ, VM_SEQ_READ, type Vma } from './vma.ts';
import { NOWHERE } from './vma-tree.ts';

/** What else than present and swapped pages goes: `markers`, guard markers too; `pages`, they stay. */
export type ZapWhat = 'pages' | 'markers';

/** vma_has_recency(): that a page of a file was used lately counts, but where the order of uses is announced. */
function vma_has_recency(vmaFlags: number): boolean {
  return (vmaFlags & (VM_SEQ_READ | VM_RAND_READ)) === 0;
}

/**
 * folio_remove_rmap_pte(): one PTE less maps the frame, of a VMA with `vmaFlags`; frees it when nobody holds it any more.
 * What the PTE tells of the page is kept.
 */
export function put_mapping(k: Kernel, mm: Mm, pfn: number, pteFlags: number, vmaFlags: number): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  add_mm_counter(mm, flags, -1);
  if ((flags & PG_ANON) === 0) {
    if ((pteFlags & PTE_DIRTY) !== 0) k.frames.markDirty(pfn);
    const used = (pteFlags & PTE_ACCESSED) !== 0 && (flags & PG_FILE) !== 0;
    if (used && vma_has_recency(vmaFlags)) mark_accessed(k.frames, pfn);
  }
  const count = (chunk.mapcount[i] as number) - 1;
  if (count < 0) throw new Error(`put_mapping: frame ${pfn} is not mapped`);
  chunk.mapcount[i] = count;
  if ((vmaFlags & VM_LOCKED) !== 0) munlock_folio(k, pfn);
  // The pages of devices and of [vdso] are no RAM: nobody gets them.
  if (count > 0 || pfn >= k.frames.deviceBase) return;
  if (chunk.refs[i] === 0) free_page(k, pfn);
  else if ((flags & PG_SWAPCACHE) !== 0) folio_free_swap(k, pfn);
}

/** An unmapping: what goes, from a VMA with which flags. */
interface Zapping extends MmuGather {
  readonly what: ZapWhat;
  readonly vmaFlags: number;
}

function zapEntry(k: Kernel, mm: Mm, flags: number, value: number, vmaFlags: number): void {
  if ((flags & PTE_MAPPED) !== 0) {
    if ((flags & PTE_SPECIAL) === 0) put_mapping(k, mm, value, flags, vmaFlags);
  } else if ((flags & PTE_SWAP) !== 0) {
    mm.swapents--;
    free_swap_entry(k, value);
  }
}

/** Distance of the first and the last word of so few entries that they go faster one by one than as a batch. */
const FEW = 6;

/** The same as {@link zapTable} for a few entries, nobody listening. */
function zapFew(k: Kernel, mm: Mm, words: Uint32Array, start: VirtAddr, last: number, tlb: Zapping): void {
  const first = 2 * pteIndex(start);
  for (let at = first; at <= last; at += 2) {
    const flags = words[at] as number;
    if (flags === 0 || (tlb.what === 'pages' && (flags & PTE_GUARD) !== 0)) continue;
    const value = words[at + 1] as number;
    words[at] = 0;
    words[at + 1] = 0;
    if ((flags & PTE_MAPPED) !== 0) tlb_remove(tlb, start + (at - first) * 2048, start + (at - first) * 2048);
    zapEntry(k, mm, flags, value, tlb.vmaFlags);
  }
}

/** zap_pte_range(): the entries of [start, end), which lies under one table. */
function zapTable(k: Kernel, mm: Mm, { words }: PteTable, start: VirtAddr, end: VirtAddr, tlb: Zapping): void {
  const last = 2 * pteIndex(end - 4096);
  const first = 2 * pteIndex(start);
  if (k.sink === null && last - first <= FEW) {
    zapFew(k, mm, words, start, last, tlb);
    return;
  }
  const batch = new FrameBatch(k.frames);
  for (let at = first; at <= last; at += 2) {
    if (k.sink === null) {
      const from = at;
      at = batch.release(words, at, last);
      if (at > from) tlb_remove(tlb, start + (from - first) * 2048, start + (at - 2 - first) * 2048);
      if (at > last) break;
    }
    const flags = words[at] as number;
    if (flags === 0 || (tlb.what === 'pages' && (flags & PTE_GUARD) !== 0)) continue;
    const value = words[at + 1] as number;
    const va = start + (at - first) * 2048;
    if ((flags & PTE_MAPPED) !== 0) tlb_remove(tlb, va, va);
    if (k.sink !== null) {
      k.emit({ type: 'pte', mm: mm.id, va, before: { flags, pfn: value }, after: { flags: 0, pfn: 0 } });
    }
    if (k.sink !== null && batch.release(words, at, at) > at) k.emit({ type: 'frame-free', pfn: value });
    else {
      words[at] = 0;
      words[at + 1] = 0;
      batch.finish();
      zapEntry(k, mm, flags, value, tlb.vmaFlags);
    }
  }
  batch.finish();
  mm.rss_anon -= batch.freed;
  k.frames.countEvent(PGFREE, batch.freed);
}

/** Pages that a CPU may count on its own before a counter of resident pages shows them (percpu_counter_batch). */
const COUNTER_BATCH = 32;

/** Raises the highest resident set before pages go. What no CPU has added up yet Linux does not see. */
export function update_hiwater_rss(mm: Mm): void {
  const rss = mm.rss_anon + mm.rss_file + mm.rss_shmem;
  if (rss > COUNTER_BATCH && rss > mm.hiwater_rss) mm.hiwater_rss = rss;
}

/** unmap_page_range(): unmaps all pages of [start, end), which lies in a VMA with `vmaFlags`. */
export function zap_page_range(
  k: Kernel,
  mm: Mm,
  vmaFlags: number,
  start: VirtAddr,
  end: VirtAddr,
  what: ZapWhat,
): void {
  if (what === 'pages') update_hiwater_rss(mm);
  const tlb: Zapping = { ...tlb_gather_mmu(), what, vmaFlags };
  walk_pte_tables(mm, start, end, (from, to) => zapTable(k, mm, mm.pt.edit(from), from, to, tlb));
  tlb_finish_mmu(k, mm, tlb);
}

/** Unmaps [start, end) of private anonymous memory, which lies under one PTE table, when there is one. */
export function zap_anonymous(k: Kernel, mm: Mm, vmaFlags: number, start: VirtAddr, end: VirtAddr): void {
  if (mm.pt.find(start) === undefined) return;
  const tlb: Zapping = { ...tlb_gather_mmu(), what: 'markers', vmaFlags };
  zapTable(k, mm, mm.pt.edit(start), start, end, tlb);
  tlb_finish_mmu(k, mm, tlb);
}

/** zap_pte_range() with PT_RECLAIM: MADV_DONTNEED of whole 2 MiB blocks gives their PTE tables back. */
export function zap_and_reclaim_tables(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr): void {
  zap_page_range(k, mm, mm.vmas.lookup(start)?.vm_flags ?? 0, start, end, 'pages');
  const first = Math.ceil(start / PMD_SIZE) * PMD_SIZE;
  for (let addr = mm.pt.nextTable(first, end); addr + PMD_SIZE <= end; addr = mm.pt.nextTable(addr + PMD_SIZE, end)) {
    mm.pt.freeEmptyLeaf(addr);
  }
}

/** Zaps what a VMA maps of pages [first, end) of its file. `cows`: private copies too (truncation). */
function zapFileRange(k: Kernel, mm: Mm, vma: Vma, first: number, end: number, cows: boolean): void {
  const from = Math.max(vma.vm_start, vma.vm_start + (first - vma.vm_pgoff) * 4096);
  const to = Math.min(vma.vm_end, vma.vm_start + (end - vma.vm_pgoff) * 4096);
  if (from >= to) return;
  if (cows) {
    zap_page_range(k, mm, vma.vm_flags, from, to, 'pages');
    return;
  }
  for (let addr = from; addr < to; addr += 4096) {
    const table = mm.pt.find(addr);
    if (table === undefined) {
      addr = mm.pt.nextTable(nextPmd(addr), to) - 4096;
      continue;
    }
    const at = 2 * pteIndex(addr);
    const flags = table.words[at] as number;
    if ((flags & PTE_MAPPED) === 0 || (flags & PTE_SPECIAL) !== 0) continue;
    if ((k.frames.flagsOf(table.words[at + 1] as number) & PG_ANON) !== 0) continue;
    zap_page_range(k, mm, vma.vm_flags, addr, addr + 4096, 'pages');
  }
}

/** unmap_mapping_range(): unmaps pages [first, end) of a file from every process. */
export function unmap_mapping_range(k: Kernel, inode: Inode, first: number, end: number, cows: boolean): void {
  for (const id of inode.mms.keys()) {
    const mm = k.mms.edit(id);
    const vmas = mm.vmas.toArray().filter((vma) => vma.inode === inode.id);
    for (const vma of vmas) zapFileRange(k, mm, vma, first, end, cows);
  }
}

/**
 * free_pgtables() behind an unmapped [start, end): frees the tables that no other VMA can need.
 */
export function free_pgtables(mm: Mm, start: VirtAddr, end: VirtAddr): void {
  const vmas = mm.vmas;
  const above = vmas.seek(end);
  const below = vmas.previous(above);
  const floor = below === NOWHERE ? 0 : vmas.vm_end(below);
  const ceiling = above === NOWHERE ? Number.MAX_SAFE_INTEGER : vmas.vm_start(above);
  // A neighbour on both sides under the same PTE table: nothing of it can go.
  const first = nextPmd(start) - PMD_SIZE;
  if (end <= first + PMD_SIZE && (floor > first || ceiling < first + PMD_SIZE)) return;
  mm.pt.freeRange(start, end, floor, ceiling);
}
