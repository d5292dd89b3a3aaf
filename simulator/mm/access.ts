/**
 * One memory access of the CPU: TLB, page walk, and the page fault handler of the architecture
 * (arch/x86/mm/fault.c: do_user_addr_fault()).
 */

import type { AccessKind } from '../abi.ts';
import type { WalkEnd } from '../events.ts';
import { entryIndex, type Pfn, pteIndex, type VirtAddr } from '../machine/address.ts';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NX,
  PTE_PRESENT,
  PTE_RW,
  type PteTable,
  type UpperTable,
} from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { VM_FAULT_ERROR, VM_FAULT_OOM, VM_FAULT_SIGBUS } from './fault.ts';
import { write_anonymous } from './fault-anonymous.ts';
import { count_fault } from './fault-count.ts';
import { handle_mm_fault } from './memory.ts';
import { note_use } from './page-use.ts';
import { expand_stack } from './stack.ts';
import { task_size } from './unmapped-area.ts';
import { VM_GROWSDOWN, VM_WRITE, type Vma, vma_is_accessible } from './vma.ts';
import { vmaRef } from './vma-link.ts';

/** Why an access failed for good. */
export interface Trap {
  readonly signal: 'SIGSEGV' | 'SIGBUS' | 'SIGKILL';
  readonly code: string;
}

export const SEGV_MAPERR: Trap = { signal: 'SIGSEGV', code: 'SEGV_MAPERR' };
export const SEGV_ACCERR: Trap = { signal: 'SIGSEGV', code: 'SEGV_ACCERR' };
export const BUS_ADRERR: Trap = { signal: 'SIGBUS', code: 'BUS_ADRERR' };
export const OOM_KILLED: Trap = { signal: 'SIGKILL', code: 'SI_KERNEL' };

/** The trap of the last access that returned -1. */
export let lastTrap: Trap = SEGV_MAPERR;

/** Who touches memory: the program, or the kernel for it (copy_to_user()). */
export type Toucher = 'user' | 'kernel';

function trap(what: Trap): -1 {
  lastTrap = what;
  return -1;
}

function recordWalk(k: Kernel, mm: Mm, addr: VirtAddr, access: AccessKind, flags: number, pfn: number): void {
  const tables: number[] = [];
  const indexes: number[] = [];
  let table: UpperTable | PteTable | undefined = mm.pt.top;
  for (let level = mm.pt.levels - 1; level >= 0 && table !== undefined; level--) {
    tables.push(table.pfn);
    const index = entryIndex(addr, level);
    indexes.push(index);
    table = level > 0 ? (table as UpperTable).kids[index] : undefined;
  }
  let end: WalkEnd = 'present';
  if (tables.length < mm.pt.levels) end = 'no-table';
  else if ((flags & PTE_PRESENT) === 0) end = 'not-present';
  else if (!permitted(flags, access)) end = 'no-permission';
  k.emit({ type: 'page-walk', va: addr, access, end, tables, indexes, pte: { flags, pfn } });
}

function permitted(flags: number, access: AccessKind): boolean {
  if (access === 'write') return (flags & PTE_RW) !== 0;
  return access === 'read' || (flags & PTE_NX) === 0;
}

/** A hit must need nothing of the page table: for a write, the dirty bit is set already. */
function tlbAllows(flags: number, access: AccessKind): boolean {
  if (access === 'write') return (flags & (PTE_RW | PTE_DIRTY)) === (PTE_RW | PTE_DIRTY);
  return access === 'read' || (flags & PTE_NX) === 0;
}

/**
 * Touches the byte at `addr`, a user address of the running task. Returns the PFN of its frame; -1 when the access
 * raises a signal ({@link lastTrap}). `mm` is owned by the epoch and is the running task's.
 */
export function cpu_access(k: Kernel, mm: Mm, addr: VirtAddr, access: AccessKind, by: Toucher = 'user'): Pfn {
  const hit = k.tlb.find(addr);
  if (hit >= 0 && tlbAllows(k.tlb.flagsAt(hit), access)) {
    const pfn = k.tlb.pfnAt(hit);
    if (k.frames.oneList) note_use(k, mm, addr, pfn);
    if (k.sink !== null) k.emit({ type: 'tlb-hit', va: addr, pfn, access });
    return pfn;
  }
  // A fault, its copy-on-write and a stack growth need at most a few rounds.
  for (let round = 0; round < 8; round++) {
    const table = mm.pt.find(addr);
    const at = 2 * pteIndex(addr);
    const flags = table === undefined ? 0 : (table.words[at] as number);
    const pfn = table === undefined ? 0 : (table.words[at + 1] as number);
    if (k.sink !== null) recordWalk(k, mm, addr, access, flags, pfn);
    if ((flags & PTE_PRESENT) !== 0 && permitted(flags, access)) {
      const want = flags | PTE_ACCESSED | (access === 'write' ? PTE_DIRTY : 0);
      if (want !== flags) mm.pt.edit(addr).words[at] = want;
      k.tlb.fill(addr, pfn, want);
      if (k.frames.oneList) note_use(k, mm, addr, pfn);
      return pfn;
    }
    const refused = page_fault(k, mm, addr, access, (flags & PTE_PRESENT) !== 0, by);
    if (refused !== null) return trap(refused);
  }
  throw new Error(`cpu_access: no progress at 0x${addr.toString(16)}`);
}

/** lock_mm_and_find_vma(): the VMA of the address, after growing a stack down to it if one may. */
function find_vma_for_fault(k: Kernel, mm: Mm, addr: VirtAddr): { readonly vma: Vma; readonly grown: boolean } | null {
  const vma = mm.vmas.find(addr);
  if (k.sink !== null) {
    const there = vma !== undefined && vma.vm_start <= addr;
    k.emit({ type: 'find-vma', va: addr, vma: there ? vmaRef(k, vma) : null });
  }
  if (vma === undefined) return null;
  if (vma.vm_start <= addr) return { vma, grown: false };
  if ((vma.vm_flags & VM_GROWSDOWN) === 0) return null;
  const grown = expand_stack(k, mm, vma, addr);
  return typeof grown === 'string' ? null : { vma: grown, grown: true };
}

/** access_error(): the VMA forbids the access. A fetch from a page that is absent is served like a read first. */
function access_error(vma: Vma, access: AccessKind, present: boolean): boolean {
  if (access === 'write') return (vma.vm_flags & VM_WRITE) === 0;
  return present || !vma_is_accessible(vma);
}

/** do_user_addr_fault(): null when the fault was served, else the signal. */
function page_fault(k: Kernel, mm: Mm, addr: VirtAddr, access: AccessKind, present: boolean, by: Toucher): Trap | null {
  if (addr >= task_size(k)) return SEGV_MAPERR;
  if (k.sink !== null) k.emit({ type: 'fault', va: addr, access, byKernel: by === 'kernel' });
  k.depth++;
  const result = serve(k, mm, addr, access, present, by);
  k.depth--;
  return result;
}

function serve(k: Kernel, mm: Mm, addr: VirtAddr, access: AccessKind, present: boolean, by: Toucher): Trap | null {
  if (access === 'write' && !present && write_anonymous(k, mm, addr)) {
    count_fault(k, addr, access, 0, by, 'anon');
    return null;
  }
  const found = find_vma_for_fault(k, mm, addr);
  if (found === null) return SEGV_MAPERR;
  if (access_error(found.vma, access, present)) {
    if (k.sink !== null) k.emit({ type: 'access-error', vma: vmaRef(k, found.vma), access });
    return SEGV_ACCERR;
  }
  const result = handle_mm_fault(k, mm, found.vma, addr, access === 'write', by);
  if ((result & VM_FAULT_ERROR) === 0) {
    count_fault(k, addr, access, result, by, found.grown ? 'stack-growth' : null);
    return null;
  }
  if ((result & VM_FAULT_OOM) !== 0) return OOM_KILLED;
  return (result & VM_FAULT_SIGBUS) !== 0 ? BUS_ADRERR : SEGV_MAPERR;
}
