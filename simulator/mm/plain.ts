/**
 * mmap and munmap of the commonest memory: private, anonymous, without an anon_vma or a page table, and nobody
 * listens. Each does what the long way would do, or nothing at all and says so. Addresses stay inside a function and
 * places, which are small numbers, go from one to the next: an address that is handed over costs an object.
 */

import { nextPmd, PAGE_SIZE, PMD_SIZE } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, Task } from '../state/records.ts';
import { MAP, PROT, READ_IMPLIES_EXEC } from '../uapi.ts';
import { expansion_limit, vm_enough_memory, vm_stat_account, vm_unacct_memory } from './accounting.ts';
import { VM_ACCOUNT, VM_LOCKED, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE } from './vma.ts';
import { NOWHERE, type VmaPlace } from './vma-tree.ts';

const PRIVATE_ANONYMOUS = MAP.PRIVATE | MAP.ANONYMOUS;
const MAY_ALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
const PROT_ALL = PROT.READ | PROT.WRITE | PROT.EXEC;

/** The running task, when what it may read it may not execute too; undefined otherwise. */
export function plainTask(k: Kernel): Task | undefined {
  const task = k.tasks.find(k.scalars.current);
  return task === undefined || (task.personality & READ_IMPLIES_EXEC) !== 0 ? undefined : task;
}

/**
 * mmap(NULL, length, prot, MAP_PRIVATE|MAP_ANONYMOUS) into the hole that the last search left behind, where no neighbour
 * is like it. True: the new VMA starts where `mm.vmas.fullFrom` says. False: it is not so, and nothing is done.
 */
export function mmap_plain(k: Kernel, mm: Mm, length: number, prot: number, flags: number): boolean {
  const { vmas } = mm;
  // From 2 MiB on the place follows other rules.
  if (k.sink !== null || flags !== PRIVATE_ANONYMOUS || !(length > 0 && length < PMD_SIZE)) return false;
  if (!mm.topdown || vmas.fullTo !== mm.mmap_base || vmas.size > k.config.max_map_count || mm.def_flags !== 0)
    return false;
  const task = plainTask(k);
  if (task === undefined) return false;
  const pages = Math.ceil(length / PAGE_SIZE);
  let vm_flags = (prot & PROT_ALL) | MAY_ALL;
  if ((prot & PROT.WRITE) !== 0) vm_flags |= VM_ACCOUNT;
  const above = vmas.placeInTopHole(pages, vm_flags);
  if (above === NOWHERE || expansion_limit(task.rlimits, mm, vm_flags, pages) !== null) return false;
  if ((prot & PROT.WRITE) !== 0 && !vm_enough_memory(k, mm, pages)) return false;
  vmas.fillTopHole(above, pages, vm_flags);
  vm_stat_account(mm, vm_flags, pages);
  return true;
}

/** True when something of a neighbour lies under the PTE table that the first page of the VMA at `place` has. */
function sharesPteTable({ vmas }: Mm, place: VmaPlace): boolean {
  const first = nextPmd(vmas.vm_start(place)) - PMD_SIZE;
  const previous = vmas.previous(place);
  if (previous !== NOWHERE && vmas.vm_end(previous) > first) return true;
  const next = vmas.next(place);
  return next !== NOWHERE && vmas.vm_start(next) < first + PMD_SIZE;
}

/** munmap() of one whole VMA. False: it is not so, and nothing is done. */
export function munmap_plain(k: Kernel, mm: Mm, start: number, length: number): boolean {
  const { vmas } = mm;
  if (k.sink !== null || length === 0) return false;
  const place = vmas.wholePlain(start, length);
  if (place === NOWHERE || !sharesPteTable(mm, place) || mm.pt.find(start) !== undefined) return false;
  const flags = vmas.vm_flags(place);
  const pages = Math.ceil(length / PAGE_SIZE);
  if ((flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, pages);
  if ((flags & VM_LOCKED) !== 0) mm.locked_vm -= pages;
  vm_stat_account(mm, flags, -pages);
  vmas.removeAt(place);
  return true;
}
