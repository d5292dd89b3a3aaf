// Bundles every entry point into one file of dist/ each, with esbuild.
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { root } from './paths.ts';

/** One entry point and the one file that it becomes. */
export interface Entry {
  readonly from: string;
  readonly to: string;
  readonly options: BuildOptions;
}

/** VS Code 1.91 runs Node 20 in its desktop host and Chromium 124 everywhere else. */
const hostTarget = ['node20'];
const browserTarget = ['chrome124', 'firefox125', 'safari17'];

/** `codicon.ttf` in a style sheet means the one of @vscode/codicons; it comes to lie beside the style sheet. */
const iconFont: Plugin = {
  name: 'icon-font',
  setup({ onResolve }) {
    onResolve({ filter: /(^|\/)codicon\.ttf/ }, () => ({
      path: join(root, 'node_modules/@vscode/codicons/dist/codicon.ttf'),
    }));
  },
};

/** What both extension hosts run is in dist/web.js; the entry for Node adds to it what only Node can. */
const sharedCore: Plugin = {
  name: 'shared-core',
  setup({ onResolve }) {
    onResolve({ filter: /\/(activate|simulator\/index)\.ts$/ }, () => ({ path: './web.js', external: true }));
  },
};

/** Every entry point of the project. */
export const entries: readonly Entry[] = [
  {
    from: 'extension/main.ts',
    to: 'dist/extension.js',
    options: { platform: 'node', format: 'cjs', target: hostTarget, external: ['vscode'], plugins: [sharedCore] },
  },
  {
    from: 'extension/web.ts',
    to: 'dist/web.js',
    options: { platform: 'browser', format: 'cjs', target: browserTarget, external: ['vscode'] },
  },
  {
    from: 'webview/main.ts',
    to: 'dist/webview.js',
    options: { platform: 'browser', format: 'iife', target: browserTarget },
  },
  {
    from: 'webview/main.css',
    to: 'dist/webview.css',
    options: { target: browserTarget, loader: { '.ttf': 'file' }, assetNames: '[name]', plugins: [iconFont] },
  },
  {
    from: 'cli/vas.ts',
    to: 'dist/vas.cjs',
    options: { platform: 'node', format: 'cjs', target: hostTarget, banner: { js: '#!/usr/bin/env node' } },
  },
];

/** How a bundle is made: for people who read it, or for the package. */
export type Flavour = 'development' | 'release';

/**
 * Builds dist/ anew.
 * @returns the files written, relative to the project, with their sizes in bytes
 * @throws Error naming the entries that are missing or do not bundle (esbuild has printed why); the others are built
 */
export async function bundle(flavour: Flavour): Promise<{ file: string; bytes: number }[]> {
  const dist = join(root, 'dist');
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  const failed: string[] = [];
  for (const entry of entries) {
    await build({
      absWorkingDir: root,
      entryPoints: [entry.from],
      outfile: entry.to,
      bundle: true,
      minify: flavour === 'release',
      sourcemap: flavour === 'development' ? 'linked' : false,
      legalComments: 'none',
      logLevel: 'warning',
      define: { 'process.env.NODE_ENV': flavour === 'release' ? '"production"' : '"development"' },
      ...entry.options,
    }).catch(() => failed.push(entry.from));
  }
  if (failed.length > 0) throw new Error(`not built: ${failed.join(', ')}`);
  await chmod(join(dist, 'vas.cjs'), 0o755);
  const names = (await readdir(dist)).filter((name) => !name.endsWith('.map')).sort();
  return Promise.all(names.map(async (name) => ({ file: `dist/${name}`, bytes: (await stat(join(dist, name))).size })));
}
