// One mistake is one error: what follows from it is silent. Two mistakes are two errors.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../simulator/scenario/scenario.ts';

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

  test('with a line that is cut off anywhere: one error, in that line', () => {
    for (const [line, at] of statementsOf(lines)) {
      const code = line.replace(/\s+#.*/, '');
      const isBinding = /^(?:\w+:\s*)?\w+\s*=/.exec(code);
      // Of a name that is cut itself the rest of the file cannot know.
      const least = isBinding === null ? (/^\w+/.exec(code)?.[0].length ?? 1) : isBinding[0].length;
      for (let length = least; length < code.length; length++) {
        const cut = code.slice(0, length);
        const isMissing = /^(file|program|library|device|machine|repeat|assert)\b[^"]*"?[^"]*$/.test(cut);
        const errors = told(lines.with(at, cut));
        if (isMissing) continue;
        expect(errors.length, `${cut}\n${errors.join('\n')}`).toBeLessThanOrEqual(1);
        for (const error of errors) expect(error.startsWith(`${at + 1}: `), `${cut}\n${error}`).toBe(true);
      }
    }
  });
});
