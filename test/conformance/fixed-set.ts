/** The fixed set of scenarios that every run of the tests compares: named ones and the first seeds of the generator. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { generate, groupOfSeed } from '../kernel/generate.ts';
import type { Recording } from '../kernel/recording.ts';

export interface FixedScenario {
  readonly name: string;
  readonly source: string;
}

/** Fifteen scenarios of each of the twenty-two groups. */
const SEEDS = 330;

const NAMED = new URL('named/', import.meta.url);
export const RECORDED = new URL('recorded/kernel.jsonl.gz', import.meta.url);

/** The small ones, each of which stands for a kind of difference that was found. */
export function namedScenarios(): FixedScenario[] {
  const files = readdirSync(NAMED).filter((file) => file.endsWith('.vas'));
  return files.sort().map((file) => ({ name: file, source: readFileSync(new URL(file, NAMED), 'utf8') }));
}

export function fixedScenarios(): FixedScenario[] {
  const seeded = Array.from({ length: SEEDS }, (_, index): FixedScenario => {
    const seed = index + 1;
    return { name: `seed ${seed} (${groupOfSeed(seed)})`, source: generate(seed) };
  });
  return [...namedScenarios(), ...seeded];
}

/** What the kernel answered when `npm run conformance -- --record` last ran, by name. */
export function recordings(): Map<string, Recording> {
  const lines = gunzipSync(readFileSync(RECORDED)).toString('utf8').split('\n');
  const list = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Recording);
  return new Map(list.map((recording) => [recording.name, recording]));
}
