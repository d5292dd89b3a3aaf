// What can stand in an argument: the constants made for it first, then the names that hold a thing of its kind.

import type { CallSignature, Parameter, ParameterType } from '../calls.ts';
import { parameterAt, signature } from '../calls.ts';
import { constantsOf } from '../constants.ts';
import type { Scenario } from '../scenario.ts';

/** What a name holds, by the call that binds it; `any` where its line has a mistake. */
export type Holds = 'process' | 'address' | 'descriptor' | 'segment' | 'key' | 'number' | 'any';

const HOLDS: Readonly<Record<string, Holds>> = {
  'a file descriptor': 'descriptor',
  'a segment id': 'segment',
  'the protection key': 'key',
  'the address of the mapping': 'address',
  'the new program break, or the old one when it could not be moved': 'address',
};

/** What the names of a scenario hold. */
export function holdings(scenario: Scenario): ReadonlyMap<string, Holds> {
  const found = new Map<string, Holds>();
  for (const { name, kind } of scenario.names.values()) {
    found.set(name, kind === 'process' ? 'process' : kind === 'value' ? 'number' : 'any');
  }
  for (const statement of scenario.statements) {
    if (statement.kind !== 'call' || statement.target === null) continue;
    const { name } = statement.target;
    const returns = signature('process', statement.call.callee.name)?.returns ?? '';
    const holds = HOLDS[returns];
    if (holds !== undefined && found.get(name) === 'number') found.set(name, holds);
  }
  return found;
}

/** What each kind of parameter takes, the likeliest first. Flags and numbers are counted, read or returned. */
const TAKES: Readonly<Record<ParameterType, readonly Holds[]>> = {
  address: ['address', 'number'],
  buffer: ['address', 'number'],
  struct: ['address', 'number'],
  length: ['number', 'address'],
  int: ['number'],
  flags: ['number'],
  bytes: ['number'],
  limit: ['number'],
  fd: ['descriptor'],
  process: ['process'],
  path: [],
  counter: [],
  strings: [],
  signal: [],
  handler: [],
};

/** Integers that are no plain numbers. */
const TAKES_BY_NAME: Readonly<Record<string, readonly Holds[]>> = { shmid: ['segment'], pkey: ['key'] };

/** The place of a name that holds `holds` among the names that a parameter takes, from 0; null where it takes none such. */
export function placeOf(holds: Holds, parameter: Parameter): number | null {
  const takes = TAKES_BY_NAME[parameter.name] ?? TAKES[parameter.type];
  if (takes.length === 0) return null;
  if (holds === 'any') return takes.length;
  const place = takes.indexOf(holds);
  return place < 0 ? null : place;
}

/** Constants that stand anywhere: the one for lengths is none for addresses. */
const GENERAL: Readonly<Partial<Record<ParameterType, string>>> = { length: 'PAGE_SIZE' };

/** The constants that fit a parameter. */
export function constantsFor(parameter: Parameter): ReturnType<typeof constantsOf> {
  const general = GENERAL[parameter.type] ?? 'NULL';
  const fitting = constantsOf(parameter.constants).filter(({ group, name }) => group !== 'general' || name === general);
  return parameter.type === 'fd' ? fitting.filter(({ name }) => name === 'AT_FDCWD') : fitting;
}

/** Whether `-1` means something of its own there: no file, or any child. */
export function minusOne(call: CallSignature, index: number): string | null {
  const name = parameterAt(call, index)?.name;
  if (call.name === 'mmap' && name === 'fd') return 'No file: with MAP_ANONYMOUS.';
  return call.name === 'wait4' && name === 'pid' ? 'Any child.' : null;
}
