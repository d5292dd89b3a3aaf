// What a suite in an extension host reported, and whether that is all that it should have.
import { type Report, readReport } from '../test/e2e/suite/support/report.ts';

/** How the tests of one suite ended. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One text for each failure, and for whatever kept the suite from running. */
  readonly problems: readonly string[];
}

/** Gathers reports from the lines of a log and judges them at the end. */
export class Reports {
  private readonly seen: Report[] = [];
  private readonly log: (line: string) => void;
  /** When the last report came (or the gathering began), as `Date.now()` tells it. */
  heard = Date.now();

  constructor(log: (line: string) => void) {
    this.log = log;
  }

  get ended(): boolean {
    return this.seen.some((report) => report.kind === 'end');
  }

  read(line: string): void {
    const report = readReport(line);
    if (report === undefined) return;
    this.heard = Date.now();
    this.seen.push(report);
    if (report.kind === 'passed') this.log(`  ✓ ${report.title}`);
    if (report.kind === 'skipped') this.log(`  - ${report.title}`);
    if (report.kind === 'failed') this.log(`  ✗ ${report.title}\n${report.error.replace(/^/gm, '      ')}`);
  }

  /** @param files the test files that were bundled @param trouble what kept the host from running, if anything did */
  result(files: readonly string[], trouble?: string): SuiteResult {
    const count = (kind: Report['kind']): number => this.seen.filter((report) => report.kind === kind).length;
    const problems = this.seen.flatMap((report) => (report.kind === 'failed' ? [report.title] : []));
    const start = this.seen.find((report) => report.kind === 'start');
    const ran = count('passed') + count('failed') + count('skipped');
    if (trouble !== undefined) problems.push(trouble);
    if (start === undefined) problems.push('the suite did not start');
    else if (start.tests === 0) problems.push('the suite has no tests');
    else if (start.files.length !== files.length) problems.push('the suite lost test files');
    else if (ran < start.tests) problems.push(`only ${ran} of ${start.tests} tests ran`);
    else if (!this.ended) problems.push('the suite did not end');
    const failed = Math.max(count('failed'), problems.length);
    return { passed: count('passed'), failed, skipped: count('skipped'), problems };
  }
}
