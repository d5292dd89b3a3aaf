/** What a page fault is about: the struct vm_fault that its handlers pass around, and their answers. */

import type { FaultKind } from '../abi.ts';
import { type Pfn, pteIndex, type VirtAddr } from '../machine/address.ts';
import type { PteTable } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Mm } from '../state/records.ts';
import type { Vma } from './vma.ts';

/** include/linux/mm_types.h: vm_fault_reason. */
export const VM_FAULT_OOM = 1;
export const VM_FAULT_SIGBUS = 2;
export const VM_FAULT_MAJOR = 4;
export const VM_FAULT_SIGSEGV = 0x40;
export const VM_FAULT_NOPAGE = 0x100;
export const VM_FAULT_RETRY = 0x400;
export const VM_FAULT_ERROR = VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV;

/**
 * Whose access faulted: the program's, the kernel's for it (also madvise and mprotect), or that of mm_populate(), which
 * starts anew where others try again.
 */
export type Faulter = 'user' | 'kernel' | 'populate';

export interface VmFault {
  readonly k: Kernel;
  readonly mm: Mm;
  /** Replaced when the fault gives the VMA its anon_vma. */
  vma: Vma;
  /** Page address. */
  readonly addr: VirtAddr;
  readonly write: boolean;
  /** The PTE table, owned by the epoch. */
  readonly table: PteTable;
  /** The table was there before the fault. */
  readonly hadTable: boolean;
  /** PTE words at the start. */
  readonly flags: number;
  readonly value: number;
  /** Frame that a `fault` operation found. */
  page: Pfn;
  kind: FaultKind;
  readonly by: Faulter;
  /** FAULT_FLAG_TRIED: the fault is tried again behind a read. */
  tried: boolean;
}

/** Index of the PTE's first word in its table. */
export function pteWord(addr: VirtAddr): number {
  return 2 * pteIndex(addr);
}

/**
 * vm_operations_struct: what a VMA's file or driver does at its events. `nopage` of older kernels is `fault` today.
 */
export interface VmOperations {
  readonly name: string;
  /** Linux's function for each operation, for people who look it up. */
  readonly functions: Readonly<Record<string, string>>;
  /** The page for a fault: sets `vmf.page`, or answers VM_FAULT_NOPAGE (PTE set already) or an error. */
  readonly fault: (vmf: VmFault, index: number) => number;
  /** fault-around: maps cached neighbours in [start, end); answers whether the faulting page was among them. */
  readonly map_pages?: (vmf: VmFault, start: VirtAddr, end: VirtAddr) => boolean;
  /** The page is about to become writable. */
  readonly page_mkwrite?: (vmf: VmFault, inode: Inode, page: Pfn) => number;
}

/** Tells which kernel function serves the fault, when somebody listens. */
export function handler(vmf: VmFault, name: string, why: string): void {
  if (vmf.k.sink !== null) vmf.k.emit({ type: 'handler', name, why });
}
