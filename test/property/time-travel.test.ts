// Going back goes back to all of it: the whole state, byte for byte, however a place was reached.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dumpKernel } from '../../simulator/dump.ts';
import {
  driveSync,
  initialState,
  parseScenario,
  performStep,
  type RunState,
  type Snapshot,
} from '../../simulator/index.ts';
import { difference, GROUPS, holdsFor, MACHINES, open } from './scenarios.ts';

/** Steps to the end and back, and then to and fro. */
function walkedBack(source: string): string | null {
  const t = open(source);
  const places = [dumpKernel(t.simulator.state)];
  while (t.step() !== null) places.push(dumpKernel(t.simulator.state));
  const check = (): string | null => difference(dumpKernel(t.simulator.state), places[t.position] as string);
  while (t.back()) {
    const wrong = check();
    if (wrong !== null) return `back at step ${t.position}:\n${wrong}`;
  }
  for (const jump of [places.length - 1, 3, 17, 9, 31, 30, 0, 25, places.length >> 1]) {
    t.seek(Math.min(jump, places.length - 1));
    const wrong = check();
    if (wrong !== null) return `jumped to step ${t.position}:\n${wrong}`;
    if (t.step() === null) continue;
    const after = check();
    if (after !== null) return `stepped to ${t.position} behind a jump:\n${after}`;
  }
  return null;
}

test('stepping back and forward restores the same state', async () => {
  const plan = { groups: GROUPS, machines: MACHINES, runs: 40, steps: 40 };
  await expect(holdsFor(plan, walkedBack)).resolves.toBeUndefined();
});

interface Kept {
  readonly snapshot: Snapshot;
  readonly dump: string;
  readonly state: RunState;
}

/** How many steps come before a snapshot, which one is restored, and whose next lines are executed then. */
type Move = readonly [steps: number, restored: number, lines: number];

/** Takes and restores snapshots while the machine goes ways that none of them knows. */
function disturbed(source: string, moves: readonly Move[]): string | null {
  const scenario = parseScenario(source);
  const { simulator } = open(source);
  const kept: Kept[] = [];
  let state = initialState(scenario);
  for (const [steps, restored, lines] of moves) {
    for (let i = 0; i < steps && state.cursor !== null; i++) {
      state = driveSync(performStep(scenario, state), simulator).state;
    }
    kept.push({ snapshot: simulator.snapshot(), dump: dumpKernel(simulator.state), state });
    const place = kept[restored % kept.length] as Kept;
    simulator.restore(place.snapshot);
    const wrong = difference(dumpKernel(simulator.state), place.dump);
    if (wrong !== null) return `restored snapshot ${kept.indexOf(place)}:\n${wrong}`;
    state = (kept[lines % kept.length] as Kept).state;
  }
  return null;
}

test('snapshots come back in any order, whatever happened since', async () => {
  const moves = fc.array(fc.tuple(fc.nat(12), fc.nat(20), fc.nat(20)), { minLength: 3, maxLength: 14 });
  const cases = fc.sample(moves, { numRuns: 6 });
  const plan = { groups: GROUPS, machines: MACHINES, runs: 40, steps: 50 };
  const verdict = (source: string): string | null => {
    for (const choice of cases) {
      const wrong = disturbed(source, choice);
      if (wrong !== null) return `${wrong}\nwith the moves ${fc.stringify(choice)}`;
    }
    return null;
  };
  await expect(holdsFor(plan, verdict)).resolves.toBeUndefined();
});
