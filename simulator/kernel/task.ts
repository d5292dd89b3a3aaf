/** Tasks: making them, finding them, running one of them on the CPU. */

import { Counts } from '../state/counts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { JobControl, Mm, Rlimit, RlimitName, Task } from '../state/records.ts';
import { ADDR_NO_RANDOMIZE, RLIMIT_NAMES, SIG } from '../uapi.ts';

const UNLIMITED: Rlimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY };
const MEMLOCK = 8 * 1024 * 1024;

/** A process that no stop signal ever reached. */
export const RUNNING: JobControl = { stopped: false, untold: 0, continued: false, pending: [] };

/** Limits of an ordinary user's process. */
export function defaultRlimits(k: Kernel): Record<RlimitName, Rlimit> {
  const limits = Object.fromEntries(RLIMIT_NAMES.map((name) => [name, UNLIMITED])) as Record<RlimitName, Rlimit>;
  limits.STACK = { soft: k.config.stack_limit, hard: Number.POSITIVE_INFINITY };
  limits.MEMLOCK = { soft: MEMLOCK, hard: MEMLOCK };
  limits.CORE = { soft: 0, hard: Number.POSITIVE_INFINITY };
  limits.NOFILE = { soft: 1024, hard: 524288 };
  return limits;
}

/** With one more of a task's kin. */
export function withPid(pids: Counts | null, pid: number, k: Kernel): Counts {
  return (pids ?? Counts.empty(k.epoch.now)).plus(pid, 1, k.epoch.now);
}

/** Without one of a task's kin that may be among them. */
export function withoutPid(pids: Counts | null, pid: number, k: Kernel): Counts | null {
  return pids === null || pids.get(pid) === 0 ? pids : pids.plus(pid, -1, k.epoch.now);
}

/** Tasks of a thread group, those that ended too, the leader first. */
export function threads_of(k: Kernel, tgid: number): Task[] {
  const leader = k.tasks.get(tgid);
  return leader.threads === null ? [leader] : [leader, ...leader.threads.keys().map((pid) => k.tasks.get(pid))];
}

/** The thread that counts as a child's parent: its maker, or the first living thread of the process when that is gone. */
export function real_parent(k: Kernel, child: Task): number {
  const maker = k.tasks.find(child.maker);
  if (maker === undefined || maker.state === 'alive') return child.maker;
  return threads_of(k, child.parent).find(({ state }) => state === 'alive')?.pid ?? child.parent;
}

/** Pids of the other living tasks that see a task's descriptor table. */
export function files_sharers(k: Kernel, task: Task): number[] {
  const sharers = k.tasks.get(task.filesGroup).filesSharers;
  return sharers === null ? [] : sharers.keys().filter((pid) => pid !== task.pid);
}

/** A task sees a descriptor table of its own from now on; true when it leaves others behind. `task` is owned by the epoch. */
export function unshare_files(k: Kernel, task: Task): boolean {
  const others = files_sharers(k, task);
  const [heir] = others;
  const group = k.tasks.edit(task.filesGroup);
  const left = withoutPid(group.filesSharers, task.pid, k);
  group.filesSharers = left;
  // A group that bears this task's pid gets another name.
  if (task.filesGroup === task.pid) {
    for (const other of others) k.tasks.edit(other).filesGroup = heir ?? 0;
    if (heir !== undefined) k.tasks.edit(heir).filesSharers = left;
    group.filesSharers = null;
  }
  task.filesGroup = task.pid;
  return heir !== undefined;
}

/** release_task(): nobody waits for it any more, its pid is free. `task` is owned by the epoch. */
export function release_task(k: Kernel, task: Task): void {
  task.state = 'dead';
  k.scalars.nr_threads--;
  if (k.tasks.find(task.parent) === undefined) return;
  const parent = k.tasks.edit(task.parent);
  parent.children = withoutPid(parent.children, task.pid, k);
}

/** The task has this descriptor table from now on. */
export function set_files(k: Kernel, task: Task, files: ReadonlyMap<number, number>): void {
  k.epoch.held.descriptors += files.size - task.files.size;
  task.files = files;
}

/** Descriptors 0, 1 and 2, and the file id of the terminal. */
const TERMINAL: readonly (readonly [number, number])[] = [
  [0, 0],
  [1, 0],
  [2, 0],
];

/** What a child has of its maker from the first moment on. */
export type Kinship = Pick<Task, 'parent' | 'maker' | 'exit_signal' | 'self_exec_id' | 'parent_exec_id' | 'pgrp'>;

/**
 * A task without an address space; without `kin` a child of init that leads a process group. Descriptors 0, 1 and 2 are
 * open on a terminal (file id 0).
 */
export function new_task(k: Kernel, comm: string, kin?: Kinship): Task {
  k.scalars.nr_threads++;
  k.epoch.held.descriptors += TERMINAL.length;
  return k.tasks.add((pid, owner) => ({
    pid,
    owner,
    tgid: pid,
    parent: kin?.parent ?? 1,
    maker: kin?.maker ?? 1,
    exit_signal: kin?.exit_signal ?? SIG.CHLD,
    self_exec_id: kin?.self_exec_id ?? 0,
    parent_exec_id: kin?.parent_exec_id ?? 0,
    pgrp: kin?.pgrp ?? pid,
    clear_child_tid: 0,
    mm: 0,
    state: 'alive',
    end: null,
    min_flt: 0,
    maj_flt: 0,
    files: new Map(TERMINAL),
    cloexec: new Set(),
    filesGroup: pid,
    filesSharers: null,
    threads: null,
    live: 1,
    job: RUNNING,
    children: null,
    rlimits: defaultRlimits(k),
    handlers: new Set(),
    personality: k.config.aslr === null ? ADDR_NO_RANDOMIZE : 0,
    comm,
    vforkChild: 0,
    vforkParent: 0,
    oom_score_adj: 0,
  }));
}

/** context_switch(): the CPU runs `task` from now on; another address space means another CR3 and an empty TLB. */
export function switch_to(k: Kernel, task: Task): void {
  const previous = k.tasks.find(k.scalars.current);
  const from = k.scalars.current;
  k.scalars.current = task.pid;
  if (previous !== undefined && previous.mm === task.mm) return;
  k.tlb.flushAll();
  if (k.sink !== null && from !== task.pid && task.mm !== 0) {
    k.emit({ type: 'context-switch', from, to: task.pid, cr3: k.mms.get(task.mm).pt.rootPfn });
  }
}

/**
 * Has the CPU run `task` for something that belongs to no step of its own: faults go on its account, and are not told
 * among those of the step.
 */
export function run_as(k: Kernel, task: Task, body: () => void): void {
  const current = k.tasks.find(k.scalars.current);
  if (current?.pid === task.pid) {
    body();
    return;
  }
  const faults = k.faults;
  k.faults = null;
  switch_to(k, task);
  body();
  if (current !== undefined && current.mm !== 0) switch_to(k, current);
  else {
    k.scalars.current = current?.pid ?? 0;
    k.tlb.flushAll();
  }
  k.faults = faults;
}

/** Minor and major faults of a process: of all its threads, those that ended too. */
export function process_faults(k: Kernel, task: Task): { readonly minflt: number; readonly majflt: number } {
  let minflt = 0;
  let majflt = 0;
  for (const thread of threads_of(k, task.tgid)) {
    minflt += thread.min_flt;
    majflt += thread.maj_flt;
  }
  return { minflt, majflt };
}

/** The running task's address space, owned by the epoch. */
export function current_mm(k: Kernel): Mm {
  return k.mms.edit(k.tasks.get(k.scalars.current).mm);
}
