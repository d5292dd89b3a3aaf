// What a line that does not parse was meant to be, so that the lines that need it are not called wrong as well.

import type { Ident } from './ast.ts';
import { signature } from './calls.ts';
import type { Token } from './lexer.ts';
import { machineKey } from './machine-keys.ts';
import { closest, type Span } from './source.ts';

/** What can be told of a line that does not parse. */
export interface BrokenLine {
  readonly line: number;
  /** The names that it would have bound: one, or the parts of one that is none. */
  readonly targets: readonly Ident[];
  /** Beginnings of the name that it may have bound, the likelier ones first: the empty one stands for any name. */
  readonly maybe: readonly Ident[];
  /** The path that it would have declared, perhaps cut off. */
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
  const nothing = { line, targets: [], maybe: [], path: null, step: false, repeat: false, end: false };
  const [first, second, third] = tokens;
  if (first === undefined) return nothing;
  if (first.text === '=') return { ...nothing, maybe: [anyName(first.span)], step: true };
  if (first.text === ':') return { ...nothing, ...boundByCall(tokens.slice(1), first.span), step: true };
  if (first.kind === 'string') return { ...nothing, path: first.string?.text ?? null };
  // Of `repeat 3` the 3.
  if (first.kind === 'number' && second?.kind === 'end') return { ...nothing, repeat: true };
  // `2 = spawn()`, where a name is meant.
  if (first.kind === 'number' && second?.text === '=') return { ...nothing, maybe: [anyName(first.span)], step: true };
  if (first.kind !== 'word') return nothing;
  if (second?.text === '=' || second?.text === '==') {
    const isSetting = machineKey(first.text) !== undefined || keywords.includes(first.text);
    if (isSetting && tokens.every(({ text: of }) => of !== '(')) return nothing;
    const step = third === undefined || third.kind === 'end' || third.kind === 'word';
    return { ...nothing, targets: [ident(first)], step };
  }
  if (second?.text === ':') return { ...nothing, ...boundByCall(tokens.slice(2), second.span), step: true };
  if (second?.text === '(') {
    // What asks about the state, or tells of a condition, binds nothing.
    if (keywords.includes(first.text) || signature('query', first.text) !== undefined) return nothing;
    return { ...nothing, targets: boundSomewhere(tokens), maybe: [anyName(first.span)] };
  }
  const keyword = keywords.includes(first.text) ? first.text : closest(first.text, keywords);
  // A word that is no keyword may as well be a process whose colon is missing, or a name whose `=` is.
  const isKeyword = keyword === first.text;
  const isAlone = second?.kind === 'end';
  const targets = isKeyword ? [] : boundSomewhere(tokens);
  const beginnings = isAlone && keyword === null ? [ident(first), anyName(first.span)] : [ident(first)];
  const maybe = isKeyword || targets.length > 0 ? [] : beginnings;
  const isCut = isAlone && Array.from(DECLARES_PATH).some((word) => word.startsWith(first.text));
  if (keyword === null) return { ...nothing, targets, maybe, path: isCut ? '' : null };
  const path = isCut || DECLARES_PATH.has(keyword) ? pathBehind(text.slice(first.span.end)) : null;
  return { ...nothing, targets, maybe, path, repeat: keyword === 'repeat', end: keyword === 'end' };
}

/** What stands before the `:` or `=` of a line and is no name, such as `bash-1`; null where a name stands there. */
export function badName(text: string): string | null {
  const head = /^\s*([\p{L}\p{N}_.-]+)\s*[:=]/u.exec(text)?.[1];
  return head === undefined || /^[A-Za-z_]\w*$/.test(head) ? null : head;
}

function ident(token: Token): Ident {
  return { name: token.text, span: token.span };
}

/** What {@link BrokenLine.maybe} has where a line tells nothing of its name. */
function anyName({ line, start }: Span): Ident {
  return { name: '', span: { line, start, end: start } };
}

/**
 * What is bound behind `PROC:`: the name in `NAME = …`, `NAME == …`, `NAME := …` or `NAME call(…`; of a line that ends
 * before its call the word that is there. `colon` is where it stands.
 */
function boundByCall(tokens: readonly Token[], colon: Span): Pick<BrokenLine, 'targets' | 'maybe'> {
  const [name, next, open] = tokens;
  const at = tokens.findIndex(({ text }) => text === '=' || text === '==' || text === '(');
  const isBinding = tokens.slice(0, at).every(({ kind, text }) => kind !== 'string' && text !== ',' && text !== ')');
  if (isBinding && (tokens[at]?.text === '=' || tokens[at]?.text === '==')) {
    const targets = wordsBefore(tokens, tokens[at - 1]?.text === ':' ? at - 1 : at);
    return { targets, maybe: targets.length === 0 ? [anyName(colon)] : [] };
  }
  if (name?.kind !== 'word') return { targets: [], maybe: name?.kind === 'end' ? [anyName(colon)] : [] };
  if (next?.kind === 'word' && open?.text === '(') return { targets: [ident(name)], maybe: [] };
  return { targets: [], maybe: at < 0 || !isBinding ? [ident(name)] : [] };
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

/** The path at the start of `text`, whatever is wrong with its quotes; empty where there is none. */
function pathBehind(text: string): string {
  const found = /^\s*"?([^"\s]+)/.exec(text)?.[1];
  return found === undefined || found.includes('=') || found === 'host' ? '' : found;
}
