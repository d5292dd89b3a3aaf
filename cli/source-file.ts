// Reading a scenario from a file or standard input, and saying what is wrong with it.

import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
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
  if (length > MAX_SCENARIO)
    throw new UsageError(`${nameOf(file)}: more than ${MAX_SCENARIO} bytes are too many for a scenario`);
  const scenario = parseScenario(bytes.toString('utf8'));
  const diagnostics = isUtf8(bytes) ? scenario.diagnostics : withStrayByte(scenario.diagnostics, bytes);
  return { name: nameOf(file), scenario: { ...scenario, diagnostics } };
}

/** What is wrong with a file that is not UTF-8: one mistake for its line, or one alone where it is no text at all. */
function withStrayByte(diagnostics: readonly Diagnostic[], bytes: Buffer): readonly Diagnostic[] {
  if (diagnostics.some(({ code }) => code === 'binary')) return diagnostics;
  const stray = strayByte(bytes);
  const { line } = stray.range.start;
  const before = diagnostics.filter(({ range }) => range.start.line < line);
  return [...before, stray, ...diagnostics.filter(({ range }) => range.start.line > line)];
}

/** Says which byte is the first that is not UTF-8; there is one. */
function strayByte(bytes: Buffer): Diagnostic {
  let at = 0;
  let line = 0;
  let character = 0;
  // Decoded, the byte became a character that stands for other bytes.
  for (const decoded of bytes.toString('utf8')) {
    const encoded = Buffer.from(decoded);
    if (!encoded.equals(bytes.subarray(at, at + encoded.length))) break;
    at += encoded.length;
    line += decoded === '\n' ? 1 : 0;
    character = decoded === '\n' ? 0 : character + decoded.length;
  }
  const byte = (bytes[at] ?? 0).toString(16).padStart(2, '0');
  const range = { start: { line, character }, end: { line, character: character + 1 } };
  return {
    severity: 'error',
    code: 'binary',
    message: `the byte 0x${byte} here is no UTF-8 text: save the file as UTF-8`,
    range,
  };
}

/** How messages call a file of the command line. */
export function nameOf(file: string): string {
  return file === '-' ? '<stdin>' : file;
}

/** What an open file holds, up to a piece more than a scenario may have: some files never end. */
function readAll(fd: number): Buffer {
  const pieces: Buffer[] = [];
  for (let length = 0; length <= MAX_SCENARIO; ) {
    const piece = Buffer.allocUnsafe(1 << 16);
    const count = readSync(fd, piece);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    length += count;
  }
  return Buffer.concat(pieces);
}

function readFile(file: string): Buffer {
  if (file === '-') return readAll(0);
  const fd = openSync(file, 'r');
  try {
    return readAll(fd);
  } finally {
    closeSync(fd);
  }
}

/** All of a file, or of standard input for `-`. @throws UsageError when it cannot be read */
export function readBytes(file: string): Buffer {
  const name = nameOf(file);
  try {
    return readFile(file);
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
