/**
 * The conformance run: random scenarios on the simulator and on the real kernel.
 * `npm run conformance -- --seeds 1-2000 [--group GROUP] [--steps N] [--keep DIR] [--workers N]`;
 * `npm run conformance -- --record` takes down the kernel's answers to the fixed set instead.
 */
import { fork } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KernelMachine } from '../kernel/driver.ts';
import { GROUP_NAMES, GROUPS, groupOfSeed } from '../kernel/generate.ts';
import type { Answer, Order } from './protocol.ts';
import { recordFixedSet } from './record.ts';
import { signatureOf } from './signature.ts';

interface Tally {
  agree: number;
  total: number;
  milliseconds: number;
}

interface Kind {
  count: number;
  seeds: number[];
  reduced?: NonNullable<Answer['reduced']> & { seed: number; group: string };
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-200' },
    group: { type: 'string' },
    steps: { type: 'string', default: '50' },
    keep: { type: 'string', default: 'out/conformance' },
    workers: { type: 'string', default: '2' },
    'no-reduce': { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});

const lacking = KernelMachine.available();
if (lacking !== undefined) {
  process.stderr.write(`conformance: the real kernel cannot be asked here: ${lacking}\n`);
  process.exit(1);
}
if (values.group !== undefined && !GROUP_NAMES.includes(values.group)) {
  process.stderr.write(`conformance: no group ${values.group}; there are ${GROUP_NAMES.join(', ')}\n`);
  process.exit(2);
}

const [first = 1, last = first] = values.seeds.split('-').map(Number);
const steps = Number(values.steps);
const tallies = new Map<string, Tally>();
const kinds = new Map<string, Kind>();
/** Scenarios that differed once and then agreed twice. */
const wavered: (Answer & Required<Pick<Answer, 'wavered'>>)[] = [];
let slowest: Pick<Answer, 'seed' | 'group' | 'milliseconds'> = { seed: 0, group: '', milliseconds: 0 };
/** Orders that come before the next seed, such as those to cut a scenario down. */
const pending: Order[] = [];

/** Two scenarios of each kind are cut down; the smaller one is kept. */
const REDUCTIONS = 2;

function note(order: Order, answer: Answer): void {
  const broken = answer.error !== undefined;
  const signature = broken
    ? `error: ${answer.error?.split('\n')[0]}`
    : answer.difference === null
      ? ''
      : signatureOf(answer.difference);
  if (order.kind === 'run') {
    const tally = tallies.get(answer.group) ?? { agree: 0, total: 0, milliseconds: 0 };
    tallies.set(answer.group, tally);
    tally.total++;
    tally.milliseconds += answer.milliseconds;
    if (signature === '') tally.agree++;
    if (answer.wavered !== undefined) wavered.push({ ...answer, wavered: answer.wavered });
    if (answer.milliseconds > slowest.milliseconds) slowest = answer;
  }
  if (signature === '') return;
  const kind = kinds.get(signature) ?? { count: 0, seeds: [] };
  kinds.set(signature, kind);
  if (order.kind === 'run') {
    kind.count++;
    kind.seeds.push(answer.seed);
    if (kind.count <= REDUCTIONS && !values['no-reduce']) pending.unshift({ ...order, kind: 'reduce' });
    return;
  }
  if (answer.reduced === undefined) return;
  const length = answer.reduced.source.split('\n').length;
  if (kind.reduced === undefined || length < kind.reduced.source.split('\n').length) {
    kind.reduced = { ...answer.reduced, seed: answer.seed, group: answer.group };
  }
}

/** Whether the scenarios of a group need the swap of the machine for themselves. */
function isExclusive(group: string): boolean {
  return GROUPS[group]?.exclusive === true;
}

/** The seeds' orders, those that run alone or those that do not. */
function* ordersOf(alone: boolean): Generator<Order, undefined> {
  for (let seed = first; seed <= last; seed++) {
    const group = values.group ?? groupOfSeed(seed);
    if (isExclusive(group) === alone) yield { kind: 'run', seed, group, steps };
  }
}

/** A worker that ends unexpectedly, or takes too long, loses the scenario it had; another one takes its place. */
async function work(orders: Iterator<Order, undefined>): Promise<void> {
  const nextOrder = (): Order | undefined => pending.shift() ?? orders.next().value;
  let barren = 0;
  while (true) {
    if (barren >= 3) throw new Error('conformance: three workers in a row ended without an answer');
    const order = nextOrder();
    if (order === undefined) return;
    const worker = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), {
      execArgv: ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'],
    });
    await new Promise<void>((resolve) => {
      let current: Order | undefined = order;
      let clock: NodeJS.Timeout;
      const give = (): void => {
        clearTimeout(clock);
        if (current === undefined) return void worker.disconnect();
        // Five minutes of it may be the wait for a machine, behind somebody who needs it for himself.
        clock = setTimeout(() => worker.kill('SIGKILL'), 480_000);
        worker.send(current);
      };
      worker.on('message', (answer: Answer) => {
        if (current !== undefined) note(current, answer);
        barren = 0;
        current = nextOrder();
        give();
      });
      worker.on('exit', () => {
        clearTimeout(clock);
        if (current !== undefined) {
          barren++;
          const { seed, group } = current;
          note(current, { seed, group, steps: 0, milliseconds: 0, difference: null, error: 'the worker ended' });
        }
        resolve();
      });
      give();
    });
  }
}

function fileName(index: number, signature: string): string {
  const words = signature
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/-$/, '');
  return `${String(index).padStart(3, '0')}-${words}.vas`;
}

function report(): void {
  rmSync(values.keep, { recursive: true, force: true });
  mkdirSync(values.keep, { recursive: true });
  const index: string[] = [];
  const ordered = [...kinds].sort(([, a], [, b]) => b.count - a.count);
  for (const [number, [signature, kind]] of ordered.entries()) {
    const { reduced } = kind;
    process.stdout.write(`\n${kind.count} × ${signature}\n    seeds ${kind.seeds.slice(0, 8).join(' ')}\n`);
    if (reduced === undefined) continue;
    const { difference } = reduced;
    const details = difference.details.slice(0, 12);
    process.stdout.write(
      `    seed ${reduced.seed}, group ${reduced.group}, line ${difference.line}: ${difference.text}\n`,
    );
    for (const detail of details.slice(0, 3)) process.stdout.write(`        ${detail}\n`);
    const name = fileName(number + 1, signature);
    const head = [
      `${signature} (${kind.count} scenarios; seed ${reduced.seed}, group ${reduced.group})`,
      ...details.flatMap((detail) => detail.split('\n')),
    ];
    writeFileSync(join(values.keep, name), `${head.map((line) => `# ${line}`).join('\n')}\n${reduced.source}`);
    index.push(`${kind.count}\t${name}\t${signature}`);
  }
  writeFileSync(join(values.keep, 'INDEX.md'), `${index.join('\n')}\n`);
  for (const { seed, group, wavered: difference } of wavered) {
    process.stdout.write(`\nwavered: seed ${seed}, group ${group}, line ${difference.line}: ${difference.text}\n`);
    for (const detail of difference.details.slice(0, 3)) process.stdout.write(`        ${detail}\n`);
    process.stdout.write('    differed once and agreed twice: counted as agreement\n');
  }
  process.stdout.write('\n');
  for (const group of GROUP_NAMES) {
    const tally = tallies.get(group);
    if (tally === undefined) continue;
    const seconds = (tally.milliseconds / 1000).toFixed(1);
    process.stdout.write(`${group.padEnd(12)} agree ${tally.agree} / ${tally.total}  ${seconds} s\n`);
  }
  const all = [...tallies.values()];
  const agree = all.reduce((sum, tally) => sum + tally.agree, 0);
  const total = all.reduce((sum, tally) => sum + tally.total, 0);
  process.stdout.write(`${'all'.padEnd(12)} agree ${agree} / ${total}\n`);
  process.stdout.write(
    `slowest: seed ${slowest.seed}, group ${slowest.group}, ${(slowest.milliseconds / 1000).toFixed(1)} s\n`,
  );
  process.exitCode = agree === total ? 0 : 1;
}

if (values.record) {
  await recordFixedSet();
  process.exit(0);
}
const together = ordersOf(false);
await Promise.all(Array.from({ length: Math.max(1, Number(values.workers)) }, () => work(together)));
await work(ordersOf(true));
report();
