// Every sample must run as it says it does: the runner checks its expectations.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { samples } from '../extension/sample-list.ts';
import { parseScenario } from '../simulator/scenario/index.ts';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);

test('the list names exactly the files that ship', async () => {
  const files = (await readdir(join(root, 'samples'))).sort();
  expect(samples.map(({ name }) => `${name}.vas`).sort()).toEqual(files);
});

for (const { name } of samples) {
  test(`${name} meets its expectations`, async () => {
    const args = ['--no-warnings', join(root, 'cli/vas.ts'), 'run', join(root, 'samples', `${name}.vas`)];
    const { stderr } = await run(process.execPath, args);
    expect(stderr).toBe('');
  });

  test(`${name} expects something, and has explanations`, async () => {
    const text = await readFile(join(root, 'samples', `${name}.vas`), 'utf8');
    const { statements } = parseScenario(text);
    const judged = statements.filter(
      (statement) => statement.kind === 'assert' || ('expected' in statement && statement.expected !== null),
    );
    expect(judged.length).toBeGreaterThan(3);
    expect(text.split('\n').filter((line) => line.startsWith('# ')).length).toBeGreaterThan(3);
  });
}
