// The .vsix, and the files that go into it.
import { cp, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { outDir, root } from './paths.ts';
import { node, runOrThrow } from './process.ts';

/** Bytes that the package may have at most. */
const budget = 400 * 1024;

const vsce = join(root, 'node_modules/@vscode/vsce/vsce');

/**
 * Makes the .vsix in the project's folder from what dist/ holds.
 * @throws Error when vsce refuses, or when the package is over its budget
 */
export async function makePackage(): Promise<{ file: string; bytes: number; budget: number }> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { name: string; version: string };
  const file = `${manifest.name}-${manifest.version}.vsix`;
  await runOrThrow(node, [
    vsce,
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--out',
    file,
  ]);
  const bytes = (await stat(join(root, file))).size;
  if (bytes > budget) {
    throw new Error(`${file} has ${(bytes / 1024).toFixed(1)} KB, more than its budget of ${budget / 1024} KB`);
  }
  return { file, bytes, budget };
}

/**
 * Copies what the package holds to `out/package/`, for tests that load the extension as its users get it.
 * @returns the folder, absolute
 */
export async function unpack(): Promise<string> {
  const folder = join(outDir, 'package');
  await rm(folder, { recursive: true, force: true });
  const list = await runOrThrow(node, [vsce, 'ls', '--no-dependencies']);
  for (const file of list.split('\n').filter((line) => line !== '')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(root, file), join(folder, file));
  }
  return folder;
}
