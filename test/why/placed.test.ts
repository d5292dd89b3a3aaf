// The step that is named as the maker of a mapping is the one at which its addresses came to be mapped: watched from the
// outside, by what was mapped before and after each step of random scenarios.

import { expect, test } from 'vitest';
import { type StepRecord, type Timeline, vmaViews, why } from '../../simulator/index.ts';
import { MAP, MREMAP } from '../../simulator/uapi.ts';
import { GROUPS, holdsFor, open } from '../property/scenarios.ts';

type Ranges = readonly (readonly [start: bigint, end: bigint])[];
type Mapped = ReadonlyMap<number, Ranges>;

function mappedNow(timeline: Timeline): Mapped {
  const tasks = [...timeline.simulator.state.tasks.values()];
  return new Map(
    tasks.map(({ pid }) => [
      pid,
      vmaViews(timeline, pid).map(({ start, end }) => [BigInt(start), BigInt(end)] as const),
    ]),
  );
}

function holds(mapped: Mapped | undefined, pid: number, address: bigint): boolean {
  return mapped?.get(pid)?.some(([start, end]) => start <= address && address < end) ?? false;
}

/** Steps that may put a mapping in the place of another. */
function replaces({ request }: StepRecord): boolean {
  if (request?.op === 'spawn') return true;
  if (request?.op !== 'syscall') return false;
  const flags = request.args[3];
  const bits = typeof flags === 'bigint' ? Number(flags) : 0;
  if (request.name === 'mmap') return (bits & MAP.FIXED) !== 0;
  if (request.name === 'mremap') return (bits & MREMAP.FIXED) !== 0;
  return request.name === 'execve' || request.name === 'shmat';
}

/** Number of the last step at which `address` of `pid`, or of who it was forked from, came to be mapped; -1 for none. */
function cameAt(records: readonly StepRecord[], history: readonly Mapped[], of: number, address: bigint): number {
  let pid = of;
  for (let i = records.length - 1; i >= 0; i--) {
    if (holds(history[i], pid, address)) continue;
    const record = records[i];
    if (record?.outcome.child !== pid || record.request?.op !== 'syscall' || record.pid === null) return i;
    pid = record.pid;
    if (!holds(history[i], pid, address)) return i;
  }
  return -1;
}

function wrong(timeline: Timeline, history: readonly Mapped[], pid: number, address: bigint): string | null {
  const { records } = timeline;
  const came = records[cameAt(records, history, pid, address)];
  const { placed } = why(timeline, pid, address);
  const named = records.find(({ line }) => line === placed?.line);
  const at = `${pid} 0x${address.toString(16)}`;
  if (named === undefined || came === undefined) return `${at}: ${placed?.text ?? 'no answer'}`;
  if (named.index === came.index || (named.index > came.index && replaces(named))) return null;
  return `${at}: mapped on line ${came.line}, but the answer is line ${named.line}: ${placed?.text}`;
}

function verdict(source: string): string | null {
  const timeline = open(source);
  const history: Mapped[] = [mappedNow(timeline)];
  while (timeline.step() !== null) history.push(mappedNow(timeline));
  for (const [pid, ranges] of history.at(-1) ?? []) {
    for (const [start, end] of ranges) {
      for (const address of [start, end - 1n]) {
        const trouble = wrong(timeline, history, pid, address);
        if (trouble !== null) return trouble;
      }
    }
  }
  return null;
}

test('the step that is named is the one that mapped the address', async () => {
  const plan = { groups: GROUPS, machines: ['', 'ram=1M swap=32K levels=5 aslr=7'], runs: 60, steps: 40 };
  await expect(holdsFor(plan, verdict)).resolves.toBeUndefined();
});
