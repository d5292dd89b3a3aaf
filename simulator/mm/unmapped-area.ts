/** Where a new mapping goes: get_unmapped_area() and the search from the top down (mm/mmap.c, arch/x86/kernel/sys_x86_64.c). */

import { MMAP_MIN_ADDR, PMD_SIZE, pageDown, taskSize, type VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { VM_GROWSDOWN, type Vma } from './vma.ts';
import { NOWHERE } from './vma-tree.ts';

export const DEFAULT_MAP_WINDOW = 0x7ffffffff000;

/** A third of the address space: where the old layout begins (mmap_legacy_base()). */
export const TASK_UNMAPPED_BASE = 0x2aaaaaaab000;

/**
 * TASK_SIZE of the machine: a map above the 47-bit window needs five levels. Departs from Linux: user space of five
 * levels ends at 2^52 instead of 2^56, where folded words (machine/address.ts) still say which address is meant.
 */
export function task_size(k: Kernel): VirtAddr {
  return taskSize(k.config.levels);
}

/** vm_start_gap(): start of a VMA, less the guard gap when it grows down. */
export function vm_start_gap(k: Kernel, vma: Vma): VirtAddr {
  if ((vma.vm_flags & VM_GROWSDOWN) === 0) return vma.vm_start;
  return Math.max(0, vma.vm_start - k.config.stack_guard_gap);
}

/** What decides the place. `addr` is the hint, 0 for none. */
export interface AreaRequest {
  readonly addr: VirtAddr;
  /** Bytes, a multiple of the page size. */
  readonly length: number;
  readonly bits32: boolean;
  /** File offset in bytes for files that want 2 MiB alignment; null for memory that does not. */
  readonly align: number | null;
}

export interface Area {
  readonly addr: VirtAddr;
  readonly why: string;
}

/** The highest hole of `length` bytes below `highLimit`: its address, -1 for none. Guard gaps of stacks are left free. */
export function unmapped_area_topdown(k: Kernel, mm: Mm, length: number, highLimit: VirtAddr): VirtAddr {
  let high = highLimit;
  for (;;) {
    const end = mm.vmas.highestHole(MMAP_MIN_ADDR, high, length);
    if (end < 0) return -1;
    const above = mm.vmas.seek(end);
    if (above === NOWHERE || (mm.vmas.vm_flags(above) & VM_GROWSDOWN) === 0) return end - length;
    const gap = vm_start_gap(k, mm.vmas.vma(above));
    if (gap >= end) return end - length;
    high = gap;
  }
}

function unmapped_area(k: Kernel, mm: Mm, length: number, lowLimit: VirtAddr, high: VirtAddr): VirtAddr {
  let low = Math.max(lowLimit, MMAP_MIN_ADDR);
  for (;;) {
    const addr = mm.vmas.lowestHole(low, high, length);
    if (addr < 0) return -1;
    const above = mm.vmas.find(addr);
    if (above === undefined || vm_start_gap(k, above) >= addr + length) return addr;
    low = above.vm_end;
  }
}

function hintFits(k: Kernel, mm: Mm, addr: VirtAddr, length: number): boolean {
  if (task_size(k) - length < addr) return false;
  if (addr > DEFAULT_MAP_WINDOW !== addr + length > DEFAULT_MAP_WINDOW) return false;
  const vma = mm.vmas.find(addr);
  return vma === undefined || addr + length <= vm_start_gap(k, vma);
}

/** The search upwards: from mmap_base on in an address space laid out so, else from where the search downwards has failed. */
function bottom_up(k: Kernel, mm: Mm, length: number, wide: boolean): Area | null {
  const from = mm.topdown ? TASK_UNMAPPED_BASE : mm.mmap_base;
  const addr = unmapped_area(k, mm, length, from, wide ? task_size(k) : DEFAULT_MAP_WINDOW);
  if (addr < 0) return null;
  return { addr, why: mm.topdown ? 'bottom-up' : 'ADDR_COMPAT_LAYOUT' };
}

/** arch_get_unmapped_area_topdown(), and arch_get_unmapped_area() of the old layout; null when there is no room. */
function arch_get_unmapped_area(k: Kernel, mm: Mm, request: AreaRequest, length: number): Area | null {
  const { addr } = request;
  if (length > task_size(k)) return null;
  if (request.bits32) {
    const end = 0x80000000;
    if (addr !== 0 && end - length >= addr && hintFits(k, mm, addr, length)) return { addr, why: 'hint' };
    const low = unmapped_area(k, mm, length, 0x40000000, end);
    return low < 0 ? null : { addr: low, why: 'MAP_32BIT' };
  }
  if (addr !== 0 && hintFits(k, mm, pageDown(addr), length)) return { addr: pageDown(addr), why: 'hint' };
  const wide = addr > DEFAULT_MAP_WINDOW;
  if (!mm.topdown) return bottom_up(k, mm, length, wide);
  const high = mm.mmap_base + (wide ? task_size(k) - DEFAULT_MAP_WINDOW : 0);
  const found = unmapped_area_topdown(k, mm, length, high);
  return found >= 0 ? { addr: found, why: 'top-down' } : bottom_up(k, mm, length, wide);
}

/** __thp_get_unmapped_area(): a place where whole 2 MiB pieces of the file or memory are 2 MiB aligned. */
function thp_get_unmapped_area(k: Kernel, mm: Mm, request: AreaRequest, offset: number): Area | null {
  const { length } = request;
  const aligned = Math.ceil(offset / PMD_SIZE) * PMD_SIZE;
  // Beyond the largest offset the signed sum wraps, and the test with it.
  if (aligned < 2 ** 63 && offset + length - aligned < PMD_SIZE) return null;
  const padded = arch_get_unmapped_area(k, mm, request, length + PMD_SIZE);
  if (padded === null) return null;
  if (padded.addr === request.addr) return padded;
  const shift = (((offset - padded.addr) % PMD_SIZE) + PMD_SIZE) % PMD_SIZE;
  const addr = padded.addr + (shift === 0 && mm.topdown ? PMD_SIZE : shift);
  return { addr, why: `${padded.why}, 2 MiB aligned` };
}

/** get_unmapped_area() without MAP_FIXED: null is ENOMEM. */
export function get_unmapped_area(k: Kernel, mm: Mm, request: AreaRequest): Area | null {
  if (request.length > task_size(k)) return null;
  let area: Area | null = null;
  if (request.align !== null) area = thp_get_unmapped_area(k, mm, request, request.align);
  area ??= arch_get_unmapped_area(k, mm, request, request.length);
  return area === null || area.addr > task_size(k) - request.length ? null : area;
}
