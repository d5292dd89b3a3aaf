// A desktop VS Code: the one that is installed, or a download of the vendor's.
import { downloadAndUnzipVSCode, SilentReporter } from '@vscode/test-electron';
import { vscodeTestDir } from './paths.ts';
import { findOnPath } from './process.ts';

/** Whether a window can be opened here. */
export function hasDisplay(): boolean {
  if (process.platform !== 'linux') return true;
  return (process.env['DISPLAY'] ?? '') !== '' || (process.env['WAYLAND_DISPLAY'] ?? '') !== '';
}

/** The command-line program of an installed editor, or undefined. */
export async function installedEditor(): Promise<string | undefined> {
  return (await findOnPath('code')) ?? (await findOnPath('codium')) ?? (await findOnPath('code-insiders'));
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
