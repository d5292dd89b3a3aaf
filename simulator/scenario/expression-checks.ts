// What kind of value an expression gives, and whether its names mean anything: the checks before a run.

import { MEMINFO_NAMES } from '../proc/meminfo.ts';
import { VMSTAT_NAMES } from '../proc/vmstat.ts';
import { type CallExpr, childrenOf, type Expr, type StringExpr } from './ast.ts';
import type { Reporter } from './binder.ts';
import { parameterAt, signature, signatureLabel, signaturesOf } from './calls.ts';
import { allConstants, constant, isErrno } from './constants.ts';
import { clip } from './lexer.ts';
import type { BoundName } from './scenario.ts';
import { closest, type Span } from './source.ts';

export interface NameScope {
  lookup(name: string): BoundName | undefined;
  /** Why `name` means nothing at this place. `also`: what may have been meant beside the names that are bound. */
  explainUnbound(name: string, also?: readonly string[]): string;
}

/** `unknown`: something in it means nothing, which was told where it first stood; it passes for anything. */
export type ValueType = 'int' | 'bool' | 'string' | 'array' | 'struct' | 'unknown';

const TYPE_WORDS: Readonly<Record<ValueType, string>> = {
  int: 'an integer',
  bool: 'true or false',
  string: 'a string',
  array: 'an array',
  struct: 'a structure',
  unknown: 'something unknown',
};

export function describeType(type: ValueType): string {
  return TYPE_WORDS[type];
}

/** Checks the condition of an assert; false when an error was reported. */
export function checkCondition(expr: Expr, scope: NameScope, reporter: Reporter): boolean {
  const type = typeOf(expr, scope, reporter);
  if (type === null) return false;
  if (type === 'bool' || type === 'int' || type === 'unknown') return true;
  reporter.error('type', `an assert wants something that is true or false, not ${describeType(type)}`, expr.span);
  return false;
}

/** Checks an expression outside of assert, where nothing is compared and nothing is asked. */
export function checkValue(expr: Expr, scope: NameScope, reporter: Reporter): ValueType | null {
  const stray = findConditional(expr);
  if (stray === null) return typeOf(expr, scope, reporter);
  const what = stray.kind === 'call' ? `${clip(stray.callee.name)}(…)` : 'a comparison';
  reporter.error('type', `${what} can only stand in an assert`, stray.span);
  return null;
}

function findConditional(expr: Expr): Expr | null {
  if (expr.kind === 'compare' || expr.kind === 'and' || expr.kind === 'not' || expr.kind === 'call') return expr;
  for (const child of childrenOf(expr)) {
    const found = findConditional(child);
    if (found !== null) return found;
  }
  return null;
}

/** The type of an expression, or null after an error was told. */
export function typeOf(expr: Expr, scope: NameScope, reporter: Reporter): ValueType | null {
  switch (expr.kind) {
    case 'int':
      return 'int';
    case 'string':
      return 'string';
    case 'name':
      return checkName(expr.name, expr.span, scope, reporter);
    case 'sum':
    case 'product':
    case 'or':
    case 'negate':
      return allOf(expr, ['int'], 'int', scope, reporter);
    case 'and':
    case 'not':
      return allOf(expr, ['bool', 'int'], 'bool', scope, reporter);
    case 'group':
      return typeOf(expr.operand, scope, reporter);
    case 'compare':
      return checkComparison(expr.left, expr.right, expr.span, scope, reporter);
    case 'call':
      return checkQuery(expr, scope, reporter);
    case 'array':
      return childrenOf(expr).every((item) => typeOf(item, scope, reporter) !== null) ? 'array' : null;
    case 'struct':
      return childrenOf(expr).every((value) => typeOf(value, scope, reporter) !== null) ? 'struct' : null;
    case 'label':
      return typeOf(expr.value, scope, reporter);
  }
}

function allOf(
  expr: Expr,
  allowed: readonly ValueType[],
  result: ValueType,
  scope: NameScope,
  reporter: Reporter,
): ValueType | null {
  for (const child of childrenOf(expr)) {
    const type = typeOf(child, scope, reporter);
    if (type === null) return null;
    if (type === 'unknown' || allowed.includes(type)) continue;
    reporter.error('type', `expected ${describeType(result)}, but this is ${describeType(type)}`, child.span);
    return null;
  }
  return result;
}

function checkName(name: string, span: Span, scope: NameScope, reporter: Reporter): ValueType | null {
  if (scope.lookup(name) !== undefined || constant(name) !== undefined) return 'int';
  const isNew = reporter.once(`name ${name}`, 'unbound', () => explainName(name, scope), span);
  return isNew ? null : 'unknown';
}

function explainName(name: string, scope: NameScope): string {
  if (isErrno(name)) return `${name} is an errno: it can only be expected`;
  if (signature('query', name) !== undefined) return `${name} is a function: write ${name}(…)`;
  if (!/^[A-Z][A-Z0-9]*_/.test(name)) return scope.explainUnbound(name);
  const meant = closest(name, constantNames());
  return `unknown constant '${clip(name)}'${meant === null ? '' : `: did you mean ${meant}?`}`;
}

let names: readonly string[] | null = null;

function constantNames(): readonly string[] {
  names ??= Array.from(allConstants(), (c) => c.name);
  return names;
}

function checkComparison(left: Expr, right: Expr, span: Span, scope: NameScope, reporter: Reporter): ValueType | null {
  const a = typeOf(left, scope, reporter);
  const b = a === null ? null : typeOf(right, scope, reporter);
  if (a === null || b === null) return null;
  if (a === 'unknown' || b === 'unknown') return 'bool';
  const numbers = (type: ValueType) => type === 'int' || type === 'bool';
  if ((numbers(a) && numbers(b)) || (a === 'string' && b === 'string')) return 'bool';
  reporter.error('type', `${describeType(a)} cannot be compared with ${describeType(b)}`, span);
  return null;
}

function checkQuery(expr: CallExpr, scope: NameScope, reporter: Reporter): ValueType | null {
  const { name, span } = expr.callee;
  const call = signature('query', name);
  if (call === undefined) {
    if (reporter.once(`function ${name}`, 'unknown-call', () => unknownFunction(name), span)) return null;
    return expr.args.every((arg) => typeOf(arg, scope, reporter) !== null) ? 'unknown' : null;
  }
  if (expr.args.length !== call.parameters.length) {
    reporter.error('arity', `expected ${signatureLabel(call)}, with ${countOf(call.parameters.length)}`, expr.span);
    return null;
  }
  for (const [index, arg] of expr.args.entries()) {
    const parameter = parameterAt(call, index)?.type;
    const wanted: ValueType = parameter === 'path' || parameter === 'counter' ? 'string' : 'int';
    const type = typeOf(arg, scope, reporter);
    if (type === null) return null;
    if (parameter === 'counter' && arg.kind === 'string' && !checkCounter(name, arg, reporter)) return null;
    if (type === 'unknown' || type === wanted || (wanted === 'int' && type === 'bool')) continue;
    reporter.error('type', `${signatureLabel(call)} wants ${describeType(wanted)} here`, arg.span);
    return null;
  }
  return resultType(call.returns);
}

/** A line of /proc/vmstat or /proc/meminfo; false after an error was told. */
function checkCounter(file: string, { value, span }: StringExpr, reporter: Reporter): boolean {
  const lines = file === 'vmstat' ? VMSTAT_NAMES : MEMINFO_NAMES;
  if (lines.includes(value.text)) return true;
  const meant = closest(value.text, lines);
  const hint = meant === null ? '' : `: did you mean "${meant}"?`;
  const message = () => `/proc/${file} has no line "${clip(value.text)}"${hint}`;
  return !reporter.once(`line ${file} ${value.text}`, 'undeclared', message, span);
}

function unknownFunction(name: string): string {
  const meant = closest(
    name,
    signaturesOf('query').map((s) => s.name),
  );
  return `unknown function '${clip(name)}'${meant === null ? '' : `: did you mean ${meant}?`}`;
}

function resultType(returns: string): ValueType {
  return returns.startsWith('"') ? 'string' : returns === 'true or false' ? 'bool' : 'int';
}

/** `1 argument`, `3 arguments`. */
export function countOf(count: number): string {
  return count === 1 ? '1 argument' : count === 0 ? 'no arguments' : `${count} arguments`;
}
