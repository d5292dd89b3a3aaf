// Golden diagnostics: each file of golden/ holds mistakes, and below each its diagnostic as a comment `#~`.
// UPDATE_GOLDEN=1 writes the comments anew.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../simulator/scenario/scenario.ts';

const folder = new URL('golden/', import.meta.url);

function annotated(text: string): string {
  const { lines, diagnostics } = parseScenario(text);
  return lines
    .flatMap((line, number) => {
      if (line.startsWith('#~')) return [];
      const notes = diagnostics
        .filter((d) => d.range.start.line === number)
        .map((d) => {
          const { start, end } = d.range;
          const marks = '^'.repeat(Math.max(1, end.character - start.character));
          return `#~${' '.repeat(Math.max(0, start.character - 2))}${marks} ${d.severity} ${d.code}: ${d.message}`;
        });
      return [line, ...notes];
    })
    .join('\n');
}

describe('golden diagnostics', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.vas'));

  test('there are files', () => {
    expect(files.length).toBeGreaterThan(2);
  });

  test.each(files)('%s', (name) => {
    const url = new URL(name, folder);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      // The comments move lines, and messages speak of lines: the second round settles it.
      for (let round = 0; round < 2; round++) writeFileSync(url, annotated(readFileSync(url, 'utf8')));
    }
    const text = readFileSync(url, 'utf8');
    expect(annotated(text)).toBe(text);
  });
});
