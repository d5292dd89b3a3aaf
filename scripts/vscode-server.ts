// A real VS Code without a desktop: the server and workbench that the npm package code-server carries.
import type { ChildProcess } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extensionDir, outDir, root, vscodeTestDir } from './paths.ts';
import { node, npm, start, stop } from './process.ts';

const version = '4.139.1';
const folder = join(vscodeTestDir, 'server');
const server = join(folder, 'node_modules/code-server/lib/vscode');
const stamp = join(folder, 'installed');

/** The name of the server that keeps its user's settings from one run to the next. */
export const keptName = 'start';

/** Settings for a quiet workbench; the tests and `npm start` share them. */
const settings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'security.workspace.trust.enabled': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'window.restoreWindows': 'none',
  'files.autoSave': 'off',
  'files.hotExit': 'off',
  'editor.accessibilitySupport': 'off',
};

/** Installs the server where it is missing: 600 MB, outside our own dependencies, without native builds. */
export async function ensureServer(log: (line: string) => void): Promise<void> {
  const installed = await readFile(stamp, 'utf8').catch(() => '');
  if (installed === version) return;
  log(`Installing the VS Code server (code-server ${version} from npm, 600 MB) …`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npm(['install', '--ignore-scripts', '--no-package-lock', `code-server@${version}`], folder);
  await npm(['install', '--ignore-scripts', '--omit=dev', '--no-package-lock'], server);
  await access(join(server, 'out/server-main.js'));
  await writeFile(stamp, version);
}

/** A running server. */
export interface Server {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /**
   * The address of a workbench with our extension loaded.
   * @param workspace the folder to open, absolute
   * @param tests a CommonJS module that exports `run()`, absolute: runs in the extension host
   */
  url(workspace: string, tests?: string): string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/**
 * Starts the server and waits until it answers.
 * @param name of its log and data folder. The data is gone when the server stops, but for that of `keptName`.
 * @param port 0: any that is free
 * @param extraSettings added to the user's settings
 * @throws Error when it does not come up within a minute; the message names its log
 */
export async function startServer(
  name: string,
  port = 0,
  extraSettings: Readonly<Record<string, unknown>> = {},
): Promise<Server> {
  const data = await dataFolder(name, { ...settings, ...extraSettings });
  const logFile = join(outDir, `vscode-server-${name}.log`);
  const args = [
    ...[join(server, 'out/server-main.js'), '--host', '127.0.0.1', '--port', String(port)],
    ...['--without-connection-token', '--accept-server-license-terms', '--telemetry-level', 'off'],
    ...['--enable-smoke-test-driver', '--server-data-dir', data],
  ];
  const child = start(node, args, logFile, { VSCODE_CWD: root });
  const actualPort = await listeningPort(child, logFile);
  const origin = `http://127.0.0.1:${actualPort}`;
  const remote = (path: string): string => `vscode-remote://127.0.0.1:${actualPort}${path}`;
  return {
    origin,
    process: child,
    url(workspace, tests) {
      const payload = [['extensionDevelopmentPath', remote(extensionDir())]];
      if (tests !== undefined) payload.push(['extensionTestsPath', remote(tests)]);
      payload.push(['skipWelcome', 'true']);
      const query = `folder=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
      return `${origin}/?${query}`;
    },
    async stop() {
      await stop(child);
      if (name !== keptName) await rm(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** A folder for the server's settings and state: a new one, except for the server whose user's settings are kept. */
async function dataFolder(name: string, userSettings: Readonly<Record<string, unknown>>): Promise<string> {
  await mkdir(vscodeTestDir, { recursive: true });
  const prefix = join(vscodeTestDir, `data-${name}`);
  const data = name === keptName ? prefix : await mkdtemp(`${prefix}-`);
  await mkdir(join(data, 'data/User'), { recursive: true });
  const file = join(data, 'data/User/settings.json');
  const kept = await access(file).then(
    () => true,
    () => false,
  );
  if (!kept) await writeFile(file, JSON.stringify(userSettings, null, 2));
  return data;
}

/** The port that the server says it listens on. */
async function listeningPort(child: ChildProcess, logFile: string): Promise<number> {
  let output = '';
  const found = new Promise<number>((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new Error(`The VS Code server ${reason}; its log: ${logFile}\n${output.trimEnd()}`));
    const timer = setTimeout(() => fail('did not come up within 60 s'), 60_000);
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const match = /Extension host agent listening on (\d+)/.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolve(Number(match[1]));
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended with status ${code}`);
    });
  });
  return found;
}
