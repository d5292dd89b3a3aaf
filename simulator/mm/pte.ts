/** Writing page-table entries: the one way in which the memory manager changes a PTE, with its event and TLB flush. */

import { type Pfn, pageDown, pteIndex, type VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_SHMEM } from '../machine/frames.ts';
import {
  PTE_ACCESSED,
  PTE_NX,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_USER,
  type PteTable,
} from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { VM_ACCESS_FLAGS, VM_EXEC, VM_SHARED, VM_WRITE, type Vma } from './vma.ts';

/** What permissions are made of. */
export const PROT_BITS = PTE_PRESENT | PTE_RW | PTE_USER | PTE_PROTNONE | PTE_NX;

/** mm/vma.c: vma_wants_writenotify(): shared pages of a disk file start write-protected, so that their first write is seen. */
export function vma_wants_writenotify(vma: Vma): boolean {
  return (vma.vm_flags & (VM_WRITE | VM_SHARED)) === (VM_WRITE | VM_SHARED) && vma.vm_ops === 'generic_file';
}

/**
 * vm_page_prot: flags of a new PTE of the VMA (arch/x86/mm/pgprot.c: protection_map). Private writable memory is mapped
 * read-only until it is written: that is copy-on-write.
 */
export function vm_page_prot(vma: Vma): number {
  const prot = protection_map(vma.vm_flags);
  return vma_wants_writenotify(vma) ? prot & ~PTE_RW : prot;
}

/** vm_get_page_prot(): what a PTE of a VMA with these flags allows. */
export function protection_map(flags: number): number {
  if ((flags & VM_ACCESS_FLAGS) === 0) return PTE_PROTNONE | PTE_ACCESSED | PTE_NX;
  let prot = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
  if ((flags & VM_EXEC) === 0) prot |= PTE_NX;
  if ((flags & (VM_WRITE | VM_SHARED)) === (VM_WRITE | VM_SHARED)) prot |= PTE_RW;
  return prot;
}

/** set_pte_at(): writes entry `at / 2` of a table that the epoch owns. `addr` is the page that it maps. */
export function set_pte(k: Kernel, mm: Mm, table: PteTable, addr: VirtAddr, flags: number, pfn: Pfn): void {
  const at = 2 * pteIndex(addr);
  const words = table.words;
  if (k.sink !== null) {
    const before = { flags: words[at] as number, pfn: words[at + 1] as number };
    k.emit({ type: 'pte', mm: mm.id, va: pageDown(addr), before, after: { flags, pfn } });
  }
  words[at] = flags;
  words[at + 1] = pfn;
}

/** Drops translations of [start, end) if the CPU runs this address space (flush_tlb_range()). */
export function flush_tlb_range(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr): void {
  const current = k.tasks.find(k.scalars.current);
  if (current === undefined || current.mm !== mm.id) return;
  if (end - start > 33 * 4096) k.tlb.flushAll();
  else for (let addr = start; addr < end; addr += 4096) k.tlb.flushPage(addr);
  if (k.sink !== null) k.emit({ type: 'tlb-flush', start, end });
}

/** Counts a mapped frame in (1) or out (-1) of the resident set, by its kind (mm_counter()). */
export function add_mm_counter(mm: Mm, frameFlags: number, delta: number): void {
  if ((frameFlags & PG_ANON) !== 0) mm.rss_anon += delta;
  else if ((frameFlags & PG_SHMEM) !== 0) mm.rss_shmem += delta;
  else mm.rss_file += delta;
}

/** One more PTE maps the frame. */
export function get_mapping(k: Kernel, mm: Mm, pfn: Pfn): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.mapcount[i] = (chunk.mapcount[i] as number) + 1;
  add_mm_counter(mm, chunk.flags[i] as number, 1);
}
