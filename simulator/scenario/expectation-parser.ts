// What stands behind a line's `=`: hand-written outcomes and values, and all that strace prints there.

import type { AccessOutcome, Expectation, Expr } from './ast.ts';
import { isErrno, isSignal } from './constants.ts';
import { parseExpression } from './expression-parser.ts';
import { clip, type Token } from './lexer.ts';
import { cover, type Span } from './source.ts';
import { SyntaxProblem, type TokenStream } from './token-stream.ts';

export const OUTCOMES: readonly AccessOutcome[] = ['hit', 'minor', 'major', 'cow'];
const RESTART = /^ERESTART\w*$/;
const SIGNAL_CODE = /^(SEGV|BUS|SI)_[A-Z_]+$/;

interface Parts {
  any: boolean;
  outcome: AccessOutcome | null;
  signal: string | null;
  signalCode: string | null;
  errno: string | null;
  value: Expr | null;
}

/** Parses what is expected, up to the end of the line. */
export function parseExpectation(stream: TokenStream): Expectation {
  if (stream.atEnd()) {
    const message = "nothing stands behind '=': a value, an errno, an outcome or ? can be expected";
    throw new SyntaxProblem('syntax', message, stream.peek().span);
  }
  const start = stream.peek().span;
  const parts: Parts = { any: false, outcome: null, signal: null, signalCode: null, errno: null, value: null };
  let first = true;
  while (!stream.atEnd()) {
    // Parts stand side by side, or with a comma or another `=` between them.
    if (!first && !stream.accept(',')) stream.accept('=');
    if (!first && startsRemark(stream)) {
      checkRemark(stream);
      break;
    }
    parsePart(stream, parts);
    first = false;
  }
  const span = cover(start, stream.last());
  stream.skipToEnd();
  return { ...parts, span };
}

/** What strace says in words behind the result: `(Timeout)`, `</etc/passwd>`. */
function startsRemark(stream: TokenStream): boolean {
  const { text, kind } = stream.peek();
  return kind === 'punct' && (text === '(' || text === '<');
}

/** A remark in parentheses may hold anything, but it ends. */
function checkRemark(stream: TokenStream): void {
  const open = stream.peek();
  if (open.text !== '(') return;
  for (let ahead = 1; stream.peek(ahead).kind !== 'end'; ahead++) if (stream.peek(ahead).text.includes(')')) return;
  throw new SyntaxProblem('syntax', "')' is missing: what strace says behind the result is not closed", open.span);
}

function parsePart(stream: TokenStream, parts: Parts): void {
  // The kernel's own way of writing it: `-EFAULT`.
  if (stream.peek().text === '-' && isErrno(stream.peek(1).text)) stream.next();
  const token = stream.peek();
  if (stream.accept('?')) {
    once(parts.value, token.span);
    parts.any = true;
    // strace names the kernel's own error of a call that was interrupted: `? ERESTARTSYS (…)`.
    if (RESTART.test(stream.peek().text)) stream.next();
    return;
  }
  if (token.kind === 'word') {
    const outcome = OUTCOMES.find((name) => name === token.text);
    if (outcome !== undefined) {
      once(parts.outcome ?? parts.signal, token.span);
      stream.next();
      parts.outcome = outcome;
      return;
    }
    if (isSignal(token.text)) {
      once(parts.outcome ?? parts.signal, token.span);
      stream.next();
      parts.signal = token.text;
      return;
    }
    if (SIGNAL_CODE.test(token.text)) {
      checkCode(token, parts);
      stream.next();
      parts.signalCode = token.text;
      return;
    }
    if (isErrno(token.text)) {
      parseErrno(stream, parts);
      return;
    }
  }
  once(parts.value ?? parts.errno ?? (parts.any || null), token.span);
  parts.value = parseExpression(stream);
}

function checkCode({ text, span }: Token, parts: Parts): void {
  once(parts.signalCode, span);
  if (parts.signal !== null) return;
  const signal = text.startsWith('SEGV_') ? 'SIGSEGV' : text.startsWith('BUS_') ? 'SIGBUS' : 'a signal';
  throw new SyntaxProblem('expectation', `${clip(text)} says why a signal was sent: write it behind ${signal}`, span);
}

/** `ENOMEM`, or strace's `-1 ENOMEM`, whose -1 has been read as a value. */
function parseErrno(stream: TokenStream, parts: Parts): void {
  const token = stream.next();
  once(parts.errno, token.span);
  if (parts.value !== null) {
    if (!isMinusOne(parts.value)) {
      throw new SyntaxProblem('expectation', `a call that fails with ${token.text} returns -1`, parts.value.span);
    }
    parts.value = null;
  }
  parts.errno = token.text;
}

function isMinusOne(expr: Expr): boolean {
  return expr.kind === 'negate' && expr.operand.kind === 'int' && expr.operand.value === 1n;
}

function once(before: unknown, span: Span): void {
  if (before !== null) throw new SyntaxProblem('expectation', 'only one result can be expected', span);
}
