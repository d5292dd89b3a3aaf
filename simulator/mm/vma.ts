/**
 * vm_area_struct: what one is, its flags and its operation tables. A VMA is immutable; changing one means putting
 * another in its place (mm/vma-link.ts).
 */

import type { VirtAddr } from '../machine/address.ts';

/** include/linux/mm.h. Bits that are above 31 in Linux have a free lower bit here. */
export const VM_READ = 1;
export const VM_WRITE = 2;
export const VM_EXEC = 4;
export const VM_SHARED = 8;
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100;
/** Bit 40 in Linux. */
export const VM_DROPPABLE = 0x200;
export const VM_PFNMAP = 0x400;
export const VM_MAYBE_GUARD = 0x800;
export const VM_LOCKED = 0x2000;
export const VM_IO = 0x4000;
export const VM_SEQ_READ = 0x8000;
export const VM_RAND_READ = 0x10000;
export const VM_DONTCOPY = 0x20000;
export const VM_DONTEXPAND = 0x40000;
export const VM_LOCKONFAULT = 0x80000;
export const VM_ACCOUNT = 0x100000;
export const VM_NORESERVE = 0x200000;
/** MAP_SYNC. */
export const VM_SYNC = 0x800000;
export const VM_WIPEONFORK = 0x2000000;
export const VM_DONTDUMP = 0x4000000;
export const VM_MIXEDMAP = 0x10000000;
export const VM_HUGEPAGE = 0x20000000;
export const VM_NOHUGEPAGE = 0x40000000;
export const VM_MERGEABLE = 0x80000000 | 0;

export const VM_ACCESS_FLAGS = VM_READ | VM_WRITE | VM_EXEC;
/** A difference in them does not keep VMAs apart. */
export const VM_IGNORE_MERGE = VM_MAYBE_GUARD;
export const VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT;
/** Mappings that mlock, madvise and merging leave alone. */
export const VM_SPECIAL = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;

/** [smaps letters, constant's name] by bit, in the order of fs/proc/task_mmu.c: show_smap_vma_flags(). */
export const VM_FLAG_NAMES: readonly (readonly [number, string, string])[] = [
  [VM_READ, 'rd', 'VM_READ'],
  [VM_WRITE, 'wr', 'VM_WRITE'],
  [VM_EXEC, 'ex', 'VM_EXEC'],
  [VM_SHARED, 'sh', 'VM_SHARED'],
  [VM_MAYREAD, 'mr', 'VM_MAYREAD'],
  [VM_MAYWRITE, 'mw', 'VM_MAYWRITE'],
  [VM_MAYEXEC, 'me', 'VM_MAYEXEC'],
  [VM_MAYSHARE, 'ms', 'VM_MAYSHARE'],
  [VM_GROWSDOWN, 'gd', 'VM_GROWSDOWN'],
  [VM_PFNMAP, 'pf', 'VM_PFNMAP'],
  [VM_MAYBE_GUARD, 'gu', 'VM_MAYBE_GUARD'],
  [VM_LOCKED, 'lo', 'VM_LOCKED'],
  [VM_IO, 'io', 'VM_IO'],
  [VM_SEQ_READ, 'sr', 'VM_SEQ_READ'],
  [VM_RAND_READ, 'rr', 'VM_RAND_READ'],
  [VM_DONTCOPY, 'dc', 'VM_DONTCOPY'],
  [VM_DONTEXPAND, 'de', 'VM_DONTEXPAND'],
  [VM_LOCKONFAULT, 'lf', 'VM_LOCKONFAULT'],
  [VM_ACCOUNT, 'ac', 'VM_ACCOUNT'],
  [VM_NORESERVE, 'nr', 'VM_NORESERVE'],
  [VM_SYNC, 'sf', 'VM_SYNC'],
  [VM_WIPEONFORK, 'wf', 'VM_WIPEONFORK'],
  [VM_DONTDUMP, 'dd', 'VM_DONTDUMP'],
  [VM_MIXEDMAP, 'mm', 'VM_MIXEDMAP'],
  [VM_HUGEPAGE, 'hg', 'VM_HUGEPAGE'],
  [VM_NOHUGEPAGE, 'nh', 'VM_NOHUGEPAGE'],
  [VM_MERGEABLE, 'mg', 'VM_MERGEABLE'],
  [VM_DROPPABLE, 'dp', 'VM_DROPPABLE'],
];

/** Which vm_operations_struct a VMA has; `none` is vma_is_anonymous(). */
export const VM_OPS = ['none', 'generic_file', 'shmem', 'shm', 'special_mapping', 'device'] as const;
export type VmOps = (typeof VM_OPS)[number];

/** Names of special mappings. */
export const SPECIAL_NAMES = [null, '[vvar]', '[vvar_vclock]', '[vdso]'] as const;
export type SpecialName = (typeof SPECIAL_NAMES)[number];

/** The chain of anon_vmas that pages of a VMA may belong to; shared by the VMAs that were split from one. */
export interface AnonVmaChain {
  /** anon_vma of new pages. */
  readonly anon_vma: number;
  /** All anon_vmas: own and inherited by fork. One element: list_is_singular(). */
  readonly chain: readonly number[];
  /** Root of the family: pages remember it. */
  readonly root: number;
}

export interface Vma {
  readonly vm_start: VirtAddr;
  /** First byte behind. */
  readonly vm_end: VirtAddr;
  readonly vm_flags: number;
  /** Offset in the file, or for private anonymous memory the address it was made at, in pages. */
  readonly vm_pgoff: number;
  /** Id of the open file (`struct file`), 0 for none. */
  readonly vm_file: number;
  /** Id of the file's inode, 0 for none. */
  readonly inode: number;
  readonly anon: AnonVmaChain | null;
  readonly vm_ops: VmOps;
  /** `[vdso]` and its like: the name of a special mapping, null for others. */
  readonly special: SpecialName;
}

/** A VMA like `vma` with other bounds, flags and anon_vmas, vm_pgoff following the start. */
export function vmaLike(vma: Vma, start: VirtAddr, end: VirtAddr, flags: number, anon: AnonVmaChain | null): Vma {
  return {
    vm_start: start,
    vm_end: end,
    vm_flags: flags,
    vm_pgoff: vma.vm_pgoff + (start - vma.vm_start) / 4096,
    vm_file: vma.vm_file,
    inode: vma.inode,
    anon,
    vm_ops: vma.vm_ops,
    special: vma.special,
  };
}

/** A VMA like `vma` with other bounds, vm_pgoff following the start. */
export function vmaSlice(vma: Vma, start: VirtAddr, end: VirtAddr): Vma {
  return vmaLike(vma, start, end, vma.vm_flags, vma.anon);
}

export function vmaWithFlags(vma: Vma, vm_flags: number): Vma {
  return vmaLike(vma, vma.vm_start, vma.vm_end, vm_flags, vma.anon);
}

export function vmaWithAnon(vma: Vma, anon: AnonVmaChain): Vma {
  return vmaLike(vma, vma.vm_start, vma.vm_end, vma.vm_flags, anon);
}

/** The same in every field; chains by their anon_vma. */
export function sameVma(a: Vma | undefined, b: Vma | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (Object.keys(a) as (keyof Vma)[]).every((key) =>
    key === 'anon' ? a.anon?.anon_vma === b.anon?.anon_vma : a[key] === b[key],
  );
}

export function vma_is_anonymous(vma: Vma): boolean {
  return vma.vm_ops === 'none';
}

export function vma_pages(vma: Vma): number {
  return (vma.vm_end - vma.vm_start) / 4096;
}

export function vma_is_accessible(vma: Vma): boolean {
  return (vma.vm_flags & VM_ACCESS_FLAGS) !== 0;
}

/** include/linux/mm.h: is_cow_mapping(). */
export function is_cow_mapping(flags: number): boolean {
  return (flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
}

/** include/linux/mm.h: is_exec_mapping(), is_stack_mapping(), is_data_mapping(): how VmExe/VmLib, VmStk, VmData count. */
export function is_exec_mapping(flags: number): boolean {
  return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC;
}

export function is_stack_mapping(flags: number): boolean {
  return (flags & VM_GROWSDOWN) !== 0;
}

export function is_data_mapping(flags: number): boolean {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;
}

/** Index that a page at `addr` has in the VMA's file or anon_vma (linear_page_index()). */
export function linear_page_index(vma: Vma, addr: VirtAddr): number {
  return vma.vm_pgoff + Math.floor((addr - vma.vm_start) / 4096);
}
