/** Faults on pages that are in swap (mm/memory.c: do_swap_page()). */

import type { Pfn } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_ANON_EXCLUSIVE, PG_SWAPCACHE } from '../machine/frames.ts';
import { lru_add } from '../machine/lru.ts';
import { PTE_DIRTY, PTE_RW, PTE_SWP_EXCLUSIVE } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import { handler, VM_FAULT_ERROR, VM_FAULT_MAJOR, VM_FAULT_OOM, type VmFault } from './fault.ts';
import { mlock_folio } from './mlock-page.ts';
import { init_anon_page } from './page-alloc.ts';
import { get_mapping, set_pte, vm_page_prot } from './pte.ts';
import { folio_free_swap, read_swap_cache, swap_read } from './swap-cache.ts';
import { linear_page_index, VM_LOCKED, VM_WRITE, type Vma } from './vma.ts';

/** vm_swap_full(): more than half of the slots are taken, so copies of pages that are in RAM are given up early. */
function vm_swap_full(k: Kernel): boolean {
  return k.swap.free * 2 < k.swap.total;
}

/** should_try_to_free_swap() and the freeing. */
function freeSlotEarly(vmf: VmFault, pfn: Pfn): void {
  const { k } = vmf;
  const flags = k.frames.flagsOf(pfn);
  if ((flags & PG_SWAPCACHE) === 0) return;
  const alone = vmf.write && k.frames.mapcountOf(pfn) === 0;
  if (alone || (vmf.vma.vm_flags & VM_LOCKED) !== 0 || vm_swap_full(k)) {
    // folio_free_swap() would free an unmapped frame: it is about to be mapped.
    const chunk = k.frames.edit(pfn);
    const i = pfn & CHUNK_MASK;
    chunk.refs[i] = (chunk.refs[i] as number) + 1;
    folio_free_swap(k, pfn);
    const again = k.frames.edit(pfn);
    again.refs[i] = (again.refs[i] as number) - 1;
  }
}

/** The frame for the slot: from the swap cache, or read. The second value tells whether it was read. */
function frameForSlot(vmf: VmFault, slot: number): readonly [Pfn, boolean] {
  const { k, vma } = vmf;
  const cached = k.swap.cached(slot);
  if (cached !== 0) return [cached, false];
  const root = (vma.anon as NonNullable<Vma['anon']>).root;
  const index = linear_page_index(vma, vmf.addr);
  if (k.swap.count(slot) > 1) return [read_swap_cache(k, slot, (pfn) => init_anon_page(k, pfn, root, index)), true];
  // SWP_SYNCHRONOUS_IO and the only user: past the swap cache.
  const pfn = swap_read(k, slot, 'anon');
  if (pfn !== 0) {
    init_anon_page(k, pfn, root, index);
    lru_add(k.frames, pfn);
  }
  return [pfn, true];
}

/**
 * Brings a page back from swap. `wp` is do_wp_page(), for a write to a page that others share.
 */
export function do_swap_page(vmf: VmFault, wp: (vmf: VmFault) => number): number {
  const { k, mm, vma } = vmf;
  const slot = vmf.value;
  vmf.kind = 'swap-in';
  handler(vmf, 'do_swap_page', k.swap.cached(slot) !== 0 ? 'swap-cache' : 'swap-device');
  const [pfn, read] = frameForSlot(vmf, slot);
  if (pfn === 0) return VM_FAULT_OOM;
  if (k.sink !== null) k.emit({ type: 'swap-in', slot, pfn, cached: !read });
  const before = k.frames.flagsOf(pfn);
  get_mapping(k, mm, pfn);
  mm.swapents--;
  k.swap.drop(slot);
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.mapcount[i] = (chunk.mapcount[i] as number) - 1;
  freeSlotEarly(vmf, pfn);
  chunk.mapcount[i] = (chunk.mapcount[i] as number) + 1;

  let flags = vm_page_prot(vma);
  const alone = chunk.mapcount[i] === 1 && chunk.refs[i] === 0;
  const exclusive = (vmf.flags & PTE_SWP_EXCLUSIVE) !== 0 || alone;
  const writable = exclusive && (vma.vm_flags & VM_WRITE) !== 0;
  if (writable) flags |= PTE_RW | (vmf.write ? PTE_DIRTY : 0);
  if (exclusive) chunk.flags[i] = (chunk.flags[i] as number) | PG_ANON_EXCLUSIVE;
  if ((before & PG_ANON) === 0) throw new Error(`do_swap_page: frame ${pfn} is not anonymous`);
  set_pte(k, mm, vmf.table, vmf.addr, flags, pfn);
  if ((vma.vm_flags & VM_LOCKED) !== 0) mlock_folio(k, pfn);
  const major = read ? VM_FAULT_MAJOR : 0;
  if (!vmf.write || writable) return major;
  const result = wp(vmf);
  vmf.kind = 'swap-in';
  return (result & VM_FAULT_ERROR) !== 0 ? result & VM_FAULT_ERROR : result | major;
}
