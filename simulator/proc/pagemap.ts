/** /proc/PID/pagemap: the pages of a process one by one (fs/proc/task_mmu.c: pte_to_pagemap_entry()). */

import type { PageReport } from '../abi.ts';
import { hex, type VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_DIRTY } from '../machine/frames.ts';
import { PTE_DIRTY, PTE_MAPPED, PTE_RW, PTE_SPECIAL, PTE_SWAP } from '../machine/pagetable.ts';
import { read_ptes } from '../mm/pagewalk.ts';
import type { Vma } from '../mm/vma.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';

/** What pagemap and kpageflags say of one page, null for a page that is neither present nor swapped. */
export function page_report(k: Kernel, addr: VirtAddr, flags: number, value: number): PageReport | null {
  const va = hex(addr);
  if ((flags & PTE_SWAP) !== 0) {
    const swap = hex(value);
    return {
      va,
      present: false,
      pfn: null,
      file: false,
      exclusive: false,
      writable: false,
      dirty: false,
      zero: false,
      swap,
    };
  }
  if ((flags & PTE_MAPPED) === 0) return null;
  const writable = (flags & PTE_RW) !== 0;
  const pfn = hex(value);
  if ((flags & PTE_SPECIAL) !== 0) {
    const zero = value === k.frames.zeroPfn;
    return {
      va,
      present: true,
      pfn,
      file: false,
      exclusive: false,
      writable,
      dirty: (flags & PTE_DIRTY) !== 0,
      zero,
      swap: null,
    };
  }
  const chunk = k.frames.chunk(value);
  const frame = chunk.flags[value & CHUNK_MASK] as number;
  return {
    va,
    present: true,
    pfn,
    file: (frame & PG_ANON) === 0,
    exclusive: chunk.mapcount[value & CHUNK_MASK] === 1,
    writable,
    dirty: (flags & PTE_DIRTY) !== 0 || (frame & PG_DIRTY) !== 0,
    zero: false,
    swap: null,
  };
}

/** Calls `visit` for each non-empty PTE of a VMA. */
export function for_each_page(mm: Mm, vma: Vma, visit: (addr: VirtAddr, flags: number, value: number) => void): void {
  read_ptes(mm, vma.vm_start, vma.vm_end, visit);
}

/** The pages of every VMA that are present or swapped, in address order. */
export function pagemap_report(k: Kernel, mm: Mm): PageReport[] {
  const pages: PageReport[] = [];
  for (const vma of mm.vmas.toArray()) {
    for_each_page(mm, vma, (addr, flags, value) => {
      const page = page_report(k, addr, flags, value);
      if (page !== null) pages.push(page);
    });
  }
  return pages;
}
