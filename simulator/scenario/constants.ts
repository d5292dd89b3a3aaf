// The constants of Linux's headers that the language knows (x86-64 values), found by name, by group and by value.

import { FILE_CONSTANTS } from './constants-file.ts';
import { MEMORY_CONSTANTS } from './constants-memory.ts';
import { ERRNOS, PROCESS_CONSTANTS, SIGNALS } from './constants-process.ts';

/** Which constants belong together, that is, may be joined or may stand in the same parameter. */
export type ConstantGroup =
  | 'prot'
  | 'map'
  | 'madv'
  | 'mremap'
  | 'msync'
  | 'mlock2'
  | 'mlockall'
  | 'pkey'
  | 'prctl'
  | 'prctl-option'
  | 'rlimit'
  | 'rlim'
  | 'open'
  | 'seek'
  | 'at'
  | 'mode'
  | 'memfd'
  | 'ipc'
  | 'ipc-command'
  | 'shm'
  | 'shmat'
  | 'clone'
  | 'wait'
  | 'signal'
  | 'handler'
  | 'personality'
  | 'general';

export interface Constant {
  readonly name: string;
  readonly value: bigint;
  /** One sentence. */
  readonly doc: string;
  readonly group: ConstantGroup;
}

/** Rows of a table: name, value, doc. */
export type ConstantRows = readonly (readonly [name: string, value: number | bigint, doc: string])[];
export type ConstantTable = { readonly [G in ConstantGroup]?: ConstantRows };

const GENERAL: ConstantTable = {
  general: [
    ['NULL', 0, 'The null pointer, 0.'],
    ['PAGE_SIZE', 4096, 'Bytes in a page: 4096.'],
    ['MAP_FAILED', (1n << 64n) - 1n, 'What mmap returns when it fails: -1.'],
  ],
};

const BY_NAME: ReadonlyMap<string, Constant> = new Map(
  [GENERAL, MEMORY_CONSTANTS, FILE_CONSTANTS, PROCESS_CONSTANTS].flatMap(rowsOf).map((c) => [c.name, c]),
);
const ERRNO_NAMES: ReadonlyMap<string, { readonly number: number; readonly doc: string }> = new Map(
  ERRNOS.map(([name, number, doc]) => [name, { number: Number(number), doc }]),
);
const SIGNAL_NAMES: ReadonlyMap<string, number> = new Map(SIGNALS.map(([name, number]) => [name, Number(number)]));

function rowsOf(table: ConstantTable): Constant[] {
  return (Object.entries(table) as [ConstantGroup, ConstantRows][]).flatMap(([group, rows]) =>
    rows.map(([name, value, doc]) => ({ name, value: BigInt.asUintN(64, BigInt(value)), doc, group })),
  );
}

export function constant(name: string): Constant | undefined {
  return BY_NAME.get(name);
}

/** All constants, in the order of the headers. */
export function allConstants(): Iterable<Constant> {
  return BY_NAME.values();
}

export function constantsOf(groups: readonly ConstantGroup[]): Constant[] {
  return [...BY_NAME.values()].filter((c) => groups.includes(c.group));
}

export function isErrno(name: string): boolean {
  return ERRNO_NAMES.has(name);
}

/** What strerror() says of an errno, or undefined for an unknown one. */
export function errnoText(name: string): string | undefined {
  return ERRNO_NAMES.get(name)?.doc;
}

export function errnoNames(): Iterable<string> {
  return ERRNO_NAMES.keys();
}

export function isSignal(name: string): boolean {
  return SIGNAL_NAMES.has(name);
}

export function signalNames(): Iterable<string> {
  return SIGNAL_NAMES.keys();
}

/** The name of a signal number on x86-64, or null. */
export function signalName(number: bigint): string | null {
  for (const [name, value] of SIGNAL_NAMES) if (BigInt(value) === number) return name;
  return null;
}
