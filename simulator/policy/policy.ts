// What every replacement policy answers: hit or miss, who had to go, who is resident.

/** The page was resident. */
export const HIT = -2;
/** The page was not resident, and a frame was free for it. */
export const FREE_FRAME = -1;

/**
 * A policy over a fixed number of frames. Pages are dense numbers from 0, as references.ts hands them out; all start
 * out of memory.
 */
export interface Policy {
  /** The next access of the run. Returns {@link HIT}, {@link FREE_FRAME}, or the page that was replaced. */
  access(page: number): number;
  /** Pages in memory, in the policy's own order. */
  resident(): number[];
  /** True when a hit may change the order of {@link resident}. */
  readonly ordersByUse: boolean;
  /** All pages that the last access drove out, oldest decision first. Absent where it is one at most. */
  victims?(): readonly number[];
  /** {@link resident} for people, where there is more to see than which pages they are. */
  marked?(name: (page: number) => string): string[];
}

export interface Counts {
  readonly hits: number;
  readonly misses: number;
}

/** Runs `policy` over all of `pages`. */
export function countAccesses(policy: Policy, pages: Int32Array): Counts {
  let hits = 0;
  for (const page of pages) if (policy.access(page) === HIT) hits++;
  return { hits, misses: pages.length - hits };
}
