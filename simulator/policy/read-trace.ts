// Memory traces of `valgrind --tool=lackey --trace-mem=yes`: `I  ADDR,SIZE`, ` L ADDR,SIZE`, ` S …`, ` M …`.

import { HASH, hexDigit, type InputProblem, isSpace, lineEnd, problemAt, quote, tooMany } from './input.ts';
import { ReferenceBuilder, type References } from './references.ts';

const COMMA = 0x2c;
const EQUALS = 0x3d;
const MINUS = 0x2d;
/** I, L, S, M. */
const KINDS: readonly number[] = [0x49, 0x4c, 0x53, 0x4d];
/** An address has 64 bits. */
const MAX_DIGITS = 16;
/** No instruction touches more bytes (xsave with all its components is below 16 KiB). */
const MAX_SIZE = 65536;

/** One line of a trace: the page of its first byte, and how many pages it touches. */
export interface TraceLine {
  readonly page: number;
  readonly count: number;
}

/** True for lines that carry no access: blank, `# comment`, and what valgrind tells of itself (`==PID== …`, `--PID-- …`). */
export function isTalk(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isSpace(bytes[at] as number)) at++;
  if (at === end) return true;
  const byte = bytes[at];
  return byte === HASH || ((byte === EQUALS || byte === MINUS) && bytes[at + 1] === byte);
}

/** An access line, written into `line`; false for another line. */
function readLine(bytes: Uint8Array, start: number, end: number, line: { page: number; count: number }): boolean {
  let at = start;
  while (at < end && isSpace(bytes[at] as number)) at++;
  if (!KINDS.includes(bytes[at] as number) || !isSpace(bytes[at + 1] ?? 0)) return false;
  at++;
  while (at < end && isSpace(bytes[at] as number)) at++;
  const digits = at;
  // The last three digits are the offset in the page: what is before them is the page, and fits a double.
  let page = 0;
  let offset = 0;
  for (let digit = 0; at < end; at++) {
    digit = hexDigit(bytes[at] as number);
    if (digit < 0) break;
    page = page * 16 + (offset >> 8);
    offset = ((offset & 0xff) << 4) | digit;
  }
  if (at === digits || at - digits > MAX_DIGITS || bytes[at] !== COMMA) return false;
  const sizeStart = ++at;
  let size = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    size = Math.min(size * 10 + digit, MAX_SIZE + 1);
  }
  if (at === sizeStart || size === 0 || size > MAX_SIZE) return false;
  while (at < end && isSpace(bytes[at] as number)) at++;
  line.page = page;
  line.count = Math.ceil((offset + size) / 4096);
  return at === end;
}

/** The access of the line [start, end); null when it is none. */
export function traceLine(bytes: Uint8Array, start: number, end: number): TraceLine | null {
  const line = { page: 0, count: 0 };
  return readLine(bytes, start, end, line) ? line : null;
}

/**
 * A page is an address divided by 4096. One line is one access (a modify too) to each page that its bytes lie in, in
 * ascending order.
 */
export function readTrace(bytes: Uint8Array): References | InputProblem {
  const builder = new ReferenceBuilder<number>();
  const line = { page: 0, count: 0 };
  for (let start = 0; start < bytes.length; ) {
    const end = lineEnd(bytes, start);
    if (readLine(bytes, start, end, line)) {
      for (let i = 0; i < line.count; i++) if (!builder.add(line.page + i)) return tooMany(bytes, start, end);
    } else if (!isTalk(bytes, start, end)) {
      return problemAt(bytes, start, end, `${quote(bytes, start, end)} is no line of a memory trace`);
    }
    start = end + 1;
  }
  return builder.length > 0 ? builder.finish('hexadecimal') : problemAt(bytes, 0, 0, 'the trace has no accesses');
}
