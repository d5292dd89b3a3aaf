/** Random scenarios that must hold something on the way: runs them, and cuts one that fails down to its shortest form. */
import fc from 'fast-check';
import { parseScenario, Timeline } from '../../simulator/index.ts';
import { GROUP_NAMES, generate } from '../kernel/generate.ts';
import { reduce } from '../kernel/reduce.ts';

/** Machines: the usual one, and those on which memory runs out. */
export const MACHINES = [
  '',
  'ram=64K swap=0',
  'ram=64K swap=64K overcommit=1',
  'ram=128K swap=16K tlb=16',
  'ram=256K swap=64K overcommit=1 max_map_count=14',
  'ram=512K swap=1M filesystem=tmpfs overcommit=1',
  'ram=1M swap=32K levels=5 aslr=7',
  'ram=1M overcommit=2 tlb=0 fault_around=4K',
  'ram=128K swap=256K replacement=opt overcommit=1',
] as const;

export const GROUPS = GROUP_NAMES;

/** Says what is wrong with a scenario's text; null for nothing. An exception counts as wrong. */
export type Verdict = (source: string) => string | null;

export function open(source: string): Timeline {
  return Timeline.open(parseScenario(source));
}

/** The first line in which two texts differ; null when none does. */
export function difference(is: string, should: string): string | null {
  if (is === should) return null;
  const [left, right] = [is.split('\n'), should.split('\n')];
  const at = right.findIndex((line, i) => line !== left[i]);
  return `is     ${left[at]}\nshould ${right[at]}`;
}

function tried(verdict: Verdict, source: string): string | null {
  try {
    return verdict(source);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** A scenario of `steps` random steps of a group of calls on a machine. */
export function sourceOf(seed: number, group: string, machine: string, steps: number): string {
  const text = generate(seed, group, steps);
  return machine === '' ? text : `machine ${machine}\n${text}`;
}

export interface Plan {
  readonly groups: readonly string[];
  readonly machines: readonly string[];
  readonly runs: number;
  readonly steps: number;
}

/** Tries `verdict` on random scenarios. Throws with the seed and the shortest scenario that fails. */
export async function holdsFor(plan: Plan, verdict: Verdict): Promise<void> {
  // A seed has no smaller neighbours: the scenario is made shorter instead.
  const seeds = fc.noShrink(fc.nat());
  const group = fc.noShrink(fc.constantFrom(...plan.groups));
  const machine = fc.noShrink(fc.constantFrom(...plan.machines));
  await fc.assert(
    fc.asyncProperty(seeds, group, machine, async (seed, name, keys) => {
      const source = sourceOf(seed, name, keys, plan.steps);
      if (tried(verdict, source) === null) return;
      const shortest = await reduce(source, async (candidate) => tried(verdict, candidate) !== null);
      throw new Error(`${tried(verdict, shortest)}\nin the scenario\n${shortest}`);
    }),
    { numRuns: plan.runs, endOnFailure: true },
  );
}
