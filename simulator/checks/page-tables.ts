/** Invariants of one address space's page tables: every entry lies in a VMA, agrees with it, and is counted. */

import { hex, type VirtAddr } from '../machine/address.ts';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_SHMEM } from '../machine/frames.ts';
import {
  PTE_GUARD,
  PTE_MAPPED,
  PTE_NX,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SPECIAL,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  type PteTable,
  type UpperTable,
} from '../machine/pagetable.ts';
import {
  linear_page_index,
  VM_EXEC,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_SHARED,
  VM_WRITE,
  type Vma,
  vma_is_accessible,
} from '../mm/vma.ts';
import type { Mm } from '../state/records.ts';
import { count, hold, same, type Tally } from './tally.ts';

/** What the entries of an address space add up to. */
interface Sums {
  anon: number;
  file: number;
  shmem: number;
  swap: number;
  tables: number;
}

interface Walk {
  readonly t: Tally;
  readonly mm: Mm;
  readonly sums: Sums;
}

/** Checks all tables of `mm`, and its resident set against them. */
export function checkPageTables(t: Tally, mm: Mm): void {
  const sums: Sums = { anon: 0, file: 0, shmem: 0, swap: 0, tables: 0 };
  visitUpper({ t, mm, sums }, mm.pt.top, 0);
  same(t, `mm ${mm.id}: page tables`, mm.pt.tables, sums.tables);
  same(t, `mm ${mm.id}: rss_anon`, mm.rss_anon, sums.anon);
  same(t, `mm ${mm.id}: rss_file`, mm.rss_file, sums.file);
  same(t, `mm ${mm.id}: rss_shmem`, mm.rss_shmem, sums.shmem);
  same(t, `mm ${mm.id}: swapents`, mm.swapents, sums.swap);
}

function claimTable(w: Walk, pfn: number): void {
  hold(w.t, !w.t.tablePfns.has(pfn), () => `mm ${w.mm.id}: page table ${hex(pfn)} is in two places`);
  hold(w.t, pfn < w.t.k.tablePages.next, () => `mm ${w.mm.id}: page table ${hex(pfn)} was never given out`);
  w.t.tablePfns.add(pfn);
}

function visitUpper(w: Walk, table: UpperTable, base: VirtAddr): void {
  claimTable(w, table.pfn);
  const span = 2 ** (12 + 9 * table.level);
  table.kids.forEach((kid, i) => {
    if (kid === undefined) return;
    // mm_pgtables_bytes() counts PTE, PMD and PUD tables; a P4D table is counted nowhere.
    if (table.level <= 3) w.sums.tables++;
    const start = base + i * span;
    if (table.level > 1) {
      visitUpper(w, kid as UpperTable, start);
      return;
    }
    const under = w.mm.vmas.find(start);
    const needed = under !== undefined && under.vm_start < start + span;
    hold(w.t, needed, () => `mm ${w.mm.id}: the table at ${hex(start)} has no VMA under it`);
    visitLeaf(w, kid as PteTable, start);
  });
}

function visitLeaf(w: Walk, table: PteTable, base: VirtAddr): void {
  claimTable(w, table.pfn);
  for (let i = 0; i < 512; i++) {
    const flags = table.words[2 * i] as number;
    const value = table.words[2 * i + 1] as number;
    const addr = base + i * 4096;
    if (flags === 0) {
      hold(w.t, value === 0, () => `mm ${w.mm.id}: empty PTE at ${hex(addr)} has a frame`);
      continue;
    }
    const vma = w.mm.vmas.lookup(addr);
    if (vma === undefined) w.t.violations.push(`mm ${w.mm.id}: PTE ${hex(flags)} at ${hex(addr)} lies in no VMA`);
    else visitEntry(w, vma, addr, flags, value);
  }
}

function visitEntry(w: Walk, vma: Vma, addr: VirtAddr, flags: number, value: number): void {
  const where = `mm ${w.mm.id}: PTE at ${hex(addr)}`;
  if ((flags & PTE_MAPPED) !== 0) {
    checkPermissions(w.t, where, vma, flags);
    if ((flags & PTE_SPECIAL) === 0) visitMapped(w, where, vma, addr, flags, value);
    return;
  }
  if ((flags & PTE_SWAP) !== 0) {
    w.sums.swap++;
    count(w.t.slots, value);
    hold(w.t, vma.anon !== null, () => `${where}: a swapped page in a VMA without anon_vma`);
    const exclusive = (flags & PTE_SWP_EXCLUSIVE) !== 0;
    hold(w.t, !exclusive || w.t.k.swap.count(value) === 1, () => `${where}: exclusive slot ${value} has other users`);
    return;
  }
  hold(w.t, flags === PTE_GUARD, () => `${where}: ${hex(flags)} is no kind of entry`);
  hold(w.t, (vma.vm_flags & VM_MAYBE_GUARD) !== 0, () => `${where}: guard in a VMA without VM_MAYBE_GUARD`);
}

function checkPermissions(t: Tally, where: string, vma: Vma, flags: number): void {
  const may = vma.vm_flags;
  hold(t, (flags & PTE_RW) === 0 || (may & VM_WRITE) !== 0, () => `${where}: writable, its VMA is not`);
  const runs = (flags & (PTE_NX | PTE_PRESENT)) === PTE_PRESENT;
  hold(t, !runs || (may & VM_EXEC) !== 0, () => `${where}: executable, its VMA is not`);
  const none = (flags & PTE_PROTNONE) !== 0;
  hold(t, none !== vma_is_accessible(vma), () => `${where}: PROT_NONE of the entry and of its VMA differ`);
  hold(t, !none || (flags & PTE_PRESENT) === 0, () => `${where}: PROT_NONE and present`);
}

function visitMapped(w: Walk, where: string, vma: Vma, addr: VirtAddr, flags: number, pfn: number): void {
  const { frames } = w.t.k;
  count(w.t.mapped, pfn);
  const frame = frames.flagsOf(pfn);
  if ((frame & PG_ANON) !== 0) w.sums.anon++;
  else if ((frame & PG_SHMEM) !== 0) w.sums.shmem++;
  else w.sums.file++;
  if (pfn >= frames.deviceBase) return;
  if ((vma.vm_flags & VM_LOCKED) !== 0) count(w.t.locked, pfn);
  const chunk = frames.chunk(pfn);
  const index = chunk.index[pfn & 255] as number;
  const mapping = chunk.mapping[pfn & 255] as number;
  same(w.t, `${where}: index of frame ${pfn}`, index, linear_page_index(vma, addr));
  if ((frame & PG_ANON) === 0) {
    same(w.t, `${where}: inode of frame ${pfn}`, mapping, vma.inode);
    const shared = (vma.vm_flags & VM_SHARED) !== 0;
    hold(w.t, shared || (flags & PTE_RW) === 0, () => `${where}: a private mapping may write the file's page`);
    return;
  }
  same(w.t, `${where}: anon_vma of frame ${pfn}`, mapping, vma.anon?.root);
  const exclusive = (frame & PG_ANON_EXCLUSIVE) !== 0;
  hold(w.t, exclusive || (flags & PTE_RW) === 0, () => `${where}: writable, its frame ${pfn} is not exclusive`);
}
