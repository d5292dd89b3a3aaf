// The address expression under the cursor, for hovers that show a translation.

import type { Expr, Statement } from '../ast.ts';
import { type CallPlace, type CallSignature, parameterAt, signature } from '../calls.ts';
import { tokenize } from '../lexer.ts';
import { parseLine } from '../parser.ts';
import { parseScenario, type Scenario } from '../scenario.ts';
import { contains, type Position, type Range, rangeOf, type Span } from '../source.ts';
import { isInComment, lineAt } from './line-context.ts';

export interface ExpressionAt {
  readonly text: string;
  readonly range: Range;
  /** The process in whose address space it means something; null when the line does not say. */
  readonly process: string | null;
}

/** Smaller numbers are lengths and descriptors. */
const LEAST_ADDRESS = 0x10000n;

/** The expression at `position` that is, or may be, an address; null when there is none. */
export function expressionAt(text: string, position: Position, scenario?: Scenario): ExpressionAt | null {
  const line = lineAt(text, position.line);
  if (isInComment(line, position.character)) return null;
  const isValue = (name: string) => (scenario ?? parseScenario(text)).names.get(name)?.kind === 'value';
  const { statement } = parseLine(line, position.line);
  const found = statement === null ? wordAt(line, position, isValue) : inStatement(statement, position, isValue);
  if (found === null) return null;
  const { span, process } = found;
  return { text: line.slice(span.start, span.end), range: rangeOf(span), process };
}

interface Found {
  readonly span: Span;
  readonly process: string | null;
}

type IsValue = (name: string) => boolean;

function inStatement(statement: Statement, position: Position, isValue: IsValue): Found | null {
  if (statement.kind === 'assert') return inExpr(statement.condition, position, null, isValue);
  if (statement.kind !== 'call') return null;
  const isKernel = statement.process.name === 'kernel';
  const process = isKernel ? kernelSubject(statement.call.args) : statement.process.name;
  if (statement.target !== null && contains(statement.target.span, position)) {
    return isValue(statement.target.name) ? { span: statement.target.span, process } : null;
  }
  const place: CallPlace = isKernel ? 'kernel' : 'process';
  const inCall = inArguments(
    statement.call.args,
    signature(place, statement.call.callee.name),
    position,
    process,
    isValue,
  );
  if (inCall !== null) return inCall;
  const value = statement.expected?.value ?? null;
  return value === null ? null : inExpr(value, position, process, isValue);
}

/** `kernel: vm_insert_page(PROC, …)`: the process is the first argument. */
function kernelSubject(args: readonly Expr[]): string | null {
  return args[0]?.kind === 'name' ? args[0].name : null;
}

function inArguments(
  args: readonly Expr[],
  call: CallSignature | undefined,
  position: Position,
  process: string | null,
  isValue: IsValue,
): Found | null {
  const index = args.findIndex((arg) => contains(arg.span, position));
  const arg = args[index];
  if (arg === undefined) return null;
  const type = call === undefined ? undefined : parameterAt(call, index)?.type;
  // The whole of `buf + 4K` is the address, wherever in it the cursor stands.
  const isAddress = type === 'address' || type === 'buffer' || type === 'struct';
  if (isAddress && arg.kind !== 'string' && arg.kind !== 'label' && !isSmall(arg)) return { span: arg.span, process };
  return inExpr(arg, position, process, isValue);
}

function isSmall(expr: Expr): boolean {
  return (expr.kind === 'int' && expr.value < LEAST_ADDRESS) || expr.kind === 'struct' || expr.kind === 'array';
}

function inExpr(expr: Expr, position: Position, process: string | null, isValue: IsValue): Found | null {
  if (!contains(expr.span, position)) return null;
  switch (expr.kind) {
    case 'int':
      return expr.value >= LEAST_ADDRESS ? { span: expr.span, process } : null;
    case 'name':
      return isValue(expr.name) ? { span: expr.span, process } : null;
    case 'sum':
      return { span: expr.span, process };
    case 'call': {
      const subject = expr.args[0]?.kind === 'name' ? expr.args[0].name : null;
      return inArguments(expr.args, signature('query', expr.callee.name), position, subject, isValue);
    }
    case 'compare':
      return inExpr(expr.left, position, process, isValue) ?? inExpr(expr.right, position, process, isValue);
    case 'and':
    case 'or':
    case 'product':
      return firstIn(expr.operands, position, process, isValue);
    case 'not':
    case 'negate':
    case 'group':
      return inExpr(expr.operand, position, process, isValue);
    case 'array':
      return firstIn(expr.items, position, process, isValue);
    case 'label':
      return inExpr(expr.value, position, process, isValue);
    default:
      return null;
  }
}

function firstIn(exprs: readonly Expr[], position: Position, process: string | null, isValue: IsValue): Found | null {
  for (const expr of exprs) {
    const found = inExpr(expr, position, process, isValue);
    if (found !== null) return found;
  }
  return null;
}

/** In a line that does not parse: the number or bound name under the cursor. */
function wordAt(line: string, position: Position, isValue: IsValue): Found | null {
  const tokens = tokenize(line, position.line);
  const token = tokens.find(({ span }) => contains(span, position));
  if (token === undefined) return null;
  const isAddress = (token.value ?? 0n) >= LEAST_ADDRESS || (token.kind === 'word' && isValue(token.text));
  const process = tokens[1]?.text === ':' ? (tokens[0]?.text ?? null) : null;
  return isAddress ? { span: token.span, process } : null;
}
