/** The end of address spaces and tasks: exit_mmap() (mm/mmap.c), do_exit() (kernel/exit.c), and signals, which bring it (kernel/signal.c). */

import { PG_REFERENCED } from '../machine/frames.ts';
import { OOM_KILL } from '../machine/vm-events.ts';
import { cpu_access } from '../mm/access.ts';
import { vm_unacct_memory } from '../mm/accounting.ts';
import { fput } from '../mm/file-refs.ts';
import { note_oom_kill, select_bad_process } from '../mm/oom.ts';
import { VM_ACCOUNT, vma_pages } from '../mm/vma.ts';
import { vma_unlink } from '../mm/vma-link.ts';
import { zap_page_range } from '../mm/zap.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, Task, TaskEnd } from '../state/records.ts';
import { SIG, signalName } from '../uapi.ts';
import { current_mm, files_sharers, RUNNING, release_task, run_as, set_files, threads_of, withoutPid } from './task.ts';
import { copy_to_user } from './user-copy.ts';

/** exit_mmap(): every page, table and VMA of the address space goes. */
function exit_mmap(k: Kernel, mm: Mm): void {
  for (const vma of mm.vmas.toArray()) {
    zap_page_range(k, mm, vma.vm_flags, vma.vm_start, vma.vm_end, 'markers');
    if ((vma.vm_flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, vma_pages(vma));
    vma_unlink(k, mm, vma);
  }
  if (mm.exe !== 0) k.inodes.edit(mm.exe).executing--;
  mm.pt.release();
  k.mms.delete(mm.id);
}

/** mmput(): one user less. */
export function mmput(k: Kernel, mmId: number): void {
  const mm = k.mms.edit(mmId);
  mm.users--;
  if (mm.users === 0) exit_mmap(k, mm);
}

/** True when others share the descriptor table: then the files stay open. */
function closeFiles(k: Kernel, task: Task): boolean {
  const shared = files_sharers(k, task).length > 0;
  const group = k.tasks.edit(task.filesGroup);
  group.filesSharers = withoutPid(group.filesSharers, task.pid, k);
  if (!shared) for (const id of task.files.values()) if (id !== 0) fput(k, id);
  return shared;
}

/** A vfork parent goes on when its child gives the shared address space up. */
export function vfork_done(k: Kernel, pid: number): void {
  const child = k.tasks.edit(pid);
  if (child.vforkParent === 0) return;
  k.tasks.edit(child.vforkParent).vforkChild = 0;
  child.vforkParent = 0;
}

/**
 * mm_release(): who shares the memory sees a zero where the task asked for it (CLONE_CHILD_CLEARTID). The dying task
 * writes it, so the fault is its own; a bad address is passed over. Then do_futex(FUTEX_WAKE) looks the page up, which
 * marks it as referenced (mm/gup.c: gup_fast_pte_range()). `task` is owned by the epoch.
 */
export function clear_child_tid(k: Kernel, task: Task): void {
  const address = task.clear_child_tid;
  task.clear_child_tid = 0;
  if (address === 0 || task.mm === 0 || k.mms.get(task.mm).users < 2) return;
  run_as(k, task, () => {
    if (copy_to_user(k, address, new Uint8Array(4)) < 4 || address % 4 !== 0) return;
    const pfn = cpu_access(k, current_mm(k), address, 'read', 'kernel');
    if (pfn >= 0) k.frames.setFlags(pfn, PG_REFERENCED);
  });
}

/** Children of a process that is gone are init's, which waits for them at once. */
function forget_original_parent(k: Kernel, leader: Task): void {
  const orphans = leader.children?.keys() ?? [];
  leader.children = null;
  for (const id of orphans) {
    for (const thread of threads_of(k, id)) {
      const owned = k.tasks.edit(thread.pid);
      owned.parent = 1;
      owned.maker = 1;
    }
    const orphan = k.tasks.edit(id);
    if (orphan.state === 'zombie' && orphan.live === 0) release_task(k, orphan);
  }
}

/** do_notify_parent(): the signal that clone() was told; no more than SIGCHLD for a parent that executed a program since. */
function do_notify_parent(k: Kernel, { parent, exit_signal, maker, parent_exec_id }: Task): void {
  const told = k.tasks.find(maker)?.self_exec_id === parent_exec_id ? exit_signal : SIG.CHLD;
  if (told > 0 && told <= SIG.MAX) send_signal(k, parent, told);
}

/**
 * do_exit(): memory and files of the task go at once. Of a process the leader is left, a zombie while other threads live
 * and then until the parent waits for it; init waits at once. How its last thread ended is how the process ended.
 */
export function do_exit(k: Kernel, pid: number, end: TaskEnd): void {
  const task = k.tasks.edit(pid);
  if (task.state !== 'alive') return;
  clear_child_tid(k, task);
  const mm = task.mm;
  const sharesFiles = closeFiles(k, task);
  set_files(k, task, new Map());
  task.end = end;
  if (k.sink !== null) {
    const sharesMemory = mm !== 0 && k.mms.get(mm).users > 1;
    const why = end.kind === 'exit' ? `exit status ${end.status}` : end.signal;
    k.emit({ type: 'exit', pid, why, sharesFiles, sharesMemory });
  }
  const { current } = k.scalars;
  task.mm = 0;
  // Also who is killed by another one gives its memory up itself.
  k.scalars.current = pid;
  if (mm !== 0) mmput(k, mm);
  k.scalars.current = current;
  if (current === pid) k.tlb.flushAll();
  vfork_done(k, pid);
  const leader = k.tasks.edit(task.tgid);
  leader.live--;
  if (leader === task) task.state = 'zombie';
  else release_task(k, task);
  if (leader.live > 0) return;
  leader.end = end;
  forget_original_parent(k, leader);
  if (k.tasks.find(leader.parent) === undefined) release_task(k, leader);
  else do_notify_parent(k, leader);
}

/** do_group_exit(): every thread of the process ends. */
export function do_group_exit(k: Kernel, pid: number, end: TaskEnd): void {
  const tgid = k.tasks.get(pid).tgid;
  for (const task of threads_of(k, tgid)) if (task.pid !== tgid) do_exit(k, task.pid, end);
  do_exit(k, tgid, end);
}

/**
 * Signals that do nothing by default: those of SIG_KERNEL_IGNORE_MASK, and what stops a job of a terminal. Nobody's
 * terminal is here: the parent of each process group belongs to another session or to the same group, so that all groups
 * are orphaned, and get_signal() passes those stops over (is_current_pgrp_orphaned()).
 */
const IGNORED: ReadonlySet<number> = new Set([SIG.CHLD, SIG.URG, SIG.WINCH, SIG.TSTP, SIG.TTIN, SIG.TTOU]);

/** Taken before all others (SYNCHRONOUS_MASK). */
const SYNCHRONOUS: ReadonlySet<number> = new Set([SIG.SEGV, SIG.BUS, SIG.ILL, SIG.TRAP, SIG.FPE, SIG.SYS]);

function die(k: Kernel, pid: number, signal: number): void {
  do_group_exit(k, pid, { kind: 'signal', signal: signalName(signal), code: 'SI_USER' });
}

/** do_signal_stop(): a stopped process stays as it is, and what it was continued from is forgotten. */
function stop(leader: Task): void {
  if (leader.job.stopped) return;
  leader.job = { stopped: true, untold: SIG.STOP, continued: false, pending: [] };
}

/** SIGCONT: a stopped process goes on, and meets the signals that came meanwhile. */
function go_on(k: Kernel, leader: Task): void {
  const { stopped, pending } = leader.job;
  if (!stopped) return;
  leader.job = { ...RUNNING, continued: true };
  const [first] = [...pending].sort((a, b) => Number(SYNCHRONOUS.has(b)) - Number(SYNCHRONOUS.has(a)) || a - b);
  if (first !== undefined) die(k, leader.pid, first);
}

/** group_send_sig_info(): a signal for a whole process. Zombies take any signal and do nothing. */
export function send_signal(k: Kernel, pid: number, signal: number): void {
  const leader = k.tasks.edit(k.tasks.get(pid).tgid);
  if (leader.live === 0 || IGNORED.has(signal)) return;
  const { job, handlers } = leader;
  if (signal === SIG.STOP) stop(leader);
  else if (signal === SIG.CONT) go_on(k, leader);
  else if (handlers.has(signalName(signal))) return;
  else if (!job.stopped || signal === SIG.KILL) die(k, leader.pid, signal);
  else leader.job = { ...job, pending: [...job.pending, signal] };
}

/**
 * out_of_memory(): kills the process whose death frees most. Returns true when another process than the running one
 * died, so that frames are free; the running one is only marked and dies where its step ends. Until then nobody else has
 * to die (oom_evaluate_task(): there is a victim already).
 */
export function out_of_memory(k: Kernel): boolean {
  if (k.scalars.oomVictim !== 0) return false;
  const choice = select_bad_process(k);
  const { chosen } = choice;
  if (chosen === null) {
    if (k.sink !== null) k.emit({ type: 'oom-nobody' });
    note_oom_kill(k, choice, []);
    return false;
  }
  if (k.sink !== null) k.emit({ type: 'oom-kill', pid: chosen.pid, badness: chosen.badness ?? 0 });
  k.frames.countEvent(OOM_KILL);
  const { mm } = k.tasks.get(chosen.pid);
  const dying = [...k.tasks.values()].filter((task) => task.state === 'alive' && task.mm === mm);
  const pids = dying.map(({ pid }) => pid);
  note_oom_kill(k, choice, pids);
  const current = k.tasks.find(k.scalars.current);
  const isCurrent = current !== undefined && current.mm === mm;
  if (isCurrent) k.scalars.oomVictim = current.pid;
  for (const { pid, tgid } of dying) {
    if (isCurrent && tgid === current.tgid) continue;
    do_group_exit(k, pid, { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL' });
  }
  return !isCurrent;
}
