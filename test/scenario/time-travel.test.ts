// The samples on the real simulator, forwards and backwards: each place of a run is the same, however it is reached.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHostElf } from '../../cli/host-elf.ts';
import { parseScenario, Timeline } from '../../simulator/index.ts';

const folder = new URL('../../samples/', import.meta.url);
const samples = readdirSync(folder).filter((name) => name.endsWith('.vas'));

function open(name: string): Timeline {
  const scenario = parseScenario(readFileSync(new URL(name, folder), 'utf8'));
  return Timeline.open(scenario, { readHostElf });
}

/** All that the runner would print of a place. */
function seen(t: Timeline): string {
  const pids = [...t.names.keys()];
  const parts = [t.position, t.next, [...t.names], t.totals, pids.map((pid) => t.simulator.reportProcess(pid))];
  const bindings = [...t.bindings].map(([name, value]) => `${name}=${value}`);
  return JSON.stringify([...parts, bindings, t.simulator.reportMachine(), t.lastRecord?.line ?? null]);
}

test('there are samples', () => {
  expect(samples.length).toBeGreaterThanOrEqual(11);
});

describe.each(samples)('%s', (name) => {
  test('has nothing to complain about', () => {
    const { diagnostics } = open(name);
    const isElsewhere = name === 'host-program.vas' && !existsSync('/lib64/ld-linux-x86-64.so.2');
    expect(isElsewhere ? [] : diagnostics).toEqual([]);
  });

  test('steps back to every place it came from', () => {
    const t = open(name);
    const places = [seen(t)];
    while (t.step() !== null) places.push(seen(t));
    expect(places.length).toBe(t.position + 1);
    while (t.back()) expect(seen(t)).toBe(places[t.position]);
    expect(t.position).toBe(0);
  });

  test('is the same after any walk', () => {
    const t = open(name);
    const places = [seen(t)];
    while (t.step() !== null) places.push(seen(t));
    const moves = fc.array(fc.oneof(fc.nat(places.length - 1), fc.constantFrom('step', 'back', 'run')), {
      maxLength: 15,
    });
    fc.assert(
      fc.property(moves, (walk) => {
        for (const move of walk) {
          if (move === 'step') t.step();
          else if (move === 'back') t.back();
          else if (move === 'run') t.runToEnd({ budgetSteps: 3 });
          else if (typeof move === 'number') t.seek(move);
          expect(seen(t)).toBe(places[t.position]);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('tells the events of a step whether it listened or not', () => {
    const stepped = open(name);
    const ran = open(name);
    while (stepped.step() !== null) {
      ran.runToEnd({ budgetSteps: 1 });
      expect(ran.events).toEqual(stepped.events);
      expect(seen(ran)).toBe(seen(stepped));
    }
    expect(ran.position).toBe(stepped.position);
  });
});
