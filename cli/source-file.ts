// Reading a scenario from a file or standard input, and saying what is wrong with it.

import { readFileSync } from 'node:fs';
import { type Diagnostic, parseScenario, type Range, type Scenario } from '../simulator/scenario/index.ts';
import { UsageError } from './arguments.ts';

/** More than this is no scenario. */
const MAX_SCENARIO = 256 * 1024 * 1024;

/** A scenario with the name under which messages speak of it. */
export interface SourceFile {
  readonly name: string;
  readonly scenario: Scenario;
}

/** @throws UsageError when there is nothing to read */
export function readScenario(file: string): SourceFile {
  return scenarioOf(file, readBytes(file));
}

/** The scenario that `bytes`, read from `file`, are. @throws UsageError when they are too many */
export function scenarioOf(file: string, bytes: Buffer): SourceFile {
  const { length } = bytes;
  if (length > MAX_SCENARIO) throw new UsageError(`${nameOf(file)}: ${length} bytes are too many for a scenario`);
  return { name: nameOf(file), scenario: parseScenario(bytes.toString('utf8')) };
}

/** How messages call a file of the command line. */
export function nameOf(file: string): string {
  return file === '-' ? '<stdin>' : file;
}

/** All of a file, or of standard input for `-`. @throws UsageError when it cannot be read */
export function readBytes(file: string): Buffer {
  const name = nameOf(file);
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : message;
    throw new UsageError(`${name}: cannot be read: ${why}`);
  }
}

/** `FILE:LINE:COL: error: message`, line and column from 1. */
export function located(name: string, range: Range, severity: Diagnostic['severity'], message: string): string {
  return `${name}:${range.start.line + 1}:${range.start.character + 1}: ${severity}: ${message}\n`;
}

export function writeDiagnostics(name: string, diagnostics: readonly Diagnostic[]): void {
  const lines = diagnostics.map((d) => located(name, d.range, d.severity, d.message));
  process.stderr.write(lines.join(''));
}
