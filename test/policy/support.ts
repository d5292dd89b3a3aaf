// `vas policy` inside the test's own process, on a text.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import { main } from '../../cli/main.ts';
import { Output } from '../../cli/output.ts';

const folder = mkdtempSync(join(tmpdir(), 'vas-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

export interface Step {
  readonly page: number | string;
  readonly hit: boolean;
  readonly victim: number | string | null;
  readonly victims?: readonly (number | string)[];
  readonly resident: readonly (number | string)[];
}

export interface PolicyResult {
  readonly policy: string;
  readonly frames: number;
  readonly hits: number;
  readonly misses: number;
  readonly steps: readonly Step[];
}

/** Runs `vas policy FILE` with `options` on a file called `name` that holds `input`. */
export function vasPolicy(input: string | Uint8Array, options: string, name = 'input.txt') {
  const file = join(folder, name);
  writeFileSync(file, input);
  const out: string[] = [];
  const err: string[] = [];
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err.push(String(chunk));
    return true;
  });
  const noMachine = () => {
    throw new Error('vas policy makes its own machine');
  };
  try {
    const output = new Output((bytes) => out.push(Buffer.from(bytes).toString()));
    const args = ['policy', file, ...options.split(' ').filter((word) => word !== '')];
    const status = main(args, noMachine, () => '', output);
    return { status, out: out.join(''), err: err.join('').replaceAll(file, 'FILE') };
  } finally {
    stderr.mockRestore();
  }
}

/** The `policies` of the JSON. */
export function policiesOf(input: string | Uint8Array, options: string, name?: string): readonly PolicyResult[] {
  const { status, out, err } = vasPolicy(input, `${options} --json`, name);
  if (status !== 0 || err !== '') throw new Error(`status ${status}: ${err}`);
  return JSON.parse(out).policies;
}

/** The one result for `policy`. */
export function resultOf(input: string | Uint8Array, policy: string, options: string, name?: string): PolicyResult {
  const [result] = policiesOf(input, `--policy ${policy} ${options}`, name);
  if (result === undefined) throw new Error(`no result for ${policy}`);
  return result;
}
