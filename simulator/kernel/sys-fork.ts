/** fork, vfork and clone (kernel/fork.c). */

import { type DupMm, dup_mm } from '../mm/copy.ts';
import { get_file, open_file } from '../mm/file-refs.ts';
import { refuse } from '../mm/refuse.ts';
import { new_inode } from '../mm/shmem.ts';
import { task_size } from '../mm/unmapped-area.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';
import { CLONE, SIG } from '../uapi.ts';
import { fdLimit, install, lowestFree } from './descriptors.ts';
import { mmput } from './exit.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';
import { new_task, set_files, withPid } from './task.ts';
import { copy_to_user } from './user-copy.ts';

/** pid_max of a machine with one CPU (include/linux/threads.h: PID_MAX_DEFAULT); no pid is that high. */
const PID_MAX = 0x8000;

/** The lowest pid that alloc_pid() gives out once its search has come round (kernel/pid.c: RESERVED_PIDS). */
const RESERVED_PIDS = 300;

/** Namespaces that only the superuser makes. */
const NAMESPACES = CLONE.NEWNS | CLONE.NEWCGROUP | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWPID | CLONE.NEWNET;

/** struct kernel_clone_args: CLONE_… bits without the signal, the signal, and where thread ids are stored. */
interface CloneArgs {
  readonly flags: number;
  readonly exit_signal: number;
  /** Where CLONE_PARENT_SETTID stores the pid, or CLONE_PIDFD the descriptor. */
  readonly parent_tid: number;
  readonly child_tid: number;
  readonly tls: number;
}

/** The combinations that copy_process() does not take. */
function refusal(k: Kernel, { flags }: CloneArgs): SysResult | null {
  const has = (...bits: number[]): boolean => bits.every((bit) => (flags & bit) !== 0);
  const invalid = (why: string): string => refuse(k, 'EINVAL', why);
  if (has(CLONE.PIDFD, CLONE.PARENT_SETTID)) return invalid('CLONE_PIDFD and CLONE_PARENT_SETTID store at one address');
  if (has(CLONE.NEWNS, CLONE.FS)) return invalid('CLONE_NEWNS excludes CLONE_FS');
  if (has(CLONE.NEWUSER, CLONE.FS)) return invalid('CLONE_NEWUSER excludes CLONE_FS');
  if (has(CLONE.THREAD) && !has(CLONE.SIGHAND)) return invalid('CLONE_THREAD needs CLONE_SIGHAND');
  if (has(CLONE.SIGHAND) && !has(CLONE.VM)) return invalid('CLONE_SIGHAND needs CLONE_VM');
  if (has(CLONE.THREAD) && (flags & (CLONE.NEWUSER | CLONE.NEWPID)) !== 0) {
    return invalid('CLONE_THREAD excludes CLONE_NEWUSER and CLONE_NEWPID');
  }
  if (has(CLONE.PIDFD, CLONE.DETACHED)) return invalid('CLONE_PIDFD excludes CLONE_DETACHED');
  if (has(CLONE.NEWUSER)) return refuse(k, 'EPERM', 'an ordinary user makes no user namespace');
  return null;
}

/** copy_mm(): the address space of the child; null when overcommit forbids a copy. */
function copy_mm(c: SysCall, flags: number): DupMm | null {
  if ((flags & CLONE.VM) === 0) return dup_mm(c.k, c.mm);
  const mm = c.mm;
  mm.users++;
  return { mm, pages: 0 };
}

/** What copy_process() asks when the memory is copied; null when nothing is in the way. */
function afterMemory(c: SysCall, { flags, parent_tid, tls }: CloneArgs): string | null {
  if ((flags & NAMESPACES) !== 0) return refuse(c.k, 'EPERM', 'an ordinary user makes no namespace');
  if ((flags & CLONE.SETTLS) !== 0 && tls >= task_size(c.k)) return refuse(c.k, 'EPERM', 'tls is no user address');
  // idr_alloc_cyclic() tries each pid from RESERVED_PIDS up, and its ENOSPC becomes EAGAIN.
  if (c.k.scalars.nr_threads >= PID_MAX - RESERVED_PIDS) return refuse(c.k, 'EAGAIN', 'no pid below pid_max is free');
  return (flags & CLONE.PIDFD) === 0 ? null : pidfd_prepare(c, parent_tid);
}

/** The number that a descriptor of the child will have is stored at `address` before there is a child. */
function pidfd_prepare(c: SysCall, address: number): string | null {
  if (fdLimit(c)) return refuse(c.k, 'EMFILE', 'RLIMIT_NOFILE');
  if (put_word(c.k, address, lowestFree(c))) return null;
  return refuse(c.k, 'EFAULT', 'the descriptor of the child cannot be stored');
}

/** The descriptor that stands for a child: nothing can be read from it, and no mapping made of it. */
function pidfd_install(c: SysCall): void {
  const inode = new_inode(c.k, { kind: 'device', path: 'anon_inode:[pidfd]', size: 0, deleted: true });
  install(c, open_file(c.k, inode.id, { readable: true, writable: true, append: false }), true);
}

/** put_user() of an int. */
function put_word(k: Kernel, address: number, value: number): boolean {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return copy_to_user(k, address, bytes) === 4;
}

/** The child's record: a thread of the caller's process, or a process of its own. */
function copy_process(c: SysCall, args: CloneArgs): Task {
  const { k, task: parent } = c;
  const { flags } = args;
  const thread = (flags & CLONE.THREAD) !== 0;
  const leader = k.tasks.edit(parent.tgid);
  const sibling = thread || (flags & CLONE.PARENT) !== 0;
  const child = new_task(k, parent.comm, {
    parent: sibling ? parent.parent : parent.tgid,
    maker: sibling ? parent.maker : parent.pid,
    exit_signal: sibling ? leader.exit_signal : args.exit_signal,
    self_exec_id: parent.self_exec_id,
    parent_exec_id: sibling ? parent.parent_exec_id : parent.self_exec_id,
    pgrp: parent.pgrp,
  });
  if (thread) {
    child.tgid = parent.tgid;
    leader.threads = withPid(leader.threads, child.pid, k);
    leader.live++;
  } else if (k.tasks.find(child.parent) !== undefined) {
    const elder = k.tasks.edit(child.parent);
    elder.children = withPid(elder.children, child.pid, k);
  }
  child.rlimits = parent.rlimits;
  child.handlers = parent.handlers;
  child.personality = parent.personality;
  child.oom_score_adj = parent.oom_score_adj;
  set_files(k, child, parent.files);
  child.cloexec = parent.cloexec;
  if ((flags & CLONE.CHILD_CLEARTID) !== 0) child.clear_child_tid = args.child_tid;
  if ((flags & CLONE.FILES) !== 0) shareFiles(k, parent, child);
  else for (const id of parent.files.values()) if (id > 0) get_file(k, id);
  return child;
}

/** kernel_clone(): a new task. */
function kernel_clone(c: SysCall, args: CloneArgs): SysResult {
  const { k } = c;
  const { flags } = args;
  const refused = refusal(k, args);
  if (refused !== null) return refused;
  // copy_process(): is_rlimit_overlimit(UCOUNT_RLIMIT_NPROC), the new task included. All processes are one user's.
  if (k.scalars.nr_threads >= c.task.rlimits.NPROC.soft) return refuse(k, 'EAGAIN', 'RLIMIT_NPROC');
  const copy = copy_mm(c, flags);
  if (copy === null) return 'ENOMEM';
  const error = afterMemory(c, args);
  if (error !== null) {
    // The copy is given back: what it write-protected stays so until the next write.
    mmput(k, copy.mm.id);
    return error;
  }
  const child = copy_process(c, args);
  child.mm = copy.mm.id;
  // copy_files() comes before the descriptor: a table that was copied is without it.
  if ((flags & CLONE.PIDFD) !== 0) pidfd_install(c);
  if ((flags & CLONE.PARENT_SETTID) !== 0) put_word(k, args.parent_tid, child.pid);
  if ((flags & CLONE.VFORK) !== 0) {
    k.tasks.edit(c.task.pid).vforkChild = child.pid;
    child.vforkParent = c.task.pid;
  }
  const { pid } = child;
  if (k.sink !== null) {
    k.emit({ type: 'fork', parent: c.task.pid, child: pid, pages: copy.pages, vmas: copy.mm.vmas.size });
  }
  return (flags & CLONE.CHILD_SETTID) !== 0 ? { child: pid, set_child_tid: args.child_tid } : { child: pid };
}

/** CLONE_FILES: the child sees the parent's descriptor table. */
function shareFiles(k: Kernel, parent: Task, child: Task): void {
  child.filesGroup = parent.filesGroup;
  const group = k.tasks.edit(parent.filesGroup);
  group.filesSharers = withPid(group.filesSharers ?? withPid(null, parent.pid, k), child.pid, k);
}

/** schedule_tail(): the child stores its pid before its first instruction (CLONE_CHILD_SETTID). It is the running task. */
export function set_child_tid(k: Kernel, address: number, pid: number): void {
  put_word(k, address, pid);
}

const NOWHERE = { parent_tid: 0, child_tid: 0, tls: 0 } as const;

function clone(c: SysCall): SysResult {
  const flags = c.bits(0);
  return kernel_clone(c, {
    flags: flags - (flags & CLONE.CSIGNAL),
    exit_signal: flags & CLONE.CSIGNAL,
    parent_tid: c.word(2),
    child_tid: c.word(3),
    tls: c.word(4),
  });
}

export const FORK_CALLS: Readonly<Record<string, SysHandler>> = {
  fork: (c) => kernel_clone(c, { flags: 0, exit_signal: SIG.CHLD, ...NOWHERE }),
  vfork: (c) => kernel_clone(c, { flags: CLONE.VFORK | CLONE.VM, exit_signal: SIG.CHLD, ...NOWHERE }),
  clone,
};
