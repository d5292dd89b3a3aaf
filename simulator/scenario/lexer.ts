// Cuts one line into tokens. Never throws: what is no token becomes one of kind `bad` that says why, and it is
// reported only if the parser gets to it (the words behind strace's errno may hold anything).

import type { StringArg } from '../abi.ts';
import { decodeUtf8, pushUtf8 } from './bytes.ts';
import type { DiagnosticCode, Span } from './source.ts';

export type TokenKind = 'word' | 'number' | 'string' | 'punct' | 'bad' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The characters as written. */
  readonly text: string;
  readonly span: Span;
  /** Of a number: its value. */
  readonly value?: bigint;
  /** Of a string: what it stands for. */
  readonly string?: StringArg;
  /** The variables of an environment that strace counts in a comment behind it, where it shows only its address. */
  readonly vars?: number;
  /** Of a bad token: what is wrong, and the code of its diagnostic. */
  readonly message?: string;
  readonly code?: DiagnosticCode;
}

/** Longest line that is read; a longer one is one diagnostic. */
export const MAX_LINE = 1 << 20;

const SPACE = /[ \t\f\v\r\u00a0]+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /[0-9][A-Za-z0-9_]*/y;
const PUNCT = /\.\.\.|==|!=|<=|>=|&&|[()[\]{},:=|+\-*!<>?]/y;
const VARS = /\/\*\s*(\d+) vars?\s*\*\//;
const SUFFIX: Readonly<Record<string, bigint>> = { K: 10n, M: 20n, G: 30n, T: 40n };
export const WORD_MAX = (1n << 64n) - 1n;

/** The tokens of a line, the last one of kind `end`. Comments and blanks yield none. */
export function tokenize(text: string, line: number): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    const from = at;
    at = skipBlank(text, from);
    noteVars(tokens, text, from, at);
    if (at >= text.length || text[at] === '#') break;
    const token = readToken(text, at, line);
    tokens.push(token);
    at = token.span.end;
  }
  const end = text.trimEnd().length;
  tokens.push({ kind: 'end', text: '', span: { line, start: Math.min(at, end), end: Math.min(at, end) } });
  return tokens;
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Skips blanks and `/* … *​/`, with which strace explains a number. */
function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    const blank = match(SPACE, text, at);
    if (blank !== null) at += blank.length;
    else if (text.startsWith('/*', at) && text.indexOf('*/', at + 2) >= 0) at = text.indexOf('*/', at + 2) + 2;
    else return at;
  }
}

/** `0x7ffd12345678 /* 23 vars *​/`: the last token gets the number that the comment behind it, in [from, to), says. */
function noteVars(tokens: Token[], text: string, from: number, to: number): void {
  const last = tokens.at(-1);
  if (last === undefined || to - from < '/*1 var*/'.length) return;
  const digits = VARS.exec(text.slice(from, to))?.[1];
  if (digits !== undefined) tokens[tokens.length - 1] = { ...last, vars: Number(digits) };
}

function readToken(text: string, at: number, line: number): Token {
  const word = match(WORD, text, at);
  if (word !== null) return { kind: 'word', text: word, span: { line, start: at, end: at + word.length } };
  const number = match(NUMBER, text, at);
  if (number !== null) return readNumber(number, { line, start: at, end: at + number.length });
  if (text[at] === '"') return readString(text, at, line);
  const punct = match(PUNCT, text, at);
  if (punct !== null) return { kind: 'punct', text: punct, span: { line, start: at, end: at + punct.length } };
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const span = { line, start: at, end: at + character.length };
  if (text.startsWith('/*', at))
    return bad('/*', { line, start: at, end: text.length }, 'the comment is not closed', 'syntax');
  return bad(character, span, `unexpected ${describeCharacter(character)}`, 'syntax');
}

function bad(text: string, span: Span, message: string, code: DiagnosticCode): Token {
  return { kind: 'bad', text, span, message, code };
}

function describeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xfffd
    ? `character ${hex}`
    : `character '${character}'`;
}

function readNumber(text: string, span: Span): Token {
  const parts = /^(?:0[xX]([0-9a-fA-F]+)|([0-9]+))([A-Za-z_]\w*)?$/.exec(text);
  const hex = parts?.[1];
  const digits = parts?.[2] ?? '';
  const suffix = parts?.[3] ?? '';
  if (parts === null) return bad(text, span, `'${clip(text)}' is not a number`, 'number');
  if (hex === undefined && digits === '0' && /^[xX]/.test(suffix)) {
    return bad(text, span, `'${clip(text)}' is not a number: behind 0x come hexadecimal digits`, 'number');
  }
  const shift = suffix === '' ? 0n : SUFFIX[suffix];
  if (shift === undefined) {
    return bad(text, span, `unknown suffix '${clip(suffix)}': sizes end in K, M, G or T`, 'number');
  }
  const octal = hex === undefined && digits.length > 1 && digits.startsWith('0');
  if (octal && /[89]/.test(digits)) {
    return bad(text, span, `'${clip(text)}' starts with 0, so it is octal, and octal has no digit 8 or 9`, 'number');
  }
  // Enough digits to be too large whatever they are: a conversion to bigint would take quadratic time.
  const significant = (hex ?? digits).replace(/^0+(?=.)/, '');
  const value =
    significant.length > 22 ? null : parseDigits(significant, hex !== undefined ? 16 : octal ? 8 : 10) << shift;
  if (value === null || value > WORD_MAX) return bad(text, span, `'${clip(text)}' does not fit in 64 bits`, 'number');
  return { kind: 'number', text, span, value };
}

function parseDigits(digits: string, base: 8 | 10 | 16): bigint {
  return BigInt(base === 16 ? `0x${digits}` : base === 8 ? `0o${digits}` : digits);
}

/** A stretch of the text that fits in a message. */
export function clip(text: string): string {
  return text.length > 32 ? `${text.slice(0, 29)}…` : text;
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  '\\': 92,
  '"': 34,
  "'": 39,
  '?': 63,
  e: 27,
};

function readString(text: string, start: number, line: number): Token {
  const bytes: number[] = [];
  let problem: { readonly message: string; readonly span: Span } | null = null;
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    if (text[at] !== '\\') {
      const codePoint = text.codePointAt(at) ?? 0;
      pushUtf8(bytes, codePoint);
      at += codePoint > 0xffff ? 2 : 1;
      continue;
    }
    const escaped = readEscape(text, at);
    if (typeof escaped === 'string') {
      problem ??= { message: escaped, span: { line, start: at, end: Math.min(at + 2, text.length) } };
      at += 2;
    } else {
      bytes.push(escaped.byte);
      at += escaped.length;
    }
  }
  if (at >= text.length) {
    return bad(
      text.slice(start),
      { line, start, end: text.length },
      'the string is not closed: " is missing',
      'string',
    );
  }
  const span = { line, start, end: at + 1 };
  const source = text.slice(start, at + 1);
  if (problem !== null) return bad(source, span, problem.message, 'string');
  const data = Uint8Array.from(bytes);
  return { kind: 'string', text: source, span, string: { text: decodeUtf8(data), bytes: data } };
}

function readEscape(text: string, at: number): { byte: number; length: number } | string {
  const octal = /[0-7]{1,3}/y;
  const digits = match(octal, text, at + 1);
  if (digits !== null) {
    const byte = Number.parseInt(digits, 8);
    return byte > 255 ? `'\\${digits}' is more than one byte` : { byte, length: digits.length + 1 };
  }
  const letter = text[at + 1] ?? '';
  if (letter === 'x') {
    const hex = match(/[0-9a-fA-F]{2}/y, text, at + 2);
    if (hex === null) return "'\\x' wants exactly two hexadecimal digits";
    return { byte: Number.parseInt(hex, 16), length: 4 };
  }
  const byte = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  return byte === undefined ? `unknown escape '\\${letter}'` : { byte, length: 2 };
}
