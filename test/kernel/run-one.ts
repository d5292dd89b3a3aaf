/** Compares the scenarios named on the command line with the real kernel: `node test/kernel/run-one.ts FILE…`. */
import { readFileSync } from 'node:fs';
import { KernelMachine } from './driver.ts';
import { compare } from './lockstep.ts';

const machine = await KernelMachine.start({ runLimitMs: 60000 });
let differing = 0;
for (const file of process.argv.slice(2)) {
  await machine.reset();
  try {
    const { steps, difference } = await compare(readFileSync(file, 'utf8'), machine);
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
await machine.close();
process.exitCode = differing > 0 ? 1 : 0;
