// What a line that does not parse was meant to be, so that the lines that need it are not called wrong as well.

import type { Ident } from './ast.ts';
import type { Token } from './lexer.ts';
import { closest } from './source.ts';

/** What can be told of a line that does not parse. */
export interface BrokenLine {
  readonly line: number;
  /** The names that it would have bound: one, or the parts of one that is none. */
  readonly targets: readonly Ident[];
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
  const nothing = { line, targets: [], path: null, step: false, repeat: false, end: false };
  const [first, second] = tokens;
  if (first?.kind !== 'word') return nothing;
  if (second?.text === '=' || second?.text === '==') return { ...nothing, targets: [ident(first)], step: true };
  if (second?.text === ':') return { ...nothing, targets: boundByCall(tokens.slice(2)), step: true };
  const keyword =
    second?.text === '(' ? null : keywords.includes(first.text) ? first.text : closest(first.text, keywords);
  if (keyword === null) return { ...nothing, targets: boundSomewhere(tokens) };
  const path = DECLARES_PATH.has(keyword) ? pathBehind(text.slice(first.span.end)) : null;
  // A word that is no keyword may as well be a process whose colon is missing.
  const targets = keyword === first.text ? [] : boundSomewhere(tokens);
  return { ...nothing, targets, path, repeat: keyword === 'repeat', end: keyword === 'end' };
}

/** What stands before the `:` or `=` of a line and is no name, such as `bash-1`; null where a name stands there. */
export function badName(text: string): string | null {
  const head = /^\s*([\p{L}\p{N}_.-]+)\s*[:=]/u.exec(text)?.[1];
  return head === undefined || /^[A-Za-z_]\w*$/.test(head) ? null : head;
}

function ident(token: Token): Ident {
  return { name: token.text, span: token.span };
}

/** Behind `PROC:`, the name in `NAME = …`, `NAME == …`, `NAME := …` or `NAME call(…`. */
function boundByCall(tokens: readonly Token[]): Ident[] {
  const [name, next, open] = tokens;
  const at = tokens.findIndex(({ text }) => text === '=' || text === '==' || text === '(');
  if (tokens[at]?.text === '=' || tokens[at]?.text === '==') {
    return wordsBefore(tokens, tokens[at - 1]?.text === ':' ? at - 1 : at);
  }
  return name?.kind === 'word' && next?.kind === 'word' && open?.text === '(' ? [ident(name)] : [];
}

/** The name in the first `NAME = call(` of a line; what stands in parentheses is named for another reason. */
function boundSomewhere(tokens: readonly Token[]): Ident[] {
  const at = tokens.findIndex(({ text }) => text === '=' || text === '(');
  const isCall = tokens[at]?.text === '=' && tokens[at + 1]?.kind === 'word' && tokens[at + 2]?.text === '(';
  return isCall ? wordsBefore(tokens, at) : [];
}

/** The words of what stands before the token number `end` without a blank: of `my-buf` they are two. */
function wordsBefore(tokens: readonly Token[], end: number): Ident[] {
  const words: Ident[] = [];
  for (let at = end - 1; at >= 0; at--) {
    const token = tokens[at];
    const next = tokens[at + 1];
    if (token === undefined || (at < end - 1 && token.span.end !== next?.span.start)) break;
    if (token.kind === 'word') words.push(ident(token));
  }
  return words;
}

/** The path at the start of `text`, whatever is wrong with its quotes. */
function pathBehind(text: string): string | null {
  const found = /^\s*"?([^"\s]+)/.exec(text)?.[1];
  return found === undefined || found.includes('=') ? null : found;
}
