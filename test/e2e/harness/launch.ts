// Before the first UI test: a VS Code server and a browser that all of them share; after the last, both are stopped.
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { ensureBrowser, launchOptions } from '../../../scripts/browser.ts';
import { freshWorkspace } from '../../../scripts/suite.ts';
import { ensureServer, startServer } from '../../../scripts/vscode-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the workbench. */
    workbenchUrl: string;
    /** The folder that is open in it. */
    workspace: string;
    /** Where the browser's debugging protocol is spoken. */
    browserEndpoint: string;
    /** The browser's program. */
    browserPath: string;
  }
}

export default async function launch(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string): void => console.log(line);
  const browserPath = await ensureBrowser(log);
  await ensureServer(log);
  const workspace = await freshWorkspace('ui');
  const server = await startServer('ui');
  const options = launchOptions(browserPath);
  const debuggingPort = await freePort();
  const browser = await chromium
    .launch({ ...options, args: [...(options.args ?? []), `--remote-debugging-port=${debuggingPort}`] })
    .catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
  project.provide('workbenchUrl', server.url(workspace));
  project.provide('workspace', workspace);
  project.provide('browserEndpoint', `http://127.0.0.1:${debuggingPort}`);
  project.provide('browserPath', browserPath);
  return async () => {
    await browser.close();
    await server.stop();
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('freePort: the server has no port');
  return address.port;
}
