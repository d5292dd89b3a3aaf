// Language services. The last `|` of a text is the cursor.

import { describe, expect, test } from 'vitest';
import type { Position } from '../../simulator/scenario/index.ts';
import {
  complete,
  documentSymbols,
  expressionAt,
  hoverDoc,
  signatureHelp,
  sizeAt,
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
    expect(labels('bash: mmap(NULL, (4K), PROT_READ, |')).toContain('MAP_PRIVATE');
    expect(labels('bash: madvise(buf, 4K, |')).toContain('MADV_PAGEOUT');
    expect(labels('bash: signal(|')).toEqual(['SIGBUS', 'SIGSEGV']);
    expect(labels('bash: signal(SIGSEGV, |')).toEqual(['handler', 'SIG_DFL']);
    // A process is a number, too, but no address.
    expect(labels('bash: munmap(|')).toContain('buf');
    expect(labels('bash: munmap(|')).not.toContain('bash');
    expect(labels('bash: kill(|')).not.toContain('buf');
  });

  test('each argument is offered what can stand there, the constants of its kind first', () => {
    const bound = `${SETUP}bash: fd = open("/data", O_RDONLY)
bash: n = read(fd, buf, 4K)
bash: seg = shmget(IPC_PRIVATE, 4K, 0600)
bash: key = pkey_alloc()
`;
    const offered = (line: string) => {
      const { text, position } = cursor(`${bound}${line}`);
      return complete(text, position)
        .toSorted((a, b) => a.rank - b.rank || (a.label < b.label ? -1 : 1))
        .map(({ label }) => label);
    };
    const names = (line: string) => offered(line).filter((label) => /^[a-z]/.test(label));
    const mmap = ['NULL', '4K', 'PROT_READ', 'MAP_PRIVATE', 'fd', '0'];
    const mmapAt = (index: number) =>
      `bash: mmap(${mmap
        .slice(0, index)
        .map((arg) => `${arg}, `)
        .join('')}|`;
    expect(offered(mmapAt(0))).toEqual(['NULL', 'buf', 'n']);
    expect(offered(mmapAt(1))).toEqual(['PAGE_SIZE', 'n', 'buf']);
    expect(offered(mmapAt(2)).slice(0, 2)).toEqual(['PROT_EXEC', 'PROT_GROWSDOWN']);
    expect(names(mmapAt(2))).toEqual(['n']);
    expect(offered(mmapAt(2)).at(-1)).toBe('n');
    expect(names(mmapAt(3))).toEqual(['n']);
    expect(offered(mmapAt(4))).toEqual(['-1', 'fd']);
    expect(offered(mmapAt(5))).toEqual(['PAGE_SIZE', 'n', 'buf']);
    expect(names('bash: madvise(buf, 4K, |')).toEqual(['n']);
    expect(offered('bash: madvise(buf, 4K, |')[0]).toBe('MADV_COLD');
    expect(offered('bash: read(|')).toEqual(['fd']);
    expect(offered('bash: read(fd, |')).toEqual(['buf', 'n']);
    expect(offered('bash: openat(|')).toEqual(['AT_FDCWD', 'fd']);
    expect(names('bash: kill(kid, |')).toEqual(['n']);
    expect(offered('bash: kill(|')).toEqual(['bash', 'kid']);
    expect(offered('bash: wait4(|')).toEqual(['-1', 'bash', 'kid']);
    expect(offered('bash: wait4(-|')).toEqual(['bash', 'kid']);
    expect(offered('bash: shmat(|')).toEqual(['seg']);
    expect(offered('bash: pkey_free(|')).toEqual(['key']);
    expect(offered('bash: load(|')).toEqual(['buf', 'n']);
    expect(offered('kernel: vm_insert_page(|')).toEqual(['bash', 'kid']);
    expect(offered('assert byte(bash, |')).toEqual(['buf', 'n']);
    // In a flag behind another one as well.
    expect(names('bash: mmap(NULL, 4K, PROT_READ|PROT_|')).toEqual(['n']);
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

describe('hover on a size', () => {
  const size = (line: string) => {
    const { text, position } = cursor(`${SETUP}${line}`);
    return sizeAt(text, position)?.contents ?? null;
  };
  const SIZES: [string, string | null][] = [
    ['bash: mmap(NULL, 16|0K, PROT_READ, MAP_PRIVATE, -1, 0)', '`160K` = 163,840 bytes = 40 pages = `0x28000`'],
    ['bash: mmap(NULL, 4|M, PROT_READ, MAP_PRIVATE, -1, 0)', '`4M` = 4,194,304 bytes = 1,024 pages = `0x400000`'],
    ['bash: mmap(NULL, 81|92, PROT_READ, 2, -1, 0)', '`8192` = `8K` = 8,192 bytes = 2 pages = `0x2000`'],
    ['bash: mmap(NULL, 0x3|000, 1, 2, -1, 0)', '`0x3000` = `12K` = 12,288 bytes = 3 pages'],
    ['bash: mmap(NULL, |3 * PAGE_SIZE, 1, 2, -1, 0)', '`3 * PAGE_SIZE` = `12K` = 12,288 bytes = 3 pages = `0x3000`'],
    ['bash: load(buf, 50|00)', '`5000` = 5,000 bytes = 1 page and 904 bytes = `0x1388`'],
    ['bash: load(buf, |1)', '`1` = 1 byte = less than a page'],
    ['bash: read(3, buf, 4K) = 40|96', '`4096` = `4K` = 4,096 bytes = 1 page = `0x1000`'],
    ['bash: mmap(NULL, 4K, 1, 2, 3, |0)', '`0` = 0 bytes = no page'],
    ['machine swap=16|K', '`16K` = 16,384 bytes = 4 pages = `0x4000`'],
    ['machine ram=1048|576', '`1048576` = `1M` = 1,048,576 bytes = 256 pages = `0x100000`'],
    ['file "/f" size=10|0', '`100` = 100 bytes = less than a page = `0x64`'],
    ['assert rss(bash) == 8|192', '`8192` = `8K` = 8,192 bytes = 2 pages = `0x2000`'],
    ['assert 1|M > vsz(bash)', '`1M` = 1,048,576 bytes = 256 pages = `0x100000`'],
    ['assert cached("/data", 4|K)', '`4K` = 4,096 bytes = 1 page = `0x1000`'],
    ['kernel: truncate("/data", 6|K)', '`6K` = 6,144 bytes = 1 page and 2,048 bytes = `0x1800`'],
    ['bash: setrlimit(RLIMIT_STACK, 8|M)', '`8M` = 8,388,608 bytes = 2,048 pages = `0x800000`'],
    // In a line that does not parse, a suffix tells.
    ['bash: mmap(NULL, 16|0K', '`160K` = 163,840 bytes = 40 pages = `0x28000`'],
    // Addresses have a translation, and what is counted in other things is no size.
    ['bash: load(buf + 4|K)', null],
    ['bash: load(0x10|0000)', null],
    ['bash: brk(16|M)', null],
    ['bash: mmap(0x400|0000, 4K, 1, 2, -1, 0)', null],
    ['bash: mmap(NULL, 4K, |1, 2, -1, 0)', null],
    ['bash: mmap(NULL, 0xfffffffffffff|000, 1, 2, -1, 0)', null],
    ['bash: exit(|3)', null],
    ['bash: store(buf, 6|5)', null],
    ['device "/d" pages=1|6 mmap=remap', null],
    ['machine tlb=6|4', null],
    ['kernel: reclaim(1|6)', null],
    ['repeat 1|0', null],
    ['assert minflt(bash) == 1|0', null],
    ['bash: mmap(NULL, PAGE|_SIZE, 1, 2, -1, 0)', null],
    ['# 16|K', null],
  ];
  test.each(SIZES)('%s', (line, contents) => {
    expect(size(line)).toBe(contents);
  });
});

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
