/** The heap: brk(2) and the anonymous memory at a fixed place that it and bss are made of (mm/mmap.c, mm/vma.c). */

import { PAGE_SIZE, pageAlign, type VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import {
  commit_refusal,
  may_expand_vm,
  mlock_future_ok,
  read_implies_exec,
  rlimit,
  vm_enough_memory,
  vm_stat_account,
} from './accounting.ts';
import type { Errno } from './mmap.ts';
import { unmap_range } from './munmap.ts';
import { refuse } from './refuse.ts';
import { task_size } from './unmapped-area.ts';
import * as vm from './vma.ts';
import { vma_link } from './vma-link.ts';
import { vma_merge_new_range } from './vma-merge.ts';

/** brk(2): returns the new break, or the old one when it cannot move. `populate`: the range from `from` on is to be faulted in. */
export function sys_brk(
  k: Kernel,
  mm: Mm,
  brk: number,
): { readonly brk: VirtAddr; readonly from: VirtAddr; readonly populate: boolean } {
  const stay = (why: string): { brk: VirtAddr; from: VirtAddr; populate: boolean } => {
    refuse(k, 'ENOMEM', why);
    return { brk: mm.brk, from: 0, populate: false };
  };
  if (brk < mm.start_brk) return { brk: mm.brk, from: 0, populate: false };
  const data = rlimit(k, 'DATA');
  if (brk - mm.start_brk + (mm.end_data - mm.start_data) > data) return stay('RLIMIT_DATA');
  const newbrk = pageAlign(brk);
  const oldbrk = pageAlign(mm.brk);
  if (newbrk === oldbrk) {
    mm.brk = brk;
    return { brk, from: 0, populate: false };
  }
  if (brk <= mm.brk) {
    const vma = mm.vmas.find(newbrk);
    if (vma === undefined || vma.vm_start >= oldbrk) return stay('nothing of the heap is mapped there');
    if (unmap_range(k, mm, newbrk, oldbrk) !== 0) return stay('the heap cannot be split');
    mm.brk = brk;
    return { brk, from: 0, populate: false };
  }
  if (newbrk < oldbrk || newbrk > task_size(k)) return stay('beyond TASK_SIZE');
  if (!mlock_future_ok(k, mm, (mm.def_flags & vm.VM_LOCKED) !== 0, newbrk - oldbrk)) return stay('RLIMIT_MEMLOCK');
  const next = mm.vmas.find(oldbrk);
  if (next !== undefined) {
    const gap = (next.vm_flags & vm.VM_GROWSDOWN) !== 0 ? k.config.stack_guard_gap : 0;
    if (newbrk + PAGE_SIZE > next.vm_start - gap) return stay('a mapping is in the way');
  }
  if (do_brk_flags(k, mm, oldbrk, newbrk - oldbrk, 0) !== 0) return stay('do_brk_flags');
  mm.brk = brk;
  return { brk, from: oldbrk, populate: (mm.def_flags & (vm.VM_LOCKED | vm.VM_LOCKONFAULT)) === vm.VM_LOCKED };
}

/** do_brk_flags(): anonymous memory at a fixed place, for the heap and for bss. `extra` is 0 or VM_EXEC. */
export function do_brk_flags(k: Kernel, mm: Mm, addr: VirtAddr, length: number, extra: number): 0 | Errno {
  const pages = length / PAGE_SIZE;
  const flags =
    vm.VM_READ |
    vm.VM_WRITE |
    vm.VM_MAYREAD |
    vm.VM_MAYWRITE |
    vm.VM_MAYEXEC |
    vm.VM_ACCOUNT |
    mm.def_flags |
    extra |
    (read_implies_exec(k) ? vm.VM_EXEC : 0);
  const limit = may_expand_vm(k, mm, flags, pages);
  if (limit !== null) return refuse(k, 'ENOMEM', limit);
  if (mm.vmas.size > k.config.max_map_count) return refuse(k, 'ENOMEM', 'max_map_count');
  if (!vm_enough_memory(k, mm, pages)) return refuse(k, 'ENOMEM', commit_refusal(k, mm, pages));
  const vma: vm.Vma = {
    vm_start: addr,
    vm_end: addr + length,
    vm_flags: flags,
    vm_pgoff: addr / PAGE_SIZE,
    vm_file: 0,
    inode: 0,
    anon: null,
    vm_ops: 'none',
    special: null,
  };
  const below = mm.vmas.before(addr);
  // The search for the heap's VMA ends at start_brk: a bss that ends there stays a mapping of its own.
  const heap = below !== undefined && below.vm_end > mm.start_brk;
  if (!heap || vma_merge_new_range(k, mm, vma, 'previous') === null) vma_link(k, mm, vma);
  vm_stat_account(mm, flags, pages);
  if ((flags & vm.VM_LOCKED) !== 0) mm.locked_vm += pages;
  return 0;
}
