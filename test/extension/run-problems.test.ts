// Which executed lines are marked as wrong, and in what words.
import { expect, test } from 'vitest';
import { lineText, resultTone } from '../../extension/outcome-text.ts';
import { countFollowUps, problemOf } from '../../extension/run-problems.ts';
import { parseScenario, Timeline } from '../../simulator/index.ts';

const TEXT = `bash = spawn()
bash: a = mmap(NULL, 8K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
bash: load(0)
bash: b = mmap(NULL, 8K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
bash: load(a)
bash: load(b)
assert rss(bash) == 0
other = spawn()
other: load(0x400000) = major
repeat 3
bash: load(a)
end
`;

function runTo(step: number): Timeline {
  const timeline = Timeline.open(parseScenario(TEXT));
  while (timeline.position < step && timeline.next !== null) timeline.step();
  return timeline;
}

function problems(timeline: Timeline): string[] {
  const lines = [...timeline.lineSummaries()];
  const notRun = countFollowUps(lines.map(([, { last }]) => last));
  return lines.flatMap(([line, { last, executions }]) => {
    const problem = problemOf(last, executions, notRun);
    return problem === null ? [] : [`${line}: ${problem.message}`];
  });
}

test('the death of a process is one error, at the first line that was not run because of it', () => {
  expect(problems(runTo(3))).toEqual([]);
  expect(problems(runTo(4))).toEqual(["4: process 'bash' is dead: SIGSEGV ended it"]);
  expect(problems(runTo(5))).toEqual(["4: process 'bash' is dead: SIGSEGV ended it; 1 more line is not run"]);
  expect(problems(runTo(99))).toEqual([
    "4: process 'bash' is dead: SIGSEGV ended it; 4 more lines are not run",
    '9: expected major, got minor fault',
  ]);
});

test('stepping back takes the count along', () => {
  const timeline = runTo(99);
  timeline.seek(6);
  expect(problems(timeline)).toEqual(["4: process 'bash' is dead: SIGSEGV ended it; 2 more lines are not run"]);
  timeline.seek(3);
  expect(problems(timeline)).toEqual([]);
});

test('the other lines say in a quiet voice that they were not run', () => {
  const timeline = runTo(99);
  const textOf = (line: number) => {
    const summary = timeline.lineSummary(line);
    return summary && [lineText(summary, () => undefined), resultTone(summary.last)];
  };
  expect(textOf(4)).toEqual(["✗ process 'bash' is dead: SIGSEGV ended it", 'failure']);
  expect(textOf(5)).toEqual(['not run: bash is dead', 'plain']);
  expect(textOf(6)).toEqual(['not run: bash is dead', 'plain']);
  expect(textOf(7)).toEqual(['not run: bash is dead', 'plain']);
  expect(textOf(11)).toEqual(['not run: bash is dead  ×3', 'plain']);
});
