/** Faulting pages in before they are touched: mlock, MAP_POPULATE, MADV_POPULATE_… (mm/gup.c). */

import type { VirtAddr } from '../machine/address.ts';
import { PG_ANON, PG_FILE, PG_REFERENCED } from '../machine/frames.ts';
import { mark_accessed } from '../machine/lru.ts';
import { PTE_DIRTY, PTE_MAPPED, PTE_PROTNONE, PTE_RW, PTE_SPECIAL, type PteTable } from '../machine/pagetable.ts';
import { PART_BYTES, type Parts, type Progress } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { pteWord, VM_FAULT_ERROR, VM_FAULT_OOM } from './fault.ts';
import { count_fault } from './fault-count.ts';
import { handle_mm_fault } from './memory.ts';
import { refuse } from './refuse.ts';
import * as vm from './vma.ts';

/**
 * Bytes that one call may fault in. Departs from Linux, which walks on until its page tables have eaten all memory.
 */
export const MAX_POPULATED = 2 ** 34;

/** What a page was asked for and not given. */
export type PopulateError = 'EFAULT' | 'ENOMEM' | 'EINVAL' | null;

/** Who faults pages in: mm_populate() (mlock, MAP_POPULATE) or madvise (MADV_POPULATE_…). */
type Caller = 'populate' | 'kernel';

/** faultin_page() until the page is there as wanted. Null, or why it cannot be. */
function faultin_page(k: Kernel, mm: Mm, addr: VirtAddr, write: boolean, by: Caller): PopulateError {
  // A second round is a copy-on-write behind a read; more would be a fault that makes no progress.
  for (let round = 0; round < 4; round++) {
    const flags = mm.pt.find(addr)?.words[pteWord(addr)] ?? 0;
    if ((flags & PTE_MAPPED) !== 0 && (flags & PTE_PROTNONE) === 0 && (!write || (flags & PTE_RW) !== 0)) {
      touch(k, mm, addr, flags, write);
      return null;
    }
    const vma = mm.vmas.lookup(addr);
    if (vma === undefined) return 'ENOMEM';
    const result = handle_mm_fault(k, mm, vma, addr, write, by);
    if ((result & VM_FAULT_OOM) !== 0) return 'ENOMEM';
    if ((result & VM_FAULT_ERROR) !== 0) return 'EFAULT';
    count_fault(k, addr, write ? 'write' : 'read', result, by);
  }
  throw new Error(`faultin_page: no progress at 0x${addr.toString(16)}`);
}

/** FOLL_TOUCH of follow_page_pte(): the page counts as used, and for a write as dirty. */
function touch(k: Kernel, mm: Mm, addr: VirtAddr, flags: number, write: boolean): void {
  if ((flags & PTE_SPECIAL) !== 0) return;
  const pfn = (mm.pt.find(addr) as PteTable).words[pteWord(addr) + 1] as number;
  if (write && (flags & PTE_DIRTY) === 0) k.frames.markDirty(pfn);
  if ((k.frames.flagsOf(pfn) & (PG_ANON | PG_FILE)) === 0) return;
  // A locked page is on the unevictable list: it is never activated.
  const locked = ((mm.vmas.lookup(addr)?.vm_flags ?? 0) & vm.VM_LOCKED) !== 0;
  if (locked) k.frames.setFlags(pfn, PG_REFERENCED);
  else mark_accessed(k.frames, pfn);
}

/**
 * populate_vma_page_range(): private writable memory is written, other memory read. Returns the first error.
 */
export function populate_vma(
  k: Kernel,
  mm: Mm,
  start: VirtAddr,
  end: VirtAddr,
  by: Caller = 'populate',
): PopulateError {
  const vma = mm.vmas.lookup(start);
  if (vma === undefined || (vma.vm_flags & vm.VM_LOCKONFAULT) !== 0) return null;
  if (!vm.vma_is_accessible(vma)) return 'EFAULT';
  if (end - start > MAX_POPULATED) return 'ENOMEM';
  const write = (vma.vm_flags & (vm.VM_WRITE | vm.VM_SHARED)) === vm.VM_WRITE;
  for (let addr = start; addr < end; addr += 4096) {
    const error = faultin_page(k, mm, addr, write, by);
    if (error !== null) return error;
  }
  return null;
}

/** {@link populate_vma} in parts. */
function* populateParts(k: Kernel, mmId: number, start: VirtAddr, end: VirtAddr): Parts<PopulateError> {
  // What is refused for its size is refused as a whole.
  if (end - start > MAX_POPULATED) return populate_vma(k, k.mms.edit(mmId), start, end);
  for (let at = start; at < end; at += PART_BYTES) {
    const error = populate_vma(k, k.mms.edit(mmId), at, Math.min(end, at + PART_BYTES));
    if (error !== null) return error;
    yield pagesDone(start, at + PART_BYTES, end);
  }
  return null;
}

/** Progress of what goes through [start, end) and has come to `at`. */
function pagesDone(start: VirtAddr, at: VirtAddr, end: VirtAddr): Progress {
  return { done: (Math.min(at, end) - start) / 4096, of: (end - start) / 4096 };
}

/** __mm_populate(): every VMA of the range. `strict`: stop at the first error and tell it. */
export function* mm_populate(
  k: Kernel,
  { id }: Mm,
  start: VirtAddr,
  length: number,
  errors: 'strict' | 'ignored' = 'ignored',
): Parts<PopulateError> {
  const end = start + length;
  if (length === 0) return null;
  const find = (addr: VirtAddr): vm.Vma | undefined => k.mms.get(id).vmas.find(addr);
  for (let vma = find(start); vma !== undefined && vma.vm_start < end; vma = find(vma.vm_end)) {
    if ((vma.vm_flags & (vm.VM_IO | vm.VM_PFNMAP)) !== 0) continue;
    const error = yield* populateParts(k, id, Math.max(start, vma.vm_start), Math.min(end, vma.vm_end));
    if (error !== null && errors === 'strict') return error;
  }
  return null;
}

/** faultin_page_range(): MADV_POPULATE_READ and MADV_POPULATE_WRITE; pages before an error are populated. */
export function* faultin_page_range(
  k: Kernel,
  { id }: Mm,
  start: VirtAddr,
  end: VirtAddr,
  write: boolean,
): Parts<PopulateError> {
  for (let at = start; at < end; at += PART_BYTES) {
    if (at - start >= MAX_POPULATED) return 'ENOMEM';
    const error = faultin_part(k, k.mms.edit(id), at, Math.min(end, at + PART_BYTES), write);
    if (error !== null) return error;
    yield pagesDone(start, at + PART_BYTES, end);
  }
  return null;
}

function faultin_part(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, write: boolean): PopulateError {
  for (let addr = start; addr < end; addr += 4096) {
    const vma = mm.vmas.lookup(addr);
    if (vma === undefined) return 'ENOMEM';
    if ((vma.vm_flags & (vm.VM_IO | vm.VM_PFNMAP)) !== 0)
      return refuse(k, 'EINVAL', 'the pages of a driver cannot be populated');
    if ((vma.vm_flags & (write ? vm.VM_WRITE : vm.VM_READ)) === 0) {
      return refuse(k, 'EINVAL', `the VMA does not allow ${write ? 'writing' : 'reading'}`);
    }
    const error = faultin_page(k, mm, addr, write, 'kernel');
    if (error !== null) return error;
  }
  return null;
}
