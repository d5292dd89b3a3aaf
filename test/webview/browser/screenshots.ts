/** Takes pictures of the view in each state, theme and width, for people to look at: node screenshots.ts [PATTERN]. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../../scripts/paths.ts';
import { FIXTURES } from '../../../webview/dev/fixtures.ts';
import { launchDevPage } from './dev-page.ts';

const pattern = new RegExp(process.argv[2] ?? '.');
const folder = join(root, 'out/screenshots');
await mkdir(folder, { recursive: true });
const dev = await launchDevPage();
try {
  for (const state of Object.keys(FIXTURES)) {
    for (const theme of ['dark', 'light', 'hc-dark', 'hc-light']) {
      for (const width of [200, 400, 650, 800, 1200]) {
        const name = `${state}-${theme}-${width}`;
        if (!pattern.test(name)) continue;
        const page = await dev.open(`state=${state}&theme=${theme}`, { width, height: 900 });
        page.on('console', (message) => console.log(`${name}: ${message.text()}`));
        await page.waitForTimeout(150);
        await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
        console.log(name, JSON.stringify(await page.evaluate('window.said.filter((m) => m.type === "problem")')));
        await page.close();
      }
    }
  }
} finally {
  await dev.browser.close();
}
