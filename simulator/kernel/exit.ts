/** The end of address spaces and tasks: exit_mmap() (mm/mmap.c), do_exit() (kernel/exit.c), wait4. */

import { OOM_KILL } from '../machine/vm-events.ts';
import { vm_unacct_memory } from '../mm/accounting.ts';
import { fput } from '../mm/file-refs.ts';
import { note_oom_kill, select_bad_process } from '../mm/oom.ts';
import { VM_ACCOUNT, vma_pages } from '../mm/vma.ts';
import { vma_unlink } from '../mm/vma-link.ts';
import { zap_page_range } from '../mm/zap.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, Task, TaskEnd } from '../state/records.ts';
import { files_sharers, release_task, threads_of, withoutPid } from './task.ts';

/** exit_mmap(): every page, table and VMA of the address space goes. */
function exit_mmap(k: Kernel, mm: Mm): void {
  for (const vma of mm.vmas.toArray()) {
    zap_page_range(k, mm, vma, vma.vm_start, vma.vm_end, 'markers');
    if ((vma.vm_flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, vma_pages(vma));
    vma_unlink(k, mm, vma);
  }
  if (mm.exe !== 0) k.inodes.edit(mm.exe).executing--;
  k.mms.delete(mm.id);
}

/** mmput(): one user less. */
export function mmput(k: Kernel, mmId: number): void {
  const mm = k.mms.edit(mmId);
  mm.users--;
  if (mm.users === 0) exit_mmap(k, mm);
}

function closeFiles(k: Kernel, task: Task): void {
  const shared = files_sharers(k, task).length > 0;
  const group = k.tasks.edit(task.filesGroup);
  group.filesSharers = withoutPid(group.filesSharers, task.pid, k);
  if (shared) return;
  for (const id of task.files.values()) if (id !== 0) fput(k, id);
}

/** A vfork parent goes on when its child gives the shared address space up. */
export function vfork_done(k: Kernel, pid: number): void {
  const child = k.tasks.edit(pid);
  if (child.vforkParent === 0) return;
  k.tasks.edit(child.vforkParent).vforkChild = 0;
  child.vforkParent = 0;
}

/** do_exit(): memory and files go at once; the parent keeps a zombie until it waits, init waits at once. */
export function do_exit(k: Kernel, pid: number, end: TaskEnd): void {
  const task = k.tasks.edit(pid);
  if (task.state !== 'alive') return;
  const mm = task.mm;
  closeFiles(k, task);
  task.files = new Map();
  task.end = end;
  if (k.sink !== null) {
    k.emit({ type: 'exit', pid, why: end.kind === 'exit' ? `exit status ${end.status}` : end.signal });
  }
  const running = k.scalars.current === pid;
  task.mm = 0;
  if (mm !== 0) mmput(k, mm);
  if (running) k.tlb.flushAll();
  vfork_done(k, pid);
  const parent = k.tasks.find(task.parent);
  const waited = parent !== undefined && parent.state === 'alive' && task.tgid === task.pid;
  if (waited) task.state = 'zombie';
  else release_task(k, task);
  const orphans = task.children?.keys() ?? [];
  task.children = null;
  for (const id of orphans) {
    const orphan = k.tasks.edit(id);
    orphan.parent = 1;
    if (orphan.state === 'zombie') release_task(k, orphan);
  }
}

/** do_group_exit(): every thread of the process ends. */
export function do_group_exit(k: Kernel, pid: number, end: TaskEnd): void {
  const tgid = k.tasks.get(pid).tgid;
  for (const task of threads_of(k, tgid)) if (task.pid !== tgid) do_exit(k, task.pid, end);
  do_exit(k, tgid, end);
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
