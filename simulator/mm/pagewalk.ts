/** Walking the entries of a range, past what has no table (mm/pagewalk.c): absurd lengths are mapped here too. */

import { nextPmd, pteIndex, type VirtAddr } from '../machine/address.ts';
import type { PteTable } from '../machine/pagetable.ts';
import type { Mm } from '../state/records.ts';

/** Calls `visit` for each part of [start, end) that lies under one PTE table. */
export function walk_pte_tables(
  mm: Mm,
  start: VirtAddr,
  end: VirtAddr,
  visit: (from: VirtAddr, to: VirtAddr) => void,
): void {
  for (let addr = start; addr < end; ) {
    const stop = Math.min(end, nextPmd(addr));
    if (mm.pt.find(addr) === undefined) addr = mm.pt.nextTable(stop, end);
    else {
      visit(addr, stop);
      addr = stop;
    }
  }
}

/** Calls `visit` for each entry of [start, end) that is not empty. The table may be written: the epoch owns it. */
export function change_ptes(
  mm: Mm,
  start: VirtAddr,
  end: VirtAddr,
  visit: (table: PteTable, addr: VirtAddr, flags: number, value: number) => void,
): void {
  walk_pte_tables(mm, start, end, (from, to) => {
    const table = mm.pt.edit(from);
    visitEntries(table, from, to, (addr, flags, value) => visit(table, addr, flags, value));
  });
}

/** Calls `visit` for each entry of [start, end) that is not empty. */
export function read_ptes(
  mm: Mm,
  start: VirtAddr,
  end: VirtAddr,
  visit: (addr: VirtAddr, flags: number, value: number) => void,
): void {
  walk_pte_tables(mm, start, end, (from, to) => {
    const table = mm.pt.find(from);
    if (table !== undefined) visitEntries(table, from, to, visit);
  });
}

function visitEntries(
  table: PteTable,
  from: VirtAddr,
  to: VirtAddr,
  visit: (addr: VirtAddr, flags: number, value: number) => void,
): void {
  for (let addr = from, at = 2 * pteIndex(from); addr < to; addr += 4096, at += 2) {
    const flags = table.words[at] as number;
    if (flags !== 0) visit(addr, flags, table.words[at + 1] as number);
  }
}
