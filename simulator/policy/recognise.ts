// What an input is: a list of page numbers, a memory trace, or a scenario.

import { type InputProblem, isSpace, lineEnd, problemAt } from './input.ts';
import { isTalk, traceLine } from './read-trace.ts';

export type InputKind = 'list' | 'trace' | 'scenario';

/** What a statement of a scenario begins with: a declaration's word, or `name =` and `name:`. */
const STATEMENT = /^\s*(?:(?:machine|file|program|library|device|repeat|assert|end)\b|[A-Za-z_]\w*\s*[:=])/;
/** Enough of a line to know it by. */
const HEAD = 256;

/** A byte that no text has: control characters but white space and escape sequences. */
function binaryByte(bytes: Uint8Array): number {
  return bytes.subarray(0, 65536).findIndex((byte) => byte < 0x20 && !isSpace(byte) && byte !== 0x1b);
}

/**
 * Looks at the first line that says something. A trace's line makes a trace and a number a list, whatever the file is
 * called; `isNamedScenario` (its name ends in .vas) or a statement makes a scenario; all else is read as a list.
 */
export function recognise(bytes: Uint8Array, isNamedScenario: boolean): InputKind | InputProblem {
  const odd = binaryByte(bytes);
  if (odd >= 0) {
    const byte = (bytes[odd] as number).toString(16).padStart(2, '0');
    return problemAt(bytes, odd, odd + 1, `this is no text: it has a byte 0x${byte}`);
  }
  for (let start = 0; start < bytes.length; ) {
    const end = lineEnd(bytes, start);
    if (traceLine(bytes, start, end) !== null) return 'trace';
    if (!isTalk(bytes, start, end)) return kindOfLine(bytes, start, end, isNamedScenario);
    start = end + 1;
  }
  return isNamedScenario ? 'scenario' : 'list';
}

function kindOfLine(bytes: Uint8Array, start: number, end: number, isNamedScenario: boolean): InputKind {
  const head = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + HEAD)));
  if (/^[\s,]*[0-9]/.test(head)) return 'list';
  return isNamedScenario || STATEMENT.test(head) ? 'scenario' : 'list';
}
