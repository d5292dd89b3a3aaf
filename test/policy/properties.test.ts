// Rules that hold for every string of references, and the policies beside slow ones that are read off their definition.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePolicy, POLICY_NAMES, type PolicyName } from '../../simulator/policy/index.ts';
import { FREE_FRAME, HIT, type Policy } from '../../simulator/policy/policy.ts';
import { RandomChoice } from '../../simulator/policy/random.ts';
import type { References } from '../../simulator/policy/references.ts';

const PAGES = 12;
const pages = fc.array(fc.integer({ min: 0, max: PAGES - 1 }), { minLength: 1, maxLength: 120 });
const frames = fc.integer({ min: 1, max: PAGES + 2 });
const bits = fc.integer({ min: 1, max: 4 });
const seed = fc.nat(2 ** 32 - 1);

function referencesTo(accesses: readonly number[]): References {
  return { accesses: Int32Array.from(accesses), names: [...Array(PAGES).keys()], notation: 'decimal' };
}

function make(name: PolicyName, accesses: readonly number[], count: number, bitCount = 1, seedNumber = 0): Policy {
  return makePolicy(name, referencesTo(accesses), { frames: count, bits: bitCount, seed: seedNumber });
}

function missesOf(policy: Policy, accesses: readonly number[]): number {
  return accesses.filter((page) => policy.access(page) !== HIT).length;
}

/** A policy by its definition: who goes, of the resident pages in order of arrival, at access `now`. */
type Choose = (arrived: readonly number[], now: number, accesses: readonly number[]) => number;

/** Everything by linear search. Returns the outcome of each access. */
function slowly(accesses: readonly number[], count: number, choose: Choose): number[] {
  let arrived: number[] = [];
  return accesses.map((page, now) => {
    if (arrived.includes(page)) return HIT;
    const victim = arrived.length === count ? choose(arrived, now, accesses) : FREE_FRAME;
    arrived = [...arrived.filter((other) => other !== victim), page];
    return victim;
  });
}

/** The page whose `key` is largest; among equals the one that came in last. */
function last(arrived: readonly number[], key: (page: number) => number): number {
  return arrived.reduce((best, page) => (key(page) >= key(best) ? page : best));
}

const lastUse = (accesses: readonly number[], now: number) => (page: number) => accesses.lastIndexOf(page, now - 1);

const DEFINITIONS: Readonly<Record<'fifo' | 'lru' | 'mru' | 'opt', Choose>> = {
  fifo: (arrived) => arrived[0] ?? -1,
  lru: (arrived, now, accesses) => last(arrived, (page) => -lastUse(accesses, now)(page)),
  mru: (arrived, now, accesses) => last(arrived, lastUse(accesses, now)),
  opt: (arrived, now, accesses) =>
    last(arrived, (page) => {
      const next = accesses.indexOf(page, now + 1);
      return next < 0 ? accesses.length : next;
    }),
};

test.each(['fifo', 'lru', 'mru', 'opt'] as const)('%s is what its definition says, access by access', (name) => {
  fc.assert(
    fc.property(pages, frames, (accesses, count) => {
      const policy = make(name, accesses, count);
      expect(accesses.map((page) => policy.access(page))).toEqual(slowly(accesses, count, DEFINITIONS[name]));
    }),
  );
});

test('clock is second chance: a queue whose head goes to the end, with a bit less, until it has none', () => {
  fc.assert(
    fc.property(pages, frames, bits, (accesses, count, bitCount) => {
      let queue: { page: number; set: number }[] = [];
      const expected = accesses.map((page) => {
        const held = queue.find((entry) => entry.page === page);
        if (held !== undefined) {
          held.set = Math.min(bitCount, held.set + 1);
          return HIT;
        }
        let victim = FREE_FRAME;
        while (victim === FREE_FRAME && queue.length === count) {
          const [head, ...rest] = queue;
          if (head === undefined) break;
          if (head.set === 0) victim = head.page;
          queue = head.set === 0 ? rest : [...rest, { page: head.page, set: head.set - 1 }];
        }
        queue.push({ page, set: 1 });
        return victim;
      });
      const policy = make('clock', accesses, count, bitCount);
      expect(accesses.map((page) => policy.access(page))).toEqual(expected);
      expect([...policy.resident()].sort()).toEqual(queue.map(({ page }) => page).sort());
    }),
  );
});

test('random takes the page that the draw names, in order of arrival', () => {
  fc.assert(
    fc.property(
      pages,
      frames,
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (accesses, count, stream) => {
        const draws = [...stream.take(accesses.length)];
        const drawer = () => {
          let at = 0;
          return () => draws[at++] ?? 0;
        };
        const slowDraw = drawer();
        const expected = slowly(accesses, count, (arrived) => arrived[Math.floor(slowDraw() * arrived.length)] ?? -1);
        const policy = new RandomChoice(count, PAGES, drawer());
        expect(accesses.map((page) => policy.access(page))).toEqual(expected);
      },
    ),
  );
});

test('random is the same for the same seed, and uses all of memory', () => {
  fc.assert(
    fc.property(pages, frames, seed, (accesses, count, seedNumber) => {
      const [first, second] = [0, 1].map(() => make('random', accesses, count, 1, seedNumber));
      for (const page of accesses) expect(first?.access(page)).toBe(second?.access(page));
    }),
  );
  const loop = Array.from({ length: 4000 }, (_, i) => i % PAGES);
  const victims = new Map<number, number>();
  const policy = make('random', loop, 6, 1, 7);
  for (const page of loop) {
    const victim = policy.access(page);
    if (victim >= 0) victims.set(victim, (victims.get(victim) ?? 0) + 1);
  }
  expect(victims.size).toBe(PAGES);
});

test('every policy: resident pages are those that came in and did not go, never more than the frames', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...POLICY_NAMES),
      pages,
      frames,
      bits,
      seed,
      (name, accesses, count, bitCount, seedNumber) => {
        const policy = make(name, accesses, count, bitCount, seedNumber);
        const resident = new Set<number>();
        for (const page of accesses) {
          const outcome = policy.access(page);
          expect(outcome === HIT).toBe(resident.has(page));
          const victims = policy.victims?.() ?? (outcome >= 0 ? [outcome] : []);
          expect(victims[0] ?? -1).toBe(outcome >= 0 ? outcome : -1);
          for (const victim of victims) expect(resident.delete(victim)).toBe(true);
          resident.add(page);
          expect(new Set(policy.resident())).toEqual(resident);
          expect(policy.resident()).toHaveLength(resident.size);
          expect(resident.size).toBeLessThanOrEqual(count);
        }
      },
    ),
  );
});

test('no policy misses less often than opt', () => {
  fc.assert(
    fc.property(pages, frames, bits, seed, (accesses, count, bitCount, seedNumber) => {
      const best = missesOf(make('opt', accesses, count), accesses);
      for (const name of POLICY_NAMES) {
        expect(missesOf(make(name, accesses, count, bitCount, seedNumber), accesses)).toBeGreaterThanOrEqual(best);
      }
    }),
  );
});

test('no policy misses less often than opt: the best of all ways to choose, tried one by one', () => {
  const short = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 11 });
  const fewest = (accesses: readonly number[], at: number, held: readonly number[], count: number): number => {
    const page = accesses[at];
    if (page === undefined) return 0;
    if (held.includes(page)) return fewest(accesses, at + 1, held, count);
    if (held.length < count) return 1 + fewest(accesses, at + 1, [...held, page], count);
    return (
      1 + Math.min(...held.map((gone) => fewest(accesses, at + 1, [...held.filter((p) => p !== gone), page], count)))
    );
  };
  fc.assert(
    fc.property(short, fc.integer({ min: 1, max: 3 }), (accesses, count) => {
      expect(missesOf(make('opt', accesses, count), accesses)).toBe(fewest(accesses, 0, [], count));
    }),
  );
});

test.each(['lru', 'opt', 'mru'] as const)('%s is a stack policy: one frame more never means more misses', (name) => {
  fc.assert(
    fc.property(pages, frames, (accesses, count) => {
      const more = missesOf(make(name, accesses, count + 1), accesses);
      expect(more).toBeLessThanOrEqual(missesOf(make(name, accesses, count), accesses));
    }),
  );
});

test('lru keeps with n frames a part of what it keeps with n + 1', () => {
  fc.assert(
    fc.property(pages, frames, (accesses, count) => {
      const [small, large] = [make('lru', accesses, count), make('lru', accesses, count + 1)];
      for (const page of accesses) {
        small.access(page);
        large.access(page);
        expect(large.resident().slice(-small.resident().length)).toEqual(small.resident());
      }
    }),
  );
});

test('with a frame for every page, each is missed once', () => {
  fc.assert(
    fc.property(fc.constantFrom(...POLICY_NAMES), pages, (name, accesses) => {
      expect(missesOf(make(name, accesses, PAGES), accesses)).toBe(new Set(accesses).size);
    }),
  );
});
