/** What a person waits for: the first step of each sample, steps and steps back in a large scenario, `vas --help`. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHostElf } from '../cli/host-elf.ts';
import { root } from '../scripts/paths.ts';
import { parseScenario, Timeline } from '../simulator/index.ts';
import { map, newProcess, touch } from './operations.ts';
import { median } from './table.ts';

function ms(act: () => void): number {
  const start = performance.now();
  act();
  return performance.now() - start;
}

/** Parsing, opening and the first step of each sample, in ms, the compiler cold for the first one. */
export function firstSteps(): readonly { readonly name: string; readonly ms: number }[] {
  const folder = join(root, 'samples');
  const names = readdirSync(folder).filter((name) => name.endsWith('.vas'));
  return names.map((name) => ({
    name,
    ms: ms(() => {
      Timeline.open(parseScenario(readFileSync(join(folder, name), 'utf8')), { readHostElf }).step();
    }),
  }));
}

const LARGE = `machine ram=8G overcommit=1
p = spawn()
p: big = mmap(NULL, 4G, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)
p: store(big, 1, 4G)
repeat 15000
p: a = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: b = mmap(NULL, 4K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
end
`;

/** The steps that are measured with 30,000 VMAs and a million pages mapped. */
const MEASURED = [
  'p: store(big + 1G, 7)',
  'p: c = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)',
  'p: store(c, 1)',
  'p: mprotect(c, 4K, PROT_READ)',
  'p: munmap(big + 2G, 4K)',
  'p: madvise(big + 3G, 64K, MADV_DONTNEED)',
  'p: load(big + 3G)',
  'p: munmap(c, 8K)',
];

export interface StepTime {
  readonly line: string;
  /** Milliseconds, medians. */
  readonly forward: number;
  readonly back: number;
}

/** Steps and steps back in the large scenario. */
export function largeSteps(): readonly StepTime[] {
  const t = Timeline.open(parseScenario(LARGE + MEASURED.join('\n')));
  const first = LARGE.split('\n').length;
  while (t.runToLine(first, { budgetSteps: 5000 }) === 'paused');
  const rounds = 5;
  const forward: number[][] = MEASURED.map(() => []);
  const back: number[][] = MEASURED.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    MEASURED.forEach((_, i) => void forward[i]?.push(ms(() => t.step())));
    for (let i = MEASURED.length - 1; i >= 0; i--) back[i]?.push(ms(() => t.back()));
  }
  return MEASURED.map((line, i) => ({ line, forward: median(forward[i] ?? []), back: median(back[i] ?? []) }));
}

/** Milliseconds that the bundled runner takes to say how it is used; null when it is not built. */
export function helpTime(): number | null {
  const runner = join(root, 'dist', 'vas.cjs');
  if (!existsSync(runner)) return null;
  return median(Array.from({ length: 7 }, () => ms(() => void spawnSync(process.execPath, [runner, '--help']))));
}

/** Bytes in use: the heap, and what typed arrays hold beside it. `collect` runs the garbage collector. */
function bytesInUse(collect: () => void): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes for each of a million mapped pages, each stored to once. */
export function bytesPerPage(collect: () => void): number {
  const pages = 2 ** 20;
  const p = newProcess(2 ** 33);
  const before = bytesInUse(collect);
  const at = map(p, pages);
  touch(p, at, pages);
  const after = bytesInUse(collect);
  // The process lives until here.
  if (p.mm.rss_anon < pages) throw new Error('bytesPerPage: pages are missing');
  return (after - before) / pages;
}
