/** Where a view stands: the machine at a place of a run, the state before the last step, and what things are called. */

import type { KernelEvent } from '../events.ts';
import type { StepReport } from '../scenario/interpreter.ts';
import type { Simulator } from '../simulator.ts';
import { Kernel, type Snapshot } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';

/** What a view is made from. A Timeline is one; a machine without a run is one as well, and marks no changes. */
export interface Place {
  readonly simulator: Simulator;
  /** Names of the processes, by pid. */
  readonly names: ReadonlyMap<number, string>;
  /** The state before the last step; null or absent: nothing is marked as changed. */
  readonly before?: Snapshot | null;
  /** The executed steps, oldest first. */
  readonly records?: readonly StepReport[];
  /** Events of the last step. */
  readonly events?: readonly KernelEvent[];
}

/** A present and its past, both to be read only. */
export interface Moment {
  readonly k: Kernel;
  /** Null when there is no step to compare with. */
  readonly before: Kernel | null;
  readonly names: ReadonlyMap<number, string>;
}

const KERNELS = new WeakMap<Snapshot, Kernel>();

/** A snapshot as a kernel to look into. It shares everything with the running machine: nothing in it may be changed. */
function kernelOf(snapshot: Snapshot, like: Kernel): Kernel {
  let kernel = KERNELS.get(snapshot);
  if (kernel === undefined) {
    kernel = new Kernel(like.config);
    kernel.restore(snapshot);
    KERNELS.set(snapshot, kernel);
  }
  return kernel;
}

export function momentOf(place: Place): Moment {
  // First the past: finding it may move the machine away and back.
  const snapshot = place.before ?? null;
  const k = place.simulator.state;
  return { k, before: snapshot === null ? null : kernelOf(snapshot, k), names: place.names };
}

/** The scenario's name of a process, or its pid. */
export function processName(names: ReadonlyMap<number, string>, pid: number): string {
  return names.get(pid) ?? String(pid);
}

/** The address space of a process; undefined when there is no such process or its memory is gone. */
export function mmOf(k: Kernel, pid: number): Mm | undefined {
  const task = k.tasks.find(pid);
  return task === undefined || task.mm === 0 ? undefined : k.mms.get(task.mm);
}

/** The same address space before the last step; undefined when it was not there, or there is no last step. */
export function mmBefore(moment: Moment, mm: Mm): Mm | undefined {
  return moment.before?.mms.find(mm.id);
}

/** Pid of the process that an address space is named after, by the id of the address space: the first alive in it. */
export function ownersOfMms(k: Kernel): Map<number, number> {
  const pids = new Map<number, number>();
  for (const task of k.tasks.values()) {
    if (task.mm !== 0 && task.state === 'alive' && !pids.has(task.mm)) pids.set(task.mm, task.pid);
  }
  return pids;
}

/** The same bytes. A run that came here by another way holds them in another array. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
