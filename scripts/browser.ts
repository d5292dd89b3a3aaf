// Finds a Chromium for the tests, or installs one where the machine allows it.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type LaunchOptions } from 'playwright-core';
import { root } from './paths.ts';
import { findOnPath, node, run } from './process.ts';

/** Names under which Debian, Ubuntu, Fedora, Arch and the vendors install a Chromium. */
const programs = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge'];

const playwright = join(root, 'node_modules/playwright-core/cli.js');

const applications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** How the tests start Chromium: without a sandbox of its own (root in a container has none) and without asking the network. */
export function launchOptions(executablePath: string): LaunchOptions {
  return {
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
      '--disable-features=LocalNetworkAccessChecks',
    ],
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Starts the browser once: a file that is there may still lack a library. */
async function starts(executablePath: string): Promise<boolean> {
  try {
    const browser = await chromium.launch({ ...launchOptions(executablePath), timeout: 60_000 });
    await browser.close();
    return true;
  } catch {
    return false;
  }
}

async function installedBrowser(): Promise<string | undefined> {
  const candidates = [process.env['CHROMIUM'], ...applications, chromium.executablePath()];
  for (const program of programs) candidates.unshift(await findOnPath(program));
  for (const candidate of candidates) {
    if (candidate !== undefined && candidate !== '' && (await exists(candidate)) && (await starts(candidate))) {
      return candidate;
    }
  }
  return undefined;
}

async function downloadWithPlaywright(log: (line: string) => void): Promise<string> {
  log('No browser found. Downloading Chromium with playwright …');
  const { status, output } = await run(node, [playwright, 'install', '--no-shell', 'chromium'], {
    output: 'keep',
    timeout: 5 * 60_000,
  });
  return status === 0 ? '' : `playwright's download failed: ${lastLine(output)}`;
}

async function installWithApt(log: (line: string) => void): Promise<string> {
  const apt = await findOnPath('apt-get');
  if (apt === undefined) return 'there is no apt-get here';
  if (process.getuid?.() !== 0) return 'apt-get needs root';
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if (await exists(chromium.executablePath())) {
    log('The downloaded Chromium does not start. Installing the libraries that it needs with apt-get …');
    const { status, output } = await run(node, [playwright, 'install-deps', 'chromium'], { output: 'keep', env });
    return status === 0 ? '' : `installing its libraries failed: ${lastLine(output)}`;
  }
  log('Installing Chromium with apt-get …');
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']]) {
    const { status, output } = await run(apt, args, { output: 'keep', env, timeout: 10 * 60_000 });
    if (status !== 0) return `apt-get ${args[0]} failed: ${lastLine(output)}`;
  }
  return '';
}

function lastLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /error|^E:/i.test(line)) ?? lines.at(-1) ?? 'no message';
}

/**
 * The path of a Chromium that starts: an installed one, else playwright's download, else Debian's package.
 * @throws Error saying what was tried, when there is none and none can be installed
 */
export async function ensureBrowser(log: (line: string) => void): Promise<string> {
  const found = await installedBrowser();
  if (found !== undefined) return found;
  const tried: string[] = [];
  for (const install of [downloadWithPlaywright, installWithApt]) {
    const problem = await install(log);
    if (problem !== '') tried.push(problem);
    const installed = await installedBrowser();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    `No Chromium: none is installed, and none could be installed (${tried.join('; ') || 'what was installed does not start'}). ` +
      'Install Chromium or Chrome, or name one in the variable CHROMIUM.',
  );
}
