// The runner as a program: its JSON has every field that the language's description names, on the real simulator.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../cli/vas.ts', import.meta.url));

function vas(
  args: readonly string[],
  input: string | Buffer,
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--no-warnings', program, ...args], { input, encoding: 'utf8' });
}

const SCENARIO = `machine ram=1M swap=64K
file "/data" size=8K
p = spawn()
p: a = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, "hi")          = minor
p: madvise(a, 4K, MADV_PAGEOUT) = 0
p: load(a, 2)              = major "hi"
p: kid = fork()
kid: store(a, "J")         = cow
kid: load(0)               = SIGSEGV SEGV_MAPERR
p: open("/none", O_RDONLY) = ENOENT
p: fd = open("/data", O_RDONLY) = 3
p: f = mmap(NULL, 8K, PROT_READ, MAP_SHARED, fd, 0)
p: load(f + 4K)            = major 2
kernel: writeback()
assert refs(p, a) == 1
`;

test('the document of section 6', () => {
  const { status, stdout, stderr } = vas(['run', '-', '--json'], SCENARIO);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const { schema, steps, processes, machine, asserts, errors } = JSON.parse(stdout);
  expect(schema).toBe(1);
  expect(errors).toEqual([]);
  expect(asserts).toEqual([{ line: 16, holds: true }]);
  expect(steps.map((s: { process: string; call: string }) => `${s.process} ${s.call}`)).toEqual([
    ...['p spawn', 'p mmap', 'p store', 'p madvise', 'p load', 'p fork', 'kid store', 'kid load', 'p open', 'p open'],
    ...['p mmap', 'p load', 'kernel writeback'],
  ]);
  const results = steps.map((s: { result: unknown }) => s.result);
  expect(results[0]).toEqual({ value: '0x3e8' });
  expect(results[4]).toEqual({ bytes: '6869' });
  expect(results[5]).toEqual({ value: '0x3e9' });
  expect(results[7]).toEqual({ signal: 'SIGSEGV', code: 'SEGV_MAPERR', addr: '0x0' });
  expect(results[8]).toEqual({ errno: 'ENOENT' });
  expect(results[11]).toEqual({ value: '0x2' });
  expect(steps[4]).toMatchObject({
    majflt: 1,
    faults: [{ access: 'read', kind: 'swap-in', major: true }],
    expected: true,
  });
  expect(steps[6].faults).toEqual([{ addr: results[1].value, access: 'write', kind: 'cow', major: false }]);
  expect(steps[0]).not.toHaveProperty('expected');
  expect(Object.keys(machine).sort()).toEqual(['frames', 'free', 'swapSlots', 'swapUsed']);
  expect(processes.kid).toMatchObject({ pid: 1001, state: 'dead', maps: '', pages: [] });
  const { p } = processes;
  expect(p).toMatchObject({ pid: 1000, state: 'alive' });
  expect(p.maps).toMatch(/^00400000-00401000 r--p 00000000 /);
  expect(p.pages[0]).toEqual({
    va: expect.stringMatching(/^0x[0-9a-f]+$/),
    present: true,
    pfn: expect.stringMatching(/^0x[0-9a-f]+$/),
    file: expect.any(Boolean),
    exclusive: expect.any(Boolean),
    writable: expect.any(Boolean),
    dirty: expect.any(Boolean),
    zero: expect.any(Boolean),
    swap: null,
  });
  const smapsKeys =
    'start end Rss Pss Shared_Clean Shared_Dirty Private_Clean Private_Dirty Referenced Anonymous Swap Locked VmFlags';
  for (const key of smapsKeys.split(' ')) expect(p.smaps[0]).toHaveProperty(key);
  const statusKeys = 'VmSize VmRSS RssAnon RssFile RssShmem VmPTE VmSwap VmLck VmData VmStk VmExe VmLib VmPeak VmHWM';
  for (const key of statusKeys.split(' ')) expect(p.status[key]).toBeTypeOf('number');
});

test('maps, smaps and status agree with the document', () => {
  const document = JSON.parse(vas(['run', '-', '--json'], SCENARIO).stdout).processes.p;
  expect(vas(['maps', '-', 'p'], SCENARIO).stdout).toBe(document.maps);
  const smaps = vas(['smaps', '-', 'p'], SCENARIO).stdout;
  expect([...smaps.matchAll(/^Rss: +(\d+) kB$/gm)].map((m) => Number(m[1]))).toEqual(
    document.smaps.map((entry: { Rss: number }) => entry.Rss),
  );
  const status = vas(['status', '-', 'p'], SCENARIO).stdout;
  expect(status).toMatch(new RegExp(`^VmSize:\\s+${document.status.VmSize} kB$`, 'm'));
});

test('why names the rule at a border and the step that mapped the page', () => {
  const { status, stdout } = vas(['why', '-', 'kid', 'a', '--until', '9'], SCENARIO);
  expect(status).toBe(0);
  expect(stdout).toContain('  place  line 4: inherited from p by fork on line 8; mmap(): top-down:');
  expect(stdout).toContain('vma_merge_new_range: VM_SPECIAL:');
  const view = JSON.parse(vas(['why', '-', 'p', 'a', '--json'], SCENARIO).stdout);
  expect(view).toMatchObject({ pid: 1000, process: 'p', placed: { line: 4 } });
  expect(view.below.rule).toMatch(/^is_mergeable_vma: vm_flags differ: .*VM_WRITE/);
});

test('translate agrees with the pages of the document', () => {
  const { pages } = JSON.parse(vas(['run', '-', '--json'], SCENARIO).stdout).processes.p;
  const view = JSON.parse(vas(['translate', '-', 'p', 'a + 1', '--json'], SCENARIO).stdout);
  const page = pages.find((candidate: { va: string }) => BigInt(candidate.va) === BigInt(view.address) - 1n);
  expect(view.physical).toBe(`0x${(BigInt(page.pfn) * 4096n + 1n).toString(16)}`);
  const text = vas(['translate', '-', 'p', 'a + 1'], SCENARIO).stdout;
  expect(text).toContain(`physical  ${view.physical}\n`);
  for (const level of ['PGD', 'PUD', 'PMD', 'PTE']) expect(text).toMatch(new RegExp(`^  ${level} +0x`, 'm'));
  expect(vas(['translate', '-', 'kid', 'a'], SCENARIO).stdout).toContain('physical  none');
});

test('absurd sizes and endless loops end', () => {
  const absurd = vas(['run', '-'], 'machine ram=16T\np = spawn()\np: mmap(NULL, -1, 3, 0x22, -1, 0) = ENOMEM\n');
  expect(absurd.status).toBe(0);
  expect(vas(['check', '-'], 'machine ram=16E\n')).toMatchObject({ status: 2, stdout: '' });
  const endless = vas(['run', '-', '--max-steps', '100'], 'p = spawn()\nrepeat 1000000000000\np: brk(0)\nend\n');
  expect(endless.status).toBe(1);
  expect(endless.stderr).toContain('<stdin>:3:1: error: stopped after 100 steps');
});

test('bytes that are not UTF-8 are one mistake, at the place of the first', () => {
  const input = Buffer.concat([
    Buffer.from('p = spawn()\r\np: open("/é'),
    Buffer.of(0xff, 0xfe),
    Buffer.from('", 0)\n# \xff'),
  ]);
  const told = '<stdin>:2:12: error: the byte 0xff here is no UTF-8 text: save the file as UTF-8\n';
  expect(vas(['run', '-'], input)).toMatchObject({ status: 2, stdout: '', stderr: told });
  expect(vas(['check', '-'], Buffer.of(0x23, 0xc3))).toMatchObject({ status: 2, stdout: '' });
  expect(vas(['check', '-'], '\ufeff# \ufffd and é\n')).toMatchObject({ status: 0, stderr: '' });
});

test('a line that is not UTF-8 has one mistake, and other lines keep theirs', () => {
  const input = Buffer.concat([Buffer.from('p = spawn()\np: brk(caf'), Buffer.of(0xe9), Buffer.from(')\np: brk(\n')]);
  expect(
    vas(['check', '-'], input)
      .stderr.split('\n')
      .map((line) => line.slice(0, 20)),
  ).toEqual(['<stdin>:2:11: error:', '<stdin>:3:8: error: ', '']);
});

test.each([
  [
    'UTF-16',
    Buffer.from('\ufeffp = spawn()\np: brk(\n', 'utf16le'),
    ':1:1: error: this file is UTF-16 text: save it as UTF-8',
  ],
  [
    'UTF-16 without a mark',
    Buffer.from('p = spawn()\n', 'utf16le'),
    ':1:1: error: this file is UTF-16 text: save it as UTF-8',
  ],
  [
    'UTF-16 with its bytes the other way round',
    Buffer.from('\ufeff# Größe\np = spawn()\n', 'utf16le').swap16(),
    ':1:1: error: this file is UTF-16 text: save it as UTF-8',
  ],
  ['only the mark of UTF-16', Buffer.of(0xff, 0xfe), ':1:1: error: this file is UTF-16 text: save it as UTF-8'],
  [
    'no text',
    Buffer.of(0x7f, 0xff, 0xfe, 0x0a, 0x00, 0xe9),
    ':2:1: error: this is not a text file: it holds a NUL byte',
  ],
])('a file that is %s is one mistake', (_what, input, told) => {
  expect(vas(['check', '-'], input)).toMatchObject({ status: 2, stdout: '', stderr: `<stdin>${told}\n` });
});

test('the death of a process is told once, with its cause', () => {
  const text = 'p = spawn()\np: load(0)\np: brk(0)\np: brk(0)\nq = spawn()\nq: exit(3)\nq: brk(0)\np: brk(0)\n';
  const { status, stdout, stderr } = vas(['run', '-'], text);
  expect(status).toBe(1);
  expect(stderr).toBe(
    [
      "<stdin>:3:1: error: process 'p' is dead: SIGSEGV ended it",
      "<stdin>:7:1: error: process 'q' is dead: it ended with exit status 3",
      '<stdin>:4:1: error: p is dead: 2 more steps, up to line 8, are not made',
      '',
    ].join('\n'),
  );
  expect(stdout).toContain('\n4  p: brk(0)  not run: p is dead\n');
  expect(stdout).toContain(', 4 not made: 2 errors\n');
  const { errors } = JSON.parse(vas(['run', '-', '--json'], text).stdout);
  expect(errors.map(({ line, follows }: { line: number; follows?: number }) => [line, follows])).toEqual([
    [3, undefined],
    [4, 3],
    [7, undefined],
    [8, 3],
  ]);
});

test('a stored string is cut or followed by zeros', () => {
  const { status, stdout } = vas(
    ['run', '-'],
    `p = spawn()
p: a = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, 0xee, 16K)
p: store(a, "ab", 5)
p: load(a, 6) = "ab\\0\\0\\0\\xee"
p: store(a, "hello", 1)
p: load(a, 3) = "hb\\0"
p: store(a + 4092, "hello", 8K)
p: load(a + 4092, 6) = "hello\\0"
p: load(a + 12282, 4) = "\\0\\0\\xee\\xee"
`,
  );
  expect(stdout).toContain('all as expected');
  expect(status).toBe(0);
});

test('the version is the one of the package', () => {
  expect(vas(['--version'], '').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

const SHORT_OF_MEMORY = `machine ram=64K swap=0
big = spawn()
small = spawn()
big: b = mmap(NULL, 48K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
small: s = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
big: store(b, 1, 32K)      = minor
small: store(s, 1, 28K)    = minor
small: store(s, 1, 64K)    = SIGKILL
`;

test('the choices of the OOM killer are printed, with the badness of all', () => {
  const { status, stdout } = vas(['run', '-'], SHORT_OF_MEMORY);
  expect(status).toBe(0);
  expect(stdout).toMatch(
    / = minor \[7 × anon\]\n *OOM: big \(1000\) killed, badness 16 = 9 resident \+ 0 swapped \+ 7 tables; small 14\n/,
  );
  expect(stdout).toMatch(
    / = SIGKILL \(out of memory\) .*\n *OOM: small \(1001\) killed, .*; there is no other process\n/,
  );
  expect(stdout).toContain('\nbig (1000) dead: killed by the OOM killer at line 7, ');
  expect(stdout).toContain('\nsmall (1001) dead: killed by the OOM killer at line 8, ');
});

test('the choices of the OOM killer are in the JSON', () => {
  const { steps, processes } = JSON.parse(vas(['run', '-', '--json'], SHORT_OF_MEMORY).stdout);
  const parts = { swapped: 0, tables: 7, oom_score_adj: 0 };
  expect(steps[4]).not.toHaveProperty('oom');
  expect(steps[5].oom).toEqual([
    {
      ...{ victim: 'big', pid: 1000, badness: 16, resident: 9, ...parts, more: 0 },
      others: [{ process: 'small', pid: 1001, badness: 14, resident: 7, ...parts }],
    },
  ]);
  expect(steps[6].result).toEqual({ signal: 'SIGKILL', code: 'SI_KERNEL', addr: '0x0' });
  expect(processes.big).toMatchObject({ state: 'dead', killed: 'oom' });
});

test('faults beyond those that are listed are counted, and many bytes are', () => {
  const { status, stdout } = vas(
    ['run', '-'],
    `machine ram=8G
p = spawn()
p: m = mmap(NULL, 4100M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE, -1, 0)
p: load(m, 8K)
p: load(m, 40)
`,
  );
  expect(status).toBe(0);
  expect(stdout).toContain(`[${4100 * 256} × anon]`);
  expect(stdout).toContain('= hit 8192 bytes: 00 00 ');
  expect(stdout).toContain('= hit 0x00 × 40\n');
});

describe('processes that no name holds', () => {
  /** The first child is bound by nobody, the next two lose their name to the fourth. */
  const FAMILY = `p = spawn()
p: a = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, "x")
p: fork()
repeat 3
p: k = fork()
end
k: exit(0)
`;

  test('stand in the summary under their pids', () => {
    const { stdout } = vas(['run', '-'], FAMILY);
    const summary = stdout.split('\n').filter((line) => /^\S.* (alive|dead): /.test(line));
    expect(summary.map((line) => line.split(':')[0])).toEqual([
      'p (1000) alive',
      'k (1004) dead',
      '1001 alive',
      '1002 alive',
      '1003 alive',
    ]);
    expect(summary.at(-1)).toMatch(/^1003 alive: \d+ minor and 0 major faults, \d+ kB resident$/);
  });

  test('of very many some stand there and a count', () => {
    const { stdout } = vas(['run', '-'], 'p = spawn()\nrepeat 50\np: fork()\nend\n');
    expect(stdout.split('\n').filter((line) => /^\d+ alive: /.test(line))).toHaveLength(20);
    expect(stdout).toContain('\nand 30 more that no name holds, alive\n');
  });

  test('have a report in the JSON and in each line of a trace', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vas-'));
    try {
      const trace = join(folder, 'trace.jsonl');
      const { stdout } = vas(['run', '-', '--json', '--trace', trace], FAMILY);
      const { processes } = JSON.parse(stdout);
      expect(new Set(Object.keys(processes))).toEqual(new Set(['p', 'k', '1001', '1002', '1003']));
      expect(processes['1002']).toMatchObject({ pid: 1002, state: 'alive', status: { VmRSS: expect.any(Number) } });
      expect(processes['1002'].maps).toBe(processes.p.maps);
      const lines = readFileSync(trace, 'utf8').trim().split('\n');
      const present = lines.map((line) => Object.keys(JSON.parse(line).processes).sort().join(' '));
      expect(present.slice(3)).toEqual([
        '1001 p',
        '1001 k p',
        '1001 1002 k p',
        '1001 1002 1003 k p',
        '1001 1002 1003 k p',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('are counted in a trace where they are very many', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vas-'));
    try {
      const trace = join(folder, 'trace.jsonl');
      vas(['run', '-', '--trace', trace], 'p = spawn()\nrepeat 103\np: fork()\nend\n');
      const lines = readFileSync(trace, 'utf8').trim().split('\n');
      const [before, last] = [JSON.parse(lines[100] ?? ''), JSON.parse(lines[103] ?? '')];
      expect(Object.keys(before.processes)).toHaveLength(101);
      expect(before).not.toHaveProperty('unlistedProcesses');
      expect(Object.keys(last.processes)).toHaveLength(101);
      expect(last).toMatchObject({ unlistedProcesses: 3, machine: { frames: expect.any(Number) } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('are named by their pids on the command line, as others may be', () => {
    const maps = vas(['maps', '-', 'p'], FAMILY).stdout;
    expect(vas(['maps', '-', '1002'], FAMILY)).toMatchObject({ status: 0, stdout: maps });
    expect(vas(['maps', '-', '1000'], FAMILY)).toMatchObject({ status: 0, stdout: maps });
    expect(vas(['status', '-', '1003'], FAMILY).stdout).toContain('\nPid:\t1003\n');
    expect(vas(['status', '-', '1004'], FAMILY).stdout).toBe(vas(['status', '-', 'k'], FAMILY).stdout);
    expect(vas(['smaps_rollup', '-', '1003'], FAMILY).stdout).toContain('Rss:');
    expect(vas(['translate', '-', '1001', 'a'], FAMILY).stdout).toMatch(/^1001 {2}0x[0-9a-f]+\n/);
    expect(vas(['why', '-', '1001', 'a'], FAMILY).stdout).toMatch(/^1001 {2}0x[0-9a-f]+\n/);
    const { status, stderr } = vas(['maps', '-', '1005'], FAMILY);
    expect([status, stderr]).toEqual([
      2,
      "vas: <stdin>: no process '1005' at the end of the run: it has p, k, 1001, 1002, 1003\n",
    ]);
  });
});
