// Where things lie in the project.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is downloaded to run a real VS Code; git ignores it, and it may be deleted at any time. */
export const vscodeTestDir = join(root, '.vscode-test');

/** What the tests write: bundles of the suites, reports, screenshots. */
export const outDir = join(root, 'out');

/** The extension that the end-to-end tests load: the project's folder, or an unpacked package (see `unpack`). */
export function extensionDir(): string {
  return process.env['EXTENSION_DIR'] ?? root;
}
