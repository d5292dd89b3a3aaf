/** The system calls on processes and limits (kernel/fork.c, kernel/exit.c, kernel/sys.c, kernel/signal.c). */

import type { StringArg } from '../abi.ts';
import { exec_elf } from '../fs/binfmt-elf.ts';
import { dup_mm } from '../mm/copy.ts';
import { get_file } from '../mm/file-refs.ts';
import { refuse } from '../mm/refuse.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Rlimit, RlimitName, Task } from '../state/records.ts';
import { ADDR_NO_RANDOMIZE, CLONE, RLIMIT_NAMES } from '../uapi.ts';
import { close_on_exec } from './descriptors.ts';
import { do_exit, do_group_exit, mmput, vfork_done } from './exit.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';
import { new_task, release_task, threads_of, withPid } from './task.ts';
import { copy_from_user, copy_to_user } from './user-copy.ts';

const WNOHANG = 1;
const INFINITY = 2n ** 64n - 1n;

/** pid_max of a machine with one CPU (include/linux/threads.h: PID_MAX_DEFAULT); no pid is that high. */
const PID_MAX = 0x8000;

/** The lowest pid that alloc_pid() gives out once its search has come round (kernel/pid.c: RESERVED_PIDS). */
const RESERVED_PIDS = 300;

/** kernel_clone(): a new task. `flags` are CLONE_… bits. */
function kernel_clone(c: SysCall, flags: number): SysResult {
  if ((flags & CLONE.THREAD) !== 0 && (flags & CLONE.SIGHAND) === 0) {
    return refuse(c.k, 'EINVAL', 'CLONE_THREAD needs CLONE_SIGHAND');
  }
  if ((flags & CLONE.SIGHAND) !== 0 && (flags & CLONE.VM) === 0) {
    return refuse(c.k, 'EINVAL', 'CLONE_SIGHAND needs CLONE_VM');
  }
  const parent = c.task;
  const parentMm = c.mm;
  // copy_process(): is_rlimit_overlimit(UCOUNT_RLIMIT_NPROC), the new task included. All processes are one user's.
  if (c.k.scalars.nr_threads >= parent.rlimits.NPROC.soft) return refuse(c.k, 'EAGAIN', 'RLIMIT_NPROC');
  let mm = parentMm;
  let pages = 0;
  if ((flags & CLONE.VM) === 0) {
    const copy = dup_mm(c.k, parentMm);
    if (copy === null) return 'ENOMEM';
    mm = copy.mm;
    pages = copy.pages;
  } else parentMm.users++;
  // copy_process() asks alloc_pid() when the memory is copied; idr_alloc_cyclic() tries each pid from RESERVED_PIDS up,
  // and its ENOSPC becomes EAGAIN. The copy is given back: what it write-protected stays so until the next write.
  if (c.k.scalars.nr_threads >= PID_MAX - RESERVED_PIDS) {
    mmput(c.k, mm.id);
    return refuse(c.k, 'EAGAIN', 'no pid below pid_max is free');
  }
  const child = new_task(c.k, parent.comm);
  child.mm = mm.id;
  child.parent = (flags & CLONE.PARENT) !== 0 ? parent.parent : parent.tgid;
  if (c.k.tasks.find(child.parent) !== undefined) {
    const elder = c.k.tasks.edit(child.parent);
    elder.children = withPid(elder.children, child.pid, c.k);
  }
  if ((flags & CLONE.THREAD) !== 0) {
    child.tgid = parent.tgid;
    const leader = c.k.tasks.edit(parent.tgid);
    leader.threads = withPid(leader.threads, child.pid, c.k);
  }
  child.rlimits = parent.rlimits;
  child.handlers = parent.handlers;
  child.personality = parent.personality;
  child.oom_score_adj = parent.oom_score_adj;
  child.files = parent.files;
  child.cloexec = parent.cloexec;
  if ((flags & CLONE.FILES) !== 0) shareFiles(c.k, parent, child);
  else for (const id of parent.files.values()) if (id > 0) get_file(c.k, id);
  if ((flags & CLONE.VFORK) !== 0) {
    c.k.tasks.edit(parent.pid).vforkChild = child.pid;
    child.vforkParent = parent.pid;
  }
  if (c.k.sink !== null) c.k.emit({ type: 'fork', parent: parent.pid, child: child.pid, pages, vmas: mm.vmas.size });
  return { child: child.pid };
}

/** CLONE_FILES: the child sees the parent's descriptor table. */
function shareFiles(k: Kernel, parent: Task, child: Task): void {
  child.filesGroup = parent.filesGroup;
  const group = k.tasks.edit(parent.filesGroup);
  group.filesSharers = withPid(group.filesSharers ?? withPid(null, parent.pid, k), child.pid, k);
}

/** execve(2): argv is the path alone unless given. Only the calling thread survives. */
function execve(c: SysCall): SysResult {
  const path = c.string(0);
  if (path === null) return 'EFAULT';
  const argv: readonly StringArg[] = c.strings(1) ?? [path];
  const envp: readonly StringArg[] = c.strings(2) ?? [];
  const error = exec_elf(c.k, c.task.pid, path.text, argv, envp, (mm) => {
    endOtherThreads(c);
    mmput(c.k, mm);
  });
  if (error === 'SIGSEGV') {
    do_group_exit(c.k, c.task.pid, { kind: 'signal', signal: 'SIGSEGV', code: 'SI_KERNEL' });
    return { signal: 'SIGSEGV', code: 'SI_KERNEL' };
  }
  if (error !== null) return error;
  const task = c.k.tasks.edit(c.task.pid);
  task.comm = path.text;
  task.handlers = new Set();
  close_on_exec(c.k, task.pid);
  vfork_done(c.k, task.pid);
  return 0;
}

function endOtherThreads(c: SysCall): void {
  for (const other of threads_of(c.k, c.task.tgid)) {
    if (other.pid !== c.task.pid) do_exit(c.k, other.pid, { kind: 'exit', status: 0 });
  }
}

function exit(c: SysCall): SysResult {
  do_exit(c.k, c.task.pid, { kind: 'exit', status: c.int(0) & 255 });
  return 0;
}

function exit_group(c: SysCall): SysResult {
  do_group_exit(c.k, c.task.pid, { kind: 'exit', status: c.int(0) & 255 });
  return 0;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGSEGV: 11, SIGBUS: 7, SIGKILL: 9, SIGTERM: 15 };

function waitStatus(task: Task): number {
  const end = task.end;
  if (end === null) return 0;
  if (end.kind === 'exit') return end.status << 8;
  return SIGNAL_NUMBERS[end.signal] ?? Number(end.signal.replace(/\D/g, '') || 0);
}

function wait4(c: SysCall): SysResult {
  const wanted = c.has(0) ? c.int(0) : -1;
  let any = false;
  let ended: Task | undefined;
  for (const [pid] of c.k.tasks.get(c.task.tgid).children ?? []) {
    const child = c.k.tasks.get(pid);
    if (child.tgid !== child.pid || (wanted > 0 && pid !== wanted)) continue;
    any = true;
    if (child.state === 'zombie') ended = child;
    if (ended !== undefined) break;
  }
  if (!any) return 'ECHILD';
  if (ended === undefined) return (c.bits(2) & WNOHANG) !== 0 ? 0 : { skip: 'wait4 would block: no child has ended' };
  release_task(c.k, c.k.tasks.edit(ended.pid));
  const address = c.word(1);
  if (address !== 0) {
    const status = new Uint8Array(4);
    new DataView(status.buffer).setInt32(0, waitStatus(ended), true);
    if (copy_to_user(c.k, address, status) < 4) return 'EFAULT';
  }
  return ended.pid;
}

/** Signals whose default is to do nothing. */
const IGNORED: ReadonlySet<number> = new Set([17, 18, 23, 28]);

function kill(c: SysCall): SysResult {
  const target = c.k.tasks.find(c.int(0));
  const signal = c.int(1);
  if (signal < 0 || signal > 64) return 'EINVAL';
  if (target === undefined || target.state === 'dead') return c.int(0) === 1 ? 'EPERM' : 'ESRCH';
  if (signal === 0 || IGNORED.has(signal) || target.state === 'zombie') return 0;
  const name = Object.keys(SIGNAL_NUMBERS).find((key) => SIGNAL_NUMBERS[key] === signal) ?? `signal ${signal}`;
  if (target.handlers.has(name)) return 0;
  do_group_exit(c.k, target.pid, { kind: 'signal', signal: name, code: 'SI_USER' });
  return target.tgid === c.task.tgid ? { signal: name, code: 'SI_USER' } : 0;
}

function limitName(number: number): RlimitName | null {
  return RLIMIT_NAMES[number] ?? null;
}

function toLimit(word: bigint): number {
  return word === INFINITY ? Number.POSITIVE_INFINITY : Number(word);
}

function changeLimit(c: SysCall, task: Task, name: RlimitName, limit: Rlimit): SysResult {
  if (limit.soft > limit.hard) return 'EINVAL';
  if (limit.hard > task.rlimits[name].hard) return 'EPERM';
  for (const other of threads_of(c.k, task.tgid)) {
    const owned = c.k.tasks.edit(other.pid);
    owned.rlimits = { ...owned.rlimits, [name]: limit };
  }
  return 0;
}

/** setrlimit(RESOURCE, SOFT[, HARD]): without HARD the hard limit stays. */
function setrlimit(c: SysCall): SysResult {
  const name = limitName(c.bits(0));
  if (name === null) return 'EINVAL';
  const hard = c.has(2) ? toLimit(c.exact(2)) : c.task.rlimits[name].hard;
  return changeLimit(c, c.task, name, { soft: toLimit(c.exact(1)), hard });
}

function limitBytes(limit: Rlimit): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const word = (value: number): bigint => (Number.isFinite(value) ? BigInt(value) : INFINITY);
  view.setBigUint64(0, word(limit.soft), true);
  view.setBigUint64(8, word(limit.hard), true);
  return bytes;
}

function getrlimit(c: SysCall): SysResult {
  const name = limitName(c.bits(0));
  if (name === null) return 'EINVAL';
  if (c.word(1) === 0) return 0;
  return copy_to_user(c.k, c.word(1), limitBytes(c.task.rlimits[name])) < 16 ? 'EFAULT' : 0;
}

function prlimit64(c: SysCall): SysResult {
  const name = limitName(c.bits(1));
  if (name === null) return 'EINVAL';
  const task = c.int(0) === 0 ? c.task : c.k.tasks.find(c.int(0));
  if (task === undefined || task.state !== 'alive') return 'ESRCH';
  const old = task.rlimits[name];
  if (c.word(2) !== 0) {
    const bytes = new Uint8Array(16);
    if (copy_from_user(c.k, c.word(2), bytes) < 16) return 'EFAULT';
    const view = new DataView(bytes.buffer);
    const limit = { soft: toLimit(view.getBigUint64(0, true)), hard: toLimit(view.getBigUint64(8, true)) };
    const changed = changeLimit(c, task, name, limit);
    if (changed !== 0) return changed;
  }
  if (c.word(3) !== 0 && copy_to_user(c.k, c.word(3), limitBytes(old)) < 16) return 'EFAULT';
  return 0;
}

function personality(c: SysCall): SysResult {
  const old = c.task.personality;
  const wanted = c.bits(0);
  if (wanted !== 0xffffffff) c.k.tasks.edit(c.task.pid).personality = wanted;
  return old === 0 ? 0 : old & (ADDR_NO_RANDOMIZE | 0xffffffff);
}

export const PROCESS_CALLS: Readonly<Record<string, SysHandler>> = {
  fork: (c) => kernel_clone(c, 0),
  vfork: (c) => kernel_clone(c, CLONE.VFORK | CLONE.VM),
  clone: (c) => kernel_clone(c, c.bits(0)),
  execve,
  exit,
  exit_group,
  wait4,
  kill,
  setrlimit,
  getrlimit,
  prlimit64,
  personality,
};
