/** Processes in views: who there is, and the numbers of each mm_struct. */

import { hex } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, Task } from '../state/records.ts';
import { type Moment, momentOf, type Place, processName } from './place.ts';
import type { NumberView, ProcessView } from './types.ts';

/** What a number of an mm_struct is: its value, and a sentence. */
type Field = readonly [name: string, read: (mm: Mm, task: Task) => string, text: string];

function pages(name: string, read: (mm: Mm) => number, text: string): Field {
  return [name, (mm) => String(read(mm)), text];
}

function address(name: string, read: (mm: Mm) => number, text: string): Field {
  return [name, (mm) => hex(read(mm)), text];
}

const FIELDS: readonly Field[] = [
  pages('map_count', (mm) => mm.vmas.size, 'VMAs.'),
  pages('total_vm', (mm) => mm.total_vm, 'Pages of address space (VmSize).'),
  pages('MM_ANONPAGES', (mm) => mm.rss_anon, 'Resident anonymous pages (RssAnon).'),
  pages('MM_FILEPAGES', (mm) => mm.rss_file, 'Resident pages of files (RssFile).'),
  pages('MM_SHMEMPAGES', (mm) => mm.rss_shmem, 'Resident pages of shared memory (RssShmem).'),
  pages('MM_SWAPENTS', (mm) => mm.swapents, 'Pages that are in swap (VmSwap).'),
  pages('hiwater_rss', (mm) => mm.hiwater_rss, 'Most resident pages so far (VmHWM).'),
  pages('hiwater_vm', (mm) => mm.hiwater_vm, 'Most pages of address space so far (VmPeak).'),
  pages('pgtables_bytes', (mm) => mm.pt.tables * 4096, 'Bytes of page tables below the top one (VmPTE).'),
  pages('locked_vm', (mm) => mm.locked_vm, 'Locked pages (VmLck).'),
  pages('data_vm', (mm) => mm.data_vm, 'Pages of private writable memory other than stacks (VmData).'),
  pages('exec_vm', (mm) => mm.exec_vm, 'Pages of code (VmExe and VmLib).'),
  pages('stack_vm', (mm) => mm.stack_vm, 'Pages of stacks (VmStk).'),
  pages('mm_users', (mm) => mm.users, 'Tasks that use this address space.'),
  ['min_flt', (_mm, task) => String(task.min_flt), 'Page faults that needed no disk.'],
  ['maj_flt', (_mm, task) => String(task.maj_flt), 'Page faults that waited for a disk.'],
  address('pgd', (mm) => mm.pt.rootPfn * 4096, 'Physical address of the top page table: what CR3 holds.'),
  address('start_code', (mm) => mm.start_code, 'Where the code of the program begins.'),
  address('end_code', (mm) => mm.end_code, 'Where its code ends.'),
  address('start_data', (mm) => mm.start_data, 'Where its data begin.'),
  address('end_data', (mm) => mm.end_data, 'Where its data end.'),
  address('start_brk', (mm) => mm.start_brk, 'Where the heap begins.'),
  address('brk', (mm) => mm.brk, 'Where the heap ends: what brk() moves.'),
  address('mmap_base', (mm) => mm.mmap_base, 'Where the search for new mappings begins, downwards.'),
  address('start_stack', (mm) => mm.start_stack, 'Where the stack pointer stood when the program began.'),
  address('arg_start', (mm) => mm.arg_start, 'Where the arguments begin.'),
  address('arg_end', (mm) => mm.arg_end, 'Where the arguments end.'),
  address('env_start', (mm) => mm.env_start, 'Where the environment begins.'),
  address('env_end', (mm) => mm.env_end, 'Where the environment ends.'),
];

function numbersOf(task: Task, mm: Mm, old: { task: Task; mm: Mm } | null, compare: boolean): NumberView[] {
  return FIELDS.map(([name, read, text]) => {
    const value = read(mm, task);
    return { name, value, text, changed: compare && (old === null || read(old.mm, old.task) !== value) };
  });
}

function mmOfTask(k: Kernel, task: Task): Mm | null {
  return task.mm === 0 ? null : k.mms.get(task.mm);
}

function endOf(task: Task): string | null {
  if (task.end === null) return null;
  if (task.end.kind === 'exit') return `exit status ${task.end.status}`;
  const { signal, code } = task.end;
  return signal === 'SIGKILL' && code === 'SI_KERNEL' ? 'SIGKILL (out of memory)' : signal;
}

function isStopped(k: Pick<Kernel, 'tasks'>, task: Task): boolean {
  return task.state === 'alive' && k.tasks.get(task.tgid).job.stopped;
}

function processView(moment: Moment, task: Task, touched: ReadonlySet<number>): ProcessView {
  const { k, before, names } = moment;
  const mm = mmOfTask(k, task);
  const oldTask = before?.tasks.find(task.pid);
  const oldMm = before === null || oldTask === undefined ? null : mmOfTask(before, oldTask);
  const old = oldTask !== undefined && oldMm !== null ? { task: oldTask, mm: oldMm } : null;
  const numbers = mm === null ? [] : numbersOf(task, mm, old, before !== null);
  const stopped = isStopped(k, task);
  const fate = oldTask === undefined || oldTask.state !== task.state || oldTask.mm !== task.mm;
  const moved = fate || (before !== null && isStopped(before, oldTask) !== stopped);
  return {
    pid: task.pid,
    name: processName(names, task.pid),
    exe: task.comm,
    state: task.state,
    stopped,
    ended: endOf(task),
    sharesMmWith: mm === null ? [] : sharers(k, task),
    changed: before !== null && (moved || touched.has(task.mm) || numbers.some((number) => number.changed)),
    numbers,
    vmaCount: mm?.vmas.size ?? 0,
  };
}

/** So many sharers are named; thousands of threads that each name thousands would take as long as their square. */
const MAX_SHARERS = 32;

function sharers(k: Kernel, task: Task): number[] {
  const pids: number[] = [];
  if (k.mms.get(task.mm).users < 2) return pids;
  for (const other of k.tasks.values()) {
    if (other.pid !== task.pid && other.mm === task.mm && pids.push(other.pid) === MAX_SHARERS) break;
  }
  return pids;
}

/** Pids of all processes and threads that were ever made, or of the living ones, ascending. */
export function processPids(place: Pick<Place, 'simulator'>, which: 'all' | 'alive' = 'all'): number[] {
  const pids: number[] = [];
  for (const task of place.simulator.state.tasks.values()) {
    if (which === 'all' || task.state === 'alive') pids.push(task.pid);
  }
  return pids;
}

/** Who the processes of `pids` are, without their numbers; those left out that were never made. For lists of thousands. */
export function processOutlines(
  { simulator, names }: Pick<Place, 'simulator' | 'names'>,
  pids: readonly number[],
): Pick<ProcessView, 'pid' | 'name' | 'state' | 'ended'>[] {
  return pids.flatMap((pid) => {
    const task = simulator.state.tasks.find(pid);
    return task === undefined ? [] : [{ pid, name: processName(names, pid), state: task.state, ended: endOf(task) }];
  });
}

/** What the processes of `pids` are like, those left out that were never made; without `pids`, all there ever were. */
export function processViews(place: Place, pids: readonly number[] = processPids(place)): ProcessView[] {
  const moment = momentOf(place);
  const touched = new Set<number>();
  if (moment.before !== null) for (const event of place.events ?? []) if ('mm' in event) touched.add(event.mm);
  return pids.flatMap((pid) => {
    const task = moment.k.tasks.find(pid);
    return task === undefined ? [] : [processView(moment, task, touched)];
  });
}
