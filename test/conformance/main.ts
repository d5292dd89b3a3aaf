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
const alone = values.group !== undefined && GROUPS[values.group]?.exclusive === true;
const tallies = new Map<string, Tally>();
const kinds = new Map<string, Kind>();
const pending: Order[] = [];
let next = first;

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

function nextOrder(): Order | undefined {
  const waiting = pending.shift();
  if (waiting !== undefined) return waiting;
  if (next > last) return undefined;
  const seed = next++;
  return { kind: 'run', seed, group: values.group ?? groupOfSeed(seed), steps };
}

/** A worker that ends unexpectedly, or takes too long, loses the scenario it had; another one takes its place. */
async function work(): Promise<void> {
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
        // A machine of one's own is waited for.
        clock = setTimeout(() => worker.kill('SIGKILL'), alone ? 400_000 : 180_000);
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
  process.exitCode = agree === total ? 0 : 1;
}

if (values.record) {
  await recordFixedSet();
  process.exit(0);
}
await Promise.all(Array.from({ length: alone ? 1 : Math.max(1, Number(values.workers)) }, work));
report();
