/**
 * Which translations a change of page tables makes stale (struct mmu_gather, mm/mmu_gather.c): the TLB forgets from the
 * first of them to the last, and nothing where no entry changed that it may know.
 */

import type { VirtAddr } from '../machine/address.ts';
import { PTE_PRESENT } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { flush_tlb_range } from './pte.ts';

/** Addresses of the first and the last page; `first` > `last` while there is none. */
export interface MmuGather {
  first: VirtAddr;
  last: VirtAddr;
}

export function tlb_gather_mmu(): MmuGather {
  return { first: Number.POSITIVE_INFINITY, last: -1 };
}

/** Translations of the pages from `first` to `last` are stale; calls come in ascending order. */
export function tlb_remove(tlb: MmuGather, first: VirtAddr, last: VirtAddr): void {
  if (first < tlb.first) tlb.first = first;
  tlb.last = last;
}

export function tlb_finish_mmu(k: Kernel, mm: Mm, { first, last }: MmuGather): void {
  if (first <= last) flush_tlb_range(k, mm, first, last + 4096);
}

/** pte_needs_flush(): the CPU may know the entry `old`, and it is another now. */
export function pte_needs_flush(old: number, flags: number): boolean {
  return (old & PTE_PRESENT) !== 0 && flags !== old;
}
