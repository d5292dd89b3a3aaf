// The runner's commands over a backend of a few lines: documents, messages, exit status.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Machine } from '../../cli/machine.ts';
import { main } from '../../cli/main.ts';
import { Output } from '../../cli/output.ts';
import type { WalkView, WhyView } from '../../simulator/view/types.ts';
import { FakeBackend } from './fake-backend.ts';

const folder = mkdtempSync(join(tmpdir(), 'vas-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const makeFake = (): Machine => ({
  backend: new FakeBackend(),
  procText: (pid, file) => `${file} of ${pid}\n`,
  memoryText: (file) => `${file} of the machine\n`,
  walk: (pid, address, names): WalkView => ({
    pid,
    process: names.get(pid) ?? '',
    address: `0x${address.toString(16)}`,
    canonical: true,
    cr3: '0x1',
    offset: 8,
    levels: [],
    physical: null,
    frame: null,
    vma: null,
    state: 'nothing is mapped here',
    would: { read: 'SIGSEGV', write: 'SIGSEGV', exec: 'SIGSEGV' },
  }),
  why: (_scenario, position, pid, address): WhyView => ({
    pid,
    process: 'p',
    address: `0x${address.toString(16)}`,
    vma: 'the VMA',
    below: { at: '0x1000', lower: 'the one below', upper: 'the VMA', rule: 'a rule', text: 'a rule; its cause' },
    above: null,
    placed: { line: 2, text: `mmap(): ${position} steps were made` },
  }),
});

/** Runs the command line, `FILE` standing for a file with `text`. */
function vas(line: string, text = ''): { status: number; out: string; err: string } {
  const file = join(folder, 'case.vas');
  writeFileSync(file, text);
  const out: string[] = [];
  const err: string[] = [];
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err.push(String(chunk));
    return true;
  });
  try {
    const output = new Output((bytes) => out.push(Buffer.from(bytes).toString()));
    const args = line.split(' ').map((word) => word.replace('FILE', file));
    const status = main(args, makeFake, () => '1.2.3', output);
    return { status, out: out.join(''), err: err.join('').replaceAll(file, 'FILE') };
  } finally {
    stderr.mockRestore();
  }
}

const GOOD = `p = spawn()
p: a = mmap(NULL, 8K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, "hi") = minor
p: load(a) = hit "h"
p: load(a, 2) = "hi"
assert byte(p, a) == 0x68
`;

describe('run --json', () => {
  test('the document', () => {
    const { status, out, err } = vas(
      'run FILE --json',
      `${GOOD}kernel: writeback()\np: load(0) = SIGSEGV\np: brk(0)\n`,
    );
    const document = JSON.parse(out);
    expect(document.schema).toBe(1);
    expect(document.steps[0]).toEqual({
      line: 1,
      process: 'p',
      call: 'spawn',
      result: { value: '0x3e8' },
      faults: [],
      minflt: 2,
      majflt: 0,
    });
    expect(document.steps.map((s: { result: unknown }) => s.result).slice(1)).toEqual([
      { value: '0x7ffff7ff5000' },
      { value: '0x0' },
      { value: '0x68' },
      { bytes: '6869' },
      { value: '0x0' },
      { signal: 'SIGSEGV', code: 'SEGV_MAPERR', addr: '0x0' },
    ]);
    expect(document.steps[2]).toMatchObject({
      expected: true,
      minflt: 1,
      faults: [{ addr: '0x7ffff7ff5000', access: 'write', kind: 'anon', major: false }],
    });
    expect(document.steps[5]).toMatchObject({ process: 'kernel', call: 'writeback' });
    expect(document.asserts).toEqual([{ line: 6, holds: true }]);
    expect(document.errors).toEqual([{ line: 9, column: 1, message: "process 'p' is dead" }]);
    expect(document.processes.p).toMatchObject({ pid: 1000, state: 'dead', maps: '', pages: [] });
    expect(document.machine).toEqual({ frames: 16, free: 9, swapSlots: 8, swapUsed: 0 });
    expect(err).toBe("FILE:9:1: error: process 'p' is dead\n");
    expect(status).toBe(1);
  });

  test('an empty scenario has an empty document', () => {
    const { status, out } = vas('run FILE --json', '# nothing\n');
    expect(JSON.parse(out)).toMatchObject({ schema: 1, steps: [], asserts: [], errors: [], processes: {} });
    expect(status).toBe(0);
  });

  test('exit status 0, 1, 2', () => {
    expect(vas('run FILE --json', GOOD).status).toBe(0);
    const failed = vas('run FILE --json', 'p = spawn()\np: brk(0) = 7\nassert 1 == 2\n');
    expect(failed.status).toBe(1);
    expect(failed.err).toBe(
      'FILE:2:13: error: expected 7, got 0\nFILE:3:8: error: the assert does not hold: it never holds\n',
    );
    expect(JSON.parse(failed.out).steps[1].expected).toBe(false);
    const broken = vas('run FILE --json', 'p = spawn()\np: brk(\n');
    expect(broken).toEqual({ status: 2, out: '', err: 'FILE:2:8: error: expected a value, but the line ends\n' });
  });

  test('--until stops before the first step behind the line', () => {
    const text = 'p = spawn()\nrepeat 3\np: brk(0)\np: brk(1)\nend\np: brk(2)\n';
    const lines = (until: number) =>
      JSON.parse(vas(`run FILE --json --until ${until}`, text).out).steps.map((s: { line: number }) => s.line);
    expect(lines(1)).toEqual([1]);
    expect(lines(3)).toEqual([1, 3]);
    expect(lines(5)).toEqual([1, 3, 4, 3, 4, 3, 4]);
    expect(lines(99)).toHaveLength(8);
  });

  test('an endless repeat stops with an error at its line', () => {
    const text = 'p = spawn()\nrepeat 1000000000000\np: brk(0)\nend\n';
    const { status, out, err } = vas('run FILE --json --max-steps 1000', text);
    expect(status).toBe(1);
    expect(JSON.parse(out).steps).toHaveLength(1000);
    expect(err).toContain('FILE:3:1: error: stopped after 1000 steps');
  });

  test('--trace writes the state after each step', () => {
    const path = join(folder, 'trace.jsonl');
    expect(vas(`run FILE --json --trace ${path}`, GOOD).status).toBe(0);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(JSON.parse(lines[4] ?? '')).toMatchObject({
      line: 5,
      processes: { p: { pid: 1000 } },
      machine: { frames: 16 },
    });
  });
});

describe('what --trace may write', () => {
  test('is never the scenario, whatever it is called', () => {
    const link = join(folder, 'link');
    vas('check FILE', GOOD);
    symlinkSync(join(folder, 'case.vas'), link);
    for (const path of ['FILE', link, `${folder}/../${folder.split('/').at(-1)}/case.vas`]) {
      const { status, out, err } = vas(`run FILE --trace ${path}`, GOOD);
      expect({ status, out }).toEqual({ status: 2, out: '' });
      expect(err).toMatch(/^vas: --trace: '.*' is the scenario itself, and the trace would be written over it\n$/);
      expect(readFileSync(join(folder, 'case.vas'), 'utf8')).toBe(GOOD);
    }
  });

  test('is no other scenario', () => {
    const other = join(folder, 'other.vas');
    writeFileSync(other, 'p = spawn()\n');
    expect(vas(`run FILE --trace ${other}`, GOOD).err).toContain('is a scenario');
    expect(readFileSync(other, 'utf8')).toBe('p = spawn()\n');
  });
});

describe('what a loop says again and again', () => {
  const LOOP = 'p = spawn()\nrepeat 500\np: brk(0) = 7\nassert 1 == 2\nend\np: load(0)\nrepeat 9\np: brk(0)\nend\n';

  test('is told three times of a line, and then counted', () => {
    const { status, out, err } = vas('run FILE', LOOP);
    expect(status).toBe(1);
    const lines = err.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('FILE:3:13: error: expected 7'))).toHaveLength(3);
    expect(lines.filter((line) => line.startsWith('FILE:4:8: error: the assert'))).toHaveLength(3);
    expect(lines.slice(6)).toEqual([
      "FILE:8:1: error: process 'p' is dead",
      'FILE:3:13: error: this line failed 497 more times',
      'FILE:4:8: error: this line failed 497 more times',
      'FILE:8:1: error: p is dead: 8 more steps are not made',
    ]);
    expect(out).toContain('1000 expectations failed, 1 error');
  });

  test('stands in the list of steps in one form each time', () => {
    const { out } = vas('run FILE', `${LOOP}q = spawn()\nrepeat 5\nq: load(0x400000) = SIGBUS\nend\n`);
    const steps = (of: string) => out.split('\n').flatMap((line, at, all) => (line.endsWith(of) ? [all[at + 1]] : []));
    expect(new Set(steps(' 3  p: brk(0)'))).toEqual(new Set(['    ✗ expected 7, got 0']));
    expect(new Set(steps(' 4  assert 1 == 2'))).toEqual(new Set(['    ✗ the assert does not hold: it never holds']));
    expect(steps('12  q: load(0x400000)').slice(1)).toEqual(
      Array(4).fill('    ✗ expected SIGBUS, got hit · = "\\x00"'),
    );
  });

  test('is one error of the JSON, with its number; each assert is there', () => {
    const { status, out } = vas('run FILE --json', LOOP);
    const { asserts, errors } = JSON.parse(out);
    expect(status).toBe(1);
    expect(asserts).toHaveLength(500);
    const message = 'the assert does not hold: it never holds';
    expect(asserts[499]).toEqual({ line: 4, holds: false, message });
    expect(errors).toEqual([{ line: 8, column: 1, message: "process 'p' is dead", times: 9 }]);
  });
});

test('output that cannot be written ends the run with a message', () => {
  const path = join(folder, 'output');
  writeFileSync(path, '');
  const fd = openSync(path, 'r');
  const messages: string[] = [];
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => messages.push(String(chunk)) > 0);
  try {
    expect(main(['--help'], makeFake, () => '1.2.3', Output.toFile(fd, 'standard output'))).toBe(2);
  } finally {
    stderr.mockRestore();
    closeSync(fd);
  }
  expect(messages).toEqual(['vas: standard output cannot be written: it is not open for writing\n']);
});

describe('run', () => {
  test('a line a step, failures marked, a summary', () => {
    const { out, status } = vas('run FILE', `${GOOD}p: munmap(a, 4K) = 3\n`);
    expect(status).toBe(1);
    expect(out).toContain('3  p: store(a, "hi")');
    expect(out).toContain('= minor [anon 0x7ffff7ff5000]');
    expect(out).toContain('= hit "h"');
    expect(out).toContain('✗ expected 3, got 0');
    expect(out).toContain('7 steps, 1 of them an assert: 1 expectation failed');
    expect(out).toContain('9 of 16 frames free');
    expect(out).not.toContain('\u001b');
  });

  test('counts steps as the editor does: asserts, and steps that cannot be made, are steps as well', () => {
    const { out } = vas('run FILE', `${GOOD}assert 1 == 1\np: exit(0)\np: load(0x400000)\n`);
    expect(out).toContain('9 steps, 2 of them asserts, 1 not made: 1 error');
    const text = `${GOOD}p: load(0x400000)\n`;
    expect(vas('run FILE --max-steps 2', text).out).toContain('2 steps: 1 error');
    expect(vas('run FILE', 'p = spawn()\n').out).toContain('1 step: all as expected');
  });

  test('all as expected', () => {
    expect(vas('run FILE', GOOD).out).toContain('6 steps, 1 of them an assert: all as expected');
  });
});

describe('the other commands', () => {
  test('check lists what is wrong', () => {
    expect(vas('check FILE', GOOD)).toEqual({ status: 0, out: '', err: '' });
    const { status, err } = vas('check FILE', 'p = spawn()\np: mmap(1)\nq: brk(0)\n');
    expect(status).toBe(2);
    expect(err.split('\n')).toHaveLength(3);
    expect(err).toContain("FILE:3:1: error: 'q' is not bound");
  });

  test('warnings do not fail', () => {
    const { status, err } = vas('check FILE', 'p = spawn("/bin/none")\n');
    expect(status).toBe(0);
    expect(err).toContain('FILE:1:11: warning: ');
  });

  test('maps, smaps and status of a process', () => {
    expect(vas('maps FILE p', GOOD)).toMatchObject({ status: 0, out: 'maps of 1000\n' });
    expect(vas('smaps FILE p', GOOD).out).toBe('smaps of 1000\n');
    expect(vas('smaps_rollup FILE p', GOOD).out).toBe('smaps_rollup of 1000\n');
    expect(vas('status FILE p', GOOD).out).toBe('status of 1000\n');
    const missing = vas('maps FILE q', GOOD);
    expect(missing.status).toBe(2);
    expect(missing.err).toContain("no process 'q' at the end of the run: it has p");
  });

  test('meminfo, vmstat and free of the machine', () => {
    expect(vas('meminfo FILE', GOOD)).toMatchObject({ status: 0, out: 'meminfo of the machine\n' });
    expect(vas('vmstat FILE --until 1', GOOD).out).toBe('vmstat of the machine\n');
    expect(vas('free FILE', GOOD).out).toBe('free of the machine\n');
    expect(vas('free FILE p', GOOD)).toMatchObject({ status: 2 });
  });

  test('translate takes an expression with names', () => {
    const { status, out } = vas('translate FILE p a+4K+8', GOOD);
    expect(status).toBe(0);
    expect(out).toContain('0x7ffff7ff6008');
    expect(JSON.parse(vas('translate FILE p a --json', GOOD).out)).toMatchObject({
      pid: 1000,
      address: '0x7ffff7ff5000',
    });
    const wrong = vas('translate FILE p nope', GOOD);
    expect(wrong).toMatchObject({ status: 2, out: '' });
    expect(wrong.err).toContain("ADDR 'nope': 'nope' is not bound");
  });

  test('why tells of both borders, and of the place after the steps that were made', () => {
    const { status, out } = vas('why FILE p a+4K', GOOD);
    expect(status).toBe(0);
    expect(out).toBe(
      [
        'p (1000)  0x7ffff7ff6000',
        '  VMA    the VMA',
        '  place  line 2: mmap(): 6 steps were made',
        '  below  the one below',
        '         a rule; its cause',
        '  above  no VMA',
        '',
      ].join('\n'),
    );
    expect(vas('why FILE p a --until 3', GOOD).out).toContain('3 steps were made');
    expect(JSON.parse(vas('why FILE p a --json', GOOD).out)).toMatchObject({ pid: 1000, below: { rule: 'a rule' } });
    expect(vas('why FILE p nope', GOOD)).toMatchObject({ status: 2, out: '' });
  });
});

describe('the command line', () => {
  test('help and version', () => {
    expect(vas('--help')).toMatchObject({ status: 0, err: '' });
    expect(vas('--help').out).toContain('vas run FILE');
    expect(vas('help').out).toBe(vas('--help').out);
    expect(vas('-V')).toEqual({ status: 0, out: '1.2.3\n', err: '' });
  });

  test.each([
    ['', 'unknown command'],
    ['fly FILE', "unknown command 'fly': vas --help lists them all"],
    ['chekc FILE', "unknown command 'chekc': did you mean check? vas --help lists them all"],
    ['FILE', 'did you mean vas run FILE?'],
    ['run', 'FILE is missing'],
    ['run FILE more', "not '"],
    ['run FILE --jsno', 'jsno'],
    ['check FILE --json', 'takes no --json'],
    ['run FILE --until x', '--until wants a number'],
    ['run FILE --until 0', '--until wants a number'],
    ['translate FILE p', 'ADDR is missing'],
    ['why FILE p', 'ADDR is missing'],
    ['why FILE p 0 --trace t', 'takes no --trace'],
    ['run /nonexistent/x.vas', 'no such file'],
    ['run /', 'it is a directory'],
    ['run FILE --trace /nonexistent/t', '--trace'],
  ])('vas %s', (line, message) => {
    const { status, out, err } = vas(line, GOOD);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
  });
});
