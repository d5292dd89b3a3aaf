// Which process an address on a line belongs to, and how many steps a scenario has.
import { expect, test } from 'vitest';
import { processNameAt } from '../../extension/language/line.ts';
import { totalSteps } from '../../extension/total.ts';
import { parseScenario } from '../../simulator/scenario/index.ts';

/** The process at the cursor, marked by `|`. */
function processAt(marked: string): string | null {
  const at = marked.indexOf('|');
  return processNameAt(marked.replace('|', ''), at);
}

test('an address belongs to the process of its line', () => {
  expect(processAt('  kid:  store(b|uf, "J") = cow')).toBe('kid');
  expect(processAt('bash: buf = mm|ap(NULL, 8K)')).toBe('bash');
  expect(processAt('bash = spa|wn("/bin/bash")')).toBe('bash');
  expect(processAt('machine ram=6|4K')).toBe(null);
});

test('in an assert, to the process of the function around it', () => {
  expect(processAt('assert phys(bash, b|uf) == phys(kid, buf)')).toBe('bash');
  expect(processAt('assert phys(bash, buf) == phys(kid, b|uf)')).toBe('kid');
  expect(processAt('assert cached("/a", 0) && !present(bob, b|uf + 4K)')).toBe('bob');
});

test("a driver's page goes to the process that is named", () => {
  expect(processAt('kernel: vm_insert_page(app, r|ing, "/dev/ring", 0)')).toBe('app');
  expect(processAt('kernel: recl|aim(4)')).toBe(null);
});

test('loops are unrolled when steps are counted', () => {
  const total = (text: string) => totalSteps(parseScenario(text));
  expect(total('')).toBe(0);
  expect(total('a = spawn()\nrepeat 3\na: fork()\nrepeat 2\na: brk(0)\nend\nend\nassert 1 == 1\n')).toBe(1 + 3 * 3 + 1);
  expect(total('a = spawn()\nrepeat 1000000000000\na: brk(0)\nend\n')).toBe(1_000_000_000_001);
  expect(total('a = spawn()\nrepeat 1000000000000\nrepeat 1000000000000\na: brk(0)\nend\nend\n')).toBe(null);
});
