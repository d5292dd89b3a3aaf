// Gives names their meaning and turns statements into code: what is bound where, which calls exist, how loops nest.

import type { Expr, Ident, RepeatStatement, Statement } from './ast.ts';
import { checkExpectation, checkStep } from './call-checks.ts';
import { type CallPlace, type CallSignature, signature, signaturesOf } from './calls.ts';
import { constant } from './constants.ts';
import { DeclarationBinder } from './declarations.ts';
import { constantValue } from './evaluate.ts';
import { checkCondition, type NameScope } from './expression-checks.ts';
import { clip } from './lexer.ts';
import type { SyntaxTree } from './parser.ts';
import type { BoundName, Code, DeclarationCode } from './scenario.ts';
import { closest, type Diagnostic, type DiagnosticCode, rangeOf, type Span } from './source.ts';

export interface BoundTree {
  readonly declarations: readonly DeclarationCode[];
  readonly code: readonly Code[];
  readonly names: ReadonlyMap<string, BoundName>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Receives what is wrong with a statement. */
export interface Reporter {
  error(code: DiagnosticCode, message: string, span: Span): void;
  warning(code: DiagnosticCode, message: string, span: Span): void;
}

/** A `repeat` whose `end` is not reached yet. */
interface OpenLoop {
  /** Of its code; null when its line is broken. */
  readonly index: number | null;
  readonly span: Span;
  /** Its line is wrong anyway. */
  readonly reported: boolean;
  /** Something between the two is executed. */
  effective: boolean;
}

/** Binds a whole tree. Each statement gets at most one error. */
export function bind(tree: SyntaxTree): BoundTree {
  return new Binder(tree).run();
}

class Binder implements NameScope, Reporter {
  readonly #tree: SyntaxTree;
  readonly #names = new Map<string, BoundName>();
  /** Where each name is first bound, also further down: for the message of a use that comes too early. */
  readonly #definitions = new Map<string, number>();
  readonly #code: Code[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  readonly #declarations: DeclarationBinder;
  /** Open `repeat`s: index into `#code`, or null for one that is broken. */
  readonly #loops: OpenLoop[] = [];
  #errors = 0;
  #firstStep: number | null = null;

  constructor(tree: SyntaxTree) {
    this.#tree = tree;
    this.#declarations = new DeclarationBinder(this);
  }

  run(): BoundTree {
    this.#collectDefinitions();
    const broken = this.#tree.broken[Symbol.iterator]();
    let next = broken.next();
    for (const statement of this.#tree.statements) {
      while (!next.done && next.value.line < statement.span.line) {
        this.#passBroken(next.value);
        next = broken.next();
      }
      this.#bindStatement(statement);
    }
    for (const { span, reported } of this.#loops) {
      if (!reported) this.error('repeat', "this repeat has no 'end'", span);
    }
    this.#dropOpenLoops();
    this.#declarations.finish(this.#tree.statements);
    return {
      declarations: this.#declarations.result(),
      code: this.#code,
      names: this.#names,
      diagnostics: this.#diagnostics,
    };
  }

  error(code: DiagnosticCode, message: string, span: Span): void {
    this.#errors += 1;
    this.#diagnostics.push({ severity: 'error', code, message, range: rangeOf(span) });
  }

  warning(code: DiagnosticCode, message: string, span: Span): void {
    this.#diagnostics.push({ severity: 'warning', code, message, range: rangeOf(span) });
  }

  lookup(name: string): BoundName | undefined {
    return this.#names.get(name);
  }

  /** Why `name` means nothing at this place. */
  explainUnbound(name: string): string {
    const later = this.#definitions.get(name);
    if (later !== undefined) return `'${clip(name)}' is used before it is bound, on line ${later + 1}`;
    const meant = closest(name, this.#names.keys());
    return `'${clip(name)}' is not bound${meant === null ? '' : `: did you mean '${meant}'?`}`;
  }

  #collectDefinitions(): void {
    const note = (target: Ident | null) => {
      if (target === null) return;
      const before = this.#definitions.get(target.name);
      if (before === undefined || before > target.span.line) this.#definitions.set(target.name, target.span.line);
    };
    for (const statement of this.#tree.statements) {
      if (statement.kind === 'spawn' || statement.kind === 'call') note(statement.target);
    }
    for (const line of this.#tree.broken) note(line.target);
  }

  #passBroken(line: SyntaxTree['broken'][number]): void {
    if (line.step) this.#firstStep ??= line.line;
    if (line.repeat)
      this.#loops.push({ index: null, span: { line: line.line, start: 0, end: 6 }, reported: true, effective: false });
    if (line.target !== null) this.#define(line.target, 'unknown');
  }

  #bindStatement(statement: Statement): void {
    if (statement.kind === 'declaration') {
      if (this.#firstStep !== null) {
        const message = `declarations come before the first step, which is on line ${this.#firstStep + 1}`;
        this.error('declaration', message, statement.span);
      } else this.#declarations.add(statement);
      return;
    }
    this.#firstStep ??= statement.span.line;
    switch (statement.kind) {
      case 'spawn':
      case 'call':
        this.#bindStep(statement);
        break;
      case 'assert':
        if (checkCondition(statement.condition, this, this)) this.#emit({ kind: 'assert', statement });
        break;
      case 'repeat':
        this.#bindRepeat(statement);
        break;
      case 'end':
        this.#bindEnd(statement.span);
    }
  }

  #bindStep(statement: Extract<Statement, { kind: 'spawn' | 'call' }>): void {
    const before = this.#errors;
    const call = this.#resolveCall(statement);
    const args = call === null ? null : checkStep(statement.call, call, this, this);
    if (call !== null && args !== null && statement.expected !== null) {
      checkExpectation(statement.expected, call, this, this);
    }
    // The name is bound whatever is wrong with the line: its readers are not.
    if (statement.target !== null) {
      const kind = call === null ? 'unknown' : call.makesProcess ? 'process' : 'value';
      this.#define(statement.target, kind, this.#errors > before);
    }
    if (call === null || args === null || this.#errors > before) return;
    this.#emit({ kind: 'step', statement, signature: call, args, target: statement.target });
  }

  #emit(code: Code): void {
    this.#code.push(code);
    const loop = this.#loops.at(-1);
    if (loop !== undefined) loop.effective = true;
  }

  #resolveCall(statement: Extract<Statement, { kind: 'spawn' | 'call' }>): CallSignature | null {
    const { callee } = statement.call;
    if (statement.kind === 'spawn') {
      const call = signature('spawn', callee.name);
      if (call !== undefined) return call;
      const known = signature('process', callee.name) !== undefined;
      const message = known
        ? `which process? a step is written PROCESS: ${statement.target.name} = ${callee.name}(…)`
        : `'${clip(callee.name)}' makes no process: only spawn(…) can stand here`;
      this.error('unknown-call', message, callee.span);
      return null;
    }
    const place: CallPlace = statement.process.name === 'kernel' ? 'kernel' : 'process';
    if (place === 'process' && !this.#checkProcess(statement.process)) return null;
    const call = signature(place, callee.name);
    if (call === undefined) this.error('unknown-call', unknownCall(place, callee.name), callee.span);
    return call ?? null;
  }

  #checkProcess(process: Ident): boolean {
    const bound = this.#names.get(process.name);
    if (bound === undefined) this.error('unbound', this.explainUnbound(process.name), process.span);
    else if (bound.kind === 'value') {
      const message = `'${clip(process.name)}' is not a process: it holds a value, bound on line ${bound.definition.line + 1}`;
      this.error('not-a-process', message, process.span);
    } else return true;
    return false;
  }

  #define(target: Ident, kind: BoundName['kind'], quiet = false): void {
    const { name, span } = target;
    const before = this.#names.get(name);
    if (before === undefined && name !== 'kernel' && constant(name) === undefined) {
      this.#names.set(name, { name, slot: this.#names.size, kind, definition: span });
      return;
    }
    if (quiet || kind === 'unknown') return;
    if (name === 'kernel') this.error('reserved', "'kernel' stands for the kernel itself and cannot be bound", span);
    else if (before === undefined) this.error('reserved', `'${name}' is a constant and cannot be bound`, span);
    else {
      const message = `'${clip(name)}' is bound twice: it was bound on line ${before.definition.line + 1}`;
      this.error('rebound', message, span);
    }
  }

  #bindRepeat(statement: RepeatStatement): void {
    const before = this.#errors;
    const count = this.#repeatCount(statement.count);
    const reported = this.#errors > before;
    this.#loops.push({ index: this.#code.length, span: statement.span, reported, effective: false });
    // The end is filled in when it is found.
    this.#code.push({ kind: 'repeat', count: count ?? 0n, end: -1, effective: false });
  }

  #repeatCount(expr: Expr): bigint | null {
    const value = constantValue(expr);
    if (value === null) {
      this.error('repeat', 'how often to repeat is a number that is known beforehand', expr.span);
      return null;
    }
    if (value >= 1n << 63n) this.error('range', 'a negative or endless repeat', expr.span);
    return value;
  }

  #bindEnd(span: Span): void {
    const loop = this.#loops.pop();
    if (loop === undefined) {
      this.error('repeat', "this 'end' belongs to no repeat", span);
      return;
    }
    if (loop.index === null) return;
    const repeat = this.#code[loop.index];
    if (repeat?.kind !== 'repeat') throw new Error('bindEnd: no repeat at its place');
    const effective = repeat.count > 0n && loop.effective;
    const outer = this.#loops.at(-1);
    if (effective && outer !== undefined) outer.effective = true;
    this.#code[loop.index] = { ...repeat, end: this.#code.length, effective };
    this.#code.push({ kind: 'end', start: loop.index });
  }

  /** A repeat without end has no body: what follows is executed once. */
  #dropOpenLoops(): void {
    for (const loop of this.#loops) {
      const repeat = loop.index === null ? undefined : this.#code[loop.index];
      if (loop.index === null || repeat?.kind !== 'repeat') continue;
      this.#code[loop.index] = { ...repeat, end: loop.index, effective: false };
    }
  }
}

function unknownCall(place: 'kernel' | 'process', name: string): string {
  const other = signature(place === 'kernel' ? 'process' : 'kernel', name);
  if (other !== undefined) {
    return place === 'kernel'
      ? `${name} is a call of a process, not of the kernel`
      : `only the kernel can do ${name}: write kernel: ${name}(…)`;
  }
  if (name === 'spawn') return 'spawn stands alone: NAME = spawn("PATH")';
  const meant = closest(
    name,
    signaturesOf(place).map((s) => s.name),
  );
  return `unknown call '${clip(name)}'${meant === null ? '' : `: did you mean ${meant}?`}`;
}
