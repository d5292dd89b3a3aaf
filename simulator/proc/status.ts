/** The memory lines of /proc/PID/status (fs/proc/task_mmu.c: task_mem()). */

import { pageAlign, pageDown } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, Task } from '../state/records.ts';

/** Sizes in kB. */
export function status_report(mm: Mm): Readonly<Record<string, number>> {
  const rss = mm.rss_anon + mm.rss_file + mm.rss_shmem;
  const exec = mm.exec_vm * 4;
  const text = Math.min((pageAlign(mm.end_code) - pageDown(mm.start_code)) / 1024, exec);
  return {
    VmPeak: Math.max(mm.hiwater_vm, mm.total_vm) * 4,
    VmSize: mm.total_vm * 4,
    VmLck: mm.locked_vm * 4,
    VmPin: 0,
    VmHWM: Math.max(mm.hiwater_rss, rss) * 4,
    VmRSS: rss * 4,
    RssAnon: mm.rss_anon * 4,
    RssFile: mm.rss_file * 4,
    RssShmem: mm.rss_shmem * 4,
    VmData: mm.data_vm * 4,
    VmStk: mm.stack_vm * 4,
    VmExe: text,
    VmLib: exec - text,
    VmPTE: mm.pt.tables * 4,
    VmSwap: mm.swapents * 4,
  };
}

const STATES = { alive: 'S (sleeping)', zombie: 'Z (zombie)', dead: 'X (dead)' } as const;

/** The text of /proc/PID/status, as far as it is about memory. */
export function proc_status(k: Kernel, task: Task): string {
  const name = (task.comm.split('/').pop() ?? '').slice(0, 15);
  const stopped = task.state === 'alive' && k.tasks.get(task.tgid).job.stopped;
  const state = stopped ? 'T (stopped)' : STATES[task.state];
  const head = `Name:\t${name}\nState:\t${state}\nTgid:\t${task.tgid}\nPid:\t${task.pid}\nPPid:\t${task.parent}\n`;
  if (task.mm === 0) return head;
  const rows = Object.entries(status_report(k.mms.get(task.mm)));
  return head + rows.map(([key, kb]) => `${key}:\t${String(kb).padStart(8)} kB\n`).join('');
}
