/**
 * Runs a scenario without end until somebody ends it: `endless.ts DIRECTORY SWAP_BYTES`. The machine has its files in
 * the directory and swap of its own; `runs` is printed when it is up.
 */
import { KernelMachine } from '../kernel/driver.ts';

const [directory = '/tmp', swapBytes = '0'] = process.argv.slice(2);
const machine = await KernelMachine.start({
  directory,
  exclusive: true,
  swapBytes: Number(swapBytes),
  runLimitMs: 120_000,
});
await machine.program('/bin/puppet', { text: 4096 });
const { pid } = await machine.spawn('/bin/puppet');
process.stdout.write('runs\n');
for (;;) await machine.syscall(pid, 'brk', [0n]);
