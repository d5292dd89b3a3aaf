// Runs `SCRIPT.ts` with the Node of node_modules, after installing the dependencies where they are missing.
// Plain JavaScript without a dependency: it must run on whatever Node (18 or newer) the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === 'win32';
const bundledNode = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');
const stamp = join(root, 'node_modules', '.installed-lock');

function fail(message) {
  console.error(`bootstrap: ${message}`);
  process.exit(1);
}

/** The lock file's hash: an installation made for another lock file is made again. */
function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isInstalled() {
  return existsSync(bundledNode) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash();
}

function install() {
  // npm ci begins by deleting node_modules, which whatever runs from there at the moment would not survive.
  const verb = existsSync(bundledNode) ? 'install' : 'ci';
  console.log(`Installing the dependencies (npm ${verb}) …`);
  const npmScript = process.env.npm_execpath;
  const fromNpm = npmScript !== undefined && /npm-cli\.c?js$/.test(npmScript);
  const command = fromNpm ? process.execPath : windows ? 'npm.cmd' : 'npm';
  const args = [...(fromNpm ? [npmScript] : []), verb, '--loglevel=error'];
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: command === 'npm.cmd',
  });
  if (result.error) fail(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`npm ${verb} failed; its message is above`);
  if (!existsSync(bundledNode)) {
    fail(
      'the npm package "node" did not unpack its binary (were install scripts switched off?): node_modules/node/bin',
    );
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lockHash());
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail('which script? usage: node scripts/bootstrap.mjs SCRIPT.ts [arguments]');
const scriptFile = join(root, script);
if (!existsSync(scriptFile)) fail(`there is no ${script}`);
if (!isInstalled()) install();

const path = [join(root, 'node_modules', '.bin'), dirname(bundledNode), process.env.PATH].join(windows ? ';' : ':');
const child = spawn(
  bundledNode,
  ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--disable-warning=ExperimentalWarning', scriptFile, ...args],
  { cwd: process.cwd(), stdio: 'inherit', env: { ...process.env, PATH: path } },
);
child.on('error', (error) => fail(`node_modules/node could not be started: ${error.message}`));
child.on('exit', (code) => process.exit(code ?? 1));
// A terminal sends these to the child as well; whoever stops only this process means the child too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm passes a signal on to the shell that it runs this script in, and the shell ends without a word to anybody. Whoever
// stops npm means the child, so an end of the parent counts as a signal. (On Windows the parent's number never changes.)
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM');
}, 500).unref();
