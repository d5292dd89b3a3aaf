/** mlock and its family (mm/mlock.c). Arguments are folded words. */

import { addWords, PAGE_SIZE, pageAlign, pageDown, type VirtAddr } from '../machine/address.ts';
import type { Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { MCL, MLOCK_ONFAULT } from '../uapi.ts';
import { can_do_mlock, rlimit } from './accounting.ts';
import { mlock_vma_pages_range } from './mlock-page.ts';
import { mm_populate, type PopulateError } from './populate.ts';
import { refuse } from './refuse.ts';
import { task_size } from './unmapped-area.ts';
import * as vm from './vma.ts';
import { vma_modify_flags } from './vma-merge.ts';

/** mlock_fixup(): 0 or an errno. Special mappings are passed over. */
function mlock_fixup(k: Kernel, mm: Mm, vma: vm.Vma, start: VirtAddr, end: VirtAddr, flags: number): 0 | string {
  const old = vma.vm_flags;
  if (flags === old || (old & (vm.VM_SPECIAL | vm.VM_DROPPABLE)) !== 0) return 0;
  const changed = vma_modify_flags(k, mm, vma, start, end, flags);
  if (typeof changed === 'string') return changed;
  const pages = (end - start) / PAGE_SIZE;
  const locks = (flags & vm.VM_LOCKED) !== 0;
  // Pages that are locked already are not locked once more.
  if (locks === ((old & vm.VM_LOCKED) !== 0)) return 0;
  mm.locked_vm += locks ? pages : -pages;
  mlock_vma_pages_range(k, mm, start, end, locks);
  return 0;
}

/** apply_vma_lock_flags(): the mapped part before a hole is changed all the same. */
function apply_vma_lock_flags(k: Kernel, mm: Mm, start: VirtAddr, length: number, lock: number): 0 | string {
  const end = start + length;
  if (end >= 2 ** 53) return refuse(k, 'EINVAL', 'the range wraps around');
  if (length === 0) return 0;
  let at = start;
  while (at < end) {
    const vma = mm.vmas.find(at);
    if (vma === undefined || vma.vm_start > at) {
      return refuse(k, 'ENOMEM', 'a part of the range is not mapped; what lies before it is changed');
    }
    const stop = Math.min(vma.vm_end, end);
    const error = mlock_fixup(k, mm, vma, at, stop, (vma.vm_flags & ~vm.VM_LOCKED_MASK) | lock);
    if (error !== 0) return error;
    at = stop;
  }
  return 0;
}

/** count_mm_mlocked_page_nr(): pages of the range that are locked already. */
function lockedIn(mm: Mm, start: VirtAddr, length: number): number {
  let pages = 0;
  const end = start + length;
  mm.vmas.walk((vma) => {
    if (vma.vm_start >= end) return false;
    if ((vma.vm_flags & vm.VM_LOCKED) !== 0) {
      pages += (Math.min(end, vma.vm_end) - Math.max(start, vma.vm_start)) / PAGE_SIZE;
    }
    return true;
  }, start);
  return pages;
}

/** __mlock_posix_error_return(). */
function posixError(k: Kernel, error: PopulateError): 0 | string {
  if (error === 'EFAULT') return refuse(k, 'ENOMEM', 'a page of the range cannot be faulted in');
  if (error === 'ENOMEM') return refuse(k, 'EAGAIN', 'memory ran out while the pages were faulted in');
  return error ?? 0;
}

/** do_mlock(): locks, then populates. What cannot be populated stays locked. */
function* do_mlock(k: Kernel, mm: Mm, addr: number, size: number, lock: number): Parts<0 | string> {
  if (!can_do_mlock(k)) return refuse(k, 'EPERM', 'RLIMIT_MEMLOCK is 0');
  const length = pageAlign(addWords(size, addr % PAGE_SIZE));
  const start = pageDown(addr);
  const limit = Math.floor(rlimit(k, 'MEMLOCK') / PAGE_SIZE);
  let locked = length / PAGE_SIZE + mm.locked_vm;
  if (locked > limit) locked -= lockedIn(mm, start, length);
  if (locked > limit)
    return refuse(k, 'ENOMEM', `RLIMIT_MEMLOCK: ${4 * locked} kB would be locked, ${4 * limit} kB may be`);
  const error = apply_vma_lock_flags(k, mm, start, length, lock);
  return error !== 0 ? error : posixError(k, yield* mm_populate(k, mm, start, length, 'strict'));
}

export function sys_mlock(k: Kernel, mm: Mm, addr: number, size: number): Parts<0 | string> {
  return do_mlock(k, mm, addr, size, vm.VM_LOCKED);
}

export function sys_mlock2(k: Kernel, mm: Mm, addr: number, size: number, flags: number): Parts<0 | string> | string {
  if ((flags & ~MLOCK_ONFAULT) !== 0) return refuse(k, 'EINVAL', 'MLOCK_ONFAULT is the only flag');
  return do_mlock(k, mm, addr, size, flags === 0 ? vm.VM_LOCKED : vm.VM_LOCKED | vm.VM_LOCKONFAULT);
}

export function sys_munlock(k: Kernel, mm: Mm, addr: number, size: number): 0 | string {
  const length = pageAlign(addWords(size, addr % PAGE_SIZE));
  return apply_vma_lock_flags(k, mm, pageDown(addr), length, 0);
}

/** apply_mlockall_flags(). */
function apply_mlockall_flags(k: Kernel, mm: Mm, flags: number): void {
  const onfault = (flags & MCL.ONFAULT) !== 0 ? vm.VM_LOCKONFAULT : 0;
  mm.def_flags &= ~vm.VM_LOCKED_MASK;
  if ((flags & MCL.FUTURE) !== 0) {
    mm.def_flags |= vm.VM_LOCKED | onfault;
    if ((flags & MCL.CURRENT) === 0) return;
  }
  const lock = (flags & MCL.CURRENT) !== 0 ? vm.VM_LOCKED | onfault : 0;
  for (let vma = mm.vmas.find(0); vma !== undefined; vma = mm.vmas.find(vma.vm_end)) {
    mlock_fixup(k, mm, vma, vma.vm_start, vma.vm_end, (vma.vm_flags & ~vm.VM_LOCKED_MASK) | lock);
  }
}

export function* sys_mlockall(k: Kernel, mm: Mm, flags: number): Parts<0 | string> {
  if (flags === 0 || (flags & ~(MCL.CURRENT | MCL.FUTURE | MCL.ONFAULT)) !== 0 || flags === MCL.ONFAULT)
    return refuse(k, 'EINVAL', 'neither MCL_CURRENT nor MCL_FUTURE, or an unknown flag');
  if (!can_do_mlock(k)) return refuse(k, 'EPERM', 'RLIMIT_MEMLOCK is 0');
  const current = (flags & MCL.CURRENT) !== 0;
  if (current && mm.total_vm > Math.floor(rlimit(k, 'MEMLOCK') / PAGE_SIZE)) {
    return refuse(k, 'ENOMEM', 'the address space is larger than RLIMIT_MEMLOCK');
  }
  apply_mlockall_flags(k, mm, flags);
  if (current) yield* mm_populate(k, mm, 0, task_size(k));
  return 0;
}

export function sys_munlockall(k: Kernel, mm: Mm): 0 {
  apply_mlockall_flags(k, mm, 0);
  return 0;
}
