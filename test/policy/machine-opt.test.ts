// `machine replacement=opt` beside `vas policy --policy opt`: a machine whose frames all go to the pages of a reference
// string replaces the same pages, and misses as often.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dumpKernel } from '../../simulator/dump.ts';
import { frameView, parseScenario, Simulator, Timeline } from '../../simulator/index.ts';
import { resultOf, vasPolicy } from './support.ts';

const ANON = 'PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0';

interface OstepRun {
  readonly policy: string;
  readonly cache_size: number;
  readonly addresses: readonly number[];
  readonly misses: number;
}
const OSTEP: readonly OstepRun[] = JSON.parse(readFileSync(new URL('ostep.json', import.meta.url), 'utf8'));

/** Belady's string of the textbooks, and the long ones of Silberschatz and Tanenbaum. */
const STRINGS: readonly (readonly number[])[] = [
  ...OSTEP.map(({ addresses }) => addresses),
  [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5],
  [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1],
  [0, 1, 2, 3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0, 3],
];

/** How the pages of a string lie in memory, and how one is used. */
const KINDS = {
  'anonymous pages': { map: `mmap(0x10000000, 128K, ${ANON})`, use: 'store', files: '' },
  'pages of a file': {
    map: 'mmap(0x10000000, 128K, PROT_READ, MAP_PRIVATE, 3, 0)',
    use: 'load',
    files: 'file "/f" size=128K',
  },
  'shared anonymous pages': {
    map: 'mmap(0x10000000, 128K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)',
    use: 'store',
    files: '',
  },
} as const;

type Kind = keyof typeof KINDS;

function scenarioOf(kind: Kind, string: readonly number[], frames: number, replacement: string): string {
  const { map, use, files } = KINDS[kind];
  const uses = string.map((page) => `p: ${use}(a + ${page} * 4K${use === 'store' ? ', 1' : ''})`);
  const open = files === '' ? [] : ['p: open("/f", O_RDONLY)'];
  const machine = `machine ram=${4 * frames}K swap=512K fault_around=4K readahead=0 replacement=${replacement}`;
  return [machine, files, 'p = spawn()', ...open, `p: a = ${map}`, ...uses].join('\n');
}

/** The frames' owners that left RAM, and faults, of the steps that use the string. */
function runOn(scenario: string): { readonly misses: number; readonly timeline: Timeline } {
  const timeline = Timeline.open(parseScenario(scenario));
  expect(timeline.diagnostics).toEqual([]);
  let misses = 0;
  for (let record = timeline.step(); record !== null; record = timeline.step()) {
    if (record.call !== 'store' && record.call !== 'load') continue;
    expect(record.error).toBeUndefined();
    misses += record.outcome.minflt + record.outcome.majflt;
  }
  return { misses, timeline };
}

function expectedMisses(string: readonly number[], frames: number): number {
  return resultOf(string.join(','), 'opt', `--frames ${frames}`).misses;
}

describe.each(Object.keys(KINDS) as Kind[])('%s', (kind) => {
  test.each(STRINGS.map((string) => ({ string })))('miss as often as by definition: $string', ({ string }) => {
    for (const frames of [3, 4, 5]) {
      const { misses } = runOn(scenarioOf(kind, string, frames, 'opt'));
      expect(misses, `${frames} frames`).toBe(expectedMisses(string, frames));
    }
  });

  test('miss as often on random strings', () => {
    const string = fc.array(fc.nat(9), { minLength: 5, maxLength: 60 });
    fc.assert(
      fc.property(string, fc.integer({ min: 3, max: 7 }), (pages, frames) => {
        expect(runOn(scenarioOf(kind, pages, frames, 'opt')).misses).toBe(expectedMisses(pages, frames));
      }),
      { numRuns: 60 },
    );
  });

  test('no other policy misses less often', () => {
    const string = fc.array(fc.nat(9), { minLength: 20, maxLength: 60 });
    const others = fc.constantFrom('linux', 'fifo', 'clock', 'lru', 'random');
    fc.assert(
      fc.property(string, fc.integer({ min: 3, max: 7 }), others, (pages, frames, other) => {
        const opt = runOn(scenarioOf(kind, pages, frames, 'opt')).misses;
        expect(opt).toBeLessThanOrEqual(runOn(scenarioOf(kind, pages, frames, other)).misses);
      }),
      { numRuns: 40 },
    );
  });
});

test('the answers of the published exercise', () => {
  for (const run of OSTEP.filter(({ policy }) => policy === 'OPT')) {
    const { misses } = runOn(scenarioOf('anonymous pages', run.addresses, run.cache_size, 'opt'));
    expect(misses).toBe(run.misses);
  }
});

const USES = ['load(a', 'store(a', 'load(m', 'store(m', 'pread', 'pwrite', 'long load'] as const;

/** One use of page `page` by process `who`. */
function useLine(use: (typeof USES)[number], who: string, page: number): string {
  const at = `+ ${page} * 4K`;
  if (use === 'pread' || use === 'pwrite') return `${who}: ${use}(f, b, 100, ${page} * 4K)`;
  if (use === 'long load') return `${who}: load(a ${at}, 12K)`;
  return `${who}: ${use} ${at}${use.startsWith('store') ? ', 7' : ''})`;
}

/** Pages read from the swap and the file while a parent and its children use shared, copied and mapped pages. */
function pagesRead(lines: readonly string[], frames: number, replacement: string): number {
  const timeline = Timeline.open(
    parseScenario(`machine ram=${4 * frames}K swap=4M overcommit=1 fault_around=4K readahead=0 replacement=${replacement}
file "/f" size=48K
p = spawn()
p: a = mmap(0x10000000, 48K, ${ANON})
p: f = open("/f", O_RDWR)
p: m = mmap(0x20000000, 48K, PROT_READ|PROT_WRITE, MAP_PRIVATE, f, 0)
p: b = mmap(0x30000000, 4K, ${ANON})
${lines.join('\n')}`),
  );
  expect(timeline.diagnostics).toEqual([]);
  timeline.runToEnd({ budgetSteps: 1000 });
  expect(timeline.totals.errors).toBe(0);
  const answer = timeline.evaluate('vmstat("pgpgin")');
  return 'value' in answer ? Number(answer.value) / 4 : Number.NaN;
}

test('no other policy reads fewer pages, with forks, copies, a file, read() and write()', () => {
  const use = fc.tuple(fc.constantFrom(...USES), fc.nat(2), fc.nat(9));
  const plan = fc.record({
    uses: fc.array(use, { minLength: 30, maxLength: 80 }),
    forks: fc.tuple(fc.nat(29), fc.nat(29)),
  });
  const others = fc.constantFrom('linux', 'fifo', 'clock', 'lru', 'random');
  fc.assert(
    fc.property(plan, fc.integer({ min: 8, max: 15 }), others, ({ uses, forks }, frames, other) => {
      const alive = ['p'];
      const lines = uses.flatMap(([name, who, page], i) => {
        const made = forks.flatMap((at, child) => (at === i ? [`k${child}`] : []));
        const forked = made.map((child) => `p: ${child} = fork()`);
        alive.push(...made);
        return [...forked, useLine(name, alive[who % alive.length] ?? 'p', page)];
      });
      expect(pagesRead(lines, frames, 'opt')).toBeLessThanOrEqual(pagesRead(lines, frames, other));
    }),
    { numRuns: 80 },
  );
});

/** The sentences about the victims of each step, by line. */
function victims(scenario: string): string[] {
  const timeline = Timeline.open(parseScenario(scenario));
  const told: string[] = [];
  for (let record = timeline.step(); record !== null; record = timeline.step()) {
    for (const { text } of record.story()) {
      const match = /takes frame 0x\w+: (.*)/.exec(text);
      if (match !== null) told.push(`${record.line}: ${match[1]}`);
    }
  }
  return told;
}

const SPACE = `machine ram=12K swap=64K fault_around=4K readahead=0 replacement=opt
p = spawn()
p: a = mmap(0x10000000, 64K, ${ANON})
`;

test('the story says when the page is used next, or that it never is', () => {
  const told = victims(`${SPACE}p: store(a, 1, 12K)
p: store(a + 12K, 1)
p: load(a)
p: load(a + 4K)
p: load(a + 8K)`);
  expect(told).toEqual([
    '4: its page is never used again',
    '4: its page is never used again',
    '4: its page is never used again',
    '5: its page is next used in line 8, behind 3 uses of other pages; no other page is used later',
    '8: its page is never used again',
  ]);
});

test('a frame tells when its page is used next', () => {
  const timeline = Timeline.open(
    parseScenario(
      `${SPACE}p: store(a, 1, 8K)\np: b = mmap(NULL, 4K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\np: load(a + 4K)`,
    ),
  );
  timeline.seek(3);
  const textOf = (page: number) => {
    const pfn = timeline.evaluate(`pfn(p, a + ${page}K)`);
    return frameView(timeline, 'value' in pfn ? Number(pfn.value) : 0).text;
  };
  expect(textOf(4)).toBe('Anonymous memory, mapped by p. Next used in line 6.');
  timeline.step();
  timeline.step();
  expect(textOf(4)).toBe('Anonymous memory, mapped by p. Never used again.');
});

test('the uses of a child count for the page that it shares', () => {
  const told = victims(`machine ram=20K swap=64K fault_around=4K readahead=0 replacement=opt
p = spawn()
p: a = mmap(0x10000000, 64K, ${ANON})
p: store(a, 1)
p: store(a + 4K, 1)
p: store(a + 8K, 1)
p: k = fork()
p: store(a + 16K, 1, 8K)
k: load(a)
p: load(a + 8K)
k: load(a + 4K)`);
  // Pages that only the child, or only the parent, will use stay; the loads find them.
  expect(told.filter((text) => text.startsWith('8:'))).toHaveLength(2);
  expect(new Set(told.map((text) => text.replace(/^\d+: /, '')))).toEqual(new Set(['its page is never used again']));
  expect(told.filter((text) => /^(9|1\d):/.test(text))).toEqual([]);
});

test('a page that moves is used where it went', () => {
  const told = victims(`${SPACE}p: store(a, 1, 8K)
p: b = mremap(a, 4K, 4K, MREMAP_MAYMOVE|MREMAP_FIXED, 0x20000000)
p: c = mmap(0x30000000, 16K, ${ANON})
p: store(c, 1, 8K)
p: load(c, 8K)
p: load(a + 4K)
p: load(b)`);
  expect(told.filter((text) => text.startsWith('7:')).at(-1)).toBe(
    '7: its page is next used in line 10, behind 4 uses of other pages; no other page is used later',
  );
});

test('what read() and write() use of a file counts', () => {
  const scenario = (replacement: string) => `machine ram=16K swap=64K readahead=0 replacement=${replacement}
file "/f" size=64K
p = spawn()
p: a = mmap(0x10000000, 4K, ${ANON})
p: f = open("/f", O_RDONLY)
repeat 6
p: pread(f, a, 100, 0)
p: pread(f, a, 100, 4K)
p: pread(f, a, 100, 8K)
p: pread(f, a, 100, 12K)
end`;
  const read = (replacement: string) => {
    const timeline = Timeline.open(parseScenario(scenario(replacement)));
    timeline.runToEnd({ budgetSteps: 1000 });
    const answer = timeline.evaluate('vmstat("pgpgin")');
    return 'value' in answer ? Number(answer.value) / 4 : Number.NaN;
  };
  // Three frames for four pages in turn: OPT reads one of them in every round but for the first pages.
  expect(read('opt')).toBeLessThan(read('lru'));
  expect(read('lru')).toBeGreaterThanOrEqual(24);
});

test('back and forward lead to the same state, and a long run can be cut into slices', () => {
  const scenario = parseScenario(`${SPACE}repeat 20
p: store(a, 1)
p: store(a + 4K, 1)
p: store(a + 8K, 1)
p: store(a + 12K, 1)
end`);
  const straight = Timeline.open(scenario);
  expect(straight.isReady).toBe(false);
  expect(straight.runToEnd({ budgetSteps: 3 })).toBe('paused');
  expect(straight.position).toBe(0);
  while (straight.runToEnd({ budgetSteps: 3 }) === 'paused');
  expect(straight.isReady).toBe(true);
  const stepped = Timeline.open(scenario);
  for (let i = 0; i < 40; i++) stepped.step();
  for (let i = 0; i < 30; i++) stepped.back();
  stepped.seek(25);
  while (stepped.step() !== null);
  expect(dumpKernel(stepped.simulator.state)).toBe(dumpKernel(straight.simulator.state));
  expect(stepped.lastRecord?.story()).toEqual(straight.lastRecord?.story());
});

test('foreseeing can be cancelled, and goes on later', () => {
  const timeline = Timeline.open(parseScenario(`${SPACE}repeat 50\np: store(a, 1, 16K)\nend`));
  const signal = { aborted: true };
  expect(timeline.prepare({ budgetSteps: 1000, signal })).toBe('paused');
  expect(timeline.prepare({ budgetSteps: 1000 })).toBe('done');
  expect(timeline.step()).not.toBeNull();
});

test('the runner foresees as well, and so does the recording of a scenario for vas policy', () => {
  const [string, frames] = [[1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5], 3];
  const misses = new Set<number>();
  const uses = string.map((page, i) => {
    const isMiss = [0, 1, 2, 3, 6, 9, 10].includes(i);
    if (isMiss) misses.add(i);
    return `p: store(a + ${page} * 4K, 1, 4K) = ${isMiss ? (i < 9 ? 'minor' : 'major') : 'hit'}`;
  });
  expect(misses.size).toBe(expectedMisses(string, frames));
  const { status, err } = vasPolicy(`${SPACE}${uses.join('\n')}`, '--frames 3 --policy opt', 'case.vas');
  expect({ status, err }).toEqual({ status: 0, err: '' });
});

test('a machine without a scenario says that it does not know the future', () => {
  const simulator = new Simulator();
  const { config } = new Simulator().state;
  expect(simulator.declare({ kind: 'machine', config: { ...config, ram: 8192, replacement: 'opt' } })).toBeNull();
  const pid = simulator.execute({ op: 'spawn', path: '/bin/puppet', argv: [] }).child ?? 0;
  const args = [0n, 8192n, 3n, 0x22n, 0xffffffffffffffffn, 0n];
  const { result } = simulator.execute({ op: 'syscall', pid, name: 'mmap', args });
  if (result.kind !== 'value') throw new Error(result.kind);
  simulator.listen(true);
  simulator.execute({ op: 'store', pid, addr: result.value, value: 1 });
  const victim = simulator.events.find(({ type }) => type === 'victim');
  expect(victim).toMatchObject({ by: 'opt', next: 'no future' });
});

test('a run that ends otherwise than foreseen goes on', () => {
  // More memory than there is: the OOM killer may choose at another time than in the run that foresaw.
  const scenario = `machine ram=48K swap=16K overcommit=1 replacement=opt
p = spawn()
q = spawn()
p: a = mmap(0x10000000, 128K, ${ANON})
q: b = mmap(0x10000000, 128K, ${ANON})
repeat 4
p: store(a, 1, 20K)
q: store(b, 1, 24K)
p: load(a, 40K)
q: store(b + 16K, 1, 20K)
end`;
  const timeline = Timeline.open(parseScenario(scenario));
  while (timeline.step() !== null) timeline.lastRecord?.story();
  expect(timeline.position).toBe(20);
});
