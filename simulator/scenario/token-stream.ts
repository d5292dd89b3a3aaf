// The parser's view of a line's tokens, and the one exception that ends the parsing of a line.

import type { Ident } from './ast.ts';
import { clip, type Token } from './lexer.ts';
import type { DiagnosticCode, Span } from './source.ts';

/** Ends the parsing of its line; caught by parseLine() and never seen outside of the parser. */
export class SyntaxProblem extends Error {
  readonly code: DiagnosticCode;
  readonly span: Span;

  constructor(code: DiagnosticCode, message: string, span: Span) {
    super(message);
    this.code = code;
    this.span = span;
  }
}

/** Deeper nesting of parentheses, brackets and signs than this is refused. */
const MAX_DEPTH = 100;

export class TokenStream {
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #at = 0;
  #depth = 0;

  /** `tokens` ends in one of kind `end`. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    const end = tokens.at(-1);
    if (end === undefined) throw new Error('TokenStream: no end token');
    this.#end = end;
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? this.#end;
  }

  /** Takes the next token, whatever it is. */
  next(): Token {
    const token = this.peek();
    if (token.kind === 'bad') throw this.#bad(token);
    if (token.kind !== 'end') this.#at += 1;
    return token;
  }

  /** Span of the token taken last. */
  last(): Span {
    return this.#tokens[this.#at - 1]?.span ?? this.#end.span;
  }

  atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  /** Takes the punctuation `text` if it is next. */
  accept(text: string): boolean {
    const token = this.peek();
    if (token.kind !== 'punct' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string, where: string): void {
    if (!this.accept(text)) throw this.unexpected(`'${text}' ${where}`);
  }

  word(what: string): Ident {
    const token = this.peek();
    if (token.kind !== 'word') throw this.unexpected(what);
    this.#at += 1;
    return { name: token.text, span: token.span };
  }

  expectEnd(): void {
    if (!this.atEnd()) throw this.unexpected('the end of the line');
  }

  /** Leaves the rest of the line unread. */
  skipToEnd(): void {
    this.#at = this.#tokens.length - 1;
  }

  /** Runs `parse` one level deeper, refusing what is nested too deeply. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= MAX_DEPTH) {
      throw new SyntaxProblem('too-deep', `nested more than ${MAX_DEPTH} levels deep`, this.peek().span);
    }
    this.#depth += 1;
    try {
      return parse();
    } finally {
      this.#depth -= 1;
    }
  }

  /** The problem that the next token is not `wanted`. */
  unexpected(wanted: string): SyntaxProblem {
    const token = this.peek();
    if (token.kind === 'bad') return this.#bad(token);
    const found = token.kind === 'end' ? 'the line ends' : `found '${clip(token.text)}'`;
    return new SyntaxProblem('syntax', `expected ${wanted}, but ${found}`, token.span);
  }

  #bad(token: Token): SyntaxProblem {
    return new SyntaxProblem(token.code ?? 'syntax', token.message ?? 'unexpected character', token.span);
  }
}
