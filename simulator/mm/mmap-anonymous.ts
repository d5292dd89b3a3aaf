/**
 * mmap of private anonymous memory below what was mapped last, and nobody listens: what the long way (mmap.ts) would do,
 * or nothing at all. Addresses stay inside a function and places, which are small numbers, go from one to the next: an
 * address that is handed over costs an object.
 */

import { PAGE_SIZE, PMD_SIZE } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { MAP, PROT } from '../uapi.ts';
import { expansion_limit, plainTask, vm_enough_memory, vm_stat_account } from './accounting.ts';
import { VM_ACCOUNT, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE } from './vma.ts';
import { NOWHERE } from './vma-tree.ts';

const PRIVATE_ANONYMOUS = MAP.PRIVATE | MAP.ANONYMOUS;
const MAY_ALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
const PROT_ALL = PROT.READ | PROT.WRITE | PROT.EXEC;

/**
 * mmap(NULL, length, prot, MAP_PRIVATE|MAP_ANONYMOUS) into the hole that the last search left behind, where it stays
 * apart or joins the VMA above. True: the new VMA starts where `mm.vmas.fullFrom` says. False: it is not so, and nothing is done.
 */
export function mmap_anonymous(k: Kernel, mm: Mm, length: number, prot: number, flags: number): boolean {
  const { vmas } = mm;
  // From 2 MiB on the place follows other rules.
  if (k.sink !== null || flags !== PRIVATE_ANONYMOUS || !(length > 0 && length < PMD_SIZE)) return false;
  const pages = Math.ceil(length / PAGE_SIZE);
  if (
    !mm.topdown ||
    vmas.fullTo !== mm.mmap_base ||
    vmas.fullFor > pages * PAGE_SIZE ||
    vmas.size > k.config.max_map_count ||
    mm.def_flags !== 0
  )
    return false;
  const task = plainTask(k);
  if (task === undefined) return false;
  let vm_flags = (prot & PROT_ALL) | MAY_ALL;
  if ((prot & PROT.WRITE) !== 0) vm_flags |= VM_ACCOUNT;
  const apart = vmas.placeInTopHole(pages, vm_flags);
  const above = apart === NOWHERE ? vmas.placeAboveToGrow(pages, vm_flags) : apart;
  if (above === NOWHERE || expansion_limit(task.rlimits, mm, vm_flags, pages) !== null) return false;
  if ((prot & PROT.WRITE) !== 0 && !vm_enough_memory(k, mm, pages)) return false;
  if (apart === NOWHERE) vmas.growDown(above, pages);
  else vmas.fillTopHole(above, pages, vm_flags);
  vm_stat_account(mm, vm_flags, pages);
  return true;
}
