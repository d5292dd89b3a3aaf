// What the project promises about itself: who imports whom, what is shipped, and what the lock file says.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { entries } from '../scripts/bundle.ts';
import { root } from '../scripts/paths.ts';

/** The project's files, and the packages, that a bundle is made of. */
async function inputsOf(entryPoint: string): Promise<{ files: string[]; packages: string[]; external: string[] }> {
  const entry = entries.find(({ from }) => from === entryPoint);
  if (entry === undefined) throw new Error(`inputsOf: no entry ${entryPoint}`);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry.from],
    outfile: entry.to,
    bundle: true,
    write: false,
    metafile: true,
    logLevel: 'silent',
    ...entry.options,
  });
  if (metafile === undefined) throw new Error('inputsOf: esbuild made no metafile');
  const inputs = Object.keys(metafile.inputs);
  const packages = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const external = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.flatMap((imported) => (imported.external === true ? [imported.path] : [])),
  );
  return {
    files: inputs.filter((path) => !path.startsWith('node_modules/')),
    packages: [...new Set(packages)].sort(),
    external: [...new Set(external)].sort(),
  };
}

describe('who imports whom', () => {
  test('the view is made of its own folder: of the simulator it has types only', async () => {
    const { files, external } = await inputsOf('webview/main.ts');
    expect(files).not.toEqual([]);
    expect(files.filter((path) => !path.startsWith('webview/'))).toEqual([]);
    expect(external).toEqual([]);
  });

  test('the web entry needs nothing but vscode', async () => {
    const { files, external } = await inputsOf('extension/web.ts');
    expect(files.filter((path) => !/^(extension|simulator|webview)\//.test(path))).toEqual([]);
    expect(files.filter((path) => path.startsWith('extension/desktop/'))).toEqual([]);
    expect(external).toEqual(['vscode']);
  });

  test('the runner runs without vscode', async () => {
    const { files, external } = await inputsOf('cli/vas.ts');
    expect(files.filter((path) => !/^(cli|simulator)\//.test(path))).toEqual([]);
    expect(external.filter((name) => !name.startsWith('node:'))).toEqual([]);
  });
});

describe('what is shipped', () => {
  test('every file that package.json names for the editor is in the package', async () => {
    const manifest = await readFile(join(root, 'package.json'), 'utf8');
    const named = [...new Set([...manifest.matchAll(/"(?:\.\/)?((?:dist|media|syntaxes|samples)\/[^"]+)"/g)])];
    const paths = named.flatMap(([, path]) => (path === undefined ? [] : [path]));
    const vsce = join(root, 'node_modules/@vscode/vsce/vsce');
    const { stdout } = spawnSync(process.execPath, [vsce, 'ls', '--no-dependencies'], { cwd: root, encoding: 'utf8' });
    const shipped = stdout.split('\n');
    expect(paths).toContain('dist/vas.cjs');
    // The headless runner is a command of its own: the editor never starts it.
    const needed = paths.filter((path) => path !== 'dist/vas.cjs');
    expect(needed.filter((path) => !shipped.includes(path))).toEqual([]);
    expect(shipped).not.toContain('dist/vas.cjs');
  });

  test('nothing of the sources, tests or tools is in the package', async () => {
    const vsce = join(root, 'node_modules/@vscode/vsce/vsce');
    const { stdout } = spawnSync(process.execPath, [vsce, 'ls', '--no-dependencies'], { cwd: root, encoding: 'utf8' });
    const shipped = stdout.split('\n').filter((line) => line !== '');
    expect(shipped).toContain('LICENSE');
    expect(shipped.filter((path) => /\.(ts|tsx|map)$|^(test|scripts|out|node_modules|\.)/.test(path))).toEqual([]);
  });
});

test('the built runner answers', () => {
  const runner = join(root, 'dist/vas.cjs');
  expect(existsSync(runner), 'npm run build').toBe(true);
  const { stdout, status } = spawnSync(process.execPath, [runner, '--help'], { encoding: 'utf8' });
  expect(stdout).toContain('vas');
  expect(status).toBe(0);
});

test('the lock file names no registry, and every package of every platform', async () => {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8');
  expect(text).not.toContain('"resolved"');
  const lock = JSON.parse(text) as {
    packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
  };
  const optional = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  expect(optional).toContain('@biomejs/cli-linux-x64');
  expect(optional.filter((name) => lock.packages[`node_modules/${name}`]?.version === undefined)).toEqual([]);
});
