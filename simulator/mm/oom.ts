/** The OOM killer's choice (mm/oom_kill.c). */

import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';

/** oom_score_adj of a process that may not be killed. */
const OOM_SCORE_ADJ_MIN = -1000;
/** Processes whose badness is told. */
const MAX_TOLD = 32;

/** oom_badness(): pages that would be freed, plus oom_score_adj in thousandths of all memory. */
export function oom_badness(k: Kernel, task: Task): number {
  const mm = k.mms.get(task.mm);
  const pages = mm.rss_anon + mm.rss_file + mm.rss_shmem + mm.swapents + mm.pt.tables;
  return pages + task.oom_score_adj * Math.floor((k.frames.total + k.swap.total) / 1000);
}

function tellBadness(k: Kernel, task: Task, badness: number): void {
  const { rss_anon, rss_file, rss_shmem, swapents, pt } = k.mms.get(task.mm);
  const rss = rss_anon + rss_file + rss_shmem;
  const adj = task.oom_score_adj;
  k.emit({ type: 'oom-badness', pid: task.pid, rss, swapents, pgtables: pt.tables, adj, badness });
}

/**
 * select_bad_process(): the process to kill, undefined when there is none. Of equals it is the youngest, as in
 * oom_evaluate_task(). Threads of a process are one, and a vfork child is passed over for its parent.
 */
export function select_bad_process(k: Kernel): Task | undefined {
  let chosen: Task | undefined;
  let most = Number.NEGATIVE_INFINITY;
  let told = 0;
  for (const task of k.tasks.values()) {
    if (task.mm === 0 || task.state !== 'alive' || task.oom_score_adj === OOM_SCORE_ADJ_MIN) continue;
    if (task.tgid !== task.pid && k.tasks.find(task.tgid)?.state === 'alive') continue;
    if (k.tasks.find(task.parent)?.vforkChild === task.pid) continue;
    const badness = oom_badness(k, task);
    if (k.sink !== null && told++ < MAX_TOLD) tellBadness(k, task, badness);
    if (badness < most) continue;
    most = badness;
    chosen = task;
  }
  return chosen;
}
