/** Mapping one page: what all fault handlers end with (mm/memory.c). */

import type { Pfn } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON_EXCLUSIVE, PG_LAZYFREE } from '../machine/frames.ts';
import { lru_add } from '../machine/lru.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_RW, PTE_SPECIAL } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { anon_vma_prepare } from './anon-vma.ts';
import { pteWord, type VmFault } from './fault.ts';
import { mlock_folio } from './mlock-page.ts';
import { free_page, init_anon_page } from './page-alloc.ts';
import { flush_tlb_range, get_mapping, set_pte, vm_page_prot } from './pte.ts';
import { linear_page_index, VM_DROPPABLE, VM_LOCKED, VM_SHARED, VM_WRITE, type Vma } from './vma.ts';
import { emitChange } from './vma-link.ts';

/** vmf_anon_prepare(): the VMA gets an anon_vma before its first anonymous page. Returns the VMA that has one. */
export function vma_with_anon(k: Kernel, mm: Mm, vma: Vma): Vma {
  if (vma.anon !== null) return vma;
  const place = mm.vmas.seek(vma.vm_start);
  anon_vma_prepare(k, mm, place);
  const named = mm.vmas.vma(place);
  if (k.sink !== null) emitChange(k, mm, vma, named);
  return named;
}

/** Maps a fresh anonymous page, exclusive to this process, dirty and writable where the VMA is. */
export function map_new_anon(vmf: VmFault, pfn: Pfn): void {
  const { k, mm, vma } = vmf;
  init_anon_page(k, pfn, (vma.anon as NonNullable<Vma['anon']>).root, linear_page_index(vma, vmf.addr));
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  // folio_add_new_anon_rmap(): what may be dropped needs no swap.
  const droppable = (vma.vm_flags & VM_DROPPABLE) !== 0 ? PG_LAZYFREE : 0;
  chunk.flags[i] = (chunk.flags[i] as number) | PG_ANON_EXCLUSIVE | droppable;
  chunk.mapcount[i] = 1;
  mm.rss_anon++;
  lru_add(k.frames, pfn);
  if ((vma.vm_flags & VM_LOCKED) !== 0) mlock_folio(k, pfn);
  const write = (vma.vm_flags & VM_WRITE) !== 0 ? PTE_RW : 0;
  set_pte(k, mm, vmf.table, vmf.addr, vm_page_prot(vma) | PTE_DIRTY | write, pfn);
}

/** folio_get(), folio_put() without the freeing: keeps reclaim off a frame while another one is looked for. */
export function hold_page(k: Kernel, pfn: Pfn, delta: number): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.refs[i] = (chunk.refs[i] as number) + delta;
}

/** folio_put(): gives a hold up; the frame is free when nobody else has it any more. */
export function release_page(k: Kernel, pfn: Pfn): void {
  hold_page(k, pfn, -1);
  if (k.frames.refsOf(pfn) === 0 && k.frames.mapcountOf(pfn) === 0) free_page(k, pfn);
}

/** wp_page_reuse(): the page becomes writable where it is. */
export function wp_page_reuse(vmf: VmFault): void {
  const at = pteWord(vmf.addr);
  const flags = vmf.table.words[at] as number;
  const write = (vmf.vma.vm_flags & VM_WRITE) !== 0 ? PTE_RW : 0;
  const pfn = vmf.table.words[at + 1] as number;
  set_pte(vmf.k, vmf.mm, vmf.table, vmf.addr, flags | PTE_ACCESSED | PTE_DIRTY | write, pfn);
  flush_tlb_range(vmf.k, vmf.mm, vmf.addr, vmf.addr + 4096);
}

/** set_pte_range() for one page of the page cache. */
export function map_file_page(vmf: VmFault, addr: number, pfn: Pfn, write: boolean): void {
  get_mapping(vmf.k, vmf.mm, pfn);
  if ((vmf.vma.vm_flags & VM_LOCKED) !== 0) mlock_folio(vmf.k, pfn);
  const dirty = write ? PTE_DIRTY | PTE_RW : 0;
  set_pte(vmf.k, vmf.mm, vmf.table, addr, vm_page_prot(vmf.vma) | dirty, pfn);
}

/** vmf_insert_pfn(), vm_insert_page(): a driver maps a page itself. False when a page is mapped there already. */
export function insert_pfn(vmf: VmFault, pfn: Pfn, special: boolean): boolean {
  const at = pteWord(vmf.addr);
  if (vmf.table.words[at] !== 0) return false;
  const shared = (vmf.vma.vm_flags & (VM_WRITE | VM_SHARED)) === (VM_WRITE | VM_SHARED) && vmf.write;
  if (!special) get_mapping(vmf.k, vmf.mm, pfn);
  const extra = (special ? PTE_SPECIAL : 0) | (shared ? PTE_DIRTY : 0) | PTE_ACCESSED;
  set_pte(vmf.k, vmf.mm, vmf.table, vmf.addr, vm_page_prot(vmf.vma) | extra, pfn);
  flush_tlb_range(vmf.k, vmf.mm, vmf.addr, vmf.addr + 4096);
  return true;
}
