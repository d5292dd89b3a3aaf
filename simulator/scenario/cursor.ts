// Where a run stands: an index into the code and the rounds left of the loops around it. Immutable. Loops are unrolled
// as they are walked, so a repeat of 10^12 costs nothing beforehand.

import type { AssertCode, Code, StepCode } from './scenario.ts';

interface Loop {
  /** Index of the RepeatCode. */
  readonly start: number;
  /** Rounds after this one. */
  readonly left: bigint;
  readonly outer: Loop | null;
}

export interface Cursor {
  /** Index of a StepCode or AssertCode. */
  readonly index: number;
  readonly loops: Loop | null;
}

/** The first thing to execute, or null when there is none. */
export function firstCursor(code: readonly Code[]): Cursor | null {
  return settle(code, 0, null);
}

/** What follows `cursor`, or null at the end. */
export function nextCursor(code: readonly Code[], cursor: Cursor): Cursor | null {
  return settle(code, cursor.index + 1, cursor.loops);
}

export function codeAt(code: readonly Code[], cursor: Cursor): StepCode | AssertCode {
  const at = code[cursor.index];
  if (at?.kind !== 'step' && at?.kind !== 'assert') throw new Error('codeAt: the cursor is at no step');
  return at;
}

/** Walks from `index` over repeats and ends to what can be executed. Each body has something, so this ends. */
function settle(code: readonly Code[], from: number, around: Loop | null): Cursor | null {
  let index = from;
  let loops = around;
  for (;;) {
    const at = code[index];
    if (at === undefined) return null;
    if (at.kind === 'repeat') {
      if (at.effective) {
        loops = { start: index, left: at.count - 1n, outer: loops };
        index += 1;
      } else index = at.end + 1;
    } else if (at.kind === 'end') {
      if (loops === null) throw new Error('settle: an end outside of every repeat');
      if (loops.left > 0n) {
        index = loops.start + 1;
        loops = { ...loops, left: loops.left - 1n };
      } else {
        index += 1;
        loops = loops.outer;
      }
    } else return { index, loops };
  }
}
