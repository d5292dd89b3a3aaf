/** The end of address spaces and tasks: exit_mmap() (mm/mmap.c), do_exit() (kernel/exit.c), wait4. */

import { OOM_KILL } from '../machine/vm-events.ts';
import { vm_unacct_memory } from '../mm/accounting.ts';
import { fput } from '../mm/file-refs.ts';
import { oom_badness, select_bad_process } from '../mm/oom.ts';
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
 * died, so that frames are free; the running one is only marked and dies where its step ends.
 */
export function out_of_memory(k: Kernel): boolean {
  const victim = select_bad_process(k);
  if (victim === undefined) {
    if (k.sink !== null) k.emit({ type: 'oom-nobody' });
    return false;
  }
  if (k.sink !== null) k.emit({ type: 'oom-kill', pid: victim.pid, badness: oom_badness(k, victim) });
  k.frames.countEvent(OOM_KILL);
  const { mm } = victim;
  const current = k.tasks.find(k.scalars.current);
  if (current !== undefined && current.mm === mm) {
    k.scalars.oomVictim = current.pid;
    return false;
  }
  for (const task of [...k.tasks.values()]) {
    if (task.state === 'alive' && task.mm === mm) {
      do_group_exit(k, task.pid, { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL' });
    }
  }
  return true;
}
