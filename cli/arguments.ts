// The command line: what it may say, and the text that explains it.

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { POLICY_NAMES, type PolicyName, type PolicyOptions } from '../simulator/policy/index.ts';
import { closest } from '../simulator/scenario/source.ts';
import type { MemoryFile, ProcFile } from '../simulator/view/proc-text.ts';

/** Page numbers that the JSON of `vas policy` lists as being in memory, all its steps together. */
export const MAX_RESIDENT = 50_000_000;

export const USAGE = `usage: vas COMMAND FILE …

Runs scenarios of Linux memory management (FILE is a .vas file, or - for standard input).

  vas run FILE [--json] [--trace FILE.jsonl]   execute the scenario and say what each step came to
  vas check FILE                               parse only: list what is wrong
  vas maps FILE PROC                           /proc/PID/maps of a process, at the end
  vas smaps FILE PROC                          /proc/PID/smaps
  vas smaps_rollup FILE PROC                   /proc/PID/smaps_rollup
  vas status FILE PROC                         /proc/PID/status
  vas meminfo FILE, vas vmstat FILE, vas free FILE
                                               /proc/meminfo, /proc/vmstat and what free prints, at the end
  vas translate FILE PROC ADDR [--json]        the page walk of an address (names of the scenario allowed)
  vas why FILE PROC ADDR [--json]              which rule keeps its VMA from merging with its neighbours, and
                                               what put the address where it is
  vas policy FILE --frames N [--policy NAME] [--bits B] [--seed S] [--json]
                                               page replacement: who is replaced at each miss, and how many misses.
                                               FILE: page numbers, a lackey trace (.gz too), or a scenario

PROC is a name of the scenario or a pid: a child that nobody binds has no name, nor has one whose name a loop bound anew.

  --policy NAME      ${POLICY_NAMES.join(', ')}, or all (default)
  --bits B           reference bits of clock (default 1)
  --seed S           seed of random (default 0)
  --until LINE       stop before the first step behind LINE
  --max-steps N      stop after N steps (default ${(10_000_000).toLocaleString('en')})
  --json             print JSON (that of policy names the pages in memory at each step only while accesses × pages in
                     memory × policies are at most ${MAX_RESIDENT.toLocaleString('en')})
  --trace FILE       write the state after each step to FILE, a line of JSON each
  -h, --help         print this
  -V, --version      print the version

Exit status: 0 all expectations met, 1 some failed, 2 the file has errors or the arguments are wrong.
`;

/** A mistake in the arguments. */
export class UsageError extends Error {}

/** How far to run. */
export interface Limits {
  /** Stop before the first step behind this line, from 1. */
  readonly until: number | null;
  readonly maxSteps: number;
}

export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'check'; readonly file: string }
  | {
      readonly name: 'run';
      readonly file: string;
      readonly json: boolean;
      readonly trace: string | null;
      readonly limits: Limits;
    }
  | {
      readonly name: ProcFile;
      readonly file: string;
      readonly process: string;
      readonly limits: Limits;
    }
  | { readonly name: MemoryFile; readonly file: string; readonly limits: Limits }
  | {
      readonly name: 'translate' | 'why';
      readonly file: string;
      readonly process: string;
      readonly address: string;
      readonly json: boolean;
      readonly limits: Limits;
    }
  | {
      readonly name: 'policy';
      readonly file: string;
      readonly policies: readonly PolicyName[];
      readonly options: PolicyOptions;
      readonly json: boolean;
    };

type Flag = 'json' | 'trace' | 'until' | 'max-steps' | 'frames' | 'policy' | 'bits' | 'seed';

/** More frames than any machine has. */
const MAX_FRAMES = 2 ** 32;

/** Operands of each command, and the flags that it takes. */
const COMMANDS: Readonly<Record<string, { readonly operands: readonly string[]; readonly flags: readonly Flag[] }>> = {
  run: { operands: ['FILE'], flags: ['json', 'trace', 'until', 'max-steps'] },
  check: { operands: ['FILE'], flags: [] },
  maps: { operands: ['FILE', 'PROC'], flags: ['until', 'max-steps'] },
  smaps: { operands: ['FILE', 'PROC'], flags: ['until', 'max-steps'] },
  smaps_rollup: { operands: ['FILE', 'PROC'], flags: ['until', 'max-steps'] },
  status: { operands: ['FILE', 'PROC'], flags: ['until', 'max-steps'] },
  meminfo: { operands: ['FILE'], flags: ['until', 'max-steps'] },
  vmstat: { operands: ['FILE'], flags: ['until', 'max-steps'] },
  free: { operands: ['FILE'], flags: ['until', 'max-steps'] },
  translate: { operands: ['FILE', 'PROC', 'ADDR'], flags: ['json', 'until', 'max-steps'] },
  why: { operands: ['FILE', 'PROC', 'ADDR'], flags: ['json', 'until', 'max-steps'] },
  policy: { operands: ['FILE'], flags: ['frames', 'policy', 'bits', 'seed', 'json'] },
};

const SEE_HELP = 'vas --help lists them all';

function unknownCommand(name: string): string {
  const meant = closest(name, Object.keys(COMMANDS));
  const hint = existsSync(name) ? `did you mean vas run ${name}?` : meant === null ? '' : `did you mean ${meant}?`;
  return [`unknown command '${name}':`, hint, SEE_HELP].filter(Boolean).join(' ');
}

/** @throws UsageError */
export function parseArguments(args: readonly string[]): Command {
  const { values, positionals } = read(args);
  if (values.help === true) return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  const [name, ...operands] = positionals;
  if (name === undefined) throw new UsageError(`which command? ${SEE_HELP}`);
  if (name === 'help') return { name };
  const known = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (known === undefined) throw new UsageError(unknownCommand(name));
  const missing = known.operands[operands.length];
  if (missing !== undefined)
    throw new UsageError(`vas ${name} wants ${known.operands.join(' ')}: ${missing} is missing`);
  const extra = operands[known.operands.length];
  if (extra !== undefined) throw new UsageError(`vas ${name} wants only ${known.operands.join(' ')}, not '${extra}'`);
  for (const flag of Object.keys(values)) {
    if (!(known.flags as readonly string[]).includes(flag)) throw new UsageError(`vas ${name} takes no --${flag}`);
  }
  const [file = '', process = '', address = ''] = operands;
  const limits = {
    until: values.until === undefined ? null : positive('until', values.until),
    maxSteps: values['max-steps'] === undefined ? 10_000_000 : positive('max-steps', values['max-steps']),
  };
  const json = values.json === true;
  switch (name) {
    case 'check':
      return { name, file };
    case 'run':
      return { name, file, json, trace: values.trace ?? null, limits };
    case 'translate':
    case 'why':
      return { name, file, process, address, json, limits };
    case 'policy':
      return { name, file, policies: policiesOf(values.policy ?? 'all'), options: policyOptions(values), json };
    case 'meminfo':
    case 'vmstat':
    case 'free':
      return { name, file, limits };
    default:
      return { name: name as ProcFile, file, process, limits };
  }
}

const OPTIONS = {
  json: { type: 'boolean' },
  trace: { type: 'string' },
  until: { type: 'string' },
  'max-steps': { type: 'string' },
  frames: { type: 'string' },
  policy: { type: 'string' },
  bits: { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const;

function read(args: readonly string[]) {
  const parsed = parse(joined(args));
  const seen = new Set<string>();
  for (const token of parsed.tokens) {
    if (token.kind !== 'option' || token.value === undefined) continue;
    if (seen.has(token.name)) throw new UsageError(`--${token.name} is given twice`);
    seen.add(token.name);
  }
  return parsed;
}

/** `--frames -1` as `--frames=-1`: a negative number is a wrong value, and no option. */
function joined(args: readonly string[]): string[] {
  const result: string[] = [];
  for (const arg of args) {
    const before = result.at(-1) ?? '';
    const wantsValue = Object.entries(OPTIONS).some(([name, { type }]) => type === 'string' && before === `--${name}`);
    if (wantsValue && /^-[0-9]/.test(arg)) result[result.length - 1] = `${before}=${arg}`;
    else result.push(arg);
  }
  return result;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, tokens: true, options: OPTIONS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function policiesOf(name: string): readonly PolicyName[] {
  if (name === 'all') return POLICY_NAMES;
  const known = POLICY_NAMES.find((policy) => policy === name);
  if (known === undefined) throw new UsageError(`--policy wants one of ${POLICY_NAMES.join(', ')}, all, not '${name}'`);
  return [known];
}

function policyOptions(values: { frames?: string; bits?: string; seed?: string }): PolicyOptions {
  if (values.frames === undefined) throw new UsageError('vas policy wants --frames N: how many pages fit in memory');
  return {
    frames: within('frames', values.frames, 1, MAX_FRAMES),
    bits: within('bits', values.bits ?? '1', 1, 255),
    seed: within('seed', values.seed ?? '0', 0, 2 ** 32 - 1),
  };
}

function within(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(`--${flag} wants a number from ${least} to ${most}, not '${text}'`);
}

function positive(flag: string, text: string): number {
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || number < 1 || !Number.isSafeInteger(number)) {
    throw new UsageError(`--${flag} wants a number from 1, not '${text}'`);
  }
  return number;
}
