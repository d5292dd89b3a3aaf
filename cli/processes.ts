// Who is there after a step: the processes by their names, and those that no name holds by their pids.

import type { Backend, ProcessReport } from '../simulator/abi.ts';
import type { RunState } from '../simulator/scenario/index.ts';

/** The processes that names hold, in the order in which the scenario first binds them. */
export function* namedProcesses({ environment }: RunState): IterableIterator<[name: string, pid: number]> {
  for (const [name, binding] of environment.entries()) if (binding.kind === 'process') yield [name, binding.pid];
}

/** The living processes that no name holds (any more): a child that nobody bound, or one whose name a loop bound anew. */
export function unnamedProcesses({ environment }: RunState, backend: Backend): number[] {
  const names = environment.processNames();
  const pids: number[] = [];
  for (const { pid, alive } of backend.everyProcess?.() ?? []) if (alive && !names.has(pid)) pids.push(pid);
  return pids;
}

/** The process that `text` stands for, a name or a pid, or null. */
export function pidOf(text: string, { environment }: RunState, backend: Backend): number | null {
  if (!/^[0-9]/.test(text)) return environment.process(text);
  for (const { pid } of backend.everyProcess?.() ?? []) if (String(pid) === text) return pid;
  return null;
}

/** So many pids are named in a message. */
const LISTED_PIDS = 10;

/** All that {@link pidOf} knows and that lives or has a name: `it has bash, kid, 1003`. */
export function describeProcesses(state: RunState, backend: Backend): string {
  const unnamed = unnamedProcesses(state, backend);
  const labels = [...Array.from(namedProcesses(state), ([name]) => name), ...unnamed.slice(0, LISTED_PIDS).map(String)];
  const more = unnamed.length - LISTED_PIDS;
  if (labels.length === 0) return 'it has none';
  return `it has ${labels.join(', ')}${more > 0 ? ` and ${more.toLocaleString('en-US')} more` : ''}`;
}

/** The report of each process: under its name, and then, of those that no name holds, the first `most` under their pids. */
export function* processReports(
  state: RunState,
  backend: Backend,
  most = Number.POSITIVE_INFINITY,
): IterableIterator<[label: string, ProcessReport]> {
  for (const [name, pid] of namedProcesses(state)) yield [name, backend.reportProcess(pid)];
  for (const pid of unnamedProcesses(state, backend).slice(0, most)) yield [String(pid), backend.reportProcess(pid)];
}

/** `bash (1000)`; a process that no name holds is called by its pid. */
export function labelOf({ process, pid }: { readonly process: string; readonly pid: number }): string {
  return process === String(pid) ? process : `${process} (${pid})`;
}
