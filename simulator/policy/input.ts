// The bytes of an input: lines, columns, and what can be wrong with them.

import type { Range } from '../scenario/source.ts';
import { MAX_ACCESSES } from './references.ts';

/** Why an input cannot be used, with its place. */
export interface InputProblem {
  readonly message: string;
  readonly range: Range;
}

export const NEWLINE = 0x0a;
export const HASH = 0x23;

/** Longer words are cut in messages. */
const SHOWN = 32;

/** A problem with bytes [start, end), which lie on one line. Columns count characters of UTF-8. */
export function problemAt(bytes: Uint8Array, start: number, end: number, message: string): InputProblem {
  let line = 0;
  let lineStart = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < start; at = bytes.indexOf(NEWLINE, at + 1)) {
    line++;
    lineStart = at + 1;
  }
  const from = columnOf(bytes, lineStart, start);
  const to = from + columnOf(bytes, start, end);
  return { message, range: { start: { line, character: from }, end: { line, character: to } } };
}

function columnOf(bytes: Uint8Array, start: number, end: number): number {
  let column = 0;
  for (let at = start; at < end; at++) if (((bytes[at] as number) & 0xc0) !== 0x80) column++;
  return column;
}

/** Bytes [start, end) as a message quotes them: what is not plain ASCII stands as `\xHH`. */
export function quote(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (const byte of bytes.subarray(start, Math.min(end, start + SHOWN))) {
    const isPlain = byte >= 0x20 && byte < 0x7f;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return end - start > SHOWN ? `'${text}…'` : `'${text}'`;
}

export function tooMany(bytes: Uint8Array, start: number, end: number): InputProblem {
  return problemAt(bytes, start, end, `more than ${MAX_ACCESSES.toLocaleString('en')} accesses`);
}

/** End of the line that contains `at`: its newline, or the end of the input. */
export function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(NEWLINE, at);
  return end < 0 ? bytes.length : end;
}

/** Tab, newline, vertical tab, form feed, carriage return, space. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13);
}

/** Value of a hexadecimal digit, -1 for another byte. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
