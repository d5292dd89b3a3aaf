/**
 * The scenarios of overcommit=2 whose sizes leave room for what others promise meanwhile, against the kernel of this
 * machine. The commit limit is set so that a user's process has as much left as on the scenario's machine; the
 * superuser keeps some gigabytes more. No other machine may be up, as for swapoff.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Declaration } from '../../simulator/abi.ts';
import type { Scenario } from '../../simulator/scenario/index.ts';
import { KernelMachine } from '../kernel/driver.ts';
import { compareWith } from '../kernel/lockstep.ts';
import { KernelWitness } from '../kernel/witness.ts';

const FOLDER = new URL('../scenarios/overcommit/', import.meta.url);
/** The machine that all these scenarios declare. */
const MACHINE = /^machine ram=8G swap=1G overcommit=2$/m;
const MEMORY = { ram: 2 ** 33, swap: 2 ** 30 };
/** What a user's process has there in all: half of RAM, and swap, less the administrator's reserve. KiB. */
const LEFT = MEMORY.ram / 2 / 1024 + MEMORY.swap / 1024 - 8192;
/** What the superuser keeps at least, KiB. */
const KEPT = 6 * 2 ** 20;
/** A scenario's sizes are as far from the limit; who moves the sum of promises by half of it disturbs. KiB. */
const MARGIN = 2 ** 20;
const ATTEMPTS = 3;
const PATIENCE = 300_000;

function meminfo(line: string): number {
  return Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
}

/** A limit in KiB would be lost: setting it back to 0 sets overcommit_ratio to 0 as well. */
function lacking(): string | undefined {
  const missing = KernelMachine.available();
  if (missing !== undefined) return missing;
  const kilobytes = readFileSync('/proc/sys/vm/overcommit_kbytes', 'utf8').trim();
  return kilobytes === '0' ? undefined : 'vm.overcommit_kbytes is set';
}

/** The kernel with a commit limit like that of the scenario's machine. */
class CommitWitness extends KernelWitness {
  override readonly memory = MEMORY;
  readonly #machine: KernelMachine;

  constructor(machine: KernelMachine) {
    super(machine);
    this.#machine = machine;
  }

  override async begin(scenario: Scenario, declarations: readonly Declaration[]): Promise<void> {
    const modest = declarations.map(
      (declaration): Declaration =>
        declaration.kind === 'machine'
          ? { kind: 'machine', config: { ...declaration.config, overcommit: 0 } }
          : declaration,
    );
    await super.begin(scenario, modest);
    // Each setting once: the machine puts the first value back.
    const set = (name: string, value: number) =>
      this.#machine.kernel({ op: 'set', path: `proc/sys/vm/${name}`, value: String(value) });
    const needed = meminfo('Committed_AS') + LEFT + KEPT - meminfo('SwapTotal');
    await set('overcommit_ratio', Math.ceil((100 * needed) / meminfo('MemTotal')) + 1);
    await set('user_reserve_kbytes', 128 * 1024);
    await set('admin_reserve_kbytes', meminfo('CommitLimit') - meminfo('Committed_AS') - LEFT);
    await set('overcommit_memory', 2);
  }
}

/** What differs, in words; null when the promises of others moved so much meanwhile that nothing can be said. */
async function attempt(source: string): Promise<string | null> {
  const machine = await KernelMachine.start({ exclusive: true, runLimitMs: 60_000, stepLimitMs: 10_000 });
  try {
    const before = meminfo('Committed_AS');
    const { difference } = await compareWith(source, new CommitWitness(machine));
    await machine.reset();
    if (difference === null) return 'agree';
    if (Math.abs(meminfo('Committed_AS') - before) > MARGIN / 2) return null;
    return `line ${difference.line}: ${difference.details.join('\n')}`;
  } finally {
    await machine.close();
  }
}

const why = lacking();
const names = readdirSync(FOLDER).filter((name) => MACHINE.test(readFileSync(new URL(name, FOLDER), 'utf8')));

test('there are scenarios to compare', () => {
  expect(names.length).toBeGreaterThanOrEqual(3);
});

describe.skipIf(why !== undefined)(
  `the commit limit of the whole machine${why === undefined ? '' : ` (${why})`}`,
  () => {
    test.for(names)('%s', { timeout: PATIENCE }, async (name, { skip }) => {
      const source = readFileSync(new URL(name, FOLDER), 'utf8');
      for (let attempts = 0; attempts < ATTEMPTS; attempts++) {
        const verdict = await attempt(source);
        if (verdict !== null) {
          expect(verdict).toBe('agree');
          return;
        }
      }
      skip('others promise and give back too much memory to compare');
    });
  },
);
