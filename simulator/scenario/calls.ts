// The calls of the language: their parameters, for the binder's checks and for completion, hover and signature help.

import { FILE_CALLS } from './calls-file.ts';
import { CPU_CALLS, KERNEL_CALLS } from './calls-machine.ts';
import { MEMORY_CALLS } from './calls-memory.ts';
import { PROCESS_CALLS } from './calls-process.ts';
import { QUERY_FUNCTIONS } from './calls-query.ts';
import type { ConstantGroup } from './constants.ts';

/**
 * What may stand in a parameter. `int` and its kin are 64-bit words; `buffer` is an address where strace shows the
 * contents instead; `struct` an address where strace shows a structure; `bytes` what `store` writes; `counter`
 * the name of a line of /proc/vmstat or /proc/meminfo.
 */
export type ParameterType =
  | 'address'
  | 'length'
  | 'int'
  | 'fd'
  | 'flags'
  | 'process'
  | 'path'
  | 'counter'
  | 'buffer'
  | 'struct'
  | 'strings'
  | 'bytes'
  | 'signal'
  | 'handler'
  | 'limit';

export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly optional: boolean;
  /** Takes all further arguments too. */
  readonly rest: boolean;
  /** Constants that fit here. */
  readonly constants: readonly ConstantGroup[];
  /** How strace names it, where that differs. */
  readonly labels: readonly string[];
}

export type CallFamily =
  | 'address space'
  | 'process'
  | 'file'
  | 'limits'
  | 'CPU'
  | 'signals'
  | 'kernel'
  | 'spawn'
  | 'query';

export interface CallSignature {
  readonly name: string;
  readonly family: CallFamily;
  readonly parameters: readonly Parameter[];
  /** What the value is: `the address of the mapping`. */
  readonly returns: string;
  /** One or two sentences. */
  readonly doc: string;
  /** A name bound to it is a process. */
  readonly makesProcess: boolean;
}

/** A row of a table: the parameters in a small notation, see `parseParameters`. */
export interface CallRow {
  readonly name: string;
  readonly parameters: string;
  readonly returns: string;
  readonly doc: string;
  readonly makesProcess?: boolean;
}

/**
 * Reads `addr:address len:length [flags:flags/map/open] argv:strings…`: brackets make a parameter optional, what
 * follows a slash are the groups of constants that fit, `=label` adds strace's name for it, `…` takes the rest.
 */
function parseParameters(notation: string): Parameter[] {
  if (notation === '') return [];
  return notation.split(' ').map((word) => {
    const optional = word.startsWith('[');
    const rest = word.includes('…');
    const bare = word.replace(/[[\]…]/g, '');
    const [nameAndLabels = '', typeAndGroups = ''] = bare.split(':');
    const [name = '', ...labels] = nameAndLabels.split('=');
    const [type = '', ...constants] = typeAndGroups.split('/');
    return {
      name,
      type: type as ParameterType,
      optional: optional || rest,
      rest,
      constants: constants as ConstantGroup[],
      labels,
    };
  });
}

function signatures(family: CallFamily, rows: readonly CallRow[]): [string, CallSignature][] {
  return rows.map((row) => [
    row.name,
    {
      name: row.name,
      family,
      parameters: parseParameters(row.parameters),
      returns: row.returns,
      doc: row.doc,
      makesProcess: row.makesProcess ?? false,
    },
  ]);
}

const SPAWN: CallRow = {
  name: 'spawn',
  parameters: '[path:path] [argv:strings…]',
  returns: 'the new process',
  doc: 'Makes a process from nothing that executes the program; without a path, /bin/puppet: static, one page of text.',
  makesProcess: true,
};

const PROCESS_STEPS: ReadonlyMap<string, CallSignature> = new Map([
  ...signatures('address space', MEMORY_CALLS),
  ...signatures('process', PROCESS_CALLS.process),
  ...signatures('file', FILE_CALLS),
  ...signatures('limits', PROCESS_CALLS.limits),
  ...signatures('CPU', CPU_CALLS.cpu),
  ...signatures('signals', CPU_CALLS.signals),
]);
const KERNEL_STEPS: ReadonlyMap<string, CallSignature> = new Map(signatures('kernel', KERNEL_CALLS));
const QUERIES: ReadonlyMap<string, CallSignature> = new Map(signatures('query', QUERY_FUNCTIONS));
const SPAWN_STEP = new Map(signatures('spawn', [SPAWN]));

/** Where a call stands, and so which ones are known there. */
export type CallPlace = 'process' | 'kernel' | 'spawn' | 'query';

const PLACES: Readonly<Record<CallPlace, ReadonlyMap<string, CallSignature>>> = {
  process: PROCESS_STEPS,
  kernel: KERNEL_STEPS,
  spawn: SPAWN_STEP,
  query: QUERIES,
};

export function signature(place: CallPlace, name: string): CallSignature | undefined {
  return PLACES[place].get(name);
}

export function signaturesOf(place: CallPlace): readonly CallSignature[] {
  return [...PLACES[place].values()];
}

/** The parameter that takes the argument number `index`, or undefined. */
export function parameterAt(call: CallSignature, index: number): Parameter | undefined {
  const last = call.parameters.at(-1);
  return call.parameters[index] ?? (last?.rest === true ? last : undefined);
}

/** `mmap(addr, length, prot, flags, fd, offset)`, optional parameters in brackets. */
export function signatureLabel(call: CallSignature): string {
  const words = call.parameters.map((p) => {
    const name = p.rest ? `${p.name}…` : p.name;
    return p.optional ? `[${name}]` : name;
  });
  return `${call.name}(${words.join(', ')})`;
}
