// What a size comes to: bytes, pages and hexadecimal, for hovers on numbers that are sizes.

import type { CallStatement, CompareExpr, Expr, SpawnStatement, Statement } from '../ast.ts';
import { childrenOf } from '../ast.ts';
import { type CallPlace, type CallSignature, parameterAt, signature } from '../calls.ts';
import { constantValue } from '../evaluate.ts';
import { tokenize } from '../lexer.ts';
import { machineKey, writeSize } from '../machine-keys.ts';
import { parseLine } from '../parser.ts';
import { contains, type Position, rangeOf, type Span } from '../source.ts';
import type { HoverDoc } from './hover.ts';
import { isInComment, lineAt } from './line-context.ts';

const PAGE = 4096n;
/** More is a negative number. */
const MAX_SIZE = 1n << 63n;
/** Keys of files, programs and libraries that are sizes. */
const SIZE_KEYS: ReadonlySet<string> = new Set(['size', 'text', 'rodata', 'data', 'bss']);

/** Where a number stands; `size` may be a part of a longer expression that is one. */
type Role = { readonly kind: 'size'; readonly expr: Expr } | { readonly kind: 'address' | 'unknown' };

/** The number at `position` in bytes, pages and hexadecimal, if it is a size; else null. */
export function sizeAt(text: string, position: Position): HoverDoc | null {
  const line = lineAt(text, position.line);
  if (isInComment(line, position.character)) return null;
  const token = tokenize(line, position.line).find(({ kind, span }) => kind === 'number' && contains(span, position));
  if (token?.value === undefined) return null;
  const { statement } = parseLine(line, position.line);
  const role: Role = statement === null ? UNKNOWN : roleIn(statement, position);
  const whole = role.kind === 'size' ? constantValue(role.expr) : null;
  if (role.kind === 'size' && whole !== null) return describe(line, role.expr.span, whole);
  const isSize = role.kind === 'size' || (role.kind === 'unknown' && /[KMGT]$/.test(token.text));
  return isSize ? describe(line, token.span, token.value) : null;
}

const UNKNOWN: Role = { kind: 'unknown' };

function describe(line: string, span: Span, value: bigint): HoverDoc | null {
  if (value >= MAX_SIZE) return null;
  const written = line.slice(span.start, span.end);
  const short = writeSize(Number(value));
  const parts = [
    ...(/[KMGT]$/.test(short) && short !== written ? [`\`${short}\``] : []),
    `${value.toLocaleString('en-US')} ${value === 1n ? 'byte' : 'bytes'}`,
    pages(value),
    ...(value < 10n || /^0x[0-9a-f]+$/i.test(written) ? [] : [`\`0x${value.toString(16)}\``]),
  ];
  return { contents: `\`${written}\` = ${parts.join(' = ')}`, range: rangeOf(span) };
}

function pages(value: bigint): string {
  const whole = value / PAGE;
  const rest = value % PAGE;
  if (whole === 0n) return value === 0n ? 'no page' : 'less than a page';
  const count = `${whole.toLocaleString('en-US')} ${whole === 1n ? 'page' : 'pages'}`;
  return rest === 0n ? count : `${count} and ${rest.toLocaleString('en-US')} bytes`;
}

function roleIn(statement: Statement, position: Position): Role {
  switch (statement.kind) {
    case 'declaration': {
      const setting = statement.settings.find(({ span }) => contains(span, position));
      if (setting === undefined || setting.value === null) return UNKNOWN;
      const machine = statement.keyword.name === 'machine' ? machineKey(setting.key.name) : undefined;
      const isSize =
        machine === undefined ? SIZE_KEYS.has(setting.key.name) : 'unit' in machine && machine.unit === 'bytes';
      return isSize ? { kind: 'size', expr: setting.value } : UNKNOWN;
    }
    case 'spawn':
    case 'call':
      return roleInStep(statement, position);
    case 'assert':
      return roleInCondition(statement.condition, position);
    default:
      return UNKNOWN;
  }
}

function roleInStep(statement: SpawnStatement | CallStatement, position: Position): Role {
  const place: CallPlace =
    statement.kind === 'spawn' ? 'spawn' : statement.process.name === 'kernel' ? 'kernel' : 'process';
  const call = signature(place, statement.call.callee.name);
  const expected = statement.expected?.value ?? null;
  if (expected !== null && contains(expected.span, position)) {
    return call?.returns.startsWith(BYTES) === true ? { kind: 'size', expr: expected } : UNKNOWN;
  }
  return roleInArguments(statement.call.args, call, position);
}

/** How what `read` and its kin return begins. */
const BYTES = 'the number of bytes';

function roleInArguments(args: readonly Expr[], call: CallSignature | undefined, position: Position): Role {
  const index = args.findIndex(({ span }) => contains(span, position));
  const arg = args[index];
  if (arg === undefined || call === undefined) return UNKNOWN;
  const type = parameterAt(call, index)?.type;
  if (type === 'length') return { kind: 'size', expr: arg };
  return type === 'address' || type === 'buffer' ? { kind: 'address' } : UNKNOWN;
}

function roleInCondition(expr: Expr, position: Position): Role {
  if (expr.kind === 'call') return roleInArguments(expr.args, signature('query', expr.callee.name), position);
  const size = expr.kind === 'compare' ? comparedSize(expr, position) : null;
  if (size !== null) return { kind: 'size', expr: size };
  const part = childrenOf(expr).find(({ span }) => contains(span, position));
  return part === undefined ? UNKNOWN : roleInCondition(part, position);
}

/** The side of a comparison at `position` when the other one is a size: `rss(p) == 8192`. */
function comparedSize({ left, right }: CompareExpr, position: Position): Expr | null {
  const isSize = (side: Expr) =>
    side.kind === 'call' && signature('query', side.callee.name)?.returns === 'a size in bytes';
  if (contains(left.span, position)) return isSize(right) && left.kind !== 'call' ? left : null;
  return contains(right.span, position) && isSize(left) && right.kind !== 'call' ? right : null;
}
