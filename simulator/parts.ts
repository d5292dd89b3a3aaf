/**
 * Long computations in parts: between two of them the caller may do something else, look at the machine, or give the
 * whole up. In one go or in parts, they come to the same.
 */

/** How far a computation is, in pages or what else it counts. */
export interface Progress {
  readonly done: number;
  readonly of: number;
}

/**
 * A computation in parts. Between them the machine may have been looked into, by snapshot and trial: whoever yields keeps
 * ids over it, and finds records anew.
 */
export type Parts<T> = Generator<Progress, T, undefined>;

/** Pages of one part: less than a millisecond where no page is evicted. A power of two. */
export const PART_PAGES = 1024;
/** The same in bytes. */
export const PART_BYTES = PART_PAGES * 4096;

export function isParts<T>(result: unknown): result is Parts<T> {
  return typeof result === 'object' && result !== null && Symbol.iterator in result && 'return' in result;
}

/** Computes all parts at once. */
export function inOneGo<T>(parts: Parts<T>): T {
  let next = parts.next();
  while (next.done !== true) next = parts.next();
  return next.value;
}
