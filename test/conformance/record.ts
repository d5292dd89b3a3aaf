/** Takes down what the real kernel answers to the fixed set: `npm run conformance -- --record`. */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Machines, needsExclusive } from '../kernel/machines.ts';
import { record } from '../kernel/recording.ts';
import { fixedScenarios, RECORDED } from './fixed-set.ts';

/** Records every scenario of the fixed set; two runs of each must agree, else it throws. */
export async function recordFixedSet(): Promise<void> {
  const machines = new Machines();
  const lines: string[] = [];
  try {
    // Those that need a machine of their own come last: it is started once.
    const order = (source: string): number => (needsExclusive(source) ? 1 : 0);
    for (const { name, source } of fixedScenarios().sort((a, b) => order(a.source) - order(b.source))) {
      const runs: string[] = [];
      for (let run = 0; run < 2; run++) {
        runs.push(JSON.stringify(await record(name, source, await machines.fresh(source))));
      }
      if (runs[0] !== runs[1]) throw new Error(`record: two runs of ${name} differ`);
      lines.push(runs[0] ?? '');
    }
  } finally {
    await machines.close();
  }
  const packed = gzipSync(`${lines.join('\n')}\n`, { level: 9 });
  writeFileSync(RECORDED, packed);
  process.stdout.write(`${lines.length} scenarios, ${packed.length} bytes\n`);
}
