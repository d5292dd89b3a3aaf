/** The OOM killer's choice (mm/oom_kill.c). */

import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';

/** oom_badness(): pages that would be freed, plus oom_score_adj in thousandths of all memory. */
export function oom_badness(k: Kernel, task: Task): number {
  const mm = k.mms.get(task.mm);
  const pages = mm.rss_anon + mm.rss_file + mm.rss_shmem + mm.swapents + mm.pt.tables;
  return pages + Math.floor((task.oom_score_adj * (k.frames.total + k.swap.total)) / 1000);
}

/** select_bad_process(): the task to kill, undefined when there is none. The first of equals stays. */
export function select_bad_process(k: Kernel): Task | undefined {
  let chosen: Task | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const task of k.tasks.values()) {
    if (task.mm === 0 || task.state !== 'alive' || task.oom_score_adj === -1000) continue;
    const badness = oom_badness(k, task);
    if (badness > most) {
      most = badness;
      chosen = task;
    }
  }
  return chosen;
}
