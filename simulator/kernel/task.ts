/** Tasks: making them, finding them, running one of them on the CPU. */

import type { Kernel } from '../state/kernel.ts';
import type { Mm, Rlimit, RlimitName, Task } from '../state/records.ts';
import { ADDR_NO_RANDOMIZE, RLIMIT_NAMES } from '../uapi.ts';

const UNLIMITED: Rlimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY };
const MEMLOCK = 8 * 1024 * 1024;

/** Limits of an ordinary user's process. */
export function defaultRlimits(k: Kernel): Record<RlimitName, Rlimit> {
  const limits = Object.fromEntries(RLIMIT_NAMES.map((name) => [name, UNLIMITED])) as Record<RlimitName, Rlimit>;
  limits.STACK = { soft: k.config.stack_limit, hard: Number.POSITIVE_INFINITY };
  limits.MEMLOCK = { soft: MEMLOCK, hard: MEMLOCK };
  limits.CORE = { soft: 0, hard: Number.POSITIVE_INFINITY };
  limits.NOFILE = { soft: 1024, hard: 524288 };
  return limits;
}

/** A task without an address space, child of init. Descriptors 0, 1 and 2 are open on a terminal (file id 0). */
export function new_task(k: Kernel, comm: string): Task {
  return k.tasks.add((pid, owner) => ({
    pid,
    owner,
    tgid: pid,
    parent: 1,
    mm: 0,
    state: 'alive',
    end: null,
    min_flt: 0,
    maj_flt: 0,
    files: new Map([
      [0, 0],
      [1, 0],
      [2, 0],
    ]),
    cloexec: new Set(),
    filesGroup: pid,
    rlimits: defaultRlimits(k),
    handlers: new Set(),
    personality: k.config.aslr === null ? ADDR_NO_RANDOMIZE : 0,
    comm,
    vforkChild: 0,
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

/** Minor and major faults of a process: of all its threads, those that ended too. */
export function process_faults(k: Kernel, task: Task): { readonly minflt: number; readonly majflt: number } {
  let minflt = 0;
  let majflt = 0;
  for (const thread of k.tasks.values()) {
    if (thread.tgid !== task.tgid) continue;
    minflt += thread.min_flt;
    majflt += thread.maj_flt;
  }
  return { minflt, majflt };
}

/** The running task's address space, owned by the epoch. */
export function current_mm(k: Kernel): Mm {
  return k.mms.edit(k.tasks.get(k.scalars.current).mm);
}
