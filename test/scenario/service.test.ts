// Language services. The last `|` of a text is the cursor.

import { describe, expect, test } from 'vitest';
import type { Position } from '../../simulator/scenario/index.ts';
import {
  complete,
  documentSymbols,
  expressionAt,
  hoverDoc,
  signatureHelp,
} from '../../simulator/scenario/service/index.ts';
import { contextAt } from '../../simulator/scenario/service/line-context.ts';

const SETUP = `machine ram=64K
program "/bin/bash" text=4K
file "/data" size=8K
device "/dev/fb" pages=4 mmap=remap
bash = spawn("/bin/bash")
bash: buf = mmap(NULL, 8K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
bash: kid = fork()
`;

function cursor(marked: string): { text: string; position: Position } {
  const at = marked.lastIndexOf('|');
  const text = marked.slice(0, at) + marked.slice(at + 1);
  const before = marked.slice(0, at).split('\n');
  return { text, position: { line: before.length - 1, character: (before.at(-1) ?? '').length } };
}

function labels(line: string): string[] {
  const { text, position } = cursor(`${SETUP}${line}`);
  return complete(text, position).map((item) => item.label);
}

function rankOf(line: string, label: string): number {
  const { text, position } = cursor(`${SETUP}${line}`);
  const found = complete(text, position).find((item) => item.label === label);
  if (found === undefined) throw new Error(`${label} is not offered`);
  return found.rank;
}

describe('completion', () => {
  test('a statement: keywords, processes, the kernel', () => {
    const found = labels('|');
    expect(found).toEqual(expect.arrayContaining(['bash', 'kid', 'kernel', 'assert', 'repeat', 'machine']));
    expect(found).not.toContain('buf');
  });

  test('calls of a process, of the kernel, and spawn', () => {
    expect(labels('bash: mm|')).toEqual(expect.arrayContaining(['mmap', 'load', 'fork', 'openat']));
    expect(labels('bash: x = |')).toContain('mmap');
    expect(labels('bash: |')).not.toContain('reclaim');
    expect(labels('kernel: |')).toContain('vm_insert_page');
    expect(labels('other = |')).toEqual(['spawn']);
  });

  test('constants by parameter', () => {
    const prot = labels('bash: mmap(NULL, 4K, PROT_READ|PROT_|');
    expect(prot).toContain('PROT_WRITE');
    expect(prot).not.toContain('MAP_PRIVATE');
    expect(rankOf('bash: mmap(NULL, 4K, |', 'PROT_READ')).toBeLessThan(rankOf('bash: mmap(NULL, 4K, |', 'buf'));
    expect(labels('bash: mmap(NULL, (4K), PROT_READ, |')).toContain('MAP_PRIVATE');
    expect(labels('bash: madvise(buf, 4K, |')).toContain('MADV_PAGEOUT');
    expect(labels('bash: signal(|')).toEqual(['SIGBUS', 'SIGSEGV']);
    expect(labels('bash: signal(SIGSEGV, |')).toEqual(['handler', 'SIG_DFL']);
    // A process is a number, too, but no address.
    expect(labels('bash: munmap(|')).toContain('buf');
    expect(labels('bash: munmap(|')).not.toContain('bash');
    expect(labels('bash: kill(|')).not.toContain('buf');
  });

  test('declared paths, inside and outside of quotes', () => {
    expect(labels('bash: open("/|')).toEqual(['/data', '/dev/fb', '/bin/bash'].sort((a, b) => order(a) - order(b)));
    expect(labels('bash: open(|')).toContain('"/data"');
    expect(labels('q = spawn("|')).toEqual(['/bin/bash']);
    expect(labels('kernel: vm_insert_page(bash, buf, "|')).toEqual(['/dev/fb']);
    expect(labels('assert cached("|')).toContain('/data');
  });

  test('lines of /proc/vmstat and /proc/meminfo', () => {
    expect(labels('assert vmstat("pgsc|')).toContain('pgscan_kswapd');
    expect(labels('assert vmstat(|')).toContain('"nr_dirty"');
    expect(labels('assert meminfo("|')).toEqual(expect.arrayContaining(['Dirty', 'Active(anon)']));
  });

  test('keys of declarations, and their values', () => {
    expect(labels('machine |')).toEqual(expect.arrayContaining(['ram', 'swap', 'thp', 'page_cache']));
    expect(labels('machine ram=64K s|')).toContain('swap');
    expect(labels('machine thp=|')).toEqual(['always', 'madvise', 'never']);
    expect(labels('machine aslr=|')).toEqual(['off']);
    expect(labels('program "/x" |')).toEqual(expect.arrayContaining(['text', 'type', 'host']));
    expect(labels('program "/x" type=|')).toEqual(['static', 'pie']);
    expect(labels('device "/x" pages=4 mmap=|')).toEqual(['remap', 'insert', 'fault']);
  });

  test('expectations', () => {
    expect(labels('bash: load(buf) = |')).toEqual(['hit', 'minor', 'major', 'cow', 'SIGBUS', 'SIGKILL', 'SIGSEGV']);
    expect(labels('bash: brk(0) = E|')).toEqual(expect.arrayContaining(['ENOMEM', 'buf', '?']));
    expect(labels('bash: brk(0) = E|')).not.toContain('minor');
  });

  test('functions and names of an assert', () => {
    expect(labels('assert |')).toEqual(expect.arrayContaining(['phys', 'rss', 'buf']));
    expect(labels('assert phys(|')).toEqual(['bash', 'kid']);
    expect(labels('assert phys(bash, |')).toContain('buf');
    expect(labels('assert !(phys(bash, buf) == p|')).toContain('phys');
  });

  test('nothing in comments, strings of text and numbers', () => {
    expect(labels('# bash: |')).toEqual([]);
    expect(labels('bash: brk(0) # |')).toEqual([]);
    expect(labels('bash: store(buf, "a|')).toEqual([]);
    expect(labels('bash: brk(12|')).toEqual([]);
  });

  test('what is typed is replaced', () => {
    const { text, position } = cursor(`${SETUP}bash: munm|`);
    expect(complete(text, position)[0]?.range).toEqual({
      start: { line: 7, character: 6 },
      end: { line: 7, character: 10 },
    });
  });

  test('a name is not offered before it is bound', () => {
    const { text, position } = cursor(`p = spawn()\np: now = brk(0)\np: load(|)\np: later = brk(0)`);
    expect(complete(text, position).map((item) => item.label)).toEqual(['now']);
  });
});

function order(path: string): number {
  return SETUP.indexOf(path);
}

describe('hover', () => {
  const hover = (line: string) => {
    const { text, position } = cursor(`${SETUP}${line}`);
    return hoverDoc(text, position)?.contents ?? null;
  };

  test.each([
    ['bash: mm|ap(NULL)', 'mmap(addr, length, prot, flags, fd, offset)'],
    ['bash: mmap(NULL, 4K, PROT_R|EAD', 'PROT_READ = 1'],
    ['bash: openat(AT_FD|CWD, "/x")', 'AT_FDCWD = -100'],
    ['bash: brk(0) = ENO|MEM', 'Cannot allocate memory'],
    ['bash: load(buf) = mi|nor', 'without reading from a disk'],
    ['mach|ine ram=64K', 'machine key=value'],
    ['machine ra|m=64K', 'Physical memory'],
    ['program "/x" ho|st', 'real file'],
    ['assert ph|ys(bash, buf) == 0', 'physical address'],
    ['ker|nel: reclaim(1)', "nobody's process"],
    ['kernel: recl|aim(1)', 'reclaim(pages)'],
    ['ba|sh: brk(0)', 'A process, bound on line 5'],
    ['bash: load(bu|f)', 'A value, bound on line 6'],
    ['bash: signal(SIGSEGV, hand|ler)', 'next line of its process'],
  ])('%s', (line, expected) => {
    expect(hover(line)).toContain(expected);
  });

  test.each(['# mm|ap', 'bash: load(no|body)', 'bash: store(buf, "mm|ap")', '|'])('nothing: %s', (line) => {
    expect(hover(line)).toBeNull();
  });
});

describe('the address expression under the cursor', () => {
  const found = (line: string) => {
    const { text, position } = cursor(`${SETUP}${line}`);
    const expression = expressionAt(text, position);
    return expression === null ? null : [expression.text, expression.process];
  };

  test.each([
    ['bash: load(bu|f + 4K, 16)', ['buf + 4K', 'bash']],
    ['bash: load(buf + 4|K, 16)', ['buf + 4K', 'bash']],
    ['kid: store((buf + 4K)|, 1)', ['(buf + 4K)', 'kid']],
    ['bash: mun|map(buf, 4K)', null],
    ['bash: munmap(buf, 4|K)', null],
    ['bash: ma|p2 = mmap(NULL, 8K, PROT_READ, MAP_PRIVATE, -1, 0)'.replace('ma|p2', 'x'), null],
    ['bash: mmap(NU|LL, 8K, PROT_READ, MAP_PRIVATE, -1, 0)', ['NULL', 'bash']],
    ['bash: brk(0) = buf + 4|K', ['buf + 4K', 'bash']],
    ['bash: brk(0) = 0x7ffff7ff|5000', ['0x7ffff7ff5000', 'bash']],
    ['assert phys(kid, bu|f) == phys(bash, buf)', ['buf', 'kid']],
    ['assert phys(kid, buf) == phys(bash, b|uf)', ['buf', 'bash']],
    ['kernel: vm_insert_page(kid, bu|f, "/dev/fb", 0)', ['buf', 'kid']],
    ['bash: load(0x7ffff|7ff5000', ['0x7ffff7ff5000', 'bash']],
    ['bash: load(bu|f', ['buf', 'bash']],
    ['# load(bu|f)', null],
    ['ba|sh: load(buf)', null],
  ])('%s', (line, expected) => {
    const text = line.includes('|') ? line : `${line}|`;
    expect(found(text)).toEqual(expected);
  });

  test('a name where it is bound', () => {
    const { text, position } = cursor('p = spawn()\np: a|b = brk(0)');
    expect(expressionAt(text, position)).toMatchObject({ text: 'ab', process: 'p' });
  });
});

describe('signature help', () => {
  const help = (line: string) => {
    const { text, position } = cursor(`${SETUP}${line}`);
    return signatureHelp(text, position);
  };

  test('the parameter that is being written', () => {
    const at = help('bash: mmap(NULL, (1 + 2), |');
    expect(at?.label).toBe('mmap(addr, length, prot, flags, fd, offset)');
    expect(at?.activeParameter).toBe(2);
    const [start = 0, end = 0] = at?.parameters[2]?.label ?? [];
    expect(at?.label.slice(start, end)).toBe('prot');
    expect(at?.parameters[2]?.doc).toContain('PROT_READ');
  });

  test('each label is the parameter itself', () => {
    const at = help('bash: mremap(|');
    const words = at?.parameters.map(({ label: [start, end] }) => at.label.slice(start, end));
    expect(words).toEqual(['old_address', 'old_size', 'new_size', 'flags', 'new_address']);
  });

  test('functions of an assert, and variadic spawn', () => {
    expect(help('assert phys(bash, |')?.activeParameter).toBe(1);
    expect(help('x = spawn("/bin/bash", "a", "b", |')?.activeParameter).toBe(1);
  });

  test('nothing outside of parentheses', () => {
    expect(help('bash: brk(0) = |')).toBeNull();
    expect(help('bash: nocall(|')).toBeNull();
  });
});

test('the outline: declarations, names, loops with what they bind', () => {
  const symbols = documentSymbols(`${SETUP}repeat 3\nbash: x = brk(0)\nend\n`);
  expect(symbols.map((s) => [s.kind, s.name])).toEqual([
    ['machine', 'machine'],
    ['program', '/bin/bash'],
    ['file', '/data'],
    ['device', '/dev/fb'],
    ['process', 'bash'],
    ['value', 'buf'],
    ['process', 'kid'],
    ['repeat', 'repeat 3'],
  ]);
  expect(symbols.at(-1)?.children.map((s) => s.name)).toEqual(['x']);
  expect(symbols.at(-1)?.range.end.line).toBe(9);
});

test('services answer at every place of broken text', () => {
  const text = `${SETUP}bash: load((\nassert phys(\n"\nmachine =\n= (\nbash:`;
  for (const [line, content] of text.split('\n').entries()) {
    for (let character = 0; character <= content.length + 1; character++) {
      const position = { line, character };
      expect(contextAt(text, position).from).toBeLessThanOrEqual(content.length + 1);
      complete(text, position);
      hoverDoc(text, position);
      expressionAt(text, position);
      signatureHelp(text, position);
    }
  }
});
