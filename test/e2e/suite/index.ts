// Runs the suite inside an extension host: desktop, remote or web.
import 'mocha/mocha.js';
import { files } from 'virtual:tests';
import { takeAssertionCount } from './support/expect.ts';
import { type Report, reportMark } from './support/report.ts';

function report(message: Report): void {
  console.log(reportMark + JSON.stringify(message));
}

/** A reporter that tells the script outside; a test that asserted nothing has failed. */
function reporter(runner: Mocha.Runner): void {
  runner.on('test', () => {
    takeAssertionCount();
  });
  runner.on('pass', (test) => {
    const title = test.fullTitle();
    if (takeAssertionCount() > 0) report({ kind: 'passed', title });
    else report({ kind: 'failed', title, error: 'the test asserted nothing' });
  });
  runner.on('pending', (test) => report({ kind: 'skipped', title: test.fullTitle() }));
  runner.on('fail', (test, error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report({ kind: 'failed', title: test.fullTitle(), error: text });
  });
}

/** Called by VS Code; resolves when every test has run, however it ended: the reports say that. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ reporter: reporter as unknown as Mocha.ReporterConstructor, timeout: 30_000 });
  mocha.ui('tdd');
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  for (const file of files) file.load();
  report({ kind: 'start', files: files.map((file) => file.name), tests: mocha.suite.total() });
  await new Promise<void>((resolve) => {
    Mocha.prototype.run.call(mocha, () => resolve());
  });
  report({ kind: 'end' });
}
