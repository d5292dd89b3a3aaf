// UTF-8 and hexadecimal without a platform: the language has no TextEncoder to lean on in every host.

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text) pushUtf8(out, character.codePointAt(0) ?? 0);
  return Uint8Array.from(out);
}

/** Appends the UTF-8 form of one code point. */
export function pushUtf8(out: number[], codePoint: number): void {
  const c = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  if (c < 0x80) out.push(c);
  else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 0x3f));
  else if (c < 0x10000) out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
  else out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 0x3f), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
}

/** Text of UTF-8 bytes; each byte that belongs to no character becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  let i = 0;
  while (i < bytes.length) {
    const first = bytes[i] ?? 0;
    const extra = first < 0x80 ? 0 : first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : -1;
    const codePoint = first >= 0xf5 || extra < 0 ? -1 : sequence(bytes, i, extra);
    if (codePoint < 0) {
      parts.push('\ufffd');
      i += 1;
    } else {
      parts.push(String.fromCodePoint(codePoint));
      i += extra + 1;
    }
  }
  return parts.join('');
}

const LEAST = [0, 0x80, 0x800, 0x10000] as const;

/** The code point of the sequence with `extra` continuation bytes at `at`, or -1. */
function sequence(bytes: Uint8Array, at: number, extra: number): number {
  let codePoint = extra === 0 ? (bytes[at] ?? 0) : (bytes[at] ?? 0) & (0x3f >> extra);
  for (let k = 1; k <= extra; k++) {
    const next = bytes[at + k] ?? 0;
    if ((next & 0xc0) !== 0x80) return -1;
    codePoint = (codePoint << 6) | (next & 0x3f);
  }
  const surrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return codePoint < (LEAST[extra] ?? 0) || codePoint > 0x10ffff || surrogate ? -1 : codePoint;
}

/** Two lower-case digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/** A C string literal, quotes included, that stands for exactly these bytes. */
export function quote(bytes: Uint8Array): string {
  let out = '"';
  const text = decodeUtf8(bytes);
  const faithful = sameBytes(encodeUtf8(text), bytes);
  if (!faithful) {
    for (const byte of bytes) out += quoteCode(byte, true);
    return `${out}"`;
  }
  for (const character of text) out += quoteCode(character.codePointAt(0) ?? 0, false);
  return `${out}"`;
}

/** Bytes that are shown of many. */
const SHOWN_BYTES = 16;

/**
 * Many bytes in few words: `0x01 × 100` where all are alike, else `100 bytes: 01 02 …` or `100 bytes: "text"…`.
 * `bytes` are the first ones of the `length` that there are.
 */
export function describeManyBytes(bytes: Uint8Array, length: number): string {
  const [first = 0] = bytes;
  const digits = (byte: number) => byte.toString(16).padStart(2, '0');
  const isComplete = bytes.length >= length;
  if (isComplete && bytes.every((byte) => byte === first)) return `0x${digits(first)} × ${length}`;
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const isText = shown.every((byte) => byte >= 0x20 && byte < 0x7f);
  const start = isText ? `${quote(shown)}…` : `${Array.from(shown, digits).join(' ')} …`;
  return `${length} bytes: ${start}`;
}

const NAMED: ReadonlyMap<number, string> = new Map([
  [0x0a, '\\n'],
  [0x09, '\\t'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

function quoteCode(code: number, bytewise: boolean): string {
  const named = NAMED.get(code);
  if (named !== undefined) return named;
  if (code < 0x20 || code === 0x7f || (bytewise && code >= 0x80)) return `\\x${code.toString(16).padStart(2, '0')}`;
  // Line separators and the byte order mark would be lost or misread in a one-line text.
  if (code === 0x2028 || code === 0x2029 || code === 0xfeff || code === 0x85) {
    return Array.from(encodeUtf8(String.fromCodePoint(code)), (b) => `\\x${b.toString(16)}`).join('');
  }
  return String.fromCodePoint(code);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
