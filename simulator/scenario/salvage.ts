// What a line that does not parse was meant to be, so that the lines that need it are not called wrong as well.

import type { Ident } from './ast.ts';
import type { Token } from './lexer.ts';
import { closest } from './source.ts';

/** What can be told of a line that does not parse. */
export interface BrokenLine {
  readonly line: number;
  /** The name that it would have bound. */
  readonly target: Ident | null;
  /** The path that it would have declared. */
  readonly path: string | null;
  /** It starts like a step, so no declaration may follow. */
  readonly step: boolean;
  /** It starts like `repeat`, so an `end` may follow. */
  readonly repeat: boolean;
  /** It is meant to be an `end`. */
  readonly end: boolean;
}

const DECLARES_PATH: ReadonlySet<string> = new Set(['file', 'program', 'library', 'device']);

/** `text` is the line, `keywords` the words that a statement can start with. */
export function salvage(text: string, tokens: readonly Token[], line: number, keywords: readonly string[]): BrokenLine {
  const nothing = { line, target: null, path: null, step: false, repeat: false, end: false };
  const [first, second] = tokens;
  if (first?.kind !== 'word') return nothing;
  if (second?.text === '=' || second?.text === '==') return { ...nothing, target: ident(first), step: true };
  if (second?.text === ':') return { ...nothing, target: boundByCall(tokens.slice(2)), step: true };
  const keyword =
    second?.text === '(' ? null : keywords.includes(first.text) ? first.text : closest(first.text, keywords);
  if (keyword === null) return { ...nothing, target: boundSomewhere(tokens) };
  const path = DECLARES_PATH.has(keyword) ? pathBehind(text.slice(first.span.end)) : null;
  // A word that is no keyword may as well be a process whose colon is missing.
  const target = keyword === first.text ? null : boundSomewhere(tokens);
  return { ...nothing, target, path, repeat: keyword === 'repeat', end: keyword === 'end' };
}

function ident(token: Token): Ident {
  return { name: token.text, span: token.span };
}

/** Behind `PROC:`, the name in `NAME = …`, `NAME == …`, `NAME := …` or `NAME call(…`. */
function boundByCall([name, sign, next, open]: readonly Token[]): Ident | null {
  if (name?.kind !== 'word') return null;
  const isBound =
    sign?.text === '=' ||
    sign?.text === '==' ||
    (sign?.text === ':' && next?.text === '=') ||
    (sign?.kind === 'word' && next?.text === '(') ||
    (sign?.kind === 'bad' && next?.kind === 'word' && open?.text === '(');
  return isBound ? ident(name) : null;
}

/** The name in the first `NAME = call(` of a line; what stands in parentheses is named for another reason. */
function boundSomewhere(tokens: readonly Token[]): Ident | null {
  for (const [at, token] of tokens.entries()) {
    if (token.text === '(') return null;
    const isNamed = token.kind === 'word' && tokens[at + 1]?.text === '=';
    if (isNamed && tokens[at + 2]?.kind === 'word' && tokens[at + 3]?.text === '(') return ident(token);
  }
  return null;
}

/** The path at the start of `text`, whatever is wrong with its quotes. */
function pathBehind(text: string): string | null {
  const found = /^\s*"?([^"\s]+)/.exec(text)?.[1];
  return found === undefined || found.includes('=') ? null : found;
}
