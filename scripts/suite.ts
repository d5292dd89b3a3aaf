// The suite that runs inside extension hosts: bundles it, runs it in one, and gathers what it reports.
import { createWriteStream } from 'node:fs';
import { cp, glob, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { runTests } from '@vscode/test-electron';
import { build, type Plugin } from 'esbuild';
import { chromium } from 'playwright-core';
import { launchOptions } from './browser.ts';
import { extensionDir, outDir, root } from './paths.ts';
import { Reports, type SuiteResult } from './suite-reports.ts';
import { startServer } from './vscode-server.ts';
import { startWebHost } from './vscode-web.ts';

const suiteDir = join(root, 'test/e2e/suite');

/** Which kind of extension host: `web` is a worker without Node. */
export type HostKind = 'node' | 'web';

/** Tests for one kind of host alone are named `*.node.test.ts` or `*.web.test.ts`. */
function suits(file: string, kind: HostKind): boolean {
  const other = kind === 'node' ? 'web' : 'node';
  return !file.endsWith(`.${other}.test.ts`);
}

/** The module `virtual:tests`: every test file that suits the host. */
function testFiles(files: readonly string[]): Plugin {
  return {
    name: 'test-files',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^virtual:tests$/ }, () => ({ path: 'tests', namespace: 'virtual' }));
      onLoad({ filter: /.*/, namespace: 'virtual' }, () => ({
        contents: `export const files = [${files
          .map((file) => `{ name: ${JSON.stringify(file)}, load() { require(${JSON.stringify(`./${file}`)}); } }`)
          .join(',\n')}];`,
        resolveDir: suiteDir,
      }));
    },
  };
}

/** Mocha's browser build assigns `module.exports`, which would be the bundle's: hides that from it. */
const mochaAsScript: Plugin = {
  name: 'mocha-as-script',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]mocha[\\/]mocha\.js$/ }, async ({ path }) => ({
      contents: `const module = undefined, exports = undefined, define = undefined;\n${await readFile(path, 'utf8')}`,
    }));
  },
};

/**
 * Bundles the suite for a kind of host to `out/suite/KIND.js`.
 * @returns the names of the test files in it
 * @throws Error when there are none
 */
export async function bundleSuite(kind: HostKind): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob('**/*.test.ts', { cwd: suiteDir })) {
    if (suits(file, kind)) files.push(file.replaceAll('\\', '/'));
  }
  files.sort();
  if (files.length === 0) throw new Error(`no test files for the ${kind} host in test/e2e/suite`);
  await build({
    absWorkingDir: root,
    entryPoints: ['test/e2e/suite/index.ts'],
    outfile: `out/suite/${kind}.js`,
    bundle: true,
    platform: kind === 'node' ? 'node' : 'browser',
    format: 'cjs',
    target: 'es2022',
    external: ['vscode'],
    sourcemap: 'inline',
    logLevel: 'warning',
    plugins: [testFiles(files), mochaAsScript],
  });
  return files;
}

/** A fresh copy of the sample scenarios, for tests to open and edit; no other run has the same. @returns its absolute path */
export async function freshWorkspace(name: string): Promise<string> {
  const folder = join(outDir, 'workspace', `${name}-${process.pid}`, 'samples');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(root, 'samples'), folder, { recursive: true });
  return folder;
}

/** Milliseconds for which an extension host may say nothing: a single test has 30 s. */
const patience = 120_000;

/** Opens a workbench whose extension host runs the suite, and waits until that is over. */
async function runInBrowser(
  browserPath: string,
  url: string,
  reports: Reports,
  logFile: string,
): Promise<string | undefined> {
  const consoleLog = createWriteStream(logFile);
  let watch: NodeJS.Timeout | undefined;
  const browser = await chromium.launch(launchOptions(browserPath));
  try {
    const page = await browser.newPage();
    const exited = new Promise<undefined>((resolve) => {
      void page.exposeFunction('codeAutomationExit', () => resolve(undefined));
    });
    await page.exposeFunction('codeAutomationLog', () => undefined);
    page.on('console', (message) => {
      consoleLog.write(`${message.type()} ${message.text()}\n`);
      reports.read(message.text());
    });
    const silent = new Promise<string>((resolve) => {
      watch = setInterval(() => {
        if (Date.now() - reports.heard > patience) {
          resolve(`nothing was heard of the extension host for ${patience / 1000} s; its log: ${logFile}`);
        }
      }, 1000);
    });
    const crashed = new Promise<string>((resolve) => page.once('crash', () => resolve('the page crashed')));
    await page.goto(url, { timeout: 60_000 });
    return await Promise.race([exited, silent, crashed]);
  } finally {
    clearInterval(watch);
    await browser.close();
    consoleLog.end();
  }
}

/** Runs the suite in the remote extension host of the VS Code server. */
export async function runInServer(browserPath: string, log: (line: string) => void): Promise<SuiteResult> {
  const files = await bundleSuite('node');
  const reports = new Reports(log);
  const workspace = await freshWorkspace('server');
  const server = await startServer('suite');
  try {
    const url = server.url(workspace, join(outDir, 'suite/node.js'));
    return reports.result(files, await runInBrowser(browserPath, url, reports, join(outDir, 'suite-server.log')));
  } finally {
    await server.stop();
  }
}

/** Runs the suite in the web worker of a workbench with no server behind it. */
export async function runInWeb(browserPath: string, log: (line: string) => void): Promise<SuiteResult> {
  const files = await bundleSuite('web');
  const reports = new Reports(log);
  const host = await startWebHost('out/suite/web.js');
  try {
    return reports.result(files, await runInBrowser(browserPath, host.url, reports, join(outDir, 'suite-web.log')));
  } finally {
    await host.stop();
  }
}

/** Runs the suite in a desktop VS Code. @param executable the editor's program */
export async function runInDesktop(executable: string, log: (line: string) => void): Promise<SuiteResult> {
  const files = await bundleSuite('node');
  const reports = new Reports(log);
  const workspace = await freshWorkspace('desktop');
  let rest = '';
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) reports.read(line);
      done();
    },
  });
  const trouble = await runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: extensionDir(),
    extensionTestsPath: join(outDir, 'suite/node.js'),
    launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome', '--no-sandbox'],
    stdout,
    stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
  }).then(
    (code) => (code === 0 ? undefined : `the editor ended with status ${code}`),
    (error: unknown) => String(error),
  );
  return reports.result(files, trouble);
}
