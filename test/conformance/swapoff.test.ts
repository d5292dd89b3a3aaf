/**
 * The scenarios of the fixed set that switch swap off and on, against the kernel of this machine. No other machine may be
 * up meanwhile: the line that all stand in sees to that (KernelMachine.reset()).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KernelMachine } from '../kernel/driver.ts';
import { compare } from '../kernel/lockstep.ts';
import { Machines, needsExclusive } from '../kernel/machines.ts';
import { fixedScenarios } from './fixed-set.ts';

const lacking = KernelMachine.available();
const scenarios = fixedScenarios().filter(({ source }) => needsExclusive(source));

/** Each may have to let others go first, and to wait for their end. */
const PATIENCE = 300_000;

describe.skipIf(lacking !== undefined)(
  `swap of the whole machine${lacking === undefined ? '' : ` (${lacking})`}`,
  () => {
    const machines = new Machines();
    beforeAll(async () => void (await machines.fresh(scenarios[0]?.source ?? '')), PATIENCE);
    afterAll(() => machines.close());

    test.each(scenarios)(
      '$name',
      async ({ source }) => {
        const { difference } = await compare(source, await machines.fresh(source));
        expect(difference === null ? 'agree' : `line ${difference.line}: ${difference.details.join('\n')}`).toBe(
          'agree',
        );
      },
      PATIENCE,
    );
  },
);
