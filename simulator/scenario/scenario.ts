// A scenario, parsed and bound: what the interpreter executes and what the editor shows. parseScenario() makes it.

import type { Declaration } from '../abi.ts';
import type { AssertStatement, CallStatement, Expr, Ident, SpawnStatement, Statement } from './ast.ts';
import { bind } from './binder.ts';
import type { CallSignature } from './calls.ts';
import { parseText } from './parser.ts';
import type { Diagnostic, Span } from './source.ts';

/** A name that a step binds. */
export interface BoundName {
  readonly name: string;
  /** Its place in the environment. */
  readonly slot: number;
  /** `unknown`: its line is broken, so it may be either. */
  readonly kind: 'process' | 'value' | 'unknown';
  readonly definition: Span;
}

/** A step that asks the kernel or the CPU for something. */
export interface StepCode {
  readonly kind: 'step';
  readonly statement: SpawnStatement | CallStatement;
  readonly signature: CallSignature;
  /** By parameter, strace's named arguments in their places; null where one in between was left out. */
  readonly args: readonly (Expr | null)[];
  readonly target: Ident | null;
}

export interface AssertCode {
  readonly kind: 'assert';
  readonly statement: AssertStatement;
}

export interface RepeatCode {
  readonly kind: 'repeat';
  readonly count: bigint;
  /** Index of the matching EndCode. */
  readonly end: number;
  /** False: nothing between the two would ever be executed. */
  readonly effective: boolean;
}

export interface EndCode {
  readonly kind: 'end';
  /** Index of the matching RepeatCode. */
  readonly start: number;
}

export type Code = StepCode | AssertCode | RepeatCode | EndCode;

/** A declaration that is ready, or the path of a real program that has yet to be read. */
export type DeclarationCode = { readonly span: Span } & (
  | { readonly declaration: Declaration }
  | { readonly hostProgram: string }
);

/** More mistakes than this are not listed. */
const MAX_DIAGNOSTICS = 500;

export interface Scenario {
  readonly text: string;
  readonly lines: readonly string[];
  /** All lines that parse, in order. */
  readonly statements: readonly Statement[];
  /** By line. Steps of lines with errors are not in `code`. */
  readonly diagnostics: readonly Diagnostic[];
  /** The machine first, then files and libraries, programs, devices. */
  readonly declarations: readonly DeclarationCode[];
  readonly code: readonly Code[];
  readonly names: ReadonlyMap<string, BoundName>;
}

/** Parses and checks a scenario. Never throws on any text; what is wrong is in `diagnostics`. */
export function parseScenario(text: string): Scenario {
  const tree = parseText(text);
  const bound = bind(tree);
  const diagnostics = [...tree.diagnostics, ...bound.diagnostics].sort(
    (a, b) => a.range.start.line - b.range.start.line || a.range.start.character - b.range.start.character,
  );
  return {
    text,
    lines: tree.lines,
    statements: tree.statements,
    diagnostics: atMost(MAX_DIAGNOSTICS, diagnostics),
    declarations: bound.declarations,
    code: bound.code,
    names: bound.names,
  };
}

/** The first mistakes, and one that says that there are more. */
function atMost(most: number, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const next = diagnostics[most];
  if (next === undefined) return diagnostics;
  const message = `${diagnostics.length - most} more mistakes are not listed`;
  return [...diagnostics.slice(0, most), { severity: 'error', code: 'too-many', message, range: next.range }];
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((d) => d.severity === 'error');
}

/** Line of a piece of code, from 1. */
export function lineOf(code: StepCode | AssertCode): number {
  return code.statement.span.line + 1;
}

/** The process that a step is written under: its name, that of the new process, or `kernel`. */
export function processOf(code: StepCode): Ident {
  return code.statement.kind === 'spawn' ? code.statement.target : code.statement.process;
}
