// What scripts/bootstrap.mjs promises to whoever stops it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { root } from '../scripts/paths.ts';

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a script ends when the shell around its bootstrap was ended alone, as npm does', async () => {
  // The second command keeps the shell from becoming the first.
  const command = `"${process.execPath}" scripts/bootstrap.mjs test/support/waits.ts; true`;
  const shell = spawn('sh', ['-c', command], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString('utf8'));
  expect(lives(pid)).toBe(true);
  shell.kill('SIGKILL');
  try {
    await vi.waitFor(() => expect(lives(pid)).toBe(false), { timeout: 20_000, interval: 100 });
  } finally {
    if (lives(pid)) process.kill(pid);
  }
}, 60_000);
