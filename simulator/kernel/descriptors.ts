/** Descriptor tables: numbers of open files, as tasks see them (fs/file.c). */

import { fput, get_file } from '../mm/file-refs.ts';
import { MAP_ENTRY_BYTES } from '../state/cow.ts';
import type { Kernel } from '../state/kernel.ts';
import type { SysCall } from './syscall.ts';
import { files_sharers, set_files, unshare_files } from './task.ts';

/** Changes the descriptor table of the caller, for all tasks that see it. */
export function setFiles(c: SysCall, change: (files: Map<number, number>, cloexec: Set<number>) => void): void {
  const files = new Map(c.task.files);
  const cloexec = new Set(c.task.cloexec);
  change(files, cloexec);
  c.k.epoch.made += MAP_ENTRY_BYTES * files.size;
  for (const pid of [c.task.pid, ...files_sharers(c.k, c.task)]) {
    const owned = c.k.tasks.edit(pid);
    set_files(c.k, owned, files);
    owned.cloexec = cloexec;
  }
}

/** The number that the next open file gets. */
export function lowestFree(c: SysCall): number {
  let fd = 0;
  while (c.task.files.has(fd)) fd++;
  return fd;
}

/** fd_install(): the open file gets the lowest free number. */
export function install(c: SysCall, file: number, closeOnExec: boolean): number {
  const fd = lowestFree(c);
  setFiles(c, (files, cloexec) => {
    files.set(fd, file);
    if (closeOnExec) cloexec.add(fd);
  });
  return fd;
}

/** RLIMIT_NOFILE leaves no number. */
export function fdLimit(c: SysCall): boolean {
  return lowestFree(c) >= c.task.rlimits.NOFILE.soft;
}

/** execve: the task gets a descriptor table of its own, without those that are closed by it. */
export function close_on_exec(k: Kernel, pid: number): void {
  const task = k.tasks.edit(pid);
  const files = new Map(task.files);
  if (unshare_files(k, task)) for (const id of files.values()) if (id > 0) get_file(k, id);
  for (const fd of task.cloexec) {
    const id = files.get(fd) ?? 0;
    files.delete(fd);
    if (id > 0) fput(k, id);
  }
  set_files(k, task, files);
  task.cloexec = new Set();
}
