/** wait4 (kernel/exit.c). */

import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';
import { SIG, signalNumber, WAIT } from '../uapi.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';
import { process_faults, real_parent, release_task, threads_of } from './task.ts';
import { copy_to_user } from './user-copy.ts';

const KNOWN = WAIT.NOHANG | WAIT.UNTRACED | WAIT.CONTINUED | WAIT.NOTHREAD | WAIT.ALL | WAIT.CLONE;
const INT_MIN = -(2 ** 31);

/** What is waited for: a pid, a process group, or any child; and the options. */
interface WaitOpts {
  readonly pid: number | null;
  readonly pgrp: number | null;
  readonly options: number;
}

/** What do_wait() found. */
interface Found {
  readonly child: Task;
  readonly status: number;
}

/** The status of a process that ended. */
function exitStatus({ end }: Task): number {
  if (end === null) return 0;
  return end.kind === 'exit' ? end.status << 8 : signalNumber(end.signal);
}

/** eligible_child(): one that the options ask for. */
function eligible_child(wo: WaitOpts, child: Task): boolean {
  if (child.tgid !== child.pid || child.state === 'dead') return false;
  if (wo.pid !== null && child.pid !== wo.pid) return false;
  if (wo.pgrp !== null && child.pgrp !== wo.pgrp) return false;
  if ((wo.options & WAIT.ALL) !== 0) return true;
  return (child.exit_signal !== SIG.CHLD) === ((wo.options & WAIT.CLONE) !== 0);
}

/** Children in the order in which do_wait() looks at them: those of the caller, then those of the threads behind it. */
function children_of(c: SysCall, wo: WaitOpts): Task[] {
  const { k, task } = c;
  const pids = wo.pid === null ? (k.tasks.get(task.tgid).children?.keys() ?? []) : [wo.pid];
  const children = pids.flatMap((pid) => {
    const child = k.tasks.find(pid);
    return child !== undefined && child.parent === task.tgid && eligible_child(wo, child) ? [child] : [];
  });
  const threads = threads_of(k, task.tgid);
  if (threads.length === 1) return children;
  const order = new Map(threads.map(({ pid }, index) => [pid, index]));
  const own = order.get(task.pid) ?? 0;
  const rank = (child: Task): number =>
    ((order.get(real_parent(k, child)) ?? 0) - own + threads.length) % threads.length;
  const ranked = children.map((child) => [rank(child), child] as const);
  const seen = (wo.options & WAIT.NOTHREAD) === 0 ? ranked : ranked.filter(([place]) => place === 0);
  return seen.sort(([a], [b]) => a - b).map(([, child]) => child);
}

/** wait_consider_task(): an end, a stop or a continuation of this child that nobody waited for yet. */
function wait_consider_task(k: Kernel, wo: WaitOpts, child: Task): Found | null {
  if (child.state === 'zombie' && child.live === 0) {
    release_task(k, k.tasks.edit(child.pid));
    return { child, status: exitStatus(child) };
  }
  const { job } = child;
  // Who waits in vfork stops when that is over.
  if ((wo.options & WAIT.UNTRACED) !== 0 && job.stopped && job.untold !== 0 && child.vforkChild === 0) {
    k.tasks.edit(child.pid).job = { ...job, untold: 0 };
    return { child, status: (job.untold << 8) | 0x7f };
  }
  if ((wo.options & WAIT.CONTINUED) !== 0 && job.continued) {
    k.tasks.edit(child.pid).job = { ...job, continued: false };
    return { child, status: 0xffff };
  }
  return null;
}

/** struct rusage of a child: its faults. The model has no clock, so that its times are zero. */
function rusage(k: Kernel, child: Task): Uint8Array {
  const bytes = new Uint8Array(144);
  const view = new DataView(bytes.buffer);
  const { minflt, majflt } = process_faults(k, child);
  view.setBigUint64(64, BigInt(minflt), true);
  view.setBigUint64(72, BigInt(majflt), true);
  return bytes;
}

function wait4(c: SysCall): SysResult {
  const pid = c.has(0) ? c.int(0) : -1;
  const options = c.bits(2);
  if ((options & ~KNOWN) !== 0) return 'EINVAL';
  if (pid === INT_MIN) return 'ESRCH';
  const pgrp = pid < -1 ? -pid : pid === 0 ? c.task.pgrp : null;
  const wo = { pid: pid > 0 ? pid : null, pgrp, options };
  const children = children_of(c, wo);
  if (children.length === 0) return 'ECHILD';
  let found: Found | null = null;
  for (const child of children) {
    found ??= wait_consider_task(c.k, wo, child);
  }
  if (found === null) {
    return (options & WAIT.NOHANG) !== 0 ? 0 : { skip: 'wait4 would block: no child has ended' };
  }
  const { child, status } = found;
  const word = new Uint8Array(4);
  new DataView(word.buffer).setInt32(0, status, true);
  if (c.word(1) !== 0 && copy_to_user(c.k, c.word(1), word) < 4) return 'EFAULT';
  if (c.word(3) !== 0 && copy_to_user(c.k, c.word(3), rusage(c.k, child)) < 144) return 'EFAULT';
  return child.pid;
}

export const WAIT_CALLS: Readonly<Record<string, SysHandler>> = { wait4 };
