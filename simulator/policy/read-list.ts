// A list of page numbers, as exercises give it: separated by commas or white space, `#` comments.

import { HASH, hexDigit, type InputProblem, isSpace, lineEnd, problemAt, quote, tooMany } from './input.ts';
import { ReferenceBuilder, type References } from './references.ts';

const COMMA = 0x2c;
/** Longer words are no number below 2^53, however many zeros they begin with. */
const MAX_WORD = 1024;

/** Decimal, or hexadecimal with `0x`; -1 for what is neither, or is not below 2^53. */
function numberOf(bytes: Uint8Array, start: number, end: number): number {
  const isHex = end - start > 2 && bytes[start] === 0x30 && ((bytes[start + 1] as number) | 0x20) === 0x78;
  const base = isHex ? 16 : 10;
  let value = 0;
  for (let at = isHex ? start + 2 : start; at < end; at++) {
    const digit = hexDigit(bytes[at] as number);
    if (digit < 0 || digit >= base) return -1;
    value = value * base + digit;
  }
  return Number.isSafeInteger(value) && end - start <= MAX_WORD ? value : -1;
}

export function readList(bytes: Uint8Array): References | InputProblem {
  const builder = new ReferenceBuilder<number>();
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number;
    if (isSpace(byte) || byte === COMMA) at++;
    else if (byte === HASH) at = lineEnd(bytes, at);
    else {
      const start = at;
      while (at < bytes.length && !endsWord(bytes[at] as number)) at++;
      const page = numberOf(bytes, start, at);
      if (page < 0) return problemAt(bytes, start, at, `${quote(bytes, start, at)} is no page number (0 … 2^53 - 1)`);
      if (!builder.add(page)) return tooMany(bytes, start, at);
    }
  }
  return builder.length > 0 ? builder.finish('decimal') : problemAt(bytes, 0, 0, 'there are no page numbers');
}

function endsWord(byte: number): boolean {
  return isSpace(byte) || byte === COMMA || byte === HASH;
}
