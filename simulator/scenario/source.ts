// Places in a scenario's text: spans, ranges, the table of lines, and diagnostics.

export { closest } from '../closest.ts';

/** A place as editors count it: both numbers from 0, `character` in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** A half-open stretch of text. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** A stretch within one line, from 0, `end` exclusive: no construct of the language spans lines. */
export interface Span {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

export type Severity = 'error' | 'warning';

/** What a diagnostic is about; stable names, for tests and for quick fixes. */
export type DiagnosticCode =
  | 'syntax'
  | 'number'
  | 'string'
  | 'too-long'
  | 'too-deep'
  | 'too-many'
  | 'binary'
  | 'unbound'
  | 'rebound'
  | 'reserved'
  | 'not-a-process'
  | 'unknown-call'
  | 'arity'
  | 'type'
  | 'constant'
  | 'expectation'
  | 'declaration'
  | 'duplicate'
  | 'undeclared'
  | 'range'
  | 'repeat';

/** One mistake, with its place. */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly range: Range;
}

export function rangeOf(span: Span): Range {
  return { start: { line: span.line, character: span.start }, end: { line: span.line, character: span.end } };
}

/** The span from the start of `first` to the end of `last`, both of one line. */
export function cover(first: Span, last: Span): Span {
  return { line: first.line, start: first.start, end: last.end };
}

export function contains(span: Span, position: Position): boolean {
  return position.line === span.line && position.character >= span.start && position.character <= span.end;
}

/** The lines of a text without their terminators (LF or CRLF); a leading byte order mark is blanked. */
export function splitLines(text: string): string[] {
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line.endsWith('\r')) lines[i] = line.slice(0, -1);
  }
  const first = lines[0] ?? '';
  if (first.charCodeAt(0) === 0xfeff) lines[0] = ` ${first.slice(1)}`;
  return lines;
}
