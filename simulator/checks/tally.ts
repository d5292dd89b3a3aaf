/** What the checks count on their way through the machine, to be compared with what the machine says of itself. */

import type { Pfn } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';

/** Counts by the thing that is counted. */
export type Counts = Map<number, number>;

export interface Tally {
  readonly k: Kernel;
  /** Broken invariants, one sentence each. */
  readonly violations: string[];
  /** PTEs that map a frame, special ones left out. */
  readonly mapped: Counts;
  /** Page cache entries and swap slots that hold a frame. */
  readonly held: Counts;
  /** PTEs and shmem entries that name a swap slot. */
  readonly slots: Counts;
  /** PTEs in VM_LOCKED VMAs that map a frame. */
  readonly locked: Counts;
  /** Page tables by their PFN: no two are one. */
  readonly tablePfns: Set<Pfn>;
}

export function newTally(k: Kernel): Tally {
  return {
    k,
    violations: [],
    mapped: new Map(),
    held: new Map(),
    slots: new Map(),
    locked: new Map(),
    tablePfns: new Set(),
  };
}

export function count(counts: Counts, key: number, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** Notes a violation unless `is` equals `should`. */
export function same(t: Tally, what: string, is: unknown, should: unknown): void {
  if (is !== should) t.violations.push(`${what}: ${String(is)}, should be ${String(should)}`);
}

/** Notes a violation unless `holds`. */
export function hold(t: Tally, holds: boolean, what: () => string): void {
  if (!holds) t.violations.push(what());
}
