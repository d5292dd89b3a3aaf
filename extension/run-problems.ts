// What is wrong with the executed lines: an error for each mistake, and none for the lines that were not run because of it.
import type { Range, StepRecord } from '../simulator/index.ts';
import { countText } from '../webview/protocol.ts';

/** Something wrong with a line, and where. */
export interface Problem {
  readonly range: Range;
  readonly message: string;
}

/** By the line that shows the mistake: how many other lines were not run because of it. `last`: what each line came to. */
export function countFollowUps(last: Iterable<StepRecord>): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { followUp, line } of last) {
    if (followUp === undefined || followUp.line === line) continue;
    counts.set(followUp.line, (counts.get(followUp.line) ?? 0) + 1);
  }
  return counts;
}

/** What is wrong with a line by its last execution; null when nothing is, or when another line shows it. */
export function problemOf(last: StepRecord, executions: number, notRun: ReadonlyMap<number, number>): Problem | null {
  const problem = last.error ?? last.failure;
  if (problem === undefined || (last.followUp !== undefined && last.followUp.line !== last.line)) return null;
  const more = last.error === undefined ? 0 : (notRun.get(last.line) ?? 0);
  const consequence = more === 0 ? '' : `; ${countText(more, 'more line')} ${more === 1 ? 'is' : 'are'} not run`;
  const execution = executions > 1 ? ` (execution ${executions} of this line)` : '';
  return { range: problem.range, message: `${problem.message}${consequence}${execution}` };
}
