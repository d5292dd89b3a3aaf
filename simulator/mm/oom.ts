/** The OOM killer's choice (mm/oom_kill.c). */

import type { OomCandidate } from '../abi.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';
import { total_swap_pages } from './accounting.ts';

/** oom_score_adj of a process that may not be killed; and the other end of its range. */
export const OOM_SCORE_ADJ_MIN = -1000;
export const OOM_SCORE_ADJ_MAX = 1000;
/** Processes whose badness is told. */
const MAX_TOLD = 32;

/** What badness is measured against (constrained_alloc()): pages of RAM and of swap that is on. */
function totalPages(k: Kernel): number {
  return k.frames.total + total_swap_pages(k);
}

/** oom_badness(): pages that would be freed, plus oom_score_adj in thousandths of all memory. */
export function oom_badness(k: Kernel, task: Task): number {
  const mm = k.mms.get(task.mm);
  const pages = mm.rss_anon + mm.rss_file + mm.rss_shmem + mm.swapents + mm.pt.tables;
  return pages + task.oom_score_adj * Math.floor(totalPages(k) / 1000);
}

/** /proc/PID/oom_score: badness on a scale where 667 is nothing and about 1333 all memory; 0 for who may not be killed. */
export function oom_score(k: Kernel, task: Task): number {
  if (task.mm === 0 || task.oom_score_adj === OOM_SCORE_ADJ_MIN) return 0;
  const points = 1000 + Math.trunc((oom_badness(k, task) * 1000) / totalPages(k));
  return Math.trunc((points * 2) / 3);
}

/** __set_oom_adj(): of the whole process, and of others that share its address space unless they are vfork children. */
export function set_oom_score_adj(k: Kernel, task: Task, adj: number): void {
  const isVforked = (other: Task): boolean => k.tasks.find(other.parent)?.vforkChild === other.pid;
  const spreads = task.mm !== 0 && !isVforked(task);
  for (const other of [...k.tasks.values()]) {
    const shares = spreads && other.mm === task.mm && !isVforked(other);
    if (other.tgid === task.tgid || shares) k.tasks.edit(other.pid).oom_score_adj = adj;
  }
}

/** What the OOM killer sees of a process. */
function weigh(k: Kernel, task: Task): OomCandidate {
  const { rss_anon, rss_file, rss_shmem, swapents, pt } = k.mms.get(task.mm);
  const adj = task.oom_score_adj;
  return {
    pid: task.pid,
    resident: rss_anon + rss_file + rss_shmem,
    swapped: swapents,
    tables: pt.tables,
    adj,
    unit: Math.floor(totalPages(k) / 1000),
    badness: adj === OOM_SCORE_ADJ_MIN ? null : oom_badness(k, task),
  };
}

function tellBadness(k: Kernel, { pid, resident, swapped, tables, adj, unit, badness }: OomCandidate): void {
  k.emit({ type: 'oom-badness', pid, rss: resident, swapents: swapped, pgtables: tables, adj, unit, badness });
}

/**
 * select_bad_process(): everybody who is weighed, and the one to kill, if there is one. Of equals it is the youngest, as in
 * oom_evaluate_task(). Threads of a process are one, and a vfork child is passed over for its parent.
 */
export function select_bad_process(k: Kernel): { chosen: OomCandidate | null; weighed: OomCandidate[] } {
  let chosen: OomCandidate | null = null;
  let most = Number.NEGATIVE_INFINITY;
  const weighed: OomCandidate[] = [];
  for (const task of k.tasks.values()) {
    if (task.mm === 0 || task.state !== 'alive') continue;
    if (task.tgid !== task.pid && k.tasks.find(task.tgid)?.state === 'alive') continue;
    if (k.tasks.find(task.parent)?.vforkChild === task.pid) continue;
    const candidate = weigh(k, task);
    weighed.push(candidate);
    if (k.sink !== null && weighed.length <= MAX_TOLD) tellBadness(k, candidate);
    if (candidate.badness === null || candidate.badness < most) continue;
    most = candidate.badness;
    chosen = candidate;
  }
  return { chosen, weighed };
}

/** Notes a choice for who asked for the step. `killed`: pids that die by it. */
export function note_oom_kill(
  k: Kernel,
  { chosen, weighed }: ReturnType<typeof select_bad_process>,
  killed: readonly number[],
): void {
  if (k.oomKills === null) return;
  const points = ({ badness }: OomCandidate) => badness ?? Number.NEGATIVE_INFINITY;
  const others = weighed.filter((candidate) => candidate !== chosen).sort((a, b) => points(b) - points(a));
  const more = Math.max(0, others.length - MAX_TOLD);
  k.oomKills.push({ victim: chosen, killed, others: others.slice(0, MAX_TOLD), more });
}
