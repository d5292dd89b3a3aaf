// `npm test`: builds, checks and tests everything, end to end in a real VS Code included, and sums it all up.
// `npm test -- WORD …` runs only the parts whose name has one of the words, after what they all need: `npm test -- web`.
import { glob, mkdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ensureBrowser } from './browser.ts';
import { bundle } from './bundle.ts';
import { outDir, root } from './paths.ts';
import { node, nodeFlags, run } from './process.ts';
import { runInDesktop, runInServer, runInWeb } from './suite.ts';
import type { SuiteResult } from './suite-reports.ts';
import { downloadedEditor, hasDisplay, installedWindow } from './vscode-desktop.ts';
import { ensureServer } from './vscode-server.ts';
import { ensureWebWorkbench } from './vscode-web.ts';
import { makePackage, unpack } from './vsix.ts';

/** How one part of the run ended; a check such as the linter counts as one test. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What to tell in the summary besides the numbers. */
  readonly notes: readonly string[];
}

const log = (line: string): void => console.log(line);
const passed: Outcome = { passed: 1, failed: 0, skipped: 0, notes: [] };
const failure = (note: string): Outcome => ({ passed: 0, failed: 1, skipped: 0, notes: [note] });
const outcomes: { name: string; seconds: number; outcome: Outcome }[] = [];

const wanted = process.argv.slice(2);

/** Runs one part that was asked for; whatever it throws is its failure. */
async function chosen(name: string, work: () => Promise<Outcome>): Promise<void> {
  if (wanted.length === 0 || wanted.some((word) => name.includes(word))) await part(name, work);
}

/** Runs one part; whatever it throws is its failure. */
async function part(name: string, work: () => Promise<Outcome>): Promise<Outcome> {
  log(`\n=== ${name}`);
  const begun = Date.now();
  const outcome = await work().catch((error: unknown) =>
    failure(error instanceof Error ? error.message : String(error)),
  );
  for (const note of outcome.notes) log(note);
  outcomes.push({ name, seconds: (Date.now() - begun) / 1000, outcome });
  return outcome;
}

async function check(command: string, args: readonly string[]): Promise<Outcome> {
  const { status } = await run(command, args);
  return status === 0 ? passed : failure(`${args.join(' ')} ended with status ${status}`);
}

/** A program of a package in node_modules, run by our Node. */
const tool = (path: string, ...args: string[]): string[] => [join(root, 'node_modules', path), ...args];

/** What vitest's JSON reporter writes, as far as it is read here. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Runs vitest and believes nothing but its report: every file that the pattern finds must have run at least one test,
 * and a file that fails outside its tests has failed.
 * @param name of the report @param pattern the files expected @param not what the pattern finds too much
 */
async function vitest(name: string, config: string, pattern: string, not?: RegExp): Promise<Outcome> {
  const expected: string[] = [];
  for await (const file of glob(pattern, { cwd: root })) {
    const path = file.replaceAll('\\', '/');
    if (not === undefined || !not.test(path)) expected.push(path);
  }
  if (expected.length === 0) return failure(`no test files: ${pattern}`);
  const reportFile = join(outDir, 'reports', `${name}.json`);
  await rm(reportFile, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const args = tool('vitest/vitest.mjs', 'run', '--config', config, ...reporters);
  const { status } = await run(node, [...nodeFlags, ...args], { timeout: 40 * 60_000 });
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  if (text === undefined) return failure(`vitest wrote no report (status ${status})`);
  const report = JSON.parse(text) as VitestReport;
  const ran = new Map(report.testResults.map((file) => [relative(root, file.name).replaceAll('\\', '/'), file]));
  const notes: string[] = [];
  for (const path of expected) {
    const file = ran.get(path);
    const statuses = file?.assertionResults.map(({ status }) => status) ?? [];
    if (statuses.length === 0) notes.push(`${path}: no test ran`);
    else if (file?.status === 'failed' && !statuses.includes('failed')) notes.push(`${path}: ${file.message}`);
  }
  let failed = report.numFailedTests + notes.length;
  if (status !== 0 && failed === 0) {
    failed = 1;
    notes.push(`vitest ended with status ${status} although no test failed: an error outside the tests`);
  }
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests, notes };
}

/** The end-to-end parts, on the files that the package ships. */
async function endToEnd(browser: string): Promise<void> {
  const ready = await part('editors', async () => {
    await ensureServer(log);
    await ensureWebWorkbench(log);
    return passed;
  });
  if (ready.failed > 0) return;
  process.env['EXTENSION_DIR'] = await unpack();
  const outcome = ({ problems, ...numbers }: SuiteResult): Outcome => ({ ...numbers, notes: problems });
  await chosen('suite in the remote extension host', async () => outcome(await runInServer(browser, log)));
  await chosen('suite in the web extension host', async () => outcome(await runInWeb(browser, log)));
  const desktop = await desktopEditor();
  if (desktop !== undefined) {
    await chosen('suite in the desktop extension host', async () => outcome(await runInDesktop(desktop, log)));
  }
  await chosen('user interface', () => vitest('ui', 'vitest.ui.config.mts', 'test/e2e/ui/**/*.test.ts'));
}

/** A desktop VS Code where one can be had; where not, the two other hosts have run the same suite. */
async function desktopEditor(): Promise<string | undefined> {
  if (!hasDisplay()) {
    log('\nNo display here: the suite is not run in a desktop VS Code as well.');
    return undefined;
  }
  const installed = await installedWindow();
  if (installed !== undefined) return installed;
  return downloadedEditor(log).catch((error: unknown) => {
    log(`\nNo desktop VS Code (${String(error)}): the suite is not run there as well.`);
    return undefined;
  });
}

function summarise(): void {
  const ran = outcomes.map(({ name }) => name);
  if (wanted.length > 0) log(`\nOnly a part of the tests was asked for: ${wanted.join(', ')}.`);
  for (const word of wanted) {
    if (!ran.some((name) => name.includes(word))) {
      outcomes.push({ name: word, seconds: 0, outcome: failure('no part of that name was run') });
    }
  }
  const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
    outcomes.reduce((total, { outcome }) => total + outcome[key], 0);
  log('\n=== summary');
  for (const { name, seconds, outcome } of outcomes) {
    const numbers = `${outcome.passed} passed, ${outcome.failed} failed`;
    log(
      `${outcome.failed > 0 ? '✗' : '✓'} ${name.padEnd(38)} ${numbers.padEnd(24)} ${seconds.toFixed(1).padStart(7)} s`,
    );
    for (const note of outcome.notes) log(`    ${note.split('\n')[0]}`);
  }
  const skipped = sum('skipped');
  log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = sum('failed') > 0 ? 1 : 0;
}

await rm(join(outDir, 'workspace'), { recursive: true, force: true });
await mkdir(join(outDir, 'reports'), { recursive: true });
const built = await part('build and package', async () => {
  await bundle('release');
  const { file, bytes } = await makePackage();
  log(`${file}: ${(bytes / 1024).toFixed(1)} KB`);
  return passed;
});
let browser = '';
await part('browser', async () => {
  browser = await ensureBrowser(log);
  log(`Browser: ${browser}`);
  return passed;
});
await chosen('lint', () => check(node, tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.')));
await chosen('types', () => check(node, tool('typescript/bin/tsc', '--build')));
await chosen('units and properties', () => vitest('units', 'vitest.config.mts', 'test/**/*.test.ts', /^test\/e2e\//));
if (built.failed === 0 && browser !== '') await endToEnd(browser);
else log('\nWithout a build and a browser there is nothing to test end to end.');
summarise();
