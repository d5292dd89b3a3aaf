// How many steps a scenario has, its loops unrolled.
import type { Scenario } from '../simulator/index.ts';

/** Steps from start to end; null when there are more than numbers can count exactly. */
export function totalSteps(scenario: Scenario): number | null {
  const outer: bigint[] = [];
  let times = 1n;
  let total = 0n;
  for (const code of scenario.code) {
    if (code.kind === 'repeat') {
      outer.push(times);
      times *= code.count;
    } else if (code.kind === 'end') {
      times = outer.pop() ?? 1n;
    } else {
      total += times;
    }
  }
  return total <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(total) : null;
}
