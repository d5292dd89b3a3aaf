/** Scenarios that would take the harness or the machine with them: what is left must be as it was before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { KernelMachine } from '../kernel/driver.ts';
import { compare } from '../kernel/lockstep.ts';
import { record } from '../kernel/recording.ts';

const lacking = KernelMachine.available();

/** A scenario that nothing is wrong with, to show that the machine still works. */
const GOOD = `p = spawn()
p: a = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, 1)
p: munmap(a, 4K)
`;

/** It would go on for years. */
const ENDLESS = `p = spawn()
p: a = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
repeat 100000000
p: store(a, 1, 64K)
p: madvise(a, 64K, MADV_DONTNEED)
end
`;

/** Processes whose parent chain leads to this one: what a run may have left. */
function descendants(): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // It ended while the list was read.
    }
  }
  const ours = (pid: number): boolean => pid === process.pid || (pid > 1 && ours(parents.get(pid) ?? 0));
  return [...parents.keys()].filter((pid) => pid !== process.pid && ours(pid));
}

/** Runs a scenario on a machine of its own, then a good one, and looks at what is left when the machine is closed. */
async function survives(source: string): Promise<Awaited<ReturnType<typeof record>>> {
  const directory = mkdtempSync(join(tmpdir(), 'vas-bad-'));
  const before = new Set(descendants());
  const machine = await KernelMachine.start({ directory, runLimitMs: 30_000, stepLimitMs: 2000 });
  try {
    const recording = await record('bad', source, machine);
    await machine.reset();
    expect(await compare(GOOD, machine)).toEqual({ steps: 4, difference: null });
    return recording;
  } finally {
    await machine.close();
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
    expect(descendants().filter((pid) => !before.has(pid))).toEqual([]);
  }
}

describe.skipIf(lacking !== undefined)(`bad input${lacking === undefined ? '' : ` (${lacking})`}`, () => {
  test('a process that kills itself is dead, and its further lines are skipped', async () => {
    const { steps } = await survives('p = spawn()\np: kill(p, SIGKILL)\np: brk(NULL)\n');
    expect(steps.map(({ done }) => done[0]?.[0])).toEqual(['0x3e8', 'SIGKILL SI_USER 0x0', 'skipped']);
  });

  test('a process that unmaps all it has cannot go on', async () => {
    const { steps } = await survives('p = spawn()\np: munmap(0x400000, 0x10000)\np: brk(NULL)\n');
    expect(steps.at(-1)?.done).toEqual([null]);
  });

  test('forks without end are refused when there are too many', async () => {
    const { steps } = await survives('p = spawn()\nrepeat 300\np: c = fork()\nend\n');
    const results = steps.flatMap(({ done }) => done.map((told) => told?.[0]));
    expect(results.slice(0, 3)).toEqual(['0x3e8', '0x3e9', '0x3ea']);
    expect(results.at(-1)).toBe('EAGAIN');
    expect(results.filter((result) => result === 'EAGAIN').length).toBeLessThan(100);
  });

  test('a process that asks for all memory ends, and nobody else does', async () => {
    const { steps } = await survives(
      'p = spawn()\nq = spawn()\np: a = mmap(NULL, 16G, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)\n' +
        'p: madvise(a, 16G, MADV_POPULATE_WRITE)\nq: brk(NULL)\n',
    );
    expect(steps[3]?.done[0]?.[0]).toMatch(/^(SIGKILL|ENOMEM|EFAULT|skipped)/);
    // Null where q's text was reclaimed meanwhile, so that it had to be read again; of a dead process it would be `skipped`.
    expect(steps[4]?.done[0]?.[0] ?? '0x402000').toBe('0x402000');
  });

  test('a scenario without end is ended by the limit of its run', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'vas-bad-'));
    const machine = await KernelMachine.start({ directory, runLimitMs: 1500 });
    await expect(compare(ENDLESS, machine)).rejects.toThrow('longer than 1500 ms');
    await machine.close();
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });

  /** A harness in a process of its own that runs a scenario without end, on a machine with a swap device of this size. */
  async function endless(directory: string, swapBytes: number): Promise<{ pid: number; ended: Promise<unknown> }> {
    const program = fileURLToPath(new URL('endless.ts', import.meta.url));
    const args = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', program, directory, String(swapBytes)];
    const harness = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(harness, 'exit');
    expect(await once(createInterface({ input: harness.stdout }), 'line')).toEqual(['runs']);
    return { pid: harness.pid ?? 0, ended };
  }

  /** Whether a swap device of this size is on: swap of other runs has another size. */
  const swaps = (bytes: number): boolean =>
    readFileSync('/proc/swaps', 'utf8')
      .split('\n')
      .some((line) => Number(line.split(/\s+/)[2]) === bytes / 1024 - 4);

  /** Processes of the machine whose files lie in the directory: the guardian, the driver, what it keeps beside it. */
  const machineOf = (directory: string): number[] =>
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((entry) => {
        try {
          return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(`dir=${directory}\0`);
        } catch {
          return false;
        }
      })
      .map(Number);

  async function until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 200 && !holds(); i++) await sleep(50);
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'a harness that %s ends leaves no process, no swap and no file',
    async (signal) => {
      const directory = mkdtempSync(join(tmpdir(), 'vas-bad-'));
      const swapBytes = 77 << 20;
      const { pid, ended } = await endless(directory, swapBytes);
      expect(swaps(swapBytes)).toBe(true);
      expect(machineOf(directory).length).toBeGreaterThan(2);
      process.kill(pid, signal);
      await ended;
      await until(() => machineOf(directory).length === 0 && readdirSync(directory).length === 0 && !swaps(swapBytes));
      expect(machineOf(directory)).toEqual([]);
      expect(readdirSync(directory)).toEqual([]);
      expect(swaps(swapBytes)).toBe(false);
      rmSync(directory, { recursive: true });
    },
    300_000,
  );

  test('what a guardian that is killed leaves is put right by the next start', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'vas-bad-'));
    const swapBytes = 78 << 20;
    const { ended } = await endless(directory, swapBytes);
    process.kill(Math.min(...machineOf(directory)), 'SIGKILL');
    await ended;
    await until(() => machineOf(directory).length === 0);
    expect(machineOf(directory)).toEqual([]);
    const next = await KernelMachine.start();
    await next.close();
    expect(readdirSync(directory)).toEqual([]);
    expect(swaps(swapBytes)).toBe(false);
    rmSync(directory, { recursive: true });
  }, 300_000);
});
