// Files that are no text are one mistake; a text with a strange byte or in another encoding stays a text.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scenarioOf } from '../../cli/source-file.ts';
import { parseScenario } from '../../simulator/scenario/scenario.ts';
import '../support/seed.ts';

/** What the runner says of a file, and what an editor says that has read it as UTF-8 or as Latin-1. */
function told(bytes: Buffer): Record<'runner' | 'utf8' | 'latin1', string[]> {
  const written = ({ diagnostics }: Pick<ReturnType<typeof parseScenario>, 'diagnostics'>) =>
    diagnostics.map(({ range: { start }, message }) => `${start.line + 1}:${start.character + 1} ${message}`);
  return {
    runner: written(scenarioOf('-', bytes).scenario),
    utf8: written(parseScenario(bytes.toString('utf8'))),
    latin1: written(parseScenario(bytes.toString('latin1'))),
  };
}

const NO_TEXT = /^\d+:\d+ this is not a text file: it holds many characters that no text has$/;

describe('what is no text is one mistake, with its place', () => {
  test('random bytes without a NUL', () => {
    const garbage = fc.uint8Array({ min: 1, minLength: 600, maxLength: 20_000, size: 'max' });
    fc.assert(
      fc.property(garbage, (bytes) => {
        for (const said of Object.values(told(Buffer.from(bytes)))) {
          expect(said).toHaveLength(1);
          expect(said[0]).toMatch(NO_TEXT);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('random bytes behind a text', () => {
    const text = 'p = spawn()\n'.padEnd(8192, '# a line\n');
    const bytes = Array.from({ length: 9000 }, (_, i) => 1 + ((i * i * 31 + i * 7) % 255));
    const { runner, utf8 } = told(Buffer.concat([Buffer.from(text), Buffer.from(bytes)]));
    expect(runner).toHaveLength(1);
    expect(runner[0]).toMatch(NO_TEXT);
    expect(Number(runner[0]?.split(':')[0])).toBe(text.split('\n').length);
    expect(utf8).toEqual(runner);
  });

  test('a NUL byte', () => {
    expect(told(Buffer.from('p = spawn()\np: \0brk(0)\n')).runner).toEqual([
      '2:4 this is not a text file: it holds a NUL byte',
    ]);
  });
});

describe('UTF-16 is one mistake that says so', () => {
  const text = 'p = spawn()\n# größer, 大\np: brk(\n';
  const little = Buffer.from(text, 'utf16le');
  test.each([
    ['little-endian', Buffer.concat([Buffer.of(0xff, 0xfe), little])],
    ['big-endian', Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(little).swap16()])],
    ['little-endian without a mark', little],
    ['big-endian without a mark', Buffer.from(little).swap16()],
    ['its mark alone', Buffer.of(0xff, 0xfe)],
  ])('%s', (_which, bytes) => {
    const { runner, utf8 } = told(bytes);
    expect(runner).toEqual(['1:1 this file is UTF-16 text: save it as UTF-8']);
    expect(utf8).toEqual(runner);
  });
});

describe('a text with something strange in it stays one', () => {
  test('a single control character is one ordinary mistake', () => {
    const { runner, utf8 } = told(Buffer.from('p = spawn()\np: brk(\x01)\np: brk(\n'));
    expect(runner).toEqual(['2:8 unexpected character U+0001', '3:8 expected a value, but the line ends']);
    expect(utf8).toEqual(runner);
  });

  test('a single byte that is no UTF-8 is one ordinary mistake', () => {
    const bytes = Buffer.from('p = spawn()\np: brk(\xe9)\np: brk(\n', 'latin1');
    expect(told(bytes).runner).toEqual([
      '2:8 the byte 0xe9 here is no UTF-8 text: save the file as UTF-8',
      '3:8 expected a value, but the line ends',
    ]);
  });

  test('a short file of strange characters is not judged by its share of them', () => {
    expect(told(Buffer.from('\x01\x02\x03\x04\n')).utf8).toEqual(['1:1 unexpected character U+0001']);
  });

  test('comments in Latin-1, or in an encoding of which no letter is UTF-8', () => {
    const german = '# Größe und Länge für späterhin überzählige Übungsgrößen\n'.repeat(200);
    const cyrillic = `# ${'\xcf\xf0\xe8\xe2\xe5\xf2 '.repeat(8)}\n`.repeat(200);
    for (const comments of [german, cyrillic]) {
      const { runner, utf8, latin1 } = told(Buffer.from(`${comments}p = spawn()\np: brk(\n`, 'latin1'));
      expect(utf8).toEqual(['202:8 expected a value, but the line ends']);
      expect(latin1).toEqual(utf8);
      expect(runner).toHaveLength(2);
      expect(runner[0]).toMatch(/^1:\d+ the byte 0x.. here is no UTF-8 text: save the file as UTF-8$/);
    }
  });
});
