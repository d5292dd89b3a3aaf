// Text to statements, a line at a time: a bad line is one diagnostic and the lines around it are not touched.

import type {
  CallSyntax,
  DeclarationStatement,
  Expr,
  Ident,
  KeyValue,
  RepeatStatement,
  Statement,
  StringExpr,
} from './ast.ts';
import { signature } from './calls.ts';
import { parseExpectation } from './expectation-parser.ts';
import { parseArgument, parseCondition, parseExpression, parseString } from './expression-parser.ts';
import { clip, MAX_LINE, tokenize } from './lexer.ts';
import { findNoText } from './no-text.ts';
import { type BrokenLine, badName, salvage } from './salvage.ts';
import { closest, cover, type Diagnostic, rangeOf, type Span, splitLines } from './source.ts';
import { SyntaxProblem, TokenStream } from './token-stream.ts';

export interface SyntaxTree {
  readonly lines: readonly string[];
  readonly statements: readonly Statement[];
  readonly broken: readonly BrokenLine[];
  readonly diagnostics: readonly Diagnostic[];
}

/** More mistakes than this are not listed. */
const MAX_DIAGNOSTICS = 500;

/**
 * Words, numbers, strings and marks that are read, a line's end counting as one: what they mean takes some 200 bytes of the
 * host's memory each.
 */
const MAX_TOKENS = 3_000_000;

export const DECLARATION_KEYWORDS = ['machine', 'file', 'program', 'library', 'device'] as const;
export const STATEMENT_KEYWORDS = [...DECLARATION_KEYWORDS, 'repeat', 'end', 'assert'] as const;

/** Parses a whole scenario, up to its first `maxTokens` tokens. Linear in its length; never throws on any text. */
export function parseText(text: string, maxTokens: number = MAX_TOKENS): SyntaxTree {
  const noText = findNoText(text);
  if (noText !== null) return { lines: [], statements: [], broken: [], diagnostics: [noText] };
  const lines = splitLines(text);
  const statements: Statement[] = [];
  const broken: BrokenLine[] = [];
  const diagnostics: Diagnostic[] = [];
  const badNames = new Set<string>();
  const stopAt = (line: number, message: string): void => {
    const span = { line, start: 0, end: Math.min(MAX_LINE, (lines[line] ?? '').length) };
    diagnostics.push({ severity: 'error', code: 'too-many', message, range: rangeOf(span) });
  };
  let tokens = 0;
  for (let line = 0; line < lines.length; line++) {
    const parsed = parseLine(lines[line] ?? '', line);
    tokens += parsed.tokens;
    if (tokens > maxTokens) {
      stopAt(line, `more than ${maxTokens} words, numbers and marks: the file is not read from this line on`);
      break;
    }
    if (parsed.statement !== null) statements.push(parsed.statement);
    if (parsed.broken !== null) broken.push(parsed.broken);
    if (parsed.diagnostic === null) continue;
    if (parsed.badName !== undefined) {
      if (badNames.has(parsed.badName)) continue;
      badNames.add(parsed.badName);
    }
    diagnostics.push(parsed.diagnostic);
    if (diagnostics.length >= MAX_DIAGNOSTICS) {
      stopAt(line, 'more than this many mistakes: the rest of the file is not read');
      break;
    }
  }
  return { lines, statements, broken, diagnostics };
}

interface ParsedLine {
  readonly statement: Statement | null;
  readonly diagnostic: Diagnostic | null;
  readonly broken: BrokenLine | null;
  /** Of a process or a value: the same mistake wherever it stands. */
  readonly badName?: string;
  readonly tokens: number;
}

const BLANK: ParsedLine = { statement: null, diagnostic: null, broken: null, tokens: 1 };

/** Parses line number `line` (from 0) of a scenario. */
export function parseLine(text: string, line: number): ParsedLine {
  if (text.length > MAX_LINE) {
    const message = `the line has ${text.length} characters; at most ${MAX_LINE} are read`;
    const range = rangeOf({ line, start: 0, end: Math.min(text.length, 80) });
    return {
      statement: null,
      diagnostic: { severity: 'error', code: 'too-long', message, range },
      broken: brokenLine(text, line),
      tokens: 1,
    };
  }
  const found = tokenize(text, line);
  const tokens = found.length;
  const stream = new TokenStream(found);
  if (stream.atEnd()) return BLANK;
  try {
    const statement = parseStatement(stream);
    stream.expectEnd();
    return { statement, diagnostic: null, broken: null, tokens };
  } catch (problem) {
    if (!(problem instanceof SyntaxProblem)) throw problem;
    const broken = brokenLine(text, line);
    const name = badName(text);
    if (name !== null) return { statement: null, diagnostic: noName(text, line, name), broken, badName: name, tokens };
    const diagnostic: Diagnostic = {
      severity: 'error',
      code: problem.code,
      message: problem.message,
      range: rangeOf(problem.span),
    };
    return { statement: null, diagnostic, broken, tokens };
  }
}

function noName(text: string, line: number, name: string): Diagnostic {
  const start = text.indexOf(name);
  const message = `'${clip(name)}' is no name: a name has letters, digits and _, and begins with no digit`;
  return { severity: 'error', code: 'syntax', message, range: rangeOf({ line, start, end: start + name.length }) };
}

/** The names of a line stand at its beginning: of an endless one no more is looked at. */
const SALVAGED = 1000;

function brokenLine(text: string, line: number): BrokenLine {
  const beginning = text.slice(0, SALVAGED);
  return salvage(beginning, tokenize(beginning, line), line, STATEMENT_KEYWORDS);
}

function parseStatement(stream: TokenStream): Statement {
  const first = stream.word('a statement');
  if (stream.accept(':')) return parseCallStatement(stream, first);
  if (stream.accept('=')) return parseSpawn(stream, first);
  const keyword: string = first.name;
  if ((DECLARATION_KEYWORDS as readonly string[]).includes(keyword)) return parseDeclaration(stream, first);
  switch (keyword) {
    case 'repeat':
      return parseRepeat(stream, first);
    case 'end':
      return { kind: 'end', span: first.span };
    case 'assert':
      return parseAssert(stream, first);
    default:
      throw unknownStatement(stream, first);
  }
}

function unknownStatement(stream: TokenStream, first: Ident): SyntaxProblem {
  if (stream.peek().text === '(') {
    if (signature('query', first.name) !== undefined) {
      const message = `${first.name}(…) asks about the state: write assert ${first.name}(…) == …`;
      return new SyntaxProblem('syntax', message, first.span);
    }
    return new SyntaxProblem('syntax', `which process? a step is written PROCESS: ${clip(first.name)}(…)`, first.span);
  }
  const meant = closest(first.name, STATEMENT_KEYWORDS);
  const hint = meant === null ? 'a step is written PROCESS: call(…)' : `did you mean ${meant}?`;
  return new SyntaxProblem('syntax', `'${clip(first.name)}' starts no statement: ${hint}`, first.span);
}

function parseCallStatement(stream: TokenStream, process: Ident): Statement {
  const first = stream.word('a call');
  const target = stream.accept('=') ? first : null;
  const callee = target === null ? first : stream.word('a call');
  const call = parseCall(stream, callee);
  const expected = stream.accept('=') ? parseExpectation(stream) : null;
  return { kind: 'call', process, target, call, expected, span: cover(process.span, stream.last()) };
}

function parseSpawn(stream: TokenStream, target: Ident): Statement {
  const callee = stream.word('spawn(…)');
  const call = parseCall(stream, callee);
  const expected = stream.accept('=') ? parseExpectation(stream) : null;
  return { kind: 'spawn', target, call, expected, span: cover(target.span, stream.last()) };
}

function parseCall(stream: TokenStream, callee: Ident): CallSyntax {
  stream.expect('(', `behind '${clip(callee.name)}'`);
  const args: Expr[] = [];
  if (!stream.accept(')')) {
    do args.push(parseArgument(stream));
    while (stream.accept(','));
    stream.expect(')', 'or a comma');
  }
  return { callee, args, span: cover(callee.span, stream.last()) };
}

function parseDeclaration(stream: TokenStream, keyword: Ident): DeclarationStatement {
  let path: StringExpr | null = null;
  if (keyword.name !== 'machine') path = parseString(stream, `the path of the ${keyword.name}`);
  const settings: KeyValue[] = [];
  while (!stream.atEnd()) {
    const key = stream.word('key=value');
    const value = stream.accept('=') ? parseExpression(stream) : null;
    settings.push({ key, value, span: cover(key.span, stream.last()) });
  }
  return { kind: 'declaration', keyword, path, settings, span: cover(keyword.span, stream.last()) };
}

function parseRepeat(stream: TokenStream, keyword: Ident): RepeatStatement {
  const count = parseExpression(stream);
  return { kind: 'repeat', count, span: cover(keyword.span, count.span) };
}

function parseAssert(stream: TokenStream, keyword: Ident): Statement {
  const condition = parseCondition(stream);
  const { text, span } = stream.peek();
  if (text === '=') throw new SyntaxProblem('syntax', "an assert compares with '==', not with '='", span);
  return { kind: 'assert', condition, span: cover(keyword.span, condition.span) };
}

/** Parses one expression alone, as a watch or a command line gives it. Columns count from its first character. */
export function parseExpressionText(
  text: string,
): { readonly expr: Expr } | { readonly error: string; readonly span: Span } {
  if (text.length > MAX_LINE) return { error: 'the expression is too long', span: { line: 0, start: 0, end: 80 } };
  const stream = new TokenStream(tokenize(text.replace(/[\r\n]+/g, ' '), 0));
  try {
    const expr = parseCondition(stream);
    stream.expectEnd();
    return { expr };
  } catch (problem) {
    if (!(problem instanceof SyntaxProblem)) throw problem;
    return { error: problem.message, span: problem.span };
  }
}
