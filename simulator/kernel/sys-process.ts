/** The system calls that end and limit processes (kernel/exit.c, kernel/sys.c); that which replaces them is in sys-exec.ts. */

import { refuse } from '../mm/refuse.ts';
import type { Rlimit, RlimitName, Task } from '../state/records.ts';
import { ADDR_NO_RANDOMIZE, RLIMIT_NAMES } from '../uapi.ts';
import { do_exit, do_group_exit } from './exit.ts';
import { execve } from './sys-exec.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';
import { threads_of } from './task.ts';
import { copy_from_user, copy_to_user } from './user-copy.ts';

const INFINITY = 2n ** 64n - 1n;

function exit(c: SysCall): SysResult {
  do_exit(c.k, c.task.pid, { kind: 'exit', status: c.int(0) & 255 });
  return 0;
}

function exit_group(c: SysCall): SysResult {
  do_group_exit(c.k, c.task.pid, { kind: 'exit', status: c.int(0) & 255 });
  return 0;
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

/** getrlimit(RESOURCE[, BUFFER]): without a buffer nothing is stored. */
function getrlimit(c: SysCall): SysResult {
  const name = limitName(c.bits(0));
  if (name === null) return refuse(c.k, 'EINVAL', 'no resource has that number');
  return c.has(1) ? storeLimit(c, 1, c.task.rlimits[name]) : 0;
}

function storeLimit(c: SysCall, index: number, limit: Rlimit): SysResult {
  const stored = copy_to_user(c.k, c.word(index), limitBytes(limit)) === 16;
  return stored ? 0 : refuse(c.k, 'EFAULT', 'the limits cannot be stored');
}

/** The limits at an address of the user, or EFAULT. */
function limitAt(c: SysCall, index: number): Rlimit | string {
  const bytes = new Uint8Array(16);
  if (copy_from_user(c.k, c.word(index), bytes) < 16) return refuse(c.k, 'EFAULT', 'the limits cannot be read');
  const view = new DataView(bytes.buffer);
  return { soft: toLimit(view.getBigUint64(0, true)), hard: toLimit(view.getBigUint64(8, true)) };
}

/** prlimit64(): the new limits are read first, then the process is looked up, then the resource. */
function prlimit64(c: SysCall): SysResult {
  const fresh = c.word(2) === 0 ? null : limitAt(c, 2);
  if (typeof fresh === 'string') return fresh;
  const pid = c.int(0);
  const task = pid === 0 ? c.task : c.k.tasks.find(pid);
  if (pid === 1) return refuse(c.k, 'EPERM', 'init is another user');
  if (task === undefined || task.state === 'dead') return refuse(c.k, 'ESRCH', 'no process has that pid');
  const name = limitName(c.bits(1));
  if (name === null) return refuse(c.k, 'EINVAL', 'no resource has that number');
  const old = task.rlimits[name];
  const changed = fresh === null ? 0 : changeLimit(c, task, name, fresh);
  if (changed !== 0 || c.word(3) === 0) return changed;
  return storeLimit(c, 3, old);
}

function personality(c: SysCall): SysResult {
  const old = c.task.personality;
  const wanted = c.bits(0);
  if (wanted !== 0xffffffff) c.k.tasks.edit(c.task.pid).personality = wanted;
  return old === 0 ? 0 : old & (ADDR_NO_RANDOMIZE | 0xffffffff);
}

export const PROCESS_CALLS: Readonly<Record<string, SysHandler>> = {
  execve,
  exit,
  exit_group,
  setrlimit,
  getrlimit,
  prlimit64,
  personality,
};
