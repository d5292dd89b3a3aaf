/** mprotect(2): changing permissions of a range (mm/mprotect.c). */

import { isPageAligned, PAGE_SIZE, pageAlign, type VirtAddr } from '../machine/address.ts';
import { PG_ANON, PG_ANON_EXCLUSIVE } from '../machine/frames.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_MAPPED, PTE_PROTNONE, PTE_RW, PTE_SPECIAL } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { PROT } from '../uapi.ts';
import {
  commit_refusal,
  may_expand_vm,
  read_implies_exec,
  vm_enough_memory,
  vm_stat_account,
  vm_unacct_memory,
} from './accounting.ts';
import { pte_needs_flush, tlb_finish_mmu, tlb_gather_mmu, tlb_remove } from './mmu-gather.ts';
import { mprotect_anonymous } from './mprotect-anonymous.ts';
import { change_ptes } from './pagewalk.ts';
import { populate_vma } from './populate.ts';
import { PROT_BITS, set_pte, vm_page_prot, vma_wants_writenotify } from './pte.ts';
import { refuse } from './refuse.ts';
import * as vm from './vma.ts';
import { vma_modify_flags } from './vma-merge.ts';
import { NOWHERE, type VmaPlace } from './vma-tree.ts';

/** Reasons of do_mprotect(): a hole in the range; permissions beyond VM_MAYREAD, VM_MAYWRITE, VM_MAYEXEC. */
const NOT_MAPPED = 'a part of the range is not mapped; what lies before it is changed';
const MAY_NOT = 'the VMA may never have that permission: its file was opened without it';

/** Flags that decide under which line of /proc/PID/status a mapping counts. */
const ACCOUNTED_BY = vm.VM_WRITE | vm.VM_EXEC;

/** can_change_pte_writable(): a fault would only set the write bit, so set it now. */
function can_change_pte_writable(k: Kernel, vma: vm.Vma, flags: number, pfn: number): boolean {
  if ((vma.vm_flags & vm.VM_WRITE) === 0 || (flags & PTE_PROTNONE) !== 0) return false;
  if ((vma.vm_flags & vm.VM_SHARED) !== 0) return vma_wants_writenotify(vma) && (flags & PTE_DIRTY) !== 0;
  if ((flags & PTE_SPECIAL) !== 0) return false;
  const want = PG_ANON | PG_ANON_EXCLUSIVE;
  return (k.frames.flagsOf(pfn) & want) === want;
}

/** change_protection(): gives every mapped page of [start, end) the permissions of its VMA. */
function change_protection(k: Kernel, mm: Mm, place: VmaPlace, start: VirtAddr, end: VirtAddr): void {
  const tlb = tlb_gather_mmu();
  const vma = mm.vmas.vma(place);
  const prot = vm_page_prot(vma) & ~PTE_ACCESSED;
  change_ptes(mm, start, end, (table, addr, old, pfn) => {
    if ((old & PTE_MAPPED) === 0) return;
    let flags = (old & ~PROT_BITS) | prot;
    if ((flags & PTE_RW) === 0 && can_change_pte_writable(k, vma, flags, pfn)) flags |= PTE_RW;
    if (flags !== old) set_pte(k, mm, table, addr, flags, pfn);
    if (pte_needs_flush(old, flags)) tlb_remove(tlb, addr, addr);
  });
  tlb_finish_mmu(k, mm, tlb);
}

/** mprotect_fixup(): one VMA's part of the change. Returns the place of the VMA that holds it now, or an errno. */
function mprotect_fixup(
  k: Kernel,
  mm: Mm,
  place: VmaPlace,
  start: VirtAddr,
  end: VirtAddr,
  wanted: number,
): VmaPlace | string {
  const { vmas } = mm;
  const old = vmas.vm_flags(place);
  if (wanted === old) return place;
  const pages = (end - start) / PAGE_SIZE;
  let flags = wanted;
  let charged = 0;
  if ((flags & vm.VM_WRITE) !== 0) {
    if (may_expand_vm(k, mm, flags, pages) !== null && may_expand_vm(k, mm, old, pages) === null) {
      return refuse(k, 'ENOMEM', 'private writable memory counts as data: RLIMIT_DATA is reached');
    }
    if ((old & (vm.VM_ACCOUNT | vm.VM_WRITE | vm.VM_SHARED | vm.VM_NORESERVE)) === 0) {
      if (!vm_enough_memory(k, mm, pages)) return refuse(k, 'ENOMEM', commit_refusal(k, mm, pages));
      charged = pages;
      flags |= vm.VM_ACCOUNT;
    }
  } else if ((old & vm.VM_ACCOUNT) !== 0 && vm.vma_is_anonymous(vmas.vma(place)) && vmas.anon(place) === null) {
    flags &= ~vm.VM_ACCOUNT;
  }
  const modified = vma_modify_flags(k, mm, vmas.vma(place), start, end, flags);
  if (typeof modified === 'string') {
    vm_unacct_memory(k, charged);
    return modified;
  }
  const changed = vmas.seek(start);
  change_protection(k, mm, changed, start, end);
  if ((old & vm.VM_ACCOUNT) !== 0 && (flags & vm.VM_ACCOUNT) === 0) vm_unacct_memory(k, pages);
  if (((old ^ flags) & ACCOUNTED_BY) !== 0) {
    vm_stat_account(mm, old, -pages);
    vm_stat_account(mm, flags, pages);
  }
  // A locked private mapping that becomes writable gets its copies now.
  if ((old & (vm.VM_WRITE | vm.VM_SHARED | vm.VM_LOCKED)) === vm.VM_LOCKED && (flags & vm.VM_WRITE) !== 0) {
    populate_vma(k, mm, start, end, 'kernel');
    return vmas.seek(start);
  }
  return changed;
}

function protFlags(prot: number): number {
  let flags = 0;
  if ((prot & PROT.READ) !== 0) flags |= vm.VM_READ;
  if ((prot & PROT.WRITE) !== 0) flags |= vm.VM_WRITE;
  if ((prot & PROT.EXEC) !== 0) flags |= vm.VM_EXEC;
  return flags;
}

/** The range that PROT_GROWSDOWN and PROT_GROWSUP make of it, or the errno. */
function growsRange(mm: Mm, start: VirtAddr, end: VirtAddr, grows: number): VirtAddr | string {
  if (grows === 0) return start;
  const vma = mm.vmas.find(start);
  if (vma === undefined) return 'ENOMEM';
  if ((grows & PROT.GROWSDOWN) !== 0) {
    if (vma.vm_start >= end) return 'ENOMEM';
    return (vma.vm_flags & vm.VM_GROWSDOWN) === 0 ? 'EINVAL' : vma.vm_start;
  }
  if (vma.vm_start > start) return 'ENOMEM';
  return 'EINVAL';
}

/** do_mprotect_pkey(): pieces before a hole or an error stay changed. Arguments are folded words. */
export function do_mprotect(k: Kernel, mm: Mm, addr: number, length: number, protection: number): 0 | string {
  if (mprotect_anonymous(k, mm, addr, length, protection)) return 0;
  const both = PROT.GROWSDOWN | PROT.GROWSUP;
  const grows = protection & both;
  const prot = protection & ~both;
  if (grows === both) return refuse(k, 'EINVAL', 'PROT_GROWSDOWN and PROT_GROWSUP exclude each other');
  if (!isPageAligned(addr)) return refuse(k, 'EINVAL', 'the address is not page aligned');
  if (length === 0) return 0;
  const end = addr + pageAlign(length);
  if (end <= addr || end >= 2 ** 53) return refuse(k, 'ENOMEM', 'the range wraps around');
  if ((prot & ~(PROT.READ | PROT.WRITE | PROT.EXEC | PROT.SEM)) !== 0) return refuse(k, 'EINVAL', 'unknown PROT_ bits');
  const start = growsRange(mm, addr, end, grows);
  if (typeof start === 'string')
    return refuse(k, start, start === 'ENOMEM' ? NOT_MAPPED : 'the VMA cannot grow that way');
  let at = start;
  while (at < end) {
    const place = mm.vmas.seek(at);
    if (place === NOWHERE || mm.vmas.vm_start(place) > at) return refuse(k, 'ENOMEM', NOT_MAPPED);
    const old = mm.vmas.vm_flags(place);
    const implied = (prot & PROT.READ) !== 0 && (old & vm.VM_MAYEXEC) !== 0 && read_implies_exec(k);
    const flags = protFlags(implied ? prot | PROT.EXEC : prot) | (old & ~vm.VM_ACCESS_FLAGS);
    if ((flags & ~(flags >> 4) & vm.VM_ACCESS_FLAGS) !== 0) return refuse(k, 'EACCES', MAY_NOT);
    const stop = Math.min(mm.vmas.vm_end(place), end);
    const changed = mprotect_fixup(k, mm, place, at, stop, flags);
    if (typeof changed === 'string') return changed;
    if (stop >= end) return 0;
    at = Math.max(stop, Math.min(end, mm.vmas.vm_end(changed)));
  }
  return 0;
}
