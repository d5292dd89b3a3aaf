// One mistake is one error: what follows from it is silent. Two mistakes are two errors.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseScenario, Timeline } from '../../simulator/index.ts';
import { tokenize } from '../../simulator/scenario/lexer.ts';

const folder = new URL('../../samples/', import.meta.url);
const samples = readdirSync(folder).filter((name) => name.endsWith('.vas'));

const linesOf = (sample: string) => readFileSync(new URL(sample, folder), 'utf8').split('\n');

/** `line: message` of each error and warning. */
function told(lines: readonly string[]): string[] {
  const { diagnostics } = parseScenario(lines.join('\n'));
  return diagnostics.map(({ range, message }) => `${range.start.line + 1}: ${message}`);
}

/** The statements of a sample, each with its place. */
function statementsOf(lines: readonly string[]): [line: string, at: number][] {
  return lines.flatMap((line, at) => (/^\s*(#|$)/.test(line) ? [] : [[line, at]]));
}

test('there are samples, and they have no mistakes', () => {
  expect(samples.length).toBeGreaterThan(5);
  for (const sample of samples) expect(told(linesOf(sample)), sample).toEqual([]);
});

describe.each(samples)('%s', (sample) => {
  const lines = linesOf(sample);

  test('without a line that binds a name: one error where the name is used first', () => {
    for (const [line, at] of statementsOf(lines)) {
      const name = /^(?:\w+:\s*)?(\w+)\s*=\s*\w+\(/.exec(line)?.[1];
      if (name === undefined) continue;
      const left = lines.toSpliced(at, 1);
      const use = left.findIndex((other) => new RegExp(`^[^#]*\\b${name}\\b`).test(other) && !other.includes('"'));
      const errors = told(left);
      expect(errors.length, `${line}\n${errors.join('\n')}`).toBeLessThanOrEqual(1);
      if (use >= 0) expect(errors[0]).toContain(`'${name}' is not bound`);
    }
  });

  /** What is told where the line number `at` is `changed`, which must be at most one mistake, of that line. */
  function expectOneMistake(changed: string, at: number): void {
    const errors = told(lines.with(at, changed));
    expect(errors.length, `${changed}\n${errors.join('\n')}`).toBeLessThanOrEqual(1);
  }

  test('with a line that is cut off anywhere: one error', () => {
    for (const [line, at] of statementsOf(lines)) {
      const code = line.replace(/\s+#.*/, '');
      for (let length = 1; length < code.length; length++) expectOneMistake(code.slice(0, length), at);
    }
  });

  test('without a word, number, string or mark of a line: one error', () => {
    for (const [line, at] of statementsOf(lines)) {
      for (const { span } of tokenize(line, at)) expectOneMistake(line.slice(0, span.start) + line.slice(span.end), at);
    }
  });

  test('without a character of a line: one error', () => {
    for (const [line, at] of statementsOf(lines)) {
      const { length } = line.replace(/\s+#.*/, '');
      for (let gone = 0; gone < length; gone++) expectOneMistake(line.slice(0, gone) + line.slice(gone + 1), at);
    }
  });
});

test.each([
  // The name of `app = spawn()`, its `=`, and what was typed of it.
  ['= spawn()', 'app: brk(0)\napp: brk(0)'],
  ['app spawn()', 'app: brk(0)\nassert rss(app) == 0'],
  ['spawn()', 'app: brk(0)\nassert rss(app) == 0'],
  ['ap', 'app: brk(0)\napp: brk(0)'],
  ['"/bin/a" text=4K', 'app = spawn("/bin/a")'],
  ['program text=4K', 'app = spawn("/bin/a")'],
  ['program "/bi', 'app = spawn("/bin/a")\nb = spawn("/bin/a")'],
  ['ram=64K', 'file "/f" size=4K\napp = spawn()'],
  ['thp=never swap=64K', 'file "/f" size=4K\napp = spawn()'],
  ['3', 'app = spawn()\nend'],
  ['2 = spawn()', 'app: brk(0)\napp: brk(0)'],
])('a line %j is one mistake, whatever needs it', (broken, rest) => {
  const errors = told([broken, ...rest.split('\n')]);
  expect(errors.length, errors.join('\n')).toBe(1);
  expect(errors[0]?.startsWith('1: ')).toBe(true);
});

test.each([
  'bash: kid',
  'bash: ki',
  'bash:',
  'bash: = fork()',
  ': kid = fork()',
  'bash kid = fork()',
  'bash: 1 = fork()',
])('a half-typed %j is one mistake, whatever needs it', (broken) => {
  const errors = told(['bash = spawn()', broken, 'kid: brk(0)', 'kid: x = brk(0)', 'assert rss(kid) == x']);
  expect(errors.length, errors.join('\n')).toBe(1);
  expect(errors[0]?.startsWith('2: ')).toBe(true);
});

test('a broken line stands for one name: a second one that nothing binds is another mistake', () => {
  expect(told(['a = spawn()', 'a: = brk(0)', 'a: munmap(x, 4K)', 'a: munmap(y, x)']).slice(1)).toEqual([
    "4: 'y' is not bound",
  ]);
  expect(told(['a = spawn()', 'a: he', 'a: munmap(other, 4K)', 'a: munmap(heap, 4K)']).slice(1)).toEqual([
    "3: 'other' is not bound",
  ]);
});

test('what is used before the broken line is not bound by it', () => {
  expect(told(['a = spawn()', 'a: munmap(x, 4K)', 'a: x'])).toHaveLength(2);
});

describe('of the steps that one mistake keeps from being made, the first tells it', () => {
  /** Of each step with an error: its line, or the line that told it before. */
  function errorsOf(text: string): string[] {
    const timeline = Timeline.open(parseScenario(text));
    expect(timeline.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const found: string[] = [];
    for (let record = timeline.step(); record !== null; record = timeline.step()) {
      if (record.error !== undefined) found.push(record.followUp?.words ?? `${record.line}: ${record.error.message}`);
    }
    return found;
  }

  test('a file that is not there', () => {
    const text =
      'assert cached("/a", 0)\nkernel: truncate("/a", 0)\nassert disk("/b", 0) == 1\nassert disk("/a", 0) == 1';
    expect(errorsOf(text)).toEqual([
      '1: there is no file "/a"',
      'there is no file "/a"',
      '3: there is no file "/b"',
      'there is no file "/a"',
    ]);
  });

  test('a device that is not there, or is none', () => {
    const text = `file "/data/board" size=8K
device "/dev/rings" pages=2 mmap=insert
p = spawn()
kernel: vm_insert_page(p, 0x1000, "/dev/ring", 1)
kernel: remap_pfn_range(p, 0x1000, "/dev/ring", 1, 4K)
kernel: remap_pfn_range(p, 0x1000, "/dev/other", 1, 4K)
kernel: truncate("/data/bord", 0)
assert cached("/data/bord", 0)`;
    expect(errorsOf(text)).toEqual([
      '4: no device "/dev/ring" is declared: did you mean "/dev/rings"?',
      '"/dev/ring" is no device',
      '6: no device "/dev/other" is declared',
      '7: there is no file "/data/bord": did you mean "/data/board"?',
      'there is no file "/data/bord"',
    ]);
  });

  test('a file where a device is wanted', () => {
    const text = ['file "/f" size=8K', 'p = spawn()', 'kernel: vm_insert_page(p, 0, "/f", 1)'];
    const message = '3: "/f" is a file, not a device: this will be EINVAL';
    expect(told(text)).toEqual([message]);
    expect(told([...text.slice(0, 2), `${text[2]} = EINVAL`])).toEqual([]);
  });

  test('a process that stands still; when it does so again, that is another mistake', () => {
    const stop = 'k: kill(p, SIGSTOP)\np: brk(0)\np: brk(0)\n';
    const text = `p = spawn()\np: k = fork()\n${stop}k: kill(p, SIGCONT)\n${stop}k: kill(p, SIGCONT)\np: brk(0)\n${stop}`;
    const told = "process 'p' is stopped: it goes on when another process sends it SIGCONT";
    expect(errorsOf(text)).toEqual([
      `4: ${told}`,
      'p is stopped',
      'p is stopped',
      'p is stopped',
      `13: ${told}`,
      'p is stopped',
    ]);
  });

  test('a process that was never made, also in what is asked of it', () => {
    const text = 'q = spawn("/none")\nassert rss(q) == 0\nq: brk(0)\nassert phys(q, 0) == 0';
    expect(errorsOf(text)).toEqual([
      "2: there is no process 'q': the step that binds the name made none",
      "there is no process 'q'",
      "there is no process 'q'",
    ]);
  });

  test('a process that is dead, also for the kernel', () => {
    const text = `device "/dev/d" pages=1 mmap=insert
p = spawn()
p: exit(0)
kernel: vm_insert_page(p, 0, "/dev/d", 0)
p: a = brk(0)
assert byte(p, a) == 0
assert rss(p) == 0`;
    expect(errorsOf(text)).toEqual([
      "4: process 'p' is dead: it ended with exit status 0",
      'p is dead',
      'p is dead',
      'p is dead',
    ]);
  });
});

test('a line of /proc that there is not is told once, before the run', () => {
  const text = ['assert vmstat("pgfualt") == 1', 'assert vmstat("pgfualt") == 1', 'assert meminfo("pgfualt") == 1'];
  expect(told(text)).toEqual([
    '1: /proc/vmstat has no line "pgfualt": did you mean "pgfault"?',
    '3: /proc/meminfo has no line "pgfualt"',
  ]);
});

test('a mistyped outcome, signal or errno is told with what was meant', () => {
  const text = [
    'p = spawn()',
    'p: load(0) = mnior',
    'p: load(0) = SIGSEV',
    'p: munmap(1, 4K) = EINVALL',
    'p: load(0) = hti',
  ];
  expect(told(text)).toEqual([
    "2: 'mnior' is not bound: did you mean 'minor'?",
    "3: 'SIGSEV' is not bound: did you mean 'SIGSEGV'?",
    "4: 'EINVALL' is not bound: did you mean 'EINVAL'?",
    "5: 'hti' is not bound: did you mean 'hit'?",
  ]);
});

test('a broken line that binds nothing hides no other mistake', () => {
  const lines = ['p = spawn()', 'p: a = brk(0)'];
  for (const broken of [
    'assert () == 0',
    'phys(p, a) == 1',
    'p: storea, "x") = minor',
    'p: (a) = minor',
    'assert (p, a) == 1',
  ]) {
    const [first, second, ...others] = told([...lines, broken, 'p: munmap(elsewhere, 4K)']);
    expect(first, broken).toMatch(/^3: /);
    expect(second, broken).toBe("4: 'elsewhere' is not bound");
    expect(others).toEqual([]);
  }
});

test('what asks about the state says that it belongs into an assert', () => {
  expect(told(['p = spawn()', 'present(p, 0)'])).toEqual([
    '2: present(…) asks about the state: write assert present(…) == …',
  ]);
});
