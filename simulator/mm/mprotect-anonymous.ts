/**
 * mprotect of private anonymous memory inside one VMA and under one PTE table, and nobody listens: what the long way
 * (mprotect.ts) would do, or nothing at all. VMAs are places, no objects.
 */

import { pteIndex, type VirtAddr } from '../machine/address.ts';
import { PG_ANON, PG_ANON_EXCLUSIVE } from '../machine/frames.ts';
import { PTE_ACCESSED, PTE_MAPPED, PTE_PROTNONE, PTE_RW, PTE_SPECIAL } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { PROT } from '../uapi.ts';
import { expansion_limit, plainTask, vm_enough_memory, vm_stat_account, vm_unacct_memory } from './accounting.ts';
import { anon_chain_count } from './anon-vma.ts';
import { pte_needs_flush, tlb_finish_mmu, tlb_gather_mmu, tlb_remove } from './mmu-gather.ts';
import { PROT_BITS, protection_map } from './pte.ts';
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_EXEC,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_NORESERVE,
  VM_SPECIAL,
  VM_WRITE,
} from './vma.ts';
import { type Joins, NOWHERE, type VmaPlace } from './vma-tree.ts';

const PROT_ALL = PROT.READ | PROT.WRITE | PROT.EXEC;

/** VMAs with these flags follow further rules. */
const UNUSUAL = VM_LOCKED | VM_SPECIAL | VM_MAYBE_GUARD;

/** mprotect(). False: it takes the long way, and nothing is done. Arguments are folded words. */
export function mprotect_anonymous(k: Kernel, mm: Mm, start: number, length: number, prot: number): boolean {
  const { vmas } = mm;
  if (k.sink !== null || length === 0 || (prot & ~PROT_ALL) !== 0) return false;
  const place = vmas.anonymousAround(start, length);
  if (place === NOWHERE) return false;
  const old = vmas.vm_flags(place);
  let flags = (old & ~VM_ACCESS_FLAGS) | prot;
  if ((flags & UNUSUAL) !== 0 || (flags & ~(flags >> 4) & VM_ACCESS_FLAGS) !== 0) return false;
  const task = plainTask(k);
  if (task === undefined) return false;
  if (flags === old) return true;
  const pages = Math.ceil(length / 4096);
  let charge = false;
  if ((prot & PROT.WRITE) !== 0) {
    charge = (old & (VM_ACCOUNT | VM_WRITE | VM_NORESERVE)) === 0;
    if (charge) flags |= VM_ACCOUNT;
    if (expansion_limit(task.rlimits, mm, flags, pages) !== null) return false;
  } else if ((old & VM_ACCOUNT) !== 0 && vmas.anon(place) === null) flags &= ~VM_ACCOUNT;
  if (charge && !vm_enough_memory(k, mm, pages)) return false;
  const done = vmas.pages(place) === pages && vmas.setFlagsApart(place, flags);
  if (!done && !modify(k, mm, place, start, pages, flags)) {
    if (charge) vm_unacct_memory(k, pages);
    return false;
  }
  if (mm.pt.find(start) !== undefined) change_anonymous(k, mm, start, pages, flags);
  if ((old & ~flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, pages);
  if (((old ^ flags) & (VM_WRITE | VM_EXEC)) !== 0) {
    vm_stat_account(mm, old, -pages);
    vm_stat_account(mm, flags, pages);
  }
  return true;
}

/** vma_modify_flags(): merges or splits as needed. False: it is not clear what Linux would do, or it refuses. */
function modify(k: Kernel, mm: Mm, place: VmaPlace, start: VirtAddr, pages: number, flags: number): boolean {
  const { vmas } = mm;
  const end = start + pages * 4096;
  const leftSide = vmas.vm_start(place) === start;
  const rightSide = vmas.vm_end(place) === end;
  const left: Joins = leftSide ? vmas.joins(place, flags, -1) : 'no';
  const right: Joins = rightSide ? vmas.joins(place, flags, 1) : 'no';
  if (left === 'unclear' || right === 'unclear') return false;
  const more = left === 'no' && right === 'no' ? (leftSide ? 0 : 1) + (rightSide ? 0 : 1) : 0;
  if (vmas.size + more > k.config.max_map_count) return false;
  if (left === 'no' && right === 'no' && more === 0) {
    vmas.setFlags(place, flags);
    return true;
  }
  const before = vmas.size;
  const chain = vmas.anon(place);
  if (left === 'no' && right === 'no') {
    const lowest = leftSide ? vmas.splitAt(place, end, null) : vmas.splitAt(place, start, rightSide ? null : end);
    vmas.setFlags(leftSide ? lowest : lowest + 1, flags);
  } else if (left === 'no') {
    if (leftSide) vmas.joinAbove(place);
    else vmas.moveBorder(place, start);
  } else if (!rightSide) vmas.moveBorder(vmas.previous(place), end);
  else if (right === 'yes') vmas.joinBoth(place);
  else vmas.joinBelow(place);
  if (chain !== null && vmas.size !== before) anon_chain_count(k, mm.id, chain, vmas.size - before);
  return true;
}

/** change_protection() of private anonymous pages: each mapped one gets the permissions that its VMA has now. */
function change_anonymous(k: Kernel, mm: Mm, start: VirtAddr, pages: number, flags: number): void {
  const { words } = mm.pt.edit(start);
  const prot = protection_map(flags) & ~PTE_ACCESSED;
  const writable = (flags & VM_WRITE) !== 0 && (prot & PTE_PROTNONE) === 0;
  const first = 2 * pteIndex(start);
  const tlb = tlb_gather_mmu();
  for (let at = first; at < first + 2 * pages; at += 2) {
    const old = words[at] as number;
    if ((old & PTE_MAPPED) === 0) continue;
    const pte = (old & ~PROT_BITS) | prot;
    const mine = writable && (pte & PTE_SPECIAL) === 0 && isExclusive(k, words[at + 1] as number);
    const next = mine ? pte | PTE_RW : pte;
    words[at] = next;
    if (pte_needs_flush(old, next)) tlb_remove(tlb, start + (at - first) * 2048, start + (at - first) * 2048);
  }
  tlb_finish_mmu(k, mm, tlb);
}

/** Anonymous memory of nobody else: writing to it takes no fault (can_change_private_pte_writable()). */
function isExclusive(k: Kernel, pfn: number): boolean {
  const want = PG_ANON | PG_ANON_EXCLUSIVE;
  return (k.frames.flagsOf(pfn) & want) === want;
}
