// The parser: what each form of the language means, and that no text whatever upsets it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Expr, Statement } from '../../simulator/scenario/ast.ts';
import { decodeUtf8, encodeUtf8 } from '../../simulator/scenario/bytes.ts';
import { MAX_LINE, tokenize } from '../../simulator/scenario/lexer.ts';
import { parseLine, parseText } from '../../simulator/scenario/parser.ts';
import { printStatement } from '../../simulator/scenario/printer.ts';
import { parseScenario } from '../../simulator/scenario/scenario.ts';

function statementOf(line: string): Statement {
  const { statement, diagnostic } = parseLine(line, 0);
  if (statement === null) throw new Error(diagnostic?.message ?? 'no statement');
  return statement;
}

function problemOf(line: string): string {
  return parseLine(line, 0).diagnostic?.message ?? 'none';
}

/** A tree without its places. */
function bare(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part) => {
      if (key === 'span') return undefined;
      if (typeof part === 'bigint') return `${part}n`;
      return part instanceof Uint8Array ? Array.from(part) : part;
    }),
  );
}

describe('numbers', () => {
  const cases: [string, bigint][] = [
    ['0', 0n],
    ['4096', 4096n],
    ['0x7ffff7ff5000', 0x7ffff7ff5000n],
    ['0XfF', 255n],
    ['0644', 0o644n],
    ['16K', 16384n],
    ['3M', 3n << 20n],
    ['2G', 2n << 30n],
    ['1T', 1n << 40n],
    ['0x10K', 16n << 10n],
    ['18446744073709551615', (1n << 64n) - 1n],
    ['0xffffffffffffffff', (1n << 64n) - 1n],
    ['000000000000000000000000000000000000000017', 15n],
  ];
  test.each(cases)('%s', (text, value) => {
    expect(tokenize(text, 0)[0]).toMatchObject({ kind: 'number', value });
  });

  const wrong: [string, string][] = [
    ['089', 'octal'],
    ['16E', "unknown suffix 'E'"],
    ['16k', "unknown suffix 'k'"],
    ['16KB', "unknown suffix 'KB'"],
    ['0x', 'behind 0x come hexadecimal digits'],
    ['0Xg', 'behind 0x come hexadecimal digits'],
    ['18446744073709551616', 'does not fit in 64 bits'],
    ['16777216T', 'does not fit in 64 bits'],
    ['9'.repeat(100_000), 'does not fit in 64 bits'],
    ['1_000', "unknown suffix '_000'"],
  ];
  test.each(wrong)('%s is wrong', (text, message) => {
    const token = tokenize(text, 0)[0];
    expect(token?.kind).toBe('bad');
    expect(token?.message).toContain(message);
  });

  test('any number below 2^64 is read in every base', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (n) => {
        for (const text of [n.toString(), `0x${n.toString(16)}`, `0${n.toString(8)}`]) {
          expect(tokenize(text, 0)[0]?.value).toBe(n);
        }
      }),
    );
  });
});

describe('strings', () => {
  const cases: [string, number[]][] = [
    ['"hello"', [104, 101, 108, 108, 111]],
    ['"\\n\\t\\\\\\""', [10, 9, 92, 34]],
    ['"\\0\\12\\177"', [0, 10, 127]],
    ['"\\1234"', [0o123, 0x34]],
    ['"\\x41g"', [0x41, 0x67]],
    ['"\\x414"', [0x41, 0x34]],
    ['"\\377"', [255]],
    ['"é€😀"', [0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]],
    ['""', []],
    ['"# no comment"', Array.from(encodeUtf8('# no comment'))],
  ];
  test.each(cases)('%s', (text, bytes) => {
    expect(Array.from(tokenize(text, 0)[0]?.string?.bytes ?? [999])).toEqual(bytes);
  });

  const wrong: [string, string][] = [
    ['"abc', 'not closed'],
    ['"abc\\"', 'not closed'],
    ['"\\x4"', 'two hexadecimal digits'],
    ['"\\xg0"', 'two hexadecimal digits'],
    ['"\\400"', 'more than one byte'],
    ['"\\q"', 'unknown escape'],
  ];
  test.each(wrong)('%s is wrong', (text, message) => {
    expect(tokenize(text, 0)[0]?.message).toContain(message);
  });
});

describe('lines', () => {
  test('comments and blanks say nothing', () => {
    for (const line of ['', '   ', '# comment', '  # "', '\t']) {
      expect(parseLine(line, 0)).toEqual({ statement: null, diagnostic: null, broken: null, tokens: 1 });
    }
  });

  test('CRLF, a byte order mark and no last newline are all right', () => {
    const tree = parseText('\ufeffmachine ram=64K\r\np = spawn()\r\np: brk(0) = ?');
    expect(tree.diagnostics).toEqual([]);
    expect(tree.statements.map((s) => s.kind)).toEqual(['declaration', 'spawn', 'call']);
  });

  test('a bad line is one diagnostic, and the lines around it parse', () => {
    const tree = parseText('p = spawn()\np: mmap(((\np: brk(0)\n');
    expect(tree.statements.map((s) => s.span.line)).toEqual([0, 2]);
    expect(tree.diagnostics).toHaveLength(1);
    expect(tree.diagnostics[0]?.range.start.line).toBe(1);
  });

  test('places are counted from 0 in UTF-16 units', () => {
    const { diagnostic } = parseLine('p: store(a, "😀", @)', 4);
    expect(diagnostic?.range).toEqual({ start: { line: 4, character: 18 }, end: { line: 4, character: 19 } });
  });

  const wrong: [string, string][] = [
    ['mmap(NULL, 4K)', 'which process?'],
    ['asert 1 == 1', 'did you mean assert?'],
    ['p: mmap', "expected '(' behind 'mmap', but the line ends"],
    ['p: mmap(1,)', 'expected a value'],
    ['p: mmap(1 2)', "expected ')' or a comma, but found '2'"],
    ['p: brk(0) =', "nothing stands behind '='"],
    ['assert present(app, 0) = 1', "an assert compares with '=='"],
    ['p: brk(0) = 1 2', 'only one result'],
    ['p: brk(0) extra', "expected the end of the line, but found 'extra'"],
    ['p: brk(8 / 2)', "unexpected character '/'"],
    ['file size=4K', 'a string: the path of the file'],
    ['repeat', 'expected a value'],
    ['assert 1 < 2 < 3', 'cannot be chained'],
    ['p: brk(0) /* what', 'comment is not closed'],
    ['p: brk(0) = 0 ENOMEM', 'returns -1'],
    ['p: brk(0) = -1 ENOMEM (Cannot', "')' is missing"],
  ];
  test.each(wrong)('%s', (line, message) => {
    expect(problemOf(line)).toContain(message);
  });
});

describe('what strace prints', () => {
  const lines = [
    'p: mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fbe000',
    'p: prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0',
    'p: setrlimit(RLIMIT_STACK, {rlim_cur=1024*1024, rlim_max=8192*1024}) = 0',
    'p: openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
    'p: brk(NULL)                               = 0x555555576000',
    'p: read(3, "\\177ELF\\2\\1\\1\\3\\0"..., 832) = 832',
    'p: clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7ffff7d9ea10) = 22202',
    'p: wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 22202',
    'p: wait4(-1, 0x7fffffffe9a8, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)',
    'p: execve("/bin/true", ["true"], 0x7fffffffec10 /* 3 vars */) = 0',
    'p: exit_group(0)                           = ?',
    'p: mincore(0x7ffff7fbe000, 16384, [1, 1, 0, 0]) = 0',
    'p: munmap(0x7ffff7fbe000, 1) = -1 EINVAL (Invalid argument)',
    'p: openat(AT_FDCWD, "/tmp", O_RDWR) = -1 EISDIR (isn\'t a "file)',
    'p: shmat(5, NULL, SHM_RDONLY) = 0x7ffff7fbd000',
    'p: openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3</etc/passwd>',
    'p: madvise(0x7ffff7fbe000, 4096, 0x7f /* MADV_??? */) = -1 EINVAL (Invalid argument)',
  ];
  test.each(lines)('%s', (line) => {
    const { diagnostics } = parseScenario(`p = spawn()\n${line}\n`);
    expect(diagnostics).toEqual([]);
  });

  test('-1 ENOMEM (text) is the errno', () => {
    const statement = statementOf('p: brk(0) = -1 ENOMEM (Cannot allocate memory)');
    expect(statement).toMatchObject({ expected: { errno: 'ENOMEM', value: null } });
  });

  test('-ENOMEM, as the kernel itself writes it, is the errno', () => {
    expect(statementOf('p: brk(0) = -ENOMEM')).toMatchObject({ expected: { errno: 'ENOMEM', value: null } });
  });

  test('? ERESTARTSYS expects nothing', () => {
    const statement = statementOf('p: pause() = ? ERESTARTNOHAND (To be restarted)'.replace('pause', 'brk'));
    expect(statement).toMatchObject({ expected: { any: true, errno: null } });
  });
});

describe('expectations of accesses', () => {
  const cases: [string, object][] = [
    ['minor', { outcome: 'minor', value: null }],
    ['minor "hello"', { outcome: 'minor', value: { kind: 'string' } }],
    ['minor, 7', { outcome: 'minor', value: { kind: 'int', value: 7n } }],
    ['hit = 7', { outcome: 'hit', value: { kind: 'int', value: 7n } }],
    ['"hello" cow', { outcome: 'cow', value: { kind: 'string' } }],
    ['SIGSEGV', { signal: 'SIGSEGV', signalCode: null }],
    ['SIGSEGV SEGV_ACCERR', { signal: 'SIGSEGV', signalCode: 'SEGV_ACCERR' }],
    ['SIGKILL', { signal: 'SIGKILL' }],
  ];
  test.each(cases)('= %s', (text, expected) => {
    expect(statementOf(`p: load(a) = ${text}`)).toMatchObject({ expected });
  });
});

describe('nothing upsets the parser', () => {
  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(parseScenario(text).text).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('any sequence of the words of the language', () => {
    const word = fc.constantFrom(
      ...'machine file program repeat end assert p kernel spawn mmap load store : = ( ) [ ] { } , | + - * ! == < && "/a" "x'.split(
        ' ',
      ),
      ...[
        '16K',
        '0x',
        '?',
        '-1',
        'ENOMEM',
        'minor',
        'SIGSEGV',
        'ram',
        'size',
        '\n',
        '\n',
        '#',
        '/*',
        '*/',
        '...',
        '4E',
      ],
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        const scenario = parseScenario(words.join(' '));
        const lines = new Set<number>();
        for (const { severity, range } of scenario.diagnostics) {
          if (severity === 'error') expect(lines.has(range.start.line)).toBe(false);
          if (severity === 'error') lines.add(range.start.line);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a line of 10 MB is one diagnostic', () => {
    const { diagnostics } = parseScenario(`p = spawn()\n${'x'.repeat(10_000_000)}\np: brk(0)\n`);
    expect(diagnostics.map((d) => [d.code, d.range.start.line])).toEqual([['too-long', 1]]);
  });

  test('a long line that is allowed is read, however deep its chains', () => {
    const sum = Array.from({ length: MAX_LINE / 4 - 10 }, () => '1')
      .join(' + ')
      .slice(0, MAX_LINE - 20);
    expect(parseScenario(`p = spawn()\np: brk(${sum.replace(/ \+? ?$/, '')})`).diagnostics).toEqual([]);
  });

  test.each(['(', '[', '{a=', '-', '!', 'f('])('%s a hundred thousand times is one diagnostic', (open) => {
    const { diagnostics } = parseScenario(`assert ${open.repeat(100_000)}`);
    expect(diagnostics).toHaveLength(1);
  });

  test('binary garbage is one diagnostic', () => {
    const garbage = Array.from({ length: 100_000 }, (_, i) => String.fromCharCode((i * 7919) % 256)).join('');
    const { diagnostics } = parseScenario(garbage);
    expect(diagnostics.map((d) => d.code)).toEqual(['binary']);
  });

  test('mistakes are listed up to a bound', () => {
    const { diagnostics } = parseScenario('@\n'.repeat(5000));
    expect(diagnostics.length).toBeLessThan(600);
    expect(diagnostics.at(-1)?.code).toBe('too-many');
    const unbound = Array.from({ length: 5000 }, (_, i) => `p${i}: brk(0)\n`).join('');
    const { diagnostics: names } = parseScenario(unbound);
    expect(names).toHaveLength(501);
    expect(names.at(-1)).toMatchObject({ code: 'too-many', range: { start: { line: 500 } } });
  });
});

describe('what is printed parses to the same tree', () => {
  const span = { line: 0, start: 0, end: 0 };
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/).filter((n) => !['hit', 'minor', 'major', 'cow'].includes(n));
  const ident = name.map((n) => ({ name: n, span }));
  const int = fc
    .bigInt({ min: 0n, max: (1n << 64n) - 1n })
    .map((value): Expr => ({ kind: 'int', value, text: `${value}`, span }));
  const string = fc.uint8Array({ maxLength: 12 }).map((bytes): Expr => {
    const text = decodeUtf8(bytes);
    return { kind: 'string', value: { text, bytes }, abbreviated: false, span };
  });
  const atom = fc.oneof(
    int,
    name.map((n): Expr => ({ kind: 'name', name: n, span })),
  );
  const { condition } = fc.letrec<{ condition: Expr; primary: Expr; sum: Expr; or: Expr; compare: Expr }>((tie) => ({
    primary: fc.oneof(
      { maxDepth: 4 },
      atom,
      tie('condition').map((operand): Expr => ({ kind: 'group', operand, span })),
      fc
        .tuple(ident, fc.array(tie('or'), { maxLength: 2 }))
        .map(([callee, args]): Expr => ({ kind: 'call', callee, args, span })),
      tie('primary').map((operand): Expr => ({ kind: 'negate', operand, span })),
      tie('primary').map((operand): Expr => ({ kind: 'not', operand, span })),
      fc.array(tie('primary'), { minLength: 1, maxLength: 2 }).map((items): Expr => ({ kind: 'array', items, span })),
    ),
    sum: fc.oneof(
      tie('primary'),
      fc.tuple(tie('primary'), fc.array(fc.tuple(fc.boolean(), tie('primary')), { minLength: 1, maxLength: 2 })).map(
        ([first, rest]): Expr => ({
          kind: 'sum',
          terms: [{ negative: false, operand: first }, ...rest.map(([negative, operand]) => ({ negative, operand }))],
          span,
        }),
      ),
    ),
    or: fc.oneof(
      tie('sum'),
      fc.array(tie('sum'), { minLength: 2, maxLength: 3 }).map((operands): Expr => ({ kind: 'or', operands, span })),
    ),
    compare: fc.oneof(
      tie('or'),
      fc
        .tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('or'), tie('or'))
        .map(([operator, left, right]): Expr => ({ kind: 'compare', operator: operator as '==', left, right, span })),
    ),
    condition: fc.oneof(
      tie('compare'),
      fc
        .array(tie('compare'), { minLength: 2, maxLength: 3 })
        .map((operands): Expr => ({ kind: 'and', operands, span })),
    ),
  }));
  const call = fc.record({
    callee: ident,
    args: fc.array(fc.oneof(atom, string), { maxLength: 4 }),
    span: fc.constant(span),
  });
  const statement: fc.Arbitrary<Statement> = fc.oneof(
    condition.map((c): Statement => ({ kind: 'assert', condition: c, span })),
    fc
      .tuple(ident, fc.option(ident), call)
      .map(([process, target, c]): Statement => ({ kind: 'call', process, target, call: c, expected: null, span })),
    fc.tuple(ident, call).map(([target, c]): Statement => ({ kind: 'spawn', target, call: c, expected: null, span })),
    atom.map((count): Statement => ({ kind: 'repeat', count, span })),
  );

  test('any statement', () => {
    fc.assert(
      fc.property(statement, (tree) => {
        const line = printStatement(tree);
        expect(bare(statementOf(line))).toEqual(bare(tree));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    'machine ram=64K swap=32K aslr=off',
    'file "/a b" text="x\\n\\x00"',
    'program "/bin/ls" type=pie text=12K interp="/lib/ld.so" needs="/lib/a,/lib/b"',
    'p: x = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE, -1, 0) = ENOMEM',
    'p: setrlimit(RLIMIT_STACK, {rlim_cur=8192 * 1024, rlim_max=RLIM_INFINITY}) = 0',
    'p: clone(flags=SIGCHLD, child_stack=NULL) = ?',
    'p: load(a, 5) = minor, "hello"',
    'end',
  ])('%s', (line) => {
    expect(printStatement(statementOf(line))).toBe(line);
  });
});
