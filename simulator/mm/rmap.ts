/**
 * The reverse map: which PTEs map a frame (mm/rmap.c). The frame knows its family of anon_vmas or its inode; those know
 * the address spaces; the VMAs there and the frame's index give the addresses; the PTE has the last word.
 */

import { type Pfn, pteIndex, type VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON } from '../machine/frames.ts';
import { PTE_MAPPED, type PteTable } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import type { Vma } from './vma.ts';

/** The one PTE that maps a frame. The record is used again by the next look. */
export interface OneMapping {
  mm: Mm | null;
  addr: VirtAddr;
  /** To be read only, as `mm` is. */
  table: PteTable | null;
}

const one: OneMapping = { mm: null, addr: 0, table: null };

/**
 * The PTE of an anonymous page that only the address space on the CPU maps, where it was first mapped: most pages that
 * reclaim looks at are of that kind, and need no walk. Null: not that kind, or not to be found so easily.
 */
export function rmap_one(k: Kernel, pfn: Pfn): OneMapping | null {
  const chunk = k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  if (chunk.mapcount[i] !== 1 || ((chunk.flags[i] as number) & PG_ANON) === 0) return null;
  const task = k.tasks.find(k.scalars.current);
  const mm = task === undefined ? undefined : k.mms.find(task.mm);
  if (mm === undefined) return null;
  const addr = (chunk.index[i] as number) * 4096;
  const table = mm.pt.find(addr);
  if (table === undefined) return null;
  const at = 2 * pteIndex(addr);
  if (((table.words[at] as number) & PTE_MAPPED) === 0 || table.words[at + 1] !== pfn) return null;
  one.mm = mm;
  one.addr = addr;
  one.table = table;
  return one;
}

/** Called for each PTE; return false to stop. */
export type RmapVisitor = (mm: Mm, vma: Vma, addr: VirtAddr) => boolean | undefined;

function maps(mm: Mm, addr: VirtAddr, pfn: Pfn): boolean {
  const table = mm.pt.find(addr);
  if (table === undefined) return false;
  const at = 2 * pteIndex(addr);
  return ((table.words[at] as number) & PTE_MAPPED) !== 0 && table.words[at + 1] === pfn;
}

function addressIn(vma: Vma, index: number): VirtAddr {
  const addr = vma.vm_start + (index - vma.vm_pgoff) * 4096;
  return addr >= vma.vm_start && addr < vma.vm_end ? addr : -1;
}

/** Address spaces that can map the frame, by mm id, ascending. */
export function rmap_mms(k: Kernel, pfn: Pfn): readonly number[] {
  const chunk = k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const mapping = chunk.mapping[i] as number;
  const mms =
    ((chunk.flags[i] as number) & PG_ANON) !== 0 ? k.anonVmas.find(mapping)?.mms : k.inodes.find(mapping)?.mms;
  return mms === undefined ? [] : mms.keys();
}

/**
 * Visits the PTEs of an anonymous page that lie where it was first mapped, at its index, in each address space: no search.
 * Returns how many of `left` remain; -1 when the visitor has seen enough.
 */
function visitAtIndex(
  k: Kernel,
  mms: readonly number[],
  index: number,
  pfn: Pfn,
  left: number,
  visit: RmapVisitor,
): number {
  const addr = index * 4096;
  let rest = left;
  for (const id of mms) {
    if (rest === 0) break;
    const mm = k.mms.get(id);
    if (!maps(mm, addr, pfn)) continue;
    const vma = mm.vmas.lookup(addr);
    if (vma === undefined || addressIn(vma, index) !== addr) continue;
    rest--;
    if (visit(mm, vma, addr) === false) return -1;
  }
  return rest;
}

/** rmap_walk(): visits every PTE that maps the frame. `mm` handed to the visitor is to be read only. */
export function rmap_walk(k: Kernel, pfn: Pfn, visit: RmapVisitor): void {
  const chunk = k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  let left = chunk.mapcount[i] as number;
  if (left === 0) return;
  const index = chunk.index[i] as number;
  const mapping = chunk.mapping[i] as number;
  const anon = ((chunk.flags[i] as number) & PG_ANON) !== 0;
  const mms = rmap_mms(k, pfn);
  if (anon) left = visitAtIndex(k, mms, index, pfn, left, visit);
  for (const id of mms) {
    if (left <= 0) return;
    const mm = k.mms.get(id);
    mm.vmas.walk((vma) => {
      if (anon ? vma.anon?.root !== mapping : vma.inode !== mapping) return true;
      const addr = addressIn(vma, index);
      // At its index an anonymous page was visited already.
      if (addr < 0 || (anon && addr === index * 4096) || !maps(mm, addr, pfn)) return true;
      left = visit(mm, vma, addr) === false ? 0 : left - 1;
      return left > 0;
    });
  }
}
