/** Compares the scenarios named on the command line with the real kernel: `node test/kernel/run-one.ts FILE…`. */
import { readFileSync } from 'node:fs';
import { compare } from './lockstep.ts';
import { Machines } from './machines.ts';

const machines = new Machines();
let differing = 0;
for (const file of process.argv.slice(2)) {
  try {
    const source = readFileSync(file, 'utf8');
    const { steps, difference } = await compare(source, await machines.fresh(source));
    if (difference === null) process.stdout.write(`agree ${file} (${steps} steps)\n`);
    else {
      differing++;
      process.stdout.write(`DIFFER ${file}:${difference.line}: ${difference.text}\n`);
      for (const detail of difference.details.slice(0, 24)) process.stdout.write(`    ${detail}\n`);
    }
  } catch (error) {
    differing++;
    process.stdout.write(`ERROR ${file}: ${String(error)}\n`);
  }
}
await machines.close();
process.exitCode = differing > 0 ? 1 : 0;
