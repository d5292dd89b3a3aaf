// Which executed lines are marked as wrong, and in what words.
import { expect, test } from 'vitest';
import { lineText, lineTone } from '../../extension/outcome-text.ts';
import { countFollowUps, problemsOf } from '../../extension/run-problems.ts';
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

function runTo(step: number, text: string = TEXT): Timeline {
  const timeline = Timeline.open(parseScenario(text));
  while (timeline.position < step && timeline.next !== null) timeline.step();
  return timeline;
}

function problems(timeline: Timeline): string[] {
  const lines = [...timeline.lineSummaries()];
  const notRun = countFollowUps(lines.map(([, { last }]) => last));
  return lines.flatMap(([line, summary]) => {
    return problemsOf(summary, notRun).map(({ message }) => `${line}: ${message}`);
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
    return summary && [lineText(summary, () => undefined), lineTone(summary)];
  };
  expect(textOf(4)).toEqual(["✗ process 'bash' is dead: SIGSEGV ended it", 'failure']);
  expect(textOf(5)).toEqual(['not run: bash is dead', 'plain']);
  expect(textOf(6)).toEqual(['not run: bash is dead', 'plain']);
  expect(textOf(7)).toEqual(['not run: bash is dead', 'plain']);
  expect(textOf(11)).toEqual(['not run: bash is dead  ×3', 'plain']);
});

const LOOP = `machine ram=64K
p = spawn()
p: a = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
repeat 3
p: store(a, 1) = hit
p: store(a, 1) = minor
p: store(a, 1) = cow
end
`;

test('an execution that failed is an error whatever the later ones come to', () => {
  const timeline = runTo(99, LOOP);
  expect(problems(timeline)).toEqual([
    '5: expected hit, got minor fault (execution 1 of 3)',
    '6: expected minor, got hit (execution 1 of 3, and 2 more)',
    '7: expected cow, got hit (execution 1 of 3, and 2 more)',
  ]);
  const textOf = (line: number) => {
    const summary = timeline.lineSummary(line);
    return summary && [lineText(summary, () => undefined), lineTone(summary)];
  };
  expect(textOf(5)).toEqual(['✗ 1 of 3 failed: expected hit, got minor fault · last: ✓ hit', 'failure']);
  expect(textOf(6)).toEqual(['✗ expected minor, got hit  ×3, 3 failed', 'failure']);
  timeline.seek(3);
  expect(problems(timeline)).toEqual(['5: expected hit, got minor fault']);
  timeline.seek(2);
  expect(problems(timeline)).toEqual([]);
});

test('a line that failed and could not be made later tells both', () => {
  const text = `p = spawn()
p: a = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
repeat 3
p: munmap(a, 4K) = EINVAL
p: store(a, 3)
end
p: load(a)
`;
  expect(problems(runTo(99, text))).toEqual([
    '4: expected EINVAL, got 0 (execution 1 of 3)',
    "4: process 'p' is dead: SIGSEGV ended it; 2 more lines are not run (execution 2 of 3)",
  ]);
});
