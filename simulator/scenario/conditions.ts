// The conditions of assert: comparisons over integers, strings and what the kernel says when asked.

import type { Arg, QueryResult } from '../abi.ts';
import { type Asking, query } from './asking.ts';
import type { CallExpr, ChainExpr, CompareExpr, CompareOperator, Expr } from './ast.ts';
import { parameterAt, signature } from './calls.ts';
import { causeOf, withNames } from './causes.ts';
import type { Cause, Environment } from './environment.ts';
import { isArithmetic } from './evaluate.ts';
import { isHexadecimal, writeInt } from './expectations.ts';
import { writeSize } from './machine-keys.ts';

import { explainNoProcess, intOf, type StepProblem } from './requests.ts';
import type { Span } from './source.ts';

export type Value = { readonly int: bigint } | { readonly text: string } | { readonly bool: boolean };

export type Judgement =
  | { readonly holds: true }
  /** `why` says what was compared. */
  | { readonly holds: false; readonly why: string; readonly span: Span }
  | StepProblem;

/** Ends the evaluation of a condition that cannot be answered; caught by judgeCondition(). */
class Unanswerable extends Error {
  readonly span: Span;
  readonly origin: Cause | undefined;

  constructor(message: string, span: Span, cause?: Cause) {
    super(message);
    this.span = span;
    this.origin = cause;
  }
}

/** Judges the condition of an assert. `source` gives the text of a span, for the message. */
export function* judgeCondition(
  condition: Expr,
  environment: Environment,
  source: (span: Span) => string,
): Asking<Judgement> {
  try {
    const value = yield* evaluate(condition, environment);
    if (truth(value)) return { holds: true };
    return yield* explainFalse(condition, environment, source);
  } catch (problem) {
    if (problem instanceof Unanswerable) return problemOf(problem);
    throw problem;
  }
}

function problemOf({ message, span, origin }: Unanswerable): StepProblem {
  return { message, span, cause: origin };
}

/** Evaluates an expression with comparisons and functions, as a watch does. */
export function* evaluateExpression(expr: Expr, environment: Environment): Asking<Value | StepProblem> {
  try {
    return yield* evaluate(expr, environment);
  } catch (problem) {
    if (problem instanceof Unanswerable) return problemOf(problem);
    throw problem;
  }
}

function* evaluate(expr: Expr, environment: Environment): Asking<Value> {
  switch (expr.kind) {
    case 'string':
      return { text: expr.value.text };
    case 'group':
      return yield* evaluate(expr.operand, environment);
    case 'not':
      return { bool: !truth(yield* evaluate(expr.operand, environment)) };
    case 'and':
      return { bool: (yield* firstFalse(expr, environment)) === null };
    case 'compare': {
      const left = yield* evaluate(expr.left, environment);
      const right = yield* evaluate(expr.right, environment);
      return { bool: compare(left, expr.operator, right, expr.span) };
    }
    case 'call':
      return yield* ask(expr, environment);
    default:
      return { int: yield* arithmetic(expr, environment) };
  }
}

/** The first operand of an `&&` that does not hold; those behind it are not evaluated. */
function* firstFalse(expr: ChainExpr, environment: Environment): Asking<Expr | null> {
  for (const operand of expr.operands) {
    if (!truth(yield* evaluate(operand, environment))) return operand;
  }
  return null;
}

/** Integer arithmetic whose operands may be functions. */
function* arithmetic(expr: Expr, environment: Environment): Asking<bigint> {
  if (isArithmetic(expr)) return word(intOf(expr, environment));
  let result = expr.kind === 'product' ? 1n : 0n;
  switch (expr.kind) {
    case 'sum':
      for (const { negative, operand } of expr.terms) {
        const term = yield* intValue(operand, environment);
        result = negative ? result - term : result + term;
      }
      break;
    case 'product':
      for (const operand of expr.operands) result *= yield* intValue(operand, environment);
      break;
    case 'or':
      for (const operand of expr.operands) result |= yield* intValue(operand, environment);
      break;
    case 'negate':
      result = -(yield* intValue(expr.operand, environment));
      break;
    default:
      throw new Unanswerable('this is not a number', expr.span);
  }
  return BigInt.asUintN(64, result);
}

function word(value: bigint | StepProblem): bigint {
  if (typeof value === 'bigint') return value;
  throw new Unanswerable(value.message, value.span, value.cause);
}

function* intValue(expr: Expr, environment: Environment): Asking<bigint> {
  const value = yield* evaluate(expr, environment);
  const int = asInt(value);
  if (int === null) throw new Unanswerable('this is a string, not a number', expr.span);
  return int;
}

function* ask(expr: CallExpr, environment: Environment): Asking<Value> {
  const args: Arg[] = [];
  for (const arg of expr.args) {
    if (arg.kind === 'string') args.push(arg.value);
    else args.push(yield* intValue(arg, environment));
  }
  const answer: QueryResult = yield* query({ name: expr.callee.name, args });
  switch (answer.kind) {
    case 'int':
      return { int: answer.value };
    case 'string':
      return { text: answer.value };
    case 'bool':
      return { bool: answer.value };
    case 'error':
      throw unanswered(answer, expr, environment);
  }
}

function unanswered(
  { message, because }: Extract<QueryResult, { kind: 'error' }>,
  expr: CallExpr,
  environment: Environment,
): Unanswerable {
  if (because !== undefined) {
    return new Unanswerable(withNames(message, environment), expr.span, causeOf(because, environment));
  }
  const [subject] = expr.args;
  const call = signature('query', expr.callee.name);
  const isProcess = call !== undefined && parameterAt(call, 0)?.type === 'process';
  if (!isProcess || subject?.kind !== 'name' || environment.get(subject.name)?.kind !== 'value') {
    return new Unanswerable(message, expr.span);
  }
  const missing = explainNoProcess(subject.name, environment);
  return new Unanswerable(missing.message, expr.span, missing.cause);
}

function asInt(value: Value): bigint | null {
  if ('int' in value) return value.int;
  return 'bool' in value ? (value.bool ? 1n : 0n) : null;
}

/** The truth of a value, as in C: a number is true unless it is 0. */
export function truth(value: Value): boolean {
  return 'text' in value ? value.text !== '' : asInt(value) !== 0n;
}

function compare(left: Value, operator: CompareOperator, right: Value, span: Span): boolean {
  if ('text' in left && 'text' in right) return ordered(left.text, operator, right.text);
  const a = asInt(left);
  const b = asInt(right);
  if (a === null || b === null) throw new Unanswerable('a string cannot be compared with a number', span);
  return ordered(a, operator, b);
}

function ordered<T extends bigint | string>(a: T, operator: CompareOperator, b: T): boolean {
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function* explainFalse(expr: Expr, environment: Environment, source: (span: Span) => string): Asking<Judgement> {
  if (expr.kind === 'group') return yield* explainFalse(expr.operand, environment, source);
  if (expr.kind === 'and') {
    const culprit = yield* firstFalse(expr, environment);
    if (culprit !== null) return yield* explainFalse(culprit, environment, source);
  }
  if (expr.kind === 'compare') return yield* explainComparison(expr, environment, source);
  if (expr.kind === 'not') {
    const value = yield* evaluate(expr.operand, environment);
    return { holds: false, why: `${source(expr.operand.span)} is ${writeValue(value)}`, span: expr.span };
  }
  const value = yield* evaluate(expr, environment);
  return { holds: false, why: `${source(expr.span)} is ${writeValue(value)}`, span: expr.span };
}

function* explainComparison(
  expr: CompareExpr,
  environment: Environment,
  source: (span: Span) => string,
): Asking<Judgement> {
  const sides: string[] = [];
  const isOrder = expr.operator !== '==' && expr.operator !== '!=';
  const isHex = [expr.left, expr.right].some((side) => side.kind === 'int' && isHexadecimal(side.text));
  for (const side of [expr.left, expr.right]) {
    // A number as written needs no explanation.
    if (side.kind === 'int' || side.kind === 'string') continue;
    const value = yield* evaluate(side, environment);
    const isLarge = isOrder && 'int' in value && value.int >= SIGN;
    const words = isLarge ? unsignedWords(value.int) : isHex ? writeHex(value) : writeAs(returnsOf(side), value);
    sides.push(`${source(side.span)} is ${words}`);
  }
  return { holds: false, why: sides.join(', ') || 'it never holds', span: expr.span };
}

/** Where a sign would be. */
const SIGN = 1n << 63n;

/** A number that would be less than 0 if there were such numbers. */
function unsignedWords(value: bigint): string {
  return `0x${value.toString(16)} (numbers have 64 bits and no sign)`;
}

/** What a value is, where a function gives it: `a size in bytes`. */
function returnsOf(expr: Expr): string {
  return expr.kind === 'call' ? (signature('query', expr.callee.name)?.returns ?? '') : '';
}

function writeAs(returns: string, value: Value): string {
  if (!('int' in value)) return writeValue(value);
  if (returns === 'an address') return writeHex(value);
  if (returns === 'a size in bytes' && value.int < SIGN) return writeSize(Number(value.int));
  return writeValue(value);
}

/** A value that is compared with a hexadecimal number. */
function writeHex(value: Value): string {
  return 'int' in value ? `0x${value.int.toString(16)}` : writeValue(value);
}

export function writeValue(value: Value): string {
  if ('int' in value) return writeInt(value.int);
  return 'bool' in value ? String(value.bool) : JSON.stringify(value.text);
}
