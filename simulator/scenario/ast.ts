// The syntax tree. Each node carries its span; chains of one operator are one node with many operands, so that
// neither parsing nor evaluating a long line needs a deep stack.

import type { StringArg } from '../abi.ts';
import type { Span } from './source.ts';

/** A word of the text with its place. */
export interface Ident {
  readonly name: string;
  readonly span: Span;
}

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

export interface IntExpr {
  readonly kind: 'int';
  readonly value: bigint;
  /** As written: `16K`, `0x1000`. */
  readonly text: string;
  readonly span: Span;
}

export interface StringExpr {
  readonly kind: 'string';
  readonly value: StringArg;
  /** strace cut it: `"…"...`. */
  readonly abbreviated: boolean;
  readonly span: Span;
}

/** A bound name or a constant: the binder tells which. */
export interface NameExpr {
  readonly kind: 'name';
  readonly name: string;
  readonly span: Span;
}

export interface SumExpr {
  readonly kind: 'sum';
  readonly terms: readonly { readonly negative: boolean; readonly operand: Expr }[];
  readonly span: Span;
}

/** Operands joined by `*`, `|` or `&&`. */
export interface ChainExpr {
  readonly kind: 'product' | 'or' | 'and';
  readonly operands: readonly Expr[];
  readonly span: Span;
}

export interface UnaryExpr {
  readonly kind: 'negate' | 'not' | 'group';
  readonly operand: Expr;
  readonly span: Span;
}

export interface CompareExpr {
  readonly kind: 'compare';
  readonly operator: CompareOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly span: Span;
}

/** A function of `assert`. */
export interface CallExpr {
  readonly kind: 'call';
  readonly callee: Ident;
  readonly args: readonly Expr[];
  readonly span: Span;
}

export interface ArrayExpr {
  readonly kind: 'array';
  readonly items: readonly Expr[];
  readonly span: Span;
}

/** `{rlim_cur=8192*1024, …}` as strace prints it; no fields when what it holds is only for reading. */
export interface StructExpr {
  readonly kind: 'struct';
  readonly fields: readonly { readonly name: Ident; readonly value: Expr }[];
  readonly span: Span;
}

/** `flags=CLONE_VM|SIGCHLD`: strace names the arguments of clone. */
export interface LabelExpr {
  readonly kind: 'label';
  readonly label: Ident;
  readonly value: Expr;
  readonly span: Span;
}

export type Expr =
  | IntExpr
  | StringExpr
  | NameExpr
  | SumExpr
  | ChainExpr
  | UnaryExpr
  | CompareExpr
  | CallExpr
  | ArrayExpr
  | StructExpr
  | LabelExpr;

export type AccessOutcome = 'hit' | 'minor' | 'major' | 'cow';

/** What a line expects behind its `=`. The parts are joined by "and". */
export interface Expectation {
  /** `?`: anything. */
  readonly any: boolean;
  readonly outcome: AccessOutcome | null;
  readonly signal: string | null;
  /** `SEGV_MAPERR`, behind a signal. */
  readonly signalCode: string | null;
  readonly errno: string | null;
  readonly value: Expr | null;
  readonly span: Span;
}

/** `NAME(ARGS)`; `closed` is false when the line ends inside of the parentheses. */
export interface CallSyntax {
  readonly callee: Ident;
  readonly args: readonly Expr[];
  readonly span: Span;
}

export interface KeyValue {
  readonly key: Ident;
  /** A word, number, string or expression; null for a bare key such as `host`. */
  readonly value: Expr | null;
  readonly span: Span;
}

export interface DeclarationStatement {
  readonly kind: 'declaration';
  readonly keyword: Ident;
  readonly path: StringExpr | null;
  readonly settings: readonly KeyValue[];
  readonly span: Span;
}

/** `NAME = spawn(…)`. */
export interface SpawnStatement {
  readonly kind: 'spawn';
  readonly target: Ident;
  readonly call: CallSyntax;
  readonly expected: Expectation | null;
  readonly span: Span;
}

/** `PROC: [NAME =] CALL(…)`; `kernel` is a process here. */
export interface CallStatement {
  readonly kind: 'call';
  readonly process: Ident;
  readonly target: Ident | null;
  readonly call: CallSyntax;
  readonly expected: Expectation | null;
  readonly span: Span;
}

export interface AssertStatement {
  readonly kind: 'assert';
  readonly condition: Expr;
  readonly span: Span;
}

export interface RepeatStatement {
  readonly kind: 'repeat';
  readonly count: Expr;
  readonly span: Span;
}

export interface EndStatement {
  readonly kind: 'end';
  readonly span: Span;
}

export type Statement =
  | DeclarationStatement
  | SpawnStatement
  | CallStatement
  | AssertStatement
  | RepeatStatement
  | EndStatement;

/** The direct parts of an expression. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'int':
    case 'string':
    case 'name':
      return [];
    case 'sum':
      return expr.terms.map((term) => term.operand);
    case 'product':
    case 'or':
    case 'and':
      return expr.operands;
    case 'negate':
    case 'not':
    case 'group':
      return [expr.operand];
    case 'compare':
      return [expr.left, expr.right];
    case 'call':
      return expr.args;
    case 'array':
      return expr.items;
    case 'struct':
      return expr.fields.map((field) => field.value);
    case 'label':
      return [expr.value];
  }
}
