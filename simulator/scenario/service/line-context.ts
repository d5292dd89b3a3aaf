// Where in a line a cursor stands: what could be written there. Works on lines that are not finished.

import { type CallPlace, type CallSignature, signature } from '../calls.ts';
import { type Token, tokenize } from '../lexer.ts';
import { DECLARATION_KEYWORDS } from '../parser.ts';
import { type Position, splitLines } from '../source.ts';

/** What is wanted at the cursor. */
export type Wanted =
  | { readonly kind: 'statement' }
  | { readonly kind: 'path-of-declaration' | 'key' | 'value'; readonly keyword: string; readonly key: string }
  | { readonly kind: 'call'; readonly place: CallPlace }
  | { readonly kind: 'argument'; readonly call: CallSignature; readonly index: number; readonly inAssert: boolean }
  | { readonly kind: 'condition' }
  | { readonly kind: 'expectation'; readonly call: CallSignature | null }
  | { readonly kind: 'nothing' };

export interface LineContext {
  readonly wanted: Wanted;
  /** The piece of a word or string in front of the cursor, without the opening quote. */
  readonly prefix: string;
  readonly inString: boolean;
  /** Column at which `prefix` starts. */
  readonly from: number;
}

const NOTHING: LineContext = { wanted: { kind: 'nothing' }, prefix: '', inString: false, from: 0 };

/** The text of one line, empty behind the end of the file. */
export function lineAt(text: string, line: number): string {
  return splitLines(text)[line] ?? '';
}

export function contextAt(text: string, position: Position): LineContext {
  const line = lineAt(text, position.line);
  const before = line.slice(0, position.character);
  if (isInComment(line, position.character)) return NOTHING;
  const tokens = tokenize(before, position.line).filter((token) => token.kind !== 'end');
  const last = tokens.at(-1);
  if (last?.kind === 'bad' && last.text.startsWith('"')) {
    const wanted = wantedAfter(tokens.slice(0, -1));
    return { wanted, prefix: last.text.slice(1), inString: true, from: last.span.start + 1 };
  }
  const isTyping = last !== undefined && (last.kind === 'word' || last.kind === 'number');
  if (isTyping && last.span.end === before.length) {
    const wanted = last.kind === 'number' ? NOTHING.wanted : wantedAfter(tokens.slice(0, -1));
    return { wanted, prefix: last.text, inString: false, from: last.span.start };
  }
  return { wanted: wantedAfter(tokens), prefix: '', inString: false, from: before.length };
}

/** True behind the `#` of a comment. */
export function isInComment(line: string, character: number): boolean {
  const tokens = tokenize(line, 0);
  const end = tokens.at(-2)?.span.end ?? 0;
  const hash = line.indexOf('#', end);
  return hash >= 0 && character > hash && tokens.at(-2)?.kind !== 'bad';
}

/** What can follow the tokens of a line. */
function wantedAfter(tokens: readonly Token[]): Wanted {
  const [first, second, third, fourth] = tokens;
  if (first === undefined) return { kind: 'statement' };
  if (first.kind !== 'word') return { kind: 'nothing' };
  if (second?.text === ':') {
    const named = third?.kind === 'word' && fourth?.text === '=';
    return wantedOfStep(tokens.slice(named ? 4 : 2), first.text === 'kernel' ? 'kernel' : 'process');
  }
  if (second?.text === '=') return wantedOfStep(tokens.slice(2), 'spawn');
  if (first.text === 'assert') return wantedOfAssert(tokens.slice(1));
  if ((DECLARATION_KEYWORDS as readonly string[]).includes(first.text)) return wantedOfDeclaration(tokens);
  return { kind: 'nothing' };
}

function wantedOfDeclaration(tokens: readonly Token[]): Wanted {
  const keyword = tokens[0]?.text ?? '';
  const last = tokens.at(-1);
  const key = tokens.at(-2)?.text ?? '';
  if (keyword !== 'machine' && tokens.length === 1) return { kind: 'path-of-declaration', keyword, key: '' };
  if (last?.text === '=') return { kind: 'value', keyword, key };
  return { kind: 'key', keyword, key: '' };
}

function wantedOfStep(tokens: readonly Token[], place: CallPlace): Wanted {
  const [callee, open] = tokens;
  if (callee === undefined) return { kind: 'call', place };
  if (open?.text !== '(') return { kind: 'nothing' };
  const call = signature(place, callee.text) ?? null;
  const { closed, index } = scanArguments(tokens.slice(2));
  if (closed === null) return call === null ? { kind: 'nothing' } : { kind: 'argument', call, index, inAssert: false };
  return tokens[closed + 3]?.text === '=' ? { kind: 'expectation', call } : { kind: 'nothing' };
}

/** Walks over arguments: the index of the parenthesis that closes the call, and of the argument at the end. */
function scanArguments(tokens: readonly Token[]): { closed: number | null; index: number } {
  let depth = 0;
  let index = 0;
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== 'punct') continue;
    if (text === '(' || text === '[' || text === '{') depth += 1;
    else if (text === ')' && depth === 0) return { closed: at, index };
    else if (text === ')' || text === ']' || text === '}') depth -= 1;
    else if (text === ',' && depth === 0) index += 1;
  }
  return { closed: null, index };
}

/** Inside the innermost open function of a condition, or between functions. */
function wantedOfAssert(tokens: readonly Token[]): Wanted {
  const open: { readonly call: CallSignature | null; index: number }[] = [];
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== 'punct') continue;
    const inner = open.at(-1);
    if (text === '(') open.push({ call: signature('query', tokens[at - 1]?.text ?? '') ?? null, index: 0 });
    else if (text === ')') open.pop();
    else if (text === ',' && inner !== undefined) inner.index += 1;
  }
  const inner = open.at(-1);
  if (inner === undefined || inner.call === null) return { kind: 'condition' };
  return { kind: 'argument', call: inner.call, index: inner.index, inAssert: true };
}
