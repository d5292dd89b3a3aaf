/** Files of /proc/PID as text, and the address that the last steps looked at. */

import { proc_maps } from '../proc/maps.ts';
import { free, freeText, meminfo, meminfoText } from '../proc/meminfo.ts';
import { proc_smaps, smapsRollupText } from '../proc/smaps.ts';
import { proc_status } from '../proc/status.ts';
import { vmstat, vmstatText } from '../proc/vmstat.ts';
import type { StepReport } from '../scenario/interpreter.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Place } from './place.ts';

/** Steps that are looked back for an access. */
const LOOK_BACK = 1000;

/** Files of /proc/PID that are shown. */
export type ProcFile = 'maps' | 'smaps' | 'smaps_rollup' | 'status';

/** What is shown of the machine's memory: two files of /proc, and what free(1) prints. */
export type MemoryFile = 'meminfo' | 'vmstat' | 'free';

const MEMORY_TEXTS: Readonly<Record<MemoryFile, (k: Kernel) => string>> = {
  meminfo: meminfoText,
  vmstat: vmstatText,
  free: freeText,
};

/** The text of /proc/meminfo, /proc/vmstat or free(1). */
export function memoryText(place: Pick<Place, 'simulator'>, file: MemoryFile): string {
  return MEMORY_TEXTS[file](place.simulator.state);
}

/**
 * The same as numbers, by Linux's names in its order: `meminfo` and `free` in kB, `vmstat` in pages but for pgpgin and
 * pgpgout (kB); and the watermarks in frames.
 */
export function memoryCounters(place: Pick<Place, 'simulator'>): MemoryCounters {
  const k = place.simulator.state;
  return { meminfo: meminfo(k), vmstat: vmstat(k), free: free(k), watermarks: k.watermarks };
}

export interface MemoryCounters {
  readonly meminfo: Readonly<Record<string, number>>;
  readonly vmstat: Readonly<Record<string, number>>;
  /** total, used, free, shared, buff/cache, available; of swap the first three. */
  readonly free: { readonly Mem: readonly number[]; readonly Swap: readonly number[] };
  readonly watermarks: { readonly min: number; readonly low: number; readonly high: number };
}

/** The text of a file of /proc/PID; empty where there is no such process or, but for status, no memory. */
export function procText(place: Pick<Place, 'simulator'>, pid: number, file: ProcFile): string {
  const k = place.simulator.state;
  const task = k.tasks.find(pid);
  if (task === undefined) return '';
  if (file === 'status') return proc_status(k, task);
  if (task.mm === 0) return '';
  const mm = k.mms.get(task.mm);
  if (file === 'smaps_rollup') return smapsRollupText(k, mm);
  return file === 'maps' ? proc_maps(k, mm) : proc_smaps(k, mm);
}

function accessOf(report: StepReport): { pid: number; address: bigint } | null {
  const { request, outcome, pid } = report;
  if (pid === null || request === null) return null;
  if (request.op === 'load' || request.op === 'store' || request.op === 'fetch') return { pid, address: request.addr };
  const fault = outcome.faults.at(-1);
  return fault === undefined ? null : { pid, address: BigInt(fault.addr) };
}

/** The address that a step accessed last: of a load, store or fetch, or the last fault of another step. */
export function lastAccess(place: Place): { pid: number; address: bigint } | null {
  const records = place.records ?? [];
  for (let i = records.length - 1; i >= Math.max(0, records.length - LOOK_BACK); i--) {
    const record = records[i];
    const access = record === undefined ? null : accessOf(record);
    if (access !== null) return access;
  }
  return null;
}
