// The TextMate grammar says the same words as the language.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allConstants, errnoNames, isSignal } from '../../simulator/scenario/constants.ts';
import { MACHINE_KEYS } from '../../simulator/scenario/machine-keys.ts';
import { STATEMENT_KEYWORDS } from '../../simulator/scenario/parser.ts';
import { KEY_VALUES } from '../../simulator/scenario/service/docs.ts';

interface Rule {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly patterns?: readonly Rule[];
}

interface Grammar extends Rule {
  readonly repository: Readonly<Record<string, Rule>>;
}

const url = new URL('../../syntaxes/vas.tmLanguage.json', import.meta.url);
const grammar = JSON.parse(readFileSync(url, 'utf8')) as Grammar;

function* rules(rule: Rule): IterableIterator<Rule> {
  yield rule;
  for (const inner of rule.patterns ?? []) yield* rules(inner);
}

const all = [grammar, ...Object.values(grammar.repository)].flatMap((rule) => [...rules(rule)]);

/** The first rule of the expressions whose pattern matches exactly this word. */
function scopeOf(word: string): string | undefined {
  const expression = grammar.repository['expression']?.patterns ?? [];
  return expression.find(({ match }) => match !== undefined && new RegExp(match).exec(word)?.[0] === word)?.name;
}

test('every pattern is a regular expression, and every include leads somewhere', () => {
  expect(all.length).toBeGreaterThan(30);
  for (const { match, begin, end, include } of all) {
    for (const source of [match, begin, end])
      if (source !== undefined) expect(new RegExp(source)).toBeInstanceOf(RegExp);
    if (include !== undefined) expect(Object.keys(grammar.repository)).toContain(include.slice(1));
  }
});

test('keywords of statements', () => {
  const begins = all.flatMap(({ begin, match }) => [begin, match]).filter((source) => source?.startsWith('^'));
  for (const keyword of STATEMENT_KEYWORDS) {
    expect(begins.some((source) => source !== undefined && new RegExp(source).test(`${keyword} x`))).toBe(true);
    expect(begins.some((source) => source?.includes('machine|') && new RegExp(source).test(`${keyword}: x`))).toBe(
      false,
    );
  }
});

test('constants, errnos, signals and numbers', () => {
  for (const { name } of allConstants()) {
    expect([name, scopeOf(name)]).toEqual([
      name,
      isSignal(name) || name.startsWith('SIG_') ? 'support.constant.signal.vas' : 'support.constant.vas',
    ]);
  }
  for (const name of errnoNames()) expect(scopeOf(name)).toBe('support.constant.errno.vas');
  expect(['0x7f', '0644', '16K', '7'].map(scopeOf)).toEqual([
    'constant.numeric.hex.vas',
    'constant.numeric.octal.vas',
    'constant.numeric.decimal.vas',
    'constant.numeric.decimal.vas',
  ]);
  expect(scopeOf('buf')).toBe('variable.other.vas');
});

test('words that keys take', () => {
  const words = MACHINE_KEYS.flatMap((key) => (key.type === 'word' ? key.words : Object.keys(key.words ?? {})));
  const others = Object.values(KEY_VALUES).flatMap((keys) => Object.values(keys).flat());
  const rule = grammar.repository['declaration']?.patterns?.find(({ name }) => name === 'constant.language.vas');
  for (const word of [...words, ...others, 'host']) expect(word).toMatch(new RegExp(rule?.match ?? 'none'));
});
