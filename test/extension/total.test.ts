// How many steps a scenario has.
import { expect, test } from 'vitest';
import { totalSteps } from '../../extension/total.ts';
import { parseScenario } from '../../simulator/scenario/index.ts';

test('loops are unrolled when steps are counted', () => {
  const total = (text: string) => totalSteps(parseScenario(text));
  expect(total('')).toBe(0);
  expect(total('a = spawn()\nrepeat 3\na: fork()\nrepeat 2\na: brk(0)\nend\nend\nassert 1 == 1\n')).toBe(1 + 3 * 3 + 1);
  expect(total('a = spawn()\nrepeat 1000000000000\na: brk(0)\nend\n')).toBe(1_000_000_000_001);
  expect(total('a = spawn()\nrepeat 1000000000000\nrepeat 1000000000000\na: brk(0)\nend\nend\n')).toBe(null);
});
