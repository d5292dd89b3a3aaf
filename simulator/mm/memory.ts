/** The fault path for memory of its own kind: anonymous pages and copy-on-write (mm/memory.c). */

import type { Pfn, VirtAddr } from '../machine/address.ts';
import { pageDown } from '../machine/address.ts';
import { copyFrame } from '../machine/content.ts';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_SWAPCACHE } from '../machine/frames.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_GUARD, PTE_MAPPED, PTE_RW, PTE_SPECIAL, PTE_SWAP } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import {
  type Faulter,
  handler,
  pteWord,
  VM_FAULT_ERROR,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
  VM_FAULT_SIGSEGV,
  type VmFault,
} from './fault.ts';
import { do_fault, wp_page_shared } from './fault-file.ts';
import { do_swap_page } from './fault-swap.ts';
import { hold_page, map_new_anon, vma_with_anon, wp_page_reuse } from './map-page.ts';
import { alloc_page } from './page-alloc.ts';
import { note_use } from './page-use.ts';
import { flush_tlb_range, set_pte, vm_page_prot } from './pte.ts';
import { folio_free_swap, slot_of } from './swap-cache.ts';
import { VM_SHARED, type Vma, vma_is_anonymous } from './vma.ts';
import { put_mapping } from './zap.ts';

/** Demand-zero: reads share the zero page, writes take a frame. */
function do_anonymous_page(vmf: VmFault): number {
  const { k, mm, vma } = vmf;
  if ((vma.vm_flags & VM_SHARED) !== 0) return VM_FAULT_SIGBUS;
  if (!vmf.write) {
    vmf.kind = 'anon-zero-page';
    handler(vmf, 'do_anonymous_page', 'zero-page');
    set_pte(k, mm, vmf.table, vmf.addr, vm_page_prot(vma) | PTE_SPECIAL, k.frames.zeroPfn);
    return 0;
  }
  vmf.kind = 'anon';
  handler(vmf, 'do_anonymous_page', 'demand-zero');
  vmf.vma = vma_with_anon(k, mm, vma);
  const pfn = alloc_page(k, 'anon');
  if (pfn === 0) return VM_FAULT_OOM;
  map_new_anon(vmf, pfn);
  return 0;
}

/** wp_page_copy(): the writer gets a copy of its own; the old frame loses this PTE. */
function wp_page_copy(vmf: VmFault, old: Pfn): number {
  const { k, mm } = vmf;
  vmf.vma = vma_with_anon(k, mm, vmf.vma);
  const special = (vmf.flags & PTE_SPECIAL) !== 0;
  if (special && old === k.frames.zeroPfn) {
    vmf.kind = 'anon';
    handler(vmf, 'wp_page_copy', 'zero-page');
  } else {
    vmf.kind = special || (k.frames.flagsOf(old) & PG_ANON) === 0 ? 'file-cow' : 'cow';
    handler(vmf, 'wp_page_copy', vmf.kind);
  }
  // Held while the new frame is looked for: reclaim must not take it.
  if (!special) hold_page(k, old, 1);
  const pfn = alloc_page(k, 'anon');
  if (!special) hold_page(k, old, -1);
  if (pfn === 0) return VM_FAULT_OOM;
  if (!special || old !== k.frames.zeroPfn) {
    copyFrame(k.frames, pfn, old);
    if (k.frames.oneList) note_use(k, mm, vmf.addr, old);
    if (k.sink !== null) k.emit({ type: 'frame-copy', from: old, to: pfn });
  }
  map_new_anon(vmf, pfn);
  flush_tlb_range(k, mm, vmf.addr, vmf.addr + 4096);
  if (!special) put_mapping(k, mm, old, 0, vmf.vma.vm_flags);
  return 0;
}

/** wp_can_reuse_anon_folio(): nobody else has the page: neither a PTE nor a swap slot. */
function wp_can_reuse_anon_folio(k: Kernel, pfn: Pfn): boolean {
  const flags = k.frames.flagsOf(pfn);
  if ((flags & PG_ANON_EXCLUSIVE) !== 0) return true;
  if (k.frames.mapcountOf(pfn) > 1) return false;
  if ((flags & PG_SWAPCACHE) !== 0) {
    if (k.swap.count(slot_of(k, pfn)) > 0) return false;
    // While it is being written to its slot, the swap cache has the page too.
    if (!folio_free_swap(k, pfn)) return false;
  }
  k.frames.setFlags(pfn, PG_ANON_EXCLUSIVE);
  return true;
}

/** do_wp_page(): a write to a page that is present and not writable. */
export function do_wp_page(vmf: VmFault): number {
  const { k, vma } = vmf;
  const pfn = vmf.table.words[pteWord(vmf.addr) + 1] as number;
  const flags = vmf.table.words[pteWord(vmf.addr)] as number;
  if ((vma.vm_flags & VM_SHARED) !== 0) return wp_page_shared(vmf, pfn, flags);
  const anon = (flags & PTE_SPECIAL) === 0 && (k.frames.flagsOf(pfn) & PG_ANON) !== 0;
  if (anon && wp_can_reuse_anon_folio(k, pfn)) {
    vmf.kind = 'reuse';
    handler(vmf, 'wp_page_reuse', 'exclusive');
    wp_page_reuse(vmf);
    return 0;
  }
  return wp_page_copy(vmf, pfn);
}

/** handle_pte_fault(): what the PTE says decides who serves the fault. */
function handle_pte_fault(vmf: VmFault): number {
  if (vmf.flags === 0) return vma_is_anonymous(vmf.vma) ? do_anonymous_page(vmf) : do_fault(vmf);
  if ((vmf.flags & PTE_MAPPED) === 0) {
    if ((vmf.flags & PTE_GUARD) !== 0) {
      handler(vmf, 'handle_pte_marker', 'guard');
      return VM_FAULT_SIGSEGV;
    }
    if ((vmf.flags & PTE_SWAP) !== 0) return do_swap_page(vmf, do_wp_page);
  }
  if (vmf.write && (vmf.flags & PTE_RW) === 0) return do_wp_page(vmf);
  vmf.kind = 'spurious';
  handler(vmf, 'handle_pte_fault', 'spurious');
  const dirty = vmf.write ? PTE_DIRTY : 0;
  set_pte(vmf.k, vmf.mm, vmf.table, vmf.addr, vmf.flags | PTE_ACCESSED | dirty, vmf.value);
  return 0;
}

/**
 * handle_mm_fault(): serves one fault at `addr` in `vma`. Returns VM_FAULT_… bits; the fault's kind stands in
 * {@link lastFaultKind}. `mm` must be owned by the epoch.
 */
export function handle_mm_fault(k: Kernel, mm: Mm, vma: Vma, addr: VirtAddr, write: boolean, by: Faulter): number {
  const page = pageDown(addr);
  const hadTable = mm.pt.find(page) !== undefined;
  const table = mm.pt.edit(page);
  const at = pteWord(page);
  const vmf: VmFault = {
    k,
    mm,
    vma,
    addr: page,
    write,
    table,
    hadTable,
    flags: table.words[at] as number,
    value: table.words[at + 1] as number,
    page: 0,
    kind: 'spurious',
    by,
    tried: false,
  };
  const result = handle_pte_fault(vmf);
  lastFaultKind = vmf.kind;
  // The lowest table comes only with a page to put into it.
  if ((result & VM_FAULT_ERROR) !== 0 && !hadTable) mm.pt.freeEmptyLeaf(page);
  return result;
}

/** Kind of the fault that handle_mm_fault() served last. */
export let lastFaultKind: VmFault['kind'] = 'spurious';
