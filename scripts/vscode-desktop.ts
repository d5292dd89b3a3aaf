// A desktop VS Code: the one that is installed, or a download of the vendor's.

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { downloadAndUnzipVSCode, SilentReporter } from '@vscode/test-electron';
import { vscodeTestDir } from './paths.ts';
import { findOnPath } from './process.ts';

/** Whether a window can be opened here. */
export function hasDisplay(): boolean {
  if (process.platform !== 'linux') return true;
  return (process.env['DISPLAY'] ?? '') !== '' || (process.env['WAYLAND_DISPLAY'] ?? '') !== '';
}

/** The command-line program of an installed editor, or undefined. It returns at once when it has opened its window. */
export async function installedEditor(): Promise<string | undefined> {
  return (await findOnPath('code')) ?? (await findOnPath('codium')) ?? (await findOnPath('code-insiders'));
}

/** The window's program behind an installed editor's command-line one, or undefined: tests wait for its end. */
export async function installedWindow(): Promise<string | undefined> {
  const command = await installedEditor();
  if (command === undefined) return undefined;
  const bin = dirname(await realpath(command));
  const name = basename(command).replace(/\.(cmd|exe)$/, '');
  const candidates = [
    join(bin, '..', name),
    join(bin, '..', '..', '..', 'MacOS/Electron'),
    join(bin, '..', 'Code.exe'),
    join(bin, '..', 'VSCodium.exe'),
  ];
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isFile() === true) return candidate;
  }
  return undefined;
}

/**
 * The editor's program, downloaded to `.vscode-test/` where it is missing.
 * @throws Error when the vendor's update service cannot be reached
 */
export async function downloadedEditor(log: (line: string) => void): Promise<string> {
  log('Downloading VS Code (@vscode/test-electron) …');
  return downloadAndUnzipVSCode({
    version: 'stable',
    cachePath: vscodeTestDir,
    timeout: 20_000,
    reporter: new SilentReporter(),
  });
}
