// What is wrong with the executed lines: an error for each mistake, and none for the lines that were not run because of it.
import type { Execution, LineSummary, Range, StepRecord } from '../simulator/index.ts';
import { countText, numberText } from '../webview/protocol.ts';

/** Something wrong with a line, and where. */
export interface Problem {
  readonly code: 'expectation' | 'step';
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

/**
 * What is wrong with a line: the first expectation that was not met, and why it could not be executed at first. Nothing where
 * another line shows the mistake.
 */
export function problemsOf(line: LineSummary, notRun: ReadonlyMap<number, number>): Problem[] {
  const { firstFailure, firstError, failures, errors } = line;
  const problems: Problem[] = [];
  if (firstFailure?.record.failure !== undefined) {
    const { range, message } = firstFailure.record.failure;
    problems.push({ code: 'expectation', range, message: message + executionText(line, firstFailure, failures) });
  }
  if (firstError?.record.error !== undefined) {
    const { range, message } = firstError.record.error;
    const more = notRun.get(firstError.record.line) ?? 0;
    const consequence = more === 0 ? '' : `; ${countText(more, 'more line')} ${more === 1 ? 'is' : 'are'} not run`;
    problems.push({ code: 'step', range, message: message + consequence + executionText(line, firstError, errors) });
  }
  return problems;
}

/** Which execution it was, and how many more there were of `count`. */
function executionText({ executions }: LineSummary, { execution }: Execution, count: number): string {
  if (executions === 1) return '';
  const more = count === 1 ? '' : `, and ${numberText(count - 1)} more`;
  return ` (execution ${numberText(execution)} of ${numberText(executions)}${more})`;
}
