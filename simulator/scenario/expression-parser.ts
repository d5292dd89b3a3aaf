// Expressions. From loosest to tightest: `&&`, comparison, `|`, `+ -`, `*`, then the signs `- !`. (Unlike in C, `|`
// binds tighter than a comparison: flags are compared more often than comparisons are or-ed.)

import type { ChainExpr, CompareOperator, Expr, StringExpr } from './ast.ts';
import { cover, type Span } from './source.ts';
import { SyntaxProblem, type TokenStream } from './token-stream.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** Integers, strings, arrays: what an argument, a size or an expected value is made of. */
export function parseExpression(stream: TokenStream): Expr {
  return parseChain(stream, '|', 'or', parseSum);
}

/** What `assert` takes: an expression with comparisons, `&&` and `!`. */
export function parseCondition(stream: TokenStream): Expr {
  return parseChain(stream, '&&', 'and', parseComparison);
}

/** An argument of a call, with strace's name before it if there is one. */
export function parseArgument(stream: TokenStream): Expr {
  const next = stream.peek();
  if (next.kind !== 'word' || stream.peek(1).text !== '=') return parseExpression(stream);
  const label = stream.word('an argument');
  stream.accept('=');
  const value = parseExpression(stream);
  return { kind: 'label', label, value, span: cover(label.span, value.span) };
}

export function parseString(stream: TokenStream, what: string): StringExpr {
  const token = stream.peek();
  if (token.kind !== 'string' || token.string === undefined) throw stream.unexpected(`a string: ${what}`);
  stream.next();
  const abbreviated = stream.accept('...');
  return { kind: 'string', value: token.string, abbreviated, span: cover(token.span, stream.last()) };
}

function parseChain(
  stream: TokenStream,
  operator: string,
  kind: ChainExpr['kind'],
  operand: (stream: TokenStream) => Expr,
): Expr {
  const first = operand(stream);
  if (!stream.accept(operator)) return first;
  const operands = [first];
  do operands.push(operand(stream));
  while (stream.accept(operator));
  return { kind, operands, span: cover(first.span, stream.last()) };
}

function parseComparison(stream: TokenStream): Expr {
  const left = parseExpression(stream);
  const operator = stream.peek();
  if (operator.kind !== 'punct' || !COMPARISONS.has(operator.text)) return left;
  stream.next();
  const right = parseExpression(stream);
  const span = cover(left.span, right.span);
  const again = stream.peek();
  if (COMPARISONS.has(again.text)) {
    throw new SyntaxProblem('syntax', 'comparisons cannot be chained: join two with &&', again.span);
  }
  return { kind: 'compare', operator: operator.text as CompareOperator, left, right, span };
}

function parseSum(stream: TokenStream): Expr {
  const first = parseProduct(stream);
  const sign = stream.peek().text;
  if (sign !== '+' && sign !== '-') return first;
  const terms = [{ negative: false, operand: first }];
  for (;;) {
    const negative = stream.accept('-');
    if (!negative && !stream.accept('+')) break;
    terms.push({ negative, operand: parseProduct(stream) });
  }
  return { kind: 'sum', terms, span: cover(first.span, stream.last()) };
}

function parseProduct(stream: TokenStream): Expr {
  return parseChain(stream, '*', 'product', parseUnary);
}

function parseUnary(stream: TokenStream): Expr {
  const sign = stream.peek();
  if (sign.text !== '-' && sign.text !== '!') return parsePrimary(stream);
  stream.next();
  const operand = stream.nested(() => parseUnary(stream));
  return { kind: sign.text === '-' ? 'negate' : 'not', operand, span: cover(sign.span, operand.span) };
}

function parsePrimary(stream: TokenStream): Expr {
  const token = stream.peek();
  if (token.kind === 'number' && token.value !== undefined) {
    stream.next();
    if (token.vars !== undefined) return environment(token.vars, token.span);
    return { kind: 'int', value: token.value, text: token.text, span: token.span };
  }
  if (token.kind === 'string') return parseString(stream, 'text');
  if (token.kind === 'word') return parseWord(stream);
  if (token.kind === 'punct') {
    if (token.text === '(') return stream.nested(() => parseGroup(stream));
    if (token.text === '[') return stream.nested(() => parseArray(stream));
    if (token.text === '{') return stream.nested(() => parseStruct(stream));
  }
  throw stream.unexpected('a value');
}

function parseWord(stream: TokenStream): Expr {
  const callee = stream.word('a value');
  if (!stream.accept('(')) return { kind: 'name', name: callee.name, span: callee.span };
  const args: Expr[] = [];
  if (!stream.accept(')')) {
    stream.nested(() => {
      do args.push(parseExpression(stream));
      while (stream.accept(','));
    });
    stream.expect(')', 'or a comma');
  }
  return { kind: 'call', callee, args, span: cover(callee.span, stream.last()) };
}

function parseGroup(stream: TokenStream): Expr {
  const open = stream.next().span;
  const operand = parseCondition(stream);
  stream.expect(')', 'to close the parenthesis');
  return { kind: 'group', operand, span: cover(open, stream.last()) };
}

/** More variables than any stack has room for: execve refuses them as it would refuse more. */
const MAX_VARS = 1 << 20;

/** An environment of which strace tells only how many variables it has: so many strings, all empty. */
function environment(vars: number, span: Span): Expr {
  const value = { text: '', bytes: new Uint8Array(0) };
  const variable: Expr = { kind: 'string', value, abbreviated: false, span };
  return { kind: 'array', items: new Array<Expr>(Math.min(vars, MAX_VARS)).fill(variable), span };
}

function parseArray(stream: TokenStream): Expr {
  const { span: open, vars } = stream.next();
  if (vars !== undefined && stream.accept(']')) return environment(vars, cover(open, stream.last()));
  const items: Expr[] = [];
  if (!stream.accept(']')) {
    do {
      // strace cuts long arrays: `[1, 1, ...]`.
      if (stream.accept('...')) break;
      items.push(parseExpression(stream));
    } while (stream.accept(','));
    stream.expect(']', 'to close the array');
  }
  return { kind: 'array', items, span: cover(open, stream.last()) };
}

/** `{name=value, …}`; anything else between the braces is what strace decoded for its reader, and is passed over. */
function parseStruct(stream: TokenStream): Expr {
  const open = stream.next().span;
  if (stream.peek().kind !== 'word' || stream.peek(1).text !== '=') return skipStruct(stream, open);
  const fields: { name: { name: string; span: Span }; value: Expr }[] = [];
  do {
    if (stream.accept('...')) break;
    const name = stream.word('a field');
    stream.expect('=', `behind '${name.name}'`);
    fields.push({ name, value: parseExpression(stream) });
  } while (stream.accept(','));
  stream.expect('}', 'to close the structure');
  return { kind: 'struct', fields, span: cover(open, stream.last()) };
}

function skipStruct(stream: TokenStream, open: Span): Expr {
  let depth = 1;
  while (depth > 0) {
    if (stream.atEnd()) throw stream.unexpected("'}' to close the structure");
    const { kind, text } = stream.next();
    if (kind !== 'punct') continue;
    if (text === '{') depth += 1;
    else if (text === '}') depth -= 1;
  }
  return { kind: 'struct', fields: [], span: cover(open, stream.last()) };
}
