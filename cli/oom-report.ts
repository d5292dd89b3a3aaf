// What the runner prints of the OOM killer.

import type { OomCandidate, OomKill } from '../simulator/abi.ts';
import type { StepReport } from '../simulator/scenario/index.ts';

/** Remembers who was killed, and where. */
export class OomDeaths {
  readonly #lines = new Map<number, number>();

  see({ line, outcome }: StepReport): void {
    for (const { killed } of outcome.oom ?? []) for (const pid of killed) this.#lines.set(pid, line);
  }

  /** The line whose step the process died in; undefined when it was not killed. */
  lineOf(pid: number): number | undefined {
    return this.#lines.get(pid);
  }
}

function candidateJson(
  { pid, badness, resident, swapped, tables, adj }: OomCandidate,
  names: ReadonlyMap<number, string>,
) {
  return { process: names.get(pid) ?? null, pid, badness, resident, swapped, tables, oom_score_adj: adj };
}

/** One element of a step's `oom`: the victim's fields, null where nobody may be killed, and the other candidates. */
export function oomJson({ victim, others, more }: OomKill, names: ReadonlyMap<number, string>) {
  const rest = { others: others.map((other) => candidateJson(other, names)), more };
  if (victim === null) return { victim: null, ...rest };
  const { process, ...parts } = candidateJson(victim, names);
  return { victim: process, ...parts, ...rest };
}
