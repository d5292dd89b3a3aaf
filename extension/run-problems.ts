// What is wrong with the executed lines: an error for each mistake, and none for the lines that were not run because of it.
import type { LineSummary, Range, StepRecord } from '../simulator/index.ts';
import { countText, numberText } from '../webview/protocol.ts';

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

/** What is wrong with a line by the first execution that was; null when none was, or when another line shows it. */
export function problemOf(line: LineSummary, notRun: ReadonlyMap<number, number>): Problem | null {
  if (line.wrong === null) return null;
  const { record, execution } = line.wrong;
  const problem = record.error ?? record.failure;
  if (problem === undefined) return null;
  const more = record.error === undefined ? 0 : (notRun.get(record.line) ?? 0);
  const consequence = more === 0 ? '' : `; ${countText(more, 'more line')} ${more === 1 ? 'is' : 'are'} not run`;
  return { range: problem.range, message: `${problem.message}${consequence}${executionText(line, execution)}` };
}

function executionText({ executions, failures, errors }: LineSummary, execution: number): string {
  if (executions === 1) return '';
  const others = failures + errors - 1;
  const more = others === 0 ? '' : `, and ${numberText(others)} more`;
  return ` (execution ${numberText(execution)} of ${numberText(executions)}${more})`;
}
