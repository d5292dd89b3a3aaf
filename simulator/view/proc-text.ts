/** Files of /proc/PID as text, and the address that the last steps looked at. */

import { proc_maps } from '../proc/maps.ts';
import { proc_smaps } from '../proc/smaps.ts';
import { proc_status } from '../proc/status.ts';
import type { StepReport } from '../scenario/interpreter.ts';
import type { Place } from './place.ts';

/** Steps that are looked back for an access. */
const LOOK_BACK = 1000;

/** The text of /proc/PID/maps, smaps or status; empty where there is no such process or, but for status, no memory. */
export function procText(place: Pick<Place, 'simulator'>, pid: number, file: 'maps' | 'smaps' | 'status'): string {
  const k = place.simulator.state;
  const task = k.tasks.find(pid);
  if (task === undefined) return '';
  if (file === 'status') return proc_status(k, task);
  if (task.mm === 0) return '';
  const mm = k.mms.get(task.mm);
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
