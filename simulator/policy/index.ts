// The textbooks' replacement policies on a string of page references: their names, and one of each.

import { Clock } from './clock.ts';
import { Fifo } from './fifo.ts';
import { LinuxReclaim } from './linux.ts';
import { Opt } from './opt.ts';
import type { Policy } from './policy.ts';
import { RandomChoice, seededDraws } from './random.ts';
import { Recency } from './recency.ts';
import type { References } from './references.ts';

export type { InputProblem } from './input.ts';
export { countAccesses, FREE_FRAME, HIT, type Policy } from './policy.ts';
export { readList } from './read-list.ts';
export { readTrace } from './read-trace.ts';
export { type InputKind, recognise } from './recognise.ts';
export { pageText, type References } from './references.ts';
export { AccessRecorder } from './scenario-accesses.ts';

export const POLICY_NAMES = ['fifo', 'lru', 'clock', 'opt', 'mru', 'random', 'linux'] as const;

export type PolicyName = (typeof POLICY_NAMES)[number];

export interface PolicyOptions {
  /** Page frames, from 1. */
  readonly frames: number;
  /** Reference bits of CLOCK, 1 … 255. */
  readonly bits: number;
  /** Of RANDOM, 0 … 2^32 - 1. */
  readonly seed: number;
}

/** A policy with empty frames, for a run over `references` from their beginning. */
export function makePolicy(name: PolicyName, references: References, options: PolicyOptions): Policy {
  const { frames, bits, seed } = options;
  const pages = references.names.length;
  switch (name) {
    case 'fifo':
      return new Fifo(frames, pages);
    case 'lru':
      return new Recency(frames, pages, 'oldest');
    case 'mru':
      return new Recency(frames, pages, 'newest');
    case 'clock':
      return new Clock(frames, pages, bits);
    case 'opt':
      return new Opt(frames, pages, references.accesses);
    case 'random':
      return new RandomChoice(frames, pages, seededDraws(seed));
    case 'linux':
      return new LinuxReclaim(frames, pages);
  }
}
