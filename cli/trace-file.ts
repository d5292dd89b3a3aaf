// The file that --trace writes: never one that the user's work is in.

import { closeSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { UsageError } from './arguments.ts';
import { Output } from './output.ts';

/** The open file of a trace. */
export interface TraceFile {
  readonly output: Output;
  /** Writes what is left and closes the file. */
  close(): void;
}

/** Opens `path` for the trace of the scenario `input` (- is standard input). @throws UsageError when it may not or cannot be written */
export function openTrace(path: string, input: string): TraceFile {
  const target = statOf(() => statSync(path));
  const source = statOf(() => (input === '-' ? fstatSync(0) : statSync(input)));
  if (target?.isFile() === true && source !== null && isSame(target, source)) {
    throw new UsageError(`--trace: '${path}' is the scenario itself, and the trace would be written over it`);
  }
  if (target?.isFile() === true && path.toLowerCase().endsWith('.vas')) {
    throw new UsageError(`--trace: '${path}' is a scenario, and the trace would be written over it`);
  }
  const fd = open(path);
  const output = Output.toFile(fd, `--trace: '${path}'`);
  const close = () => {
    try {
      output.flush();
    } finally {
      closeSync(fd);
    }
  };
  return { output, close };
}

/** Null where there is no such file. */
function statOf(ask: () => Stats): Stats | null {
  try {
    return ask();
  } catch {
    return null;
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function open(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`--trace: ${error instanceof Error ? error.message : String(error)}`);
  }
}
