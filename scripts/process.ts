// Running other programs from the scripts.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { root } from './paths.ts';

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** Variables added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the output goes besides the result: shown as it comes, or kept to the result alone. */
  readonly output?: 'show' | 'keep';
  /** Milliseconds after which the program is killed; it then counts as failed. Default: 15 minutes. */
  readonly timeout?: number;
}

/** How a program ended. */
export interface RunResult {
  /** Exit status; 127 when it could not be started, 124 when it ran out of time. */
  readonly status: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

/** The Node that runs this script, for scripts that it starts. */
export const node = process.execPath;

/** The arguments that let Node run our TypeScript sources without a word about how it does so. */
export const nodeFlags: readonly string[] = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

/** Runs a program to its end; it reads an empty standard input. Never throws for a program that fails. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { cwd = root, env = {}, output = 'show', timeout = 15 * 60_000 } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      child.kill('SIGKILL');
    }, timeout);
    const collect = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (output === 'show') process.stdout.write(chunk);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const finish = (status: number, note = ''): void => {
      clearTimeout(timer);
      resolve({ status, output: Buffer.concat(chunks).toString('utf8') + note });
    };
    child.on('error', (error) => finish(127, `${command}: ${error.message}\n`));
    child.on('close', (code) =>
      expired ? finish(124, `${command}: stopped after ${timeout / 1000} s\n`) : finish(code ?? 1),
    );
  });
}

/** Runs a program to its end without showing its output. @throws Error with the output when it fails */
export async function runOrThrow(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, output } = await run(command, args, { output: 'keep', ...options });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status}):\n${output.trimEnd()}`);
  return output;
}

/** npm, run by the Node of node_modules whichever Node npm belongs to (some packages refuse an older one). */
export async function npm(args: readonly string[], cwd: string): Promise<void> {
  const script = process.env['npm_execpath'];
  const viaScript = script !== undefined && /npm-cli\.c?js$/.test(script);
  await runOrThrow(viaScript ? node : 'npm', [...(viaScript ? [script] : []), ...args, '--loglevel=error'], { cwd });
}

/** Starts a program that goes on until it is stopped; what it prints goes to a log file. */
export function start(
  command: string,
  args: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile);
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.on('close', () => log.end());
  const kill = (): void => {
    child.kill();
  };
  process.on('exit', kill);
  child.on('close', () => process.off('exit', kill));
  return child;
}

/** Stops what `start` started and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(timer);
}

/** The full path of a program on PATH, or undefined. */
export async function findOnPath(program: string): Promise<string | undefined> {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const candidate = join(folder, program + suffix);
      const found = await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (folder !== '' && found) return candidate;
    }
  }
  return undefined;
}
