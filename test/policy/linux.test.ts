// The policy `linux` is the simulated kernel's reclaim, on a machine with room for exactly the frames that were asked for.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseScenario, Timeline } from '../../simulator/index.ts';
import { LinuxReclaim } from '../../simulator/policy/linux.ts';
import { HIT } from '../../simulator/policy/policy.ts';
import { seededDraws } from '../../simulator/policy/random.ts';

/** Faults of a process that writes to these pages on a machine of `frames` frames, by `vas run`'s own way. */
function faultsOnMachine(pages: readonly number[], frames: number): boolean[] {
  const text = `machine ram=${4 * frames}K swap=1M
p = spawn()
p: munmap(0, 0x7ffffffff000)
kernel: drop_caches()
p: a = mmap(0x10000000, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
${pages.map((page) => `p: store(a + ${page * 4096}, 1)`).join('\n')}
`;
  const timeline = Timeline.open(parseScenario(text));
  expect(timeline.diagnostics).toEqual([]);
  timeline.runToEnd({ budgetSteps: 10_000 });
  return timeline.records.slice(4).map(({ outcome }) => outcome.minflt + outcome.majflt > 0);
}

test('misses are the faults of a scenario that makes the same accesses', () => {
  const pages = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(pages, fc.integer({ min: 1, max: 15 }), (accesses, frames) => {
      const policy = new LinuxReclaim(frames, 16);
      const missed = accesses.map((page) => policy.access(page) !== HIT);
      expect(missed).toEqual(faultsOnMachine(accesses, frames));
    }),
    { numRuns: 40 },
  );
});

describe('the machine has room for exactly the frames', () => {
  test.each([1, 2, 3, 4, 7, 16, 31, 63, 64, 65, 127, 128, 200, 255, 256, 257, 500, 1000, 4000])('%i', (frames) => {
    const pages = 2 * frames + 100;
    const policy = new LinuxReclaim(frames, pages);
    let held = 0;
    let most = 0;
    for (let page = 0; page < pages; page++) {
      expect(policy.access(page)).not.toBe(HIT);
      held += 1 - policy.victims().length;
      most = Math.max(most, held);
    }
    expect(most).toBe(frames);
    expect(policy.resident()).toHaveLength(held);
  });
});

test('never more pages than frames, on machines where kswapd works beside the process', () => {
  const run = fc.record({
    frames: fc.integer({ min: 60, max: 400 }),
    surplus: fc.integer({ min: 1, max: 300 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(run, ({ frames, surplus, seed }) => {
      const pages = frames + surplus;
      const draw = seededDraws(seed);
      const policy = new LinuxReclaim(frames, pages);
      let held = 0;
      for (let n = 0; n < 4 * pages; n++) {
        const skew = draw() < 0.5 ? 1 : draw() * draw();
        const outcome = policy.access(Math.floor(draw() * skew * pages));
        held += (outcome === HIT ? 0 : 1) - policy.victims().length;
        if (held > frames) throw new Error(`${held} pages in ${frames} frames after ${n + 1} accesses`);
      }
      expect(policy.resident()).toHaveLength(held);
    }),
    { numRuns: 60 },
  );
});

test('with frames in plenty nothing goes, though the kernel keeps some free', () => {
  const policy = new LinuxReclaim(3000, 3000);
  for (let page = 0; page < 3000; page++) policy.access(page);
  expect(policy.resident()).toHaveLength(3000);
  for (let page = 0; page < 3000; page++) expect(policy.access(page)).toBe(HIT);
});

test('a page in use is spared: a hot page among many that are used once', () => {
  const policy = new LinuxReclaim(8, 500);
  let missesOfHot = 0;
  for (let page = 1; page < 500; page++) {
    if (policy.access(0) !== HIT) missesOfHot++;
    policy.access(page);
  }
  expect(missesOfHot).toBeLessThan(100);
});
