// The timeline over a counting machine: forwards, backwards, far jumps and long runs agree.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Request, StepOutcome } from '../../simulator/abi.ts';
import { PersistentArray } from '../../simulator/scenario/persistent-array.ts';
import { parseScenario } from '../../simulator/scenario/scenario.ts';
import { SnapshotStore } from '../../simulator/scenario/snapshot-store.ts';
import { TimelineOver, type TimeMachine } from '../../simulator/timeline.ts';
import { FakeBackend } from './fake-backend.ts';

/** Its whole state is a number that each step changes; `brk` returns it. */
class Counter extends FakeBackend implements TimeMachine<number> {
  state = 0;
  executed = 0;
  listening = false;
  readonly events = [];

  override execute(request: Request): StepOutcome {
    this.executed += 1;
    this.state = (Math.imul(this.state, 31) + (request.op === 'spawn' ? 7 : 1)) >>> 0;
    const child = request.op === 'spawn' ? { child: 1000 } : {};
    return { result: { kind: 'value', value: BigInt(this.state) }, faults: [], minflt: 0, majflt: 0, ...child };
  }

  snapshot(): number {
    return this.state;
  }

  restore(snapshot: number): void {
    this.state = snapshot;
  }

  listen(on: boolean): void {
    this.listening = on;
  }
}

function open(text: string): TimelineOver<number, Counter> {
  const scenario = parseScenario(text);
  expect(scenario.diagnostics).toEqual([]);
  return new TimelineOver<number, Counter>(scenario, new Counter());
}

const LOOP = 'p = spawn()\nrepeat 100000\np: x = brk(0)\nend\np: y = brk(0) = 1\nassert y == x';

/** All that can be seen of a place. */
function seen(t: TimelineOver<number, Counter>): unknown {
  return {
    position: t.position,
    state: t.simulator.state,
    next: t.next,
    bindings: [...t.bindings],
    totals: t.totals,
    lines: [...t.lineSummaries()].map(([line, { executions, failures }]) => [line, executions, failures]),
    last: t.lastRecord?.index,
  };
}

describe('stepping', () => {
  test('step, back and step again', () => {
    const t = open('p = spawn()\np: a = brk(0)\np: b = brk(0) = 3\nassert a == b');
    expect(t.next).toEqual({ line: 1, text: 'p = spawn()' });
    const places = [seen(t)];
    while (t.step() !== null) places.push(seen(t));
    expect(places).toHaveLength(5);
    expect(t.records.map((r) => r.line)).toEqual([1, 2, 3, 4]);
    expect(t.totals).toEqual({ steps: 3, asserts: 1, failures: 2, errors: 0 });
    expect(t.next).toBeNull();
    for (let position = 3; position >= 0; position--) {
      expect(t.back()).toBe(true);
      expect(seen(t)).toEqual(places[position]);
      expect(t.records).toHaveLength(position);
    }
    expect(t.back()).toBe(false);
    t.step();
    expect(seen(t)).toEqual(places[1]);
  });

  test('names, bindings and expressions are those of the place', () => {
    const t = open('p = spawn()\np: a = brk(0)');
    expect(t.evaluate('a')).toEqual({ error: "'a' is not bound here: line 2, which binds it, has not run" });
    t.step();
    t.step();
    expect(t.names).toEqual(new Map([[1000, 'p']]));
    expect(t.bindings.get('a')).toBe(218n);
    expect(t.evaluate('a + 4K')).toEqual({ value: 4314n });
    expect(t.evaluate('p')).toEqual({ process: 1000 });
    expect(t.evaluate('nobody')).toEqual({ error: "'nobody' is not bound: no line of the scenario binds it" });
    expect(t.evaluate('aa + 1')).toEqual({
      error: "'aa' is not bound: no line of the scenario binds it. Did you mean 'a'?",
    });
    expect(t.evaluate('a +')).toHaveProperty('error');
    expect(t.evaluate('[1]')).toHaveProperty('error');
    t.back();
    expect(t.evaluate('a')).toHaveProperty('error');
  });

  test('run to a line stops before it, and goes around a loop', () => {
    const t = open('p = spawn()\nrepeat 3\np: brk(0)\np: brk(1)\nend\n# nothing\np: brk(2)');
    const budget = { budgetSteps: 100 };
    t.runToLine(4, budget);
    expect([t.position, t.next?.line]).toEqual([2, 4]);
    t.runToLine(4, budget);
    expect([t.position, t.next?.line]).toEqual([4, 4]);
    t.runToLine(6, budget);
    expect(t.next?.line).toBe(7);
    t.runToLine(1, budget);
    expect(t.next).toBeNull();
  });
});

describe('long runs', () => {
  test('go in slices, and can be stopped', () => {
    const t = open(LOOP);
    const signal = { aborted: false };
    expect(t.runToEnd({ budgetSteps: 1000, signal })).toBe('paused');
    expect(t.position).toBe(1000);
    signal.aborted = true;
    expect(t.runToEnd({ budgetSteps: 1000, signal })).toBe('paused');
    expect(t.position).toBe(1000);
    expect(t.runToEnd({ budgetSteps: 1_000_000 })).toBe('done');
    expect(t.position).toBe(100_003);
    expect(t.lineSummary(3)?.executions).toBe(100_000);
    expect(t.records.length).toBeLessThanOrEqual(20_000);
    expect(t.records.at(-1)?.line).toBe(6);
  });

  test('steps back replay little: what one replays, those behind it need not', () => {
    const t = open(LOOP);
    t.runToEnd({ budgetSteps: 1_000_000 });
    const before = t.simulator.executed;
    const steps = 10;
    for (let i = 0; i < steps; i++) t.back();
    // Snapshots lie at most 64 steps apart, nearer where time passed: a replay is as long as the places that it brings.
    expect(t.simulator.executed - before).toBeLessThanOrEqual(64 + steps);
  });

  test('any walk over the run shows each place as it was', () => {
    const reference = open(LOOP);
    const places = new Map<number, unknown>([[0, seen(reference)]]);
    while (reference.step() !== null) if (reference.position <= 3000) places.set(reference.position, seen(reference));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(3000), fc.constantFrom(-1, -2, -3, 100_000)), { maxLength: 12 }),
        (moves) => {
          const t = open(LOOP);
          for (const move of moves) {
            if (move === -1) t.back();
            else if (move === -2) t.step();
            else if (move === -3) t.runToEnd({ budgetSteps: 700 });
            else t.seek(move);
            const place = places.get(t.position);
            if (place !== undefined) expect(seen(t)).toEqual(place);
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

test('the snapshots of a long run are bounded, dense near the place and spread far from it', () => {
  const store = new SnapshotStore<number>();
  for (let position = 0; position <= 300_000; position++) store.put(position, position);
  expect(store.size).toBeLessThan(8000);
  for (let position = 299_000; position <= 300_000; position++) {
    expect(store.atOrBefore(position).position).toBe(position);
  }
  for (let position = 0; position < 300_000; position += 997) {
    const { position: found, snapshot } = store.atOrBefore(position);
    expect(snapshot).toBe(found);
    expect(position - found).toBeLessThanOrEqual((300_000 - position) / 64 + 1);
  }
});

test('a persistent array is an array whose copies do not change', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100_000), fc.nat()), { maxLength: 100 }), (changes) => {
      const model = new Map<number, number>();
      const versions: [PersistentArray<number>, Map<number, number>][] = [];
      let array = PersistentArray.empty<number>();
      for (const [index, value] of changes) {
        array = array.set(index, value);
        model.set(index, value);
        versions.push([array, new Map(model)]);
      }
      for (const [version, expected] of versions) {
        expect(new Map(version.entries())).toEqual(expected);
        for (const [index] of changes) expect(version.get(index)).toBe(expected.get(index));
      }
      expect(array.get(1 << 29)).toBeUndefined();
    }),
  );
});
