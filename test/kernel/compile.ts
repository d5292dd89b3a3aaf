/** Finds out whether this machine can run the comparison, and compiles the driver when its sources have changed. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCES = join(import.meta.dirname, 'puppet');

function inPath(program: string): boolean {
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].some((dir) =>
    existsSync(join(dir, program)),
  );
}

/** What is missing to run scenarios on a real kernel, in words; undefined when nothing is. */
export function missing(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.arch !== 'x64') return 'not x86-64';
  if (process.getuid?.() !== 0) return 'not root';
  if (!inPath('gcc')) return 'no gcc';
  if (!inPath('mkfs.ext4')) return 'no mkfs.ext4';
  if (!existsSync('/sys/class/zram-control') && !existsSync('/dev/loop-control')) return 'no zram and no loop devices';
  return undefined;
}

let compiled: string | undefined;

/** Path of the driver's executable, compiled if needed. Throws with the compiler's words when that fails. */
export function compileDriver(): string {
  if (compiled !== undefined && existsSync(compiled)) return compiled;
  const names = readdirSync(SOURCES).sort();
  const hash = createHash('sha256');
  for (const name of names) hash.update(name).update(readFileSync(join(SOURCES, name)));
  const dir = join(tmpdir(), 'vas-kernel-driver');
  const path = join(dir, hash.digest('hex').slice(0, 16));
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (statSync(dir).uid !== process.getuid?.()) throw new Error(`compileDriver: ${dir} belongs to somebody else`);
    const scratch = `${path}.${process.pid}`;
    const sources = names.filter((name) => name.endsWith('.c')).map((name) => join(SOURCES, name));
    try {
      execFileSync('gcc', ['-O2', '-static', '-o', scratch, ...sources], { stdio: ['ignore', 'pipe', 'pipe'] });
      renameSync(scratch, path);
    } finally {
      rmSync(scratch, { force: true });
    }
  }
  compiled = path;
  return path;
}
