/**
 * What an access would do now. Nobody knows it better than the machine: the access is made, its events are kept, and the
 * machine is put back as it was.
 */

import type { AccessKind, FaultKind, Request, StepOutcome } from '../abi.ts';
import type { KernelEvent } from '../events.ts';
import type { Simulator } from '../simulator.ts';

/** What an access comes to. `hit`: no fault; `fault`: it is served, by these faults; `signal`: it ends in one. */
export type Verdict =
  | { readonly kind: 'hit' }
  | { readonly kind: 'fault'; readonly faults: readonly { readonly kind: FaultKind; readonly major: boolean }[] }
  | { readonly kind: 'signal'; readonly signal: string; readonly code: string }
  | { readonly kind: 'impossible'; readonly why: string };

/** A verdict with what happened on the way. */
export interface Trial {
  readonly verdict: Verdict;
  readonly events: readonly KernelEvent[];
}

const OPS = { read: 'load', write: 'store', exec: 'fetch' } as const;

function verdictOf({ result, faults }: StepOutcome): Verdict {
  if (result.kind === 'signal') return { kind: 'signal', signal: result.signal, code: result.code };
  if (result.kind === 'skipped') return { kind: 'impossible', why: result.message };
  return faults.length === 0 ? { kind: 'hit' } : { kind: 'fault', faults };
}

/** A signal that nobody catches takes the process down, which is much work to be undone: for the trial they are caught. */
function catchSignals(simulator: Simulator, pid: number): void {
  for (const signal of ['SIGSEGV', 'SIGBUS']) simulator.execute({ op: 'signal', pid, signal, handler: true });
}

/** Tries an access of one byte on the machine as it is now, and takes it back. */
export function tryAccess(simulator: Simulator, pid: number, address: bigint, access: AccessKind): Trial {
  const op = OPS[access];
  const request: Request = op === 'store' ? { op, pid, addr: address, value: 0 } : { op, pid, addr: address };
  const snapshot = simulator.snapshot();
  try {
    catchSignals(simulator, pid);
    simulator.listen(true);
    const outcome = simulator.execute(request);
    return { verdict: verdictOf(outcome), events: simulator.events };
  } finally {
    simulator.restore(snapshot);
    simulator.listen(false);
  }
}
