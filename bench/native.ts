/** Compiles and runs the kernel's side (bench/native.c). */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { outDir, root } from '../scripts/paths.ts';

/** Nanoseconds of one operation, a number a round, by the operation's name. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** The compiled program's path, or why there is none. */
export function compileNative(): { readonly program: string } | { readonly missing: string } {
  if (process.platform !== 'linux') return { missing: 'the kernel to compare with is Linux' };
  const program = join(outDir, 'bench-native');
  mkdirSync(outDir, { recursive: true });
  const result = spawnSync('gcc', ['-O2', '-o', program, join(root, 'bench', 'native.c')], { encoding: 'utf8' });
  if (result.error !== undefined) return { missing: 'gcc is not installed' };
  return result.status === 0 ? { program } : { missing: `gcc failed:\n${result.stderr}` };
}

/** Runs it for `rounds` rounds. Throws when it fails. */
export function runNative(program: string, rounds: number): Samples {
  const result = spawnSync(program, [String(rounds)], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`runNative: ${result.stderr || result.error?.message}`);
  const lines = result.stdout.trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [name = '', ...values] = line.split(' ');
      return [name, values.map(Number)];
    }),
  );
}
