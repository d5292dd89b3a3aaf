/** The fixed set on the simulator, against the kernel of this machine where it can be asked, and against its recording. */
import { afterAll, describe, expect, test } from 'vitest';
import { KernelMachine } from '../kernel/driver.ts';
import { type Comparison, compare, compareWith } from '../kernel/lockstep.ts';
import { Machines, needsExclusive } from '../kernel/machines.ts';
import { RecordedWitness } from '../kernel/recording.ts';
import { fixedScenarios, recordings } from './fixed-set.ts';

function shown({ difference }: Comparison): string {
  if (difference === null) return 'agree';
  return [`line ${difference.line}: ${difference.text}`, ...difference.details.slice(0, 8)].join('\n');
}

describe('recorded answers of the kernel', () => {
  const recorded = recordings();

  test('there are at least 300, one for each scenario of the fixed set as it is now', () => {
    expect(recorded.size).toBeGreaterThanOrEqual(300);
    for (const { name, source } of fixedScenarios()) expect(recorded.get(name)?.source, name).toBe(source);
  });

  test.each([...recorded.values()])('$name', async (recording) => {
    expect(shown(await compareWith(recording.source, new RecordedWitness(recording)))).toBe('agree');
  });
});

const lacking = KernelMachine.available();

describe.skipIf(lacking !== undefined)(
  `the kernel of this machine${lacking === undefined ? '' : ` (${lacking})`}`,
  () => {
    const machines = new Machines();
    afterAll(() => machines.close());

    // Those that need the machine for themselves stand in swapoff.test.ts.
    test.each(fixedScenarios().filter(({ source }) => !needsExclusive(source)))('$name', async ({ source }) => {
      expect(shown(await compare(source, await machines.fresh(source)))).toBe('agree');
    });
  },
);
