// `npm start`: builds, and opens a real VS Code with the extension loaded and the sample scenarios open.
// With --server: always the VS Code server, in a browser of the user's. With --port N: that server's port.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.ts';
import { root } from './paths.ts';
import { run } from './process.ts';
import { downloadedEditor, hasDisplay, installedEditor } from './vscode-desktop.ts';
import { ensureServer, keptName, startServer } from './vscode-server.ts';

const log = (line: string): void => console.log(line);
const samples = join(root, 'samples');
const editorArguments = ['--disable-workspace-trust', `--extensionDevelopmentPath=${root}`, samples];

/** Opens an editor's window. @returns false when the editor failed */
async function openWindow(program: string, args: readonly string[]): Promise<boolean> {
  log(`Opening ${program} …`);
  const { status } = await run(program, args, { timeout: 2 ** 31 - 1 });
  return status === 0;
}

/** An installed editor's window, else a downloaded one's. @returns false when neither opens */
async function openDesktop(): Promise<boolean> {
  if (!hasDisplay()) {
    log('No display here: no window can be opened.');
    return false;
  }
  const installed = await installedEditor();
  if (installed !== undefined && (await openWindow(installed, ['--new-window', ...editorArguments]))) return true;
  try {
    const program = await downloadedEditor(log);
    const sandbox =
      process.getuid?.() === 0 ? ['--no-sandbox', `--user-data-dir=${join(root, '.vscode-test/root')}`] : [];
    return await openWindow(program, [...sandbox, ...editorArguments]);
  } catch (error) {
    log(`VS Code could not be downloaded: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function serve(port: number): Promise<void> {
  await ensureServer(log);
  const server = await startServer(keptName, port);
  log(
    `\nVS Code is running. Open this address in a browser, and press Ctrl+C here to stop:\n\n  ${server.url(samples)}\n`,
  );
  const close = (): void => {
    void server.stop().then(() => process.exit(0));
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);
  server.process.on('close', () => process.exit(1));
}

const { values } = parseArgs({
  options: { server: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } },
});
log('Building …');
await bundle('development');
if (!existsSync(samples)) log('There is no folder samples/: the editor opens without scenarios.');
if (values.server || !(await openDesktop())) await serve(Number(values.port));
