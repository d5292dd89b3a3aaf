/** What the conformance runner and its workers say to each other. */
import type { Difference } from '../kernel/lockstep.ts';

export type Order =
  | { readonly kind: 'run'; readonly seed: number; readonly group: string; readonly steps: number }
  | { readonly kind: 'reduce'; readonly seed: number; readonly group: string; readonly steps: number };

export interface Answer {
  readonly seed: number;
  readonly group: string;
  readonly steps: number;
  readonly milliseconds: number;
  readonly difference: Difference | null;
  /** A difference that two more runs of the same scenario did not show: the machine's doing, not a rule. */
  readonly wavered?: Difference;
  /** The scenario cut down, with the difference it shows. */
  readonly reduced?: { readonly source: string; readonly difference: Difference };
  /** The harness or the simulator threw. */
  readonly error?: string;
}
