/** The development page of the view in a Chromium, served from memory: no network, no server, the real CSP. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ensureBrowser, launchOptions } from '../../../scripts/browser.ts';
import { root } from '../../../scripts/paths.ts';
import { webviewHtml } from '../../../webview/html.ts';

/** A host that does not exist: every request to it is answered here. */
const ORIGIN = 'http://view.invalid';

export interface DevPage {
  readonly browser: Browser;
  /** Opens the page in a new tab. `query`: `state=…&theme=…`. */
  open(query: string, size: { readonly width: number; readonly height: number }): Promise<Page>;
}

/** Bundles the page and starts a browser; the caller closes it. */
export async function launchDevPage(): Promise<DevPage> {
  const files = await bundleDevPage();
  const browser = await chromium.launch(launchOptions(await ensureBrowser(console.log)));
  const open: DevPage['open'] = async (query, viewport) => {
    const page = await browser.newPage({ viewport });
    await page.route(`${ORIGIN}/**`, async (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      const file = files.get(name);
      await (file === undefined ? route.fulfill({ status: 404 }) : route.fulfill(file));
    });
    await page.goto(`${ORIGIN}/index.html?${query}`);
    await page.waitForSelector('.app, .blank');
    await page.evaluate(() => document.fonts.ready.then(() => {}));
    return page;
  };
  return { browser, open };
}

type Served = { readonly contentType: string; readonly body: string } | { readonly path: string };

async function bundleDevPage(): Promise<ReadonlyMap<string, Served>> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: { page: 'webview/dev/page.ts', view: 'webview/main.css' },
    outdir: 'out/webview-dev',
    bundle: true,
    write: false,
    format: 'iife',
    target: 'chrome124',
    external: ['./codicon.ttf'],
    logLevel: 'warning',
  });
  const text = (name: string) => result.outputFiles.find((file) => file.path.endsWith(name))?.text ?? '';
  const html = webviewHtml({ cspSource: ORIGIN, nonce: 'abc123', scriptUri: 'page.js', styleUri: 'view.css' });
  return new Map<string, Served>([
    ['index.html', { contentType: 'text/html', body: html }],
    ['page.js', { contentType: 'text/javascript', body: text('page.js') }],
    ['view.css', { contentType: 'text/css', body: text('view.css') }],
    ['codicon.ttf', { path: join(root, 'node_modules/@vscode/codicons/dist/codicon.ttf') }],
  ]);
}
