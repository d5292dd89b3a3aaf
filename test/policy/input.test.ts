// What `vas policy` reads, and what it says of input that it cannot use.

import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { policiesOf, resultOf, type Step, vasPolicy } from './support.ts';

const pagesOf = (input: string | Uint8Array, name?: string) =>
  resultOf(input, 'fifo', '--frames 3', name).steps.map(({ page }) => page);

describe('lists', () => {
  test.each([
    ['commas', '1,2,3', [1, 2, 3]],
    ['white space of any kind', ' 1\t2\r\n\n3\v4\f5 ', [1, 2, 3, 4, 5]],
    ['both', '1, 2 ,3\n4,\n5', [1, 2, 3, 4, 5]],
    ['comments', '# exercise 3\n1 2 # two\n#3\n4#5', [1, 2, 4]],
    ['hexadecimal', '0x10, 0XfF 16', [16, 255, 16]],
    ['the largest number', '9007199254740991', [9007199254740991]],
    ['zeros in front', '007 7', [7, 7]],
    ['a byte order mark', '\ufeff1 2', [1, 2]],
    ['one number', '5', [5]],
  ])('%s', (_, input, expected) => {
    expect(pagesOf(input)).toEqual(expected);
  });

  test('gzip', () => {
    expect(pagesOf(gzipSync('1 2 3'), 'list.gz')).toEqual([1, 2, 3]);
  });
});

describe('traces', () => {
  const PAGE = 4096;
  test('valgrind lackey: fetch, load, store, modify; its own talk is passed over', () => {
    const trace = [
      '==7== Lackey, an example Valgrind tool',
      '==7== Command: echo',
      'I  0401ab70,3',
      ' S 1fff000d18,8',
      '',
      '--7-- note',
      ' L 1ffefffff8,8',
      ' M 04033e06,1',
      'I  FFFFFFFFFF600000,4',
      '==7== ',
    ];
    const pages = [0x401a, 0x1fff000, 0x1ffefff, 0x4033, 0xfffffffffffff - 0x9ff];
    expect(pagesOf(trace.join('\n'))).toEqual(pages);
    expect(pagesOf(trace.join('\r\n'), 'trace.vas')).toEqual(pages);
  });

  test('an access that lies in several pages touches each, in ascending order', () => {
    const trace = ` L ${(PAGE - 1).toString(16)},1\n L ${(PAGE - 1).toString(16)},2\n S ${(2 * PAGE).toString(16)},8193\n`;
    expect(pagesOf(trace)).toEqual([0, 0, 1, 2, 3, 4]);
  });

  test('pages are shown in hexadecimal', () => {
    const { out } = vasPolicy('I  0401ab70,3\n', '--frames 1 --policy lru');
    expect(out).toContain('A page is an address divided by 4096.');
    expect(out).toMatch(/^ {2}0x401a {2}miss {2}/m);
  });

  test.each([
    ['an address without a size', 'I  1000,1\nI  2000\n', 2, "'I  2000'"],
    ['a size of zero', 'I  1000,1\n L 2000,0\n', 2, "' L 2000,0'"],
    ['a size that no access has', 'I  1000,1\n L 2000,99999999999\n', 2, "' L 2000,99999999999'"],
    ['an address of more than 64 bits', 'I  1000,1\n L 12345678123456781,1\n', 2, "' L 12345678123456781,1'"],
    ['another kind of line', 'I  1000,1\n\n X 2000,1\n', 3, "' X 2000,1'"],
    ['something behind the size', 'I  1000,1\n L 2000,1 more\n', 2, "' L 2000,1 more'"],
  ])('%s is refused with its line', (_, trace, line, quoted) => {
    expect(vasPolicy(trace, '--frames 3')).toEqual({
      status: 2,
      out: '',
      err: `FILE:${line}:1: error: ${quoted} is no line of a memory trace\n`,
    });
  });
});

describe('input that cannot be used', () => {
  test.each([
    ['a word', '1, 2\n3 four 5 six\n', "FILE:2:3: error: 'four' is no page number (0 … 2^53 - 1)"],
    ['a negative number', '1 -2', "FILE:1:3: error: '-2' is no page number (0 … 2^53 - 1)"],
    ['a fraction', '1.5', "FILE:1:1: error: '1.5' is no page number (0 … 2^53 - 1)"],
    ['a number of 2^53', '1 9007199254740992', "FILE:1:3: error: '9007199254740992' is no page number (0 … 2^53 - 1)"],
    ['an infinite number', '1e999', "FILE:1:1: error: '1e999' is no page number (0 … 2^53 - 1)"],
    ['a prefix alone', '1 0x', "FILE:1:3: error: '0x' is no page number (0 … 2^53 - 1)"],
    ['another separator', '1;2', "FILE:1:1: error: '1;2' is no page number (0 … 2^53 - 1)"],
    [
      'letters of other alphabets before',
      '1 # über\n# ä\n7 x',
      "FILE:3:3: error: 'x' is no page number (0 … 2^53 - 1)",
    ],
    ['a long word', 'x'.repeat(1000), `FILE:1:1: error: '${'x'.repeat(32)}…' is no page number (0 … 2^53 - 1)`],
    ['nothing', '', 'FILE:1:1: error: there are no page numbers'],
    ['comments only', '# nothing\n\n', 'FILE:1:1: error: there are no page numbers'],
    ['a zero byte', '1 2\n3\0', 'FILE:2:2: error: this is no text: it has a byte 0x00'],
    ['a program', '\x7fELF\x02\x01\x01', 'FILE:1:5: error: this is no text: it has a byte 0x02'],
  ])('%s', (_, input, message) => {
    expect(vasPolicy(input, '--frames 3')).toEqual({ status: 2, out: '', err: `${message}\n` });
  });

  test('a broken gzip file', () => {
    const { status, err } = vasPolicy(gzipSync('1 2 3').subarray(0, 20), '--frames 3');
    expect(status).toBe(2);
    expect(err).toMatch(/^vas: FILE: gzip: .+\n$/);
  });
});

describe('arguments', () => {
  const FRAMES = '--frames wants a number from 1 to 4294967296';
  test.each([
    ['', 'vas policy wants --frames N: how many pages fit in memory'],
    ['--frames 0', `${FRAMES}, not '0'`],
    ['--frames=-3', `${FRAMES}, not '-3'`],
    ['--frames -1', `${FRAMES}, not '-1'`],
    ['--frames 3 --frames 4', '--frames is given twice'],
    ['--frames 3 --policy lru --policy lru', '--policy is given twice'],
    ['--frames 1e12', `${FRAMES}, not '1e12'`],
    ['--frames 1000000000000', `${FRAMES}, not '1000000000000'`],
    ['--frames three', `${FRAMES}, not 'three'`],
    ['--frames 2.5', `${FRAMES}, not '2.5'`],
    ['--frames=', `${FRAMES}, not ''`],
    ['--frames 3 --bits 0', "--bits wants a number from 1 to 255, not '0'"],
    ['--frames 3 --bits 256', "--bits wants a number from 1 to 255, not '256'"],
    ['--frames 3 --seed x', "--seed wants a number from 0 to 4294967295, not 'x'"],
    ['--frames 3 --policy lfu', "--policy wants one of fifo, lru, clock, opt, mru, random, linux, all, not 'lfu'"],
    ['--frames 3 --trace x', 'vas policy takes no --trace'],
    ['--frames 3 more', "vas policy wants only FILE, not 'more'"],
  ])('%s', (options, message) => {
    expect(vasPolicy('1 2 3', options)).toEqual({ status: 2, out: '', err: `vas: ${message}\n` });
  });

  test('other commands take no --frames', () => {
    const program = fileURLToPath(new URL('../../cli/vas.ts', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, ['--no-warnings', program, 'run', 'x', '--frames', '3'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'vas: vas run takes no --frames\n' });
  });
});

describe('as a program', () => {
  const program = fileURLToPath(new URL('../../cli/vas.ts', import.meta.url));
  const vas = (args: readonly string[], input: string) =>
    spawnSync(process.execPath, ['--no-warnings', program, 'policy', ...args], { input, encoding: 'utf8' });

  test('- is standard input', () => {
    const { status, stdout, stderr } = vas(
      ['-', '--frames', '3', '--policy', 'fifo', '--json'],
      '1,2,3,4,1,2,5,1,2,3,4,5',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout).policies[0]).toMatchObject({ policy: 'fifo', frames: 3, hits: 3, misses: 9 });
    expect(vas(['-', '--frames', '3'], '1 x').stderr).toBe(
      "<stdin>:1:3: error: 'x' is no page number (0 … 2^53 - 1)\n",
    );
  });

  test('a file that is not there, and a folder', () => {
    const missing = vas(['no such file', '--frames', '3'], '');
    expect(missing.status).toBe(2);
    expect(missing.stderr).toBe('vas: no such file: cannot be read: no such file\n');
    const folder = vas([tmpdir(), '--frames', '3'], '');
    expect(folder.status).toBe(2);
    expect(folder.stderr).toContain('cannot be read: it is a directory');
  });
});

describe('what is printed', () => {
  test('steps and the table of a short list', () => {
    const { status, out } = vasPolicy('1 2 3 1 4 1', '--frames 3 --policy clock --bits 2');
    expect(status).toBe(0);
    expect(out.split('\n').slice(1)).toEqual([
      '',
      'clock',
      '  access  result  victim  in memory by frame, :reference bits set, > hand',
      '  1       miss            1:1',
      '  2       miss            1:1 2:1',
      '  3       miss            >1:1 2:1 3:1',
      '  1       hit             >1:2 2:1 3:1',
      '  4       miss    2       1:0 4:1 >3:0',
      '  1       hit             1:1 4:1 >3:0',
      '',
      '  policy  hits  misses  hit rate',
      '  clock      2       4   33.33 %',
      '',
    ]);
  });

  test('all policies stand side by side', () => {
    const { out } = vasPolicy('7,0,1,2,0,3,0,4,2,3,0,3,2,1,2,0,1,7,0,1', '--frames 3');
    const table = out.slice(out.lastIndexOf('  policy')).split('\n');
    expect(table.map((line) => line.trim().split(/\s+/)[0])).toEqual([
      ...['policy', 'fifo', 'lru', 'clock', 'opt', 'mru', 'random', 'linux', ''],
    ]);
    expect(table[1]).toBe('  fifo       5      15   25.00 %');
    expect(out).toContain("linux: the simulated kernel's own reclaim");
  });

  test('a long run has its table alone, and says where its steps are', () => {
    const { out } = vasPolicy('1 2 3 4 5 '.repeat(200), '--frames 3 --policy lru');
    expect(out).toContain('The steps are left out (more than 100 accesses); --json prints them.');
    expect(out.split('\n').length).toBeLessThan(10);
    expect(out).toContain('  lru        0    1000    0.00 %');
  });

  test('JSON has every step of a long run', () => {
    const accesses = Array.from({ length: 30_000 }, (_, i) => (i * i) % 97);
    const results = policiesOf(accesses.join('\n'), '--frames 8');
    expect(results.map(({ policy }) => policy)).toEqual(['fifo', 'lru', 'clock', 'opt', 'mru', 'random', 'linux']);
    for (const { hits, misses, steps, frames } of results) {
      expect(steps).toHaveLength(accesses.length);
      expect(hits + misses).toBe(accesses.length);
      expect(steps.filter(({ hit }) => hit)).toHaveLength(hits);
      expect(frames).toBe(8);
      expect(steps.every(({ page, resident }) => resident.length <= 8 && resident.includes(page))).toBe(true);
    }
  });

  test('JSON of a long run with a wide memory leaves out who is in memory, and nothing else', () => {
    const pages = Array.from({ length: 60_000 }, (_, i) => (i * i) % 1999);
    const short = vasPolicy(pages.slice(0, 40_000).join(' '), '--frames 1000 --policy fifo --json');
    expect(JSON.parse(short.out)).toEqual({ policies: [expect.anything()] });
    const { status, out } = vasPolicy(pages.join(' '), '--frames 1000 --policy fifo --json');
    const { note, policies } = JSON.parse(out);
    expect([status, note]).toEqual([
      0,
      '"resident" is left out: the steps together would name more than 50,000,000 pages',
    ]);
    const { steps, hits } = policies[0];
    expect(steps.filter((step: Step) => step.hit)).toHaveLength(hits);
    expect(steps.map((step: Step) => step.page)).toEqual(pages);
    expect(steps.every((step: Step) => step.resident === undefined)).toBe(true);
    expect(steps.slice(0, 40_000)).toEqual(
      JSON.parse(short.out).policies[0].steps.map(({ resident: _, ...step }: Step) => step),
    );
  });
});
