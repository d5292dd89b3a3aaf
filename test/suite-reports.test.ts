// A suite in an extension host passes only if everything in it was found, ran, and passed.
import { describe, expect, test } from 'vitest';
import { Reports } from '../scripts/suite-reports.ts';
import { type Report, reportMark } from './e2e/suite/support/report.ts';

const files = ['a.test.ts', 'b.test.ts'];
const start: Report = { kind: 'start', files, tests: 2 };
const one: Report = { kind: 'passed', title: 'one' };
const two: Report = { kind: 'passed', title: 'two' };
const end: Report = { kind: 'end' };

function judge(reports: readonly Report[], trouble?: string): ReturnType<Reports['result']> {
  const gathered = new Reports(() => undefined);
  for (const report of reports) gathered.read(`%c INFO color: #33f ${reportMark}${JSON.stringify(report)}`);
  return gathered.result(files, trouble);
}

test('all tests of all files passed', () => {
  expect(judge([start, one, two, end])).toEqual({ passed: 2, failed: 0, skipped: 0, problems: [] });
});

test('a skipped test is counted, and is no failure', () => {
  const skipped: Report = { kind: 'skipped', title: 'two' };
  expect(judge([start, one, skipped, end])).toEqual({ passed: 1, failed: 0, skipped: 1, problems: [] });
});

test('a failed test is named', () => {
  const failed: Report = { kind: 'failed', title: 'two', error: 'Error: no' };
  expect(judge([start, one, failed, end])).toEqual({ passed: 1, failed: 1, skipped: 0, problems: ['two'] });
});

test('lines without the mark, or cut short, are no reports', () => {
  const gathered = new Reports(() => undefined);
  gathered.read('[{"kind":"passed"}]');
  gathered.read(`${reportMark}{"kind":"passed","tit`);
  expect(gathered.result(files).passed).toBe(0);
});

describe('what makes a suite fail although no test failed', () => {
  test.each([
    ['it never started', [], undefined],
    ['it has no tests', [{ ...start, tests: 0 }, end], undefined],
    ['it lost a file', [{ ...start, files: ['a.test.ts'] }, one, two, end], undefined],
    ['a test did not run', [start, one, end], undefined],
    ['it never ended', [start, one, two], undefined],
    ['the host crashed', [start, one, two, end], 'the page crashed'],
  ] satisfies [string, Report[], string | undefined][])('%s', (_name, reports, trouble) => {
    const result = judge(reports, trouble);
    expect(result.failed).toBe(1);
    expect(result.problems).toHaveLength(1);
  });
});
