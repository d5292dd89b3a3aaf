// The dynamic loader's calls in what the runner prints, and in the story of the step that they belong to.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Machine } from '../../cli/machine.ts';
import { main } from '../../cli/main.ts';
import { Output } from '../../cli/output.ts';
import { parseScenario, Simulator, Timeline } from '../../simulator/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'vas-substeps-'));
afterAll(() => rmSync(folder, { recursive: true }));

const DYNAMIC = `library "/lib/ld.so" text=8K data=4K
library "/lib/liba.so" text=8K data=4K bss=4K
program "/bin/app" type=pie text=8K data=4K interp="/lib/ld.so" needs="/lib/liba.so"
program "/bin/plain" text=4K
p = spawn("/bin/app")
q = spawn("/bin/plain")
q: f = open("/bin/plain", O_RDONLY)
q: execve("/bin/app")
`;

const CALLS = [
  ['mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)', '0x7ffff7ff1000'],
  ['mmap(NULL, 20480, PROT_READ, MAP_PRIVATE|MAP_DENYWRITE, 3</lib/liba.so>, 0)', '0x7ffff7fec000'],
  [
    'mmap(0x7ffff7fed000, 8192, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3</lib/liba.so>, 0x1000)',
    '0x7ffff7fed000',
  ],
  [
    'mmap(0x7ffff7fef000, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3</lib/liba.so>, 0x3000)',
    '0x7ffff7fef000',
  ],
  ['mmap(0x7ffff7ff0000, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0)', '0x7ffff7ff0000'],
  ['mmap(NULL, 12288, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)', '0x7ffff7fe9000'],
] as const;

function machine(): Machine {
  const none = (): never => {
    throw new Error('machine: not asked for here');
  };
  return { backend: new Simulator(), procText: none, memoryText: none, walk: none, why: none };
}

function run(...options: string[]): string {
  const file = join(folder, 'case.vas');
  writeFileSync(file, DYNAMIC);
  const out: string[] = [];
  const output = new Output((bytes) => out.push(Buffer.from(bytes).toString()));
  expect(main(['run', file, ...options], machine, () => '0', output)).toBe(0);
  return out.join('');
}

test('--json has them as substeps of their step, and of no other', () => {
  const { steps } = JSON.parse(run('--json'));
  expect(steps[0].substeps).toEqual(CALLS.map(([text, value]) => ({ call: 'mmap', text, result: { value } })));
  expect(steps[1]).not.toHaveProperty('substeps');
  expect(steps[2]).not.toHaveProperty('substeps');
  // One descriptor is open by then.
  expect(steps[3].substeps.map((made: { text: string }) => made.text)).toEqual(
    CALLS.map(([text]) => text.replace('3<', '4<')),
  );
});

test('the text has them on lines of their own, further in', () => {
  const lines = run().split('\n');
  expect(lines.slice(1, 1 + CALLS.length)).toEqual(CALLS.map(([text, value]) => `     ${text} = ${value}`));
  expect(lines[1 + CALLS.length]).toMatch(/^6 {2}q = spawn/);
});

test('the story tells each with what came of it', () => {
  const timeline = Timeline.open(parseScenario(DYNAMIC));
  const story = timeline.step()?.story() ?? [];
  for (const [text] of CALLS) {
    const at = story.findIndex((line) => line.text === `the loader calls ${text}`);
    expect(at, text).toBeGreaterThan(0);
    expect(story[at + 1]?.depth).toBeGreaterThan(story[at]?.depth ?? 0);
  }
});
