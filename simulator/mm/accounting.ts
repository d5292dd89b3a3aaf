/** Counting address space and promised memory: vm_stat_account(), may_expand_vm(), overcommit (mm/mmap.c, mm/util.c). */

import type { Kernel } from '../state/kernel.ts';
import type { Mm, RlimitName, Task } from '../state/records.ts';
import { READ_IMPLIES_EXEC } from '../uapi.ts';
import { is_data_mapping, is_exec_mapping, is_stack_mapping } from './vma.ts';

/** Adds pages of a mapping with `flags` to the counters of /proc/PID/status. */
export function vm_stat_account(mm: Mm, flags: number, pages: number): void {
  mm.total_vm += pages;
  if (is_exec_mapping(flags)) mm.exec_vm += pages;
  else if (is_stack_mapping(flags)) mm.stack_vm += pages;
  else if (is_data_mapping(flags)) mm.data_vm += pages;
  if (mm.total_vm > mm.hiwater_vm) mm.hiwater_vm = mm.total_vm;
}

/** Soft limit in bytes of the task that the CPU runs; Infinity without a task. */
export function rlimit(k: Kernel, name: RlimitName): number {
  const task: Task | undefined = k.tasks.find(k.scalars.current);
  return task === undefined ? Number.POSITIVE_INFINITY : task.rlimits[name].soft;
}

/** personality(READ_IMPLIES_EXEC) of the running task: what can be read can be executed. */
export function read_implies_exec(k: Kernel): boolean {
  return ((k.tasks.find(k.scalars.current)?.personality ?? 0) & READ_IMPLIES_EXEC) !== 0;
}

/** The running task, when what it may read it may not execute too; undefined otherwise. */
export function plainTask(k: Kernel): Task | undefined {
  const task = k.tasks.find(k.scalars.current);
  return task === undefined || (task.personality & READ_IMPLIES_EXEC) !== 0 ? undefined : task;
}

/** The limit that `pages` more with `flags` would exceed, RLIMIT_AS or for private writable memory RLIMIT_DATA, or null. */
export function expansion_limit(
  limits: Task['rlimits'],
  mm: Mm,
  flags: number,
  pages: number,
): 'RLIMIT_AS' | 'RLIMIT_DATA' | null {
  if ((mm.total_vm + pages) * 4096 > limits.AS.soft) return 'RLIMIT_AS';
  const { soft, hard } = limits.DATA;
  if (!is_data_mapping(flags) || (mm.data_vm + pages) * 4096 <= soft) return null;
  // A soft limit of 0 means the hard one (a concession to Valgrind).
  if (soft === 0 && (mm.data_vm + pages) * 4096 <= hard) return null;
  return 'RLIMIT_DATA';
}

/** may_expand_vm() with the limits of the running task: the limit in the way or null. */
export function may_expand_vm(k: Kernel, mm: Mm, flags: number, pages: number): 'RLIMIT_AS' | 'RLIMIT_DATA' | null {
  const limits = k.tasks.find(k.scalars.current)?.rlimits;
  return limits === undefined ? null : expansion_limit(limits, mm, flags, pages);
}

/** total_swap_pages: slots of the swap device, none while it is switched off. */
export function total_swap_pages(k: Kernel): number {
  return k.swap.on ? k.swap.total : 0;
}

/** mm/util.c: vm_commit_limit(), pages; overcommit_ratio is 50. */
export function vm_commit_limit(k: Kernel): number {
  return Math.floor(k.frames.total / 2) + total_swap_pages(k);
}

/** sysctl_admin_reserve_kbytes and sysctl_user_reserve_kbytes in pages: a part of the memory at the start, at most 8 and 128 MiB. */
const ADMIN_RESERVE = 2048;
const USER_RESERVE = 32768;
const RESERVE_PART = 32;

/** Pages that mode 2 keeps from an ordinary user's process: for the administrator, and for the user's recovery. */
function reserves(k: Kernel, mm: Mm): { readonly admin: number; readonly user: number } {
  const part = Math.floor(k.frames.total / RESERVE_PART);
  return {
    admin: Math.min(part, ADMIN_RESERVE),
    user: Math.min(Math.floor(mm.total_vm / RESERVE_PART), part, USER_RESERVE),
  };
}

/**
 * __vm_enough_memory(): promises `pages` more. Mode 0 refuses what is plainly too much; mode 2 what does not stay below
 * the limit, less the administrator's reserve and the one for the user's recovery (a part of the process).
 */
export function vm_enough_memory(k: Kernel, mm: Mm, pages: number): boolean {
  const after = k.scalars.committed + pages;
  if (k.config.overcommit === 0 && pages > k.frames.total + total_swap_pages(k)) return false;
  if (k.config.overcommit === 2) {
    const { admin, user } = reserves(k, mm);
    if (after >= vm_commit_limit(k) - admin - user) return false;
  }
  k.scalars.committed = after;
  return true;
}

/** Why {@link vm_enough_memory} does not promise `pages`. */
export function commit_refusal(k: Kernel, mm: Mm, pages: number): string {
  const { committed } = k.scalars;
  if (k.config.overcommit !== 2) {
    const all = k.frames.total + total_swap_pages(k);
    return `overcommit: ${pages} pages at once are more than RAM and swap have together (${all})`;
  }
  const { admin, user } = reserves(k, mm);
  const limit = vm_commit_limit(k);
  return `overcommit: ${committed} pages are promised; ${pages} more do not stay below the limit of ${limit}, less ${admin} for the administrator and ${user} for the user's recovery`;
}

export function vm_unacct_memory(k: Kernel, pages: number): void {
  k.scalars.committed -= pages;
}

/** mlock_future_ok(): RLIMIT_MEMLOCK leaves room for `bytes` more. */
export function mlock_future_ok(k: Kernel, mm: Mm, locked: boolean, bytes: number): boolean {
  if (!locked) return true;
  return mm.locked_vm + bytes / 4096 <= Math.floor(rlimit(k, 'MEMLOCK') / 4096);
}

/** can_do_mlock(): an ordinary user needs a limit above 0. */
export function can_do_mlock(k: Kernel): boolean {
  return rlimit(k, 'MEMLOCK') > 0;
}
