// The pages that a scenario touches, as `vas policy` sees them.

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../simulator/abi.ts';
import { AccessRecorder } from '../../simulator/policy/index.ts';
import {
  declareAll,
  driveSync,
  initialState,
  parseScenario,
  performStep,
  type StepReport,
} from '../../simulator/scenario/index.ts';
import { Simulator } from '../../simulator/simulator.ts';
import { resultOf, vasPolicy } from './support.ts';

const ANON = 'PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0';

/** Names of the pages in order of access. */
function accessesOf(scenario: string): string[] {
  const { steps } = resultOf(scenario, 'fifo', '--frames 2', 'case.vas');
  return steps.map(({ page }) => String(page));
}

describe('which accesses count', () => {
  test('each page that a load, store or fetch touches, in order', () => {
    const scenario = `p = spawn()
p: a = mmap(0x10000000, 16K, ${ANON})
p: store(a, 1)
p: load(a + 8K)
p: load(a + 4095, 2)
p: store(a, 7, 12K)
p: store(a + 4090, "over the edge")
p: fetch(0x401000)
`;
    const [a, b, c] = ['p:0x10000', 'p:0x10001', 'p:0x10002'];
    expect(accessesOf(scenario)).toEqual([a, c, a, b, a, b, c, a, b, 'p:0x401']);
  });

  test('what the kernel touches, and what a signal stopped, does not', () => {
    const scenario = `file "/f" size=8K
p = spawn()
p: a = mmap(0x10000000, 8K, ${ANON})
p: fd = open("/f", O_RDONLY)
p: read(fd, a, 8K) = 8K
p: signal(SIGSEGV, handler)
p: load(0) = SIGSEGV
p: load(a, 12K) = SIGSEGV
p: load(a, 0)
`;
    expect(accessesOf(scenario)).toEqual(['p:0x10000', 'p:0x10001']);
  });

  test('a repeat counts each time', () => {
    const scenario = `p = spawn()\np: a = mmap(0x10000000, 4K, ${ANON})\nrepeat 5\np: store(a, 1)\nend\n`;
    expect(accessesOf(scenario)).toEqual(Array(5).fill('p:0x10000'));
  });
});

describe('what one page is', () => {
  test('after fork both share it; the copy of the one who writes is a new page', () => {
    const scenario = `p = spawn()
p: a = mmap(0x10000000, 8K, ${ANON})
p: store(a, "x", 8K)
p: kid = fork()
kid: load(a)
kid: store(a, 1) = cow
kid: load(a)
p: load(a)
p: store(a + 4K, 1) = cow
kid: load(a + 4K)
p: load(a + 4K)
`;
    const steps = accessesOf(scenario);
    expect(steps).toEqual([
      ...['p:0x10000', 'p:0x10001', 'p:0x10000', 'kid:0x10000', 'kid:0x10000', 'p:0x10000'],
      ...['p:0x10001#2', 'p:0x10001', 'p:0x10001#2'],
    ]);
  });

  test('a page of a file is one for all who map it, wherever', () => {
    const scenario = `file "/f" size=16K
p = spawn()
q = spawn()
p: fd = open("/f", O_RDWR)
q: fe = open("/f", O_RDONLY)
p: a = mmap(0x10000000, 16K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
q: b = mmap(0x20000000, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE, fe, 8K)
p: store(a + 8K, 1)
q: load(b)
q: store(b, 1)
q: load(b)
p: load(a + 8K)
q: load(b + 4K)
p: load(a + 12K)
`;
    const [third, fourth, copy] = ['p:0x10002', 'q:0x20001', 'q:0x20000'];
    expect(accessesOf(scenario)).toEqual([third, third, copy, copy, third, fourth, fourth]);
  });

  test('shared memory is one page on both sides of a fork', () => {
    const scenario = `p = spawn()
p: a = mmap(0x10000000, 4K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
p: kid = fork()
kid: store(a, 1)
p: load(a) = 1
`;
    expect(accessesOf(scenario)).toEqual(['kid:0x10000', 'kid:0x10000']);
  });

  test('memory read as zeros is the same page when it is written', () => {
    const scenario = `p = spawn()\np: a = mmap(0x10000000, 8K, ${ANON})\np: load(a)\np: load(a + 4K)\np: store(a, 1)\np: load(a)\n`;
    expect(accessesOf(scenario)).toEqual(['p:0x10000', 'p:0x10001', 'p:0x10000', 'p:0x10000']);
  });

  test('new memory at an old address is a new page', () => {
    const scenario = `p = spawn()
p: a = mmap(0x10000000, 4K, ${ANON})
p: store(a, 1)
p: munmap(a, 4K)
p: b = mmap(a, 4K, ${ANON})
p: store(b, 1)
p: load(b)
`;
    expect(accessesOf(scenario)).toEqual(['p:0x10000', 'p:0x10000#2', 'p:0x10000#2']);
  });

  test('a page that moves, or goes to swap and comes back, stays itself', () => {
    const scenario = `p = spawn()
p: a = mmap(0x10000000, 4K, ${ANON})
p: store(a, 1)
p: kid = fork()
p: madvise(a, 4K, MADV_PAGEOUT)
kernel: reclaim(10)
kid: load(a)
p: load(a)
p: b = mremap(a, 4K, 8K, MREMAP_MAYMOVE)
p: load(b)
`;
    expect(new Set(accessesOf(scenario))).toEqual(new Set(['p:0x10000']));
  });

  test('the machine may be too small for what is touched', () => {
    const scenario = `machine ram=24K swap=256K
p = spawn()
p: a = mmap(0x10000000, 64K, ${ANON})
repeat 3
p: store(a, 1, 64K)
p: load(a, 64K)
end
`;
    const pages = Array.from({ length: 16 }, (_, i) => `p:0x${(0x10000 + i).toString(16)}`);
    expect(accessesOf(scenario)).toEqual(Array(6).fill(pages).flat());
  });
});

describe('scenarios that fail', () => {
  test('mistakes are told, nothing runs', () => {
    const { status, out, err } = vasPolicy('p = spawn()\np: load(\n', '--frames 3', 'case.vas');
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^FILE:2:\d+: error: /);
  });

  test('an expectation that is not met makes the status 1, as vas run does', () => {
    const scenario = `p = spawn()\np: a = mmap(0x10000000, 4K, ${ANON})\np: store(a, 1) = major\n`;
    const { status, out, err } = vasPolicy(scenario, '--frames 3 --policy lru', 'case.vas');
    expect(status).toBe(1);
    expect(out).toContain('lru        0       1');
    expect(err).toMatch(/^FILE:3:\d+: error: expected major/);
  });

  test('no access at all', () => {
    const { status, out, err } = vasPolicy('p = spawn()\n', '--frames 3', 'case.vas');
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toBe('FILE:1:1: error: the scenario has no load, store or fetch that touches a page\n');
  });
});

describe('recognising a scenario', () => {
  const scenario = `p = spawn()\np: fetch(0x401000)\n`;
  test.each([
    ['by its name', `\n# 1 2 3\n${scenario}`, 'case.vas'],
    ['by a step', scenario, 'case.txt'],
    ['by a declaration', `# a machine\nmachine ram=1M\n${scenario}`, 'case.txt'],
  ])('%s', (_, text, name) => {
    expect(resultOf(text, 'fifo', '--frames 1', name).steps.map(({ page }) => page)).toEqual(['p:0x401']);
  });

  test('a list is a list whatever its name', () => {
    expect(resultOf('1, 2', 'fifo', '--frames 1', 'case.vas').misses).toBe(2);
  });
});

/** Every step of a scenario on `backend`. */
function run(text: string, backend: Backend): StepReport['outcome'][] {
  const scenario = parseScenario(text);
  declareAll(scenario, backend, () => ({ error: 'no programs of the host' }));
  const outcomes: StepReport['outcome'][] = [];
  for (let state = initialState(scenario); state.cursor !== null && outcomes.length < 2000; ) {
    const end = driveSync(performStep(scenario, state), backend);
    outcomes.push(end.report.outcome);
    state = end.state;
  }
  return outcomes;
}

describe('recording changes nothing', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const files = globSync(['samples/*.vas', 'test/scenarios/*/*.vas'], { cwd: root });

  test('there are scenarios to compare', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  test('each comes to the same, step by step', () => {
    for (const file of files) {
      const text = readFileSync(`${root}/${file}`, 'utf8');
      expect(run(text, new AccessRecorder()), file).toEqual(run(text, new Simulator()));
    }
  });

  test('long accesses, in pieces: the same faults, values and bytes', () => {
    const access = fc.record({
      call: fc.constantFrom('load', 'fill', 'text'),
      at: fc.integer({ min: 0, max: 6 * 4096 }),
      length: fc.integer({ min: 0, max: 6 * 4096 }),
      byte: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 12 }), fc.constantFrom('ram=16K', 'ram=1M'), (accesses, ram) => {
        const steps = accesses.map(({ call, at, length, byte }) => {
          if (call === 'load') return `p: load(a + ${at}, ${length})`;
          return `p: store(a + ${at}, ${call === 'fill' ? byte : `"abc${byte}"`}, ${length})`;
        });
        const text = `machine ${ram} swap=256K\np = spawn()\np: signal(SIGSEGV, handler)\np: a = mmap(0x10000000, 32K, ${ANON})\n${steps.join('\n')}\n`;
        expect(run(text, new AccessRecorder())).toEqual(run(text, new Simulator()));
      }),
      { numRuns: 60 },
    );
  });
});
