/** `npm run bench`: the simulator beside the kernel that it simulates, on this machine, in one run. */
import { cpus } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytesPerPage, firstSteps, helpTime, largeSteps } from './interactive.ts';
import { compileNative, runNative, type Samples } from './native.ts';
import { evictionsPerSecond, runSimulator } from './operations.ts';
import { columns, median, number, spread } from './table.ts';

const ROUNDS = 9;

const TITLES: Readonly<Record<string, string>> = {
  'first-write': 'first write to an anonymous page',
  'copy-on-write': 'copy-on-write fault',
  'munmap-page': 'munmap, a page of 16,384 mapped ones',
  'mmap-munmap': 'mmap and munmap of a page',
  'mmap-growing': 'mmap, growing to 30,000 VMAs',
  mprotect: 'mprotect of a page among 30,000 VMAs',
  fork: 'fork of 65,536 mapped pages',
  'mmap-write-munmap': 'mmap, first write and munmap of a page',
  'mmap-joining': 'mmap that joins the mapping above',
  'munmap-scattered': 'munmap of single pages in no order',
  'mprotect-apart': 'mprotect of an untouched page, no merge, no split',
};

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function percent(part: number): string {
  return `±${Math.round(part * 100)} %`;
}

/** Both sides of every operation, in nanoseconds. */
function sayOperations(simulator: Samples, native: Samples | null): void {
  const rows = [['operation (ns)', 'Linux', '', 'simulator', '', 'times as fast']];
  for (const [name, samples] of simulator) {
    const real = native?.get(name) ?? [];
    const both = real.length > 0;
    rows.push([
      TITLES[name] ?? name,
      both ? number(median(real)) : '-',
      both ? percent(spread(real)) : '',
      number(median(samples)),
      percent(spread(samples)),
      both ? (median(real) / median(samples)).toFixed(1) : '-',
    ]);
  }
  say(columns(rows));
}

/** The machine's noise: the same native run before and after, compared. */
function sayNoise(before: Samples, after: Samples): void {
  const changes = [...before].map(([name, values]) => median(after.get(name) ?? []) / median(values) - 1);
  const worst = Math.max(...changes.map(Math.abs));
  say(`Noise: a second native run differs by ${percent(median(changes.map(Math.abs)))}, at most ${percent(worst)}.`);
}

function sayInteractive(collect: () => void): void {
  const rows = [['interactive, 30,000 VMAs and 1,048,576 pages mapped (ms)', 'step', 'back']];
  for (const { line, forward, back } of largeSteps()) rows.push([line, forward.toFixed(2), back.toFixed(2)]);
  say(columns(rows));
  say();
  const help = helpTime();
  say(
    columns([
      ['one number each', '', 'target'],
      ['bytes for a mapped page', bytesPerPage(collect).toFixed(1), '64'],
      ['evict-and-refault cycles a second', number(evictionsPerSecond(ROUNDS)), '1,000,000'],
      ['vas --help (ms)', help === null ? 'not built' : help.toFixed(0), '100'],
    ]),
  );
}

function main(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('main: no garbage collector');
  const first = firstSteps();
  const compiled = compileNative();
  const native = 'program' in compiled ? runNative(compiled.program, ROUNDS) : null;
  const simulator = runSimulator(ROUNDS);
  say(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}; medians of ${ROUNDS} rounds.`);
  if ('missing' in compiled) say(`Without the kernel's side: ${compiled.missing}.`);
  say();
  sayOperations(simulator, native);
  if ('program' in compiled && native !== null) sayNoise(native, runNative(compiled.program, ROUNDS));
  say();
  sayInteractive(() => void collect());
  say();
  say(columns([['first step of a sample (ms, target 50)', ''], ...first.map(({ name, ms }) => [name, ms.toFixed(1)])]));
}

main();
