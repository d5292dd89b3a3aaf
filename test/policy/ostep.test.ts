// The homework of "Operating Systems: Three Easy Pieces", chapter "Beyond Physical Memory: Policies": five runs of its
// program paging-policy.py with their answers, step by step.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HIT } from '../../simulator/policy/policy.ts';
import { RandomChoice } from '../../simulator/policy/random.ts';
import { resultOf } from './support.ts';

interface Run {
  readonly id: string;
  readonly policy: string;
  readonly cache_size: number;
  readonly clock_bits: number;
  readonly addresses: readonly number[];
  readonly results: readonly ('HIT' | 'MISS')[];
  readonly memory_after: readonly (readonly number[])[];
  readonly replaced: readonly (number | null)[];
  /** All draws of the program; the first ones made the addresses. */
  readonly random_draws: readonly number[];
  readonly hits: number;
  readonly misses: number;
}

const RUNS: readonly Run[] = JSON.parse(readFileSync(new URL('ostep.json', import.meta.url), 'utf8'));

function runOf(policy: string): Run {
  const run = RUNS.find((candidate) => candidate.policy === policy);
  if (run === undefined) throw new Error(`no run of ${policy}`);
  return run;
}

/** What the program has left to choose victims with. */
function drawsOf(run: Run): { next: () => number; left: () => number } {
  let at = run.addresses.length;
  return {
    next: () => run.random_draws[at++] ?? Number.NaN,
    left: () => run.random_draws.length - at,
  };
}

describe('FIFO, LRU and OPT', () => {
  test.each(['FIFO', 'LRU', 'OPT'])('%s: each step through the command line', (policy) => {
    const run = runOf(policy);
    const result = resultOf(run.addresses.join(','), policy.toLowerCase(), `--frames ${run.cache_size}`);
    expect(result).toEqual({
      policy: policy.toLowerCase(),
      frames: run.cache_size,
      hits: run.hits,
      misses: run.misses,
      steps: run.addresses.map((page, i) => ({
        page,
        hit: run.results[i] === 'HIT',
        victim: run.replaced[i],
        resident: run.memory_after[i],
      })),
    });
  });
});

test('RAND: the victim is page number ⌊draw × pages held⌋ in order of arrival', () => {
  const run = runOf('RAND');
  const draws = drawsOf(run);
  const policy = new RandomChoice(run.cache_size, 10, draws.next);
  run.addresses.forEach((page, i) => {
    const outcome = policy.access(page);
    expect(outcome === HIT ? 'HIT' : 'MISS').toBe(run.results[i]);
    expect(outcome >= 0 ? outcome : null).toBe(run.replaced[i]);
    expect(policy.resident()).toEqual(run.memory_after[i]);
  });
  expect(draws.left()).toBe(0);
});

/**
 * CLOCK of that program is no moving hand: a draw picks the page to look at, among those held in order of arrival. A page that
 * was used has its count lowered by one and another is drawn; a page with a count of zero goes. Each access raises its
 * page's count, up to `bits`; a loaded page starts with one.
 */
function ostepClock(frames: number, bits: number, draw: () => number) {
  const held: number[] = [];
  const uses = new Map<number, number>();
  const usesOf = (page: number) => uses.get(page) ?? 0;
  const makeRoom = (): number => {
    for (;;) {
      const at = Math.floor(draw() * held.length);
      const page = held[at] ?? Number.NaN;
      if (usesOf(page) === 0) {
        held.splice(at, 1);
        uses.delete(page);
        return page;
      }
      uses.set(page, usesOf(page) - 1);
    }
  };
  return (page: number) => {
    const hit = held.includes(page);
    const victim = !hit && held.length === frames ? makeRoom() : null;
    if (!hit) held.push(page);
    uses.set(page, Math.min(bits, usesOf(page) + 1));
    return { result: hit ? 'HIT' : 'MISS', victim, held: [...held] };
  };
}

test('CLOCK: the rule of the program gives its answers, draw for draw', () => {
  const run = runOf('CLOCK');
  const draws = drawsOf(run);
  const access = ostepClock(run.cache_size, run.clock_bits, draws.next);
  const steps = run.addresses.map((page) => access(page));
  expect(steps.map(({ result }) => result)).toEqual(run.results);
  expect(steps.map(({ victim }) => victim)).toEqual(run.replaced);
  expect(steps.map(({ held }) => held)).toEqual(run.memory_after);
  expect(draws.left()).toBe(0);
});

// Worked by hand. That program took 4, 7, 8, 4, 7, 3.
test('CLOCK with a moving hand takes others on the same exercise', () => {
  const run = runOf('CLOCK');
  const { steps } = resultOf(run.addresses.join(' '), 'clock', `--frames ${run.cache_size} --bits ${run.clock_bits}`);
  expect(steps.map(({ victim }) => victim)).toEqual([null, null, null, 8, 7, null, 4, 2, 5, 7]);
});
