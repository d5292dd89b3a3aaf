// Tells a text from what is none: an image, a program, an archive, or a text in UTF-16 that was read as UTF-8.

import type { Diagnostic } from './source.ts';

/** So many characters are looked at together: what is no text shows in any stretch of it. */
const STRETCH = 4096;
/** A stretch with fewer control characters is a text with some strange ones, each of which is told by itself. */
const MANY_CONTROLS = 16;
/** A stretch is no text when one in so many of its characters cannot stand in any. */
const ONE_IN = 10;
/** What a byte that is no UTF-8 became when the file was read. */
const REPLACEMENT = 0xfffd;

/**
 * What is wrong with a file that is no text, at the first character that shows it; null for a text. A file in another
 * encoding, some letters of which are lost, is a text.
 */
export function findNoText(text: string): Diagnostic | null {
  const nul = text.indexOf('\0');
  if (isUtf16(text, nul)) return problemAt(text, 0, 'this file is UTF-16 text: save it as UTF-8');
  if (nul >= 0) return problemAt(text, nul, 'this is not a text file: it holds a NUL byte');
  for (let from = 0; from < text.length; from += STRETCH) {
    const at = strangeStretch(text, from, Math.min(text.length, from + STRETCH));
    if (at !== null) return problemAt(text, at, 'this is not a text file: it holds many characters that no text has');
  }
  return null;
}

/** So many characters show whether every other one is a NUL. */
const SAMPLE = 64;
const LEAST_NULS = 4;

/** UTF-16 read as UTF-8: its mark is lost, and a character of ASCII has a NUL before or behind it. */
function isUtf16(text: string, nul: number): boolean {
  const hasMark = text.startsWith('\ufffd\ufffd');
  if (nul < 0) return hasMark && text.length === 2;
  if (hasMark && nul < 4) return true;
  const nuls: [even: number, odd: number] = [0, 0];
  const length = Math.min(SAMPLE, text.length);
  for (let at = 0; at < length; at++) if (text[at] === '\0') nuls[at % 2 === 0 ? 0 : 1] += 1;
  const [fewer, more] = nuls[0] < nuls[1] ? nuls : [nuls[1], nuls[0]];
  // Three of four characters: those of other scripts have no NUL.
  return fewer === 0 && more >= LEAST_NULS && more * 8 >= length * 3;
}

/** The first character of text[from, to) that no text has, when there are many; else null. */
function strangeStretch(text: string, from: number, to: number): number | null {
  let first: number | null = null;
  let controls = 0;
  let replaced = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === REPLACEMENT) replaced += 1;
    else if (isControl(code)) controls += 1;
    else continue;
    first ??= at;
  }
  return controls >= MANY_CONTROLS && (controls + replaced) * ONE_IN >= to - from ? first : null;
}

/** A control character other than tabs and the ends of lines and pages. */
function isControl(code: number): boolean {
  return (code < 0x20 && !(code >= 0x09 && code <= 0x0d)) || (code >= 0x7f && code < 0xa0);
}

function problemAt(text: string, offset: number, message: string): Diagnostic {
  const before = text.slice(0, offset);
  const line = before.split('\n').length - 1;
  const character = offset - (before.lastIndexOf('\n') + 1);
  const range = { start: { line, character }, end: { line, character: character + 1 } };
  return { severity: 'error', code: 'binary', message, range };
}
