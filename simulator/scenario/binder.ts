// Gives names their meaning and turns statements into code: what is bound where, which calls exist, how loops nest.

import type { AssertStatement, DeclarationStatement, Expr, Ident, RepeatStatement, Statement } from './ast.ts';
import { checkArguments, checkStep } from './call-checks.ts';
import { type CallPlace, type CallSignature, signature, signaturesOf } from './calls.ts';
import { constant } from './constants.ts';
import { DeclarationBinder } from './declarations.ts';
import { constantValue } from './evaluate.ts';
import { checkExpectation } from './expectation-checks.ts';
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

/** Of more broken lines than this it is not asked what they may have bound. */
const MAX_MAYBE = 500;

/** Receives what is wrong with a statement. */
export interface Reporter {
  error(code: DiagnosticCode, message: string, span: Span): void;
  /**
   * An error that shows in many places: it is told at the first one, and those with the same `mistake` are wrong in
   * silence. False where it was told before, so that the statement is looked through for others.
   */
  once(mistake: string, code: DiagnosticCode, message: () => string, span: Span): boolean;
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
  /** Of each broken line that may have bound a name: the beginnings of that name. */
  readonly #maybe: (readonly Ident[])[] = [];
  /** Open `repeat`s: index into `#code`, or null for one that is broken. */
  readonly #loops: OpenLoop[] = [];
  /** Mistakes that are told, also those that show again. */
  readonly #told = new Set<string>();
  /** How often something was wrong, told or not. */
  #errors = 0;
  /** The statement before was a declaration that comes too late. */
  #isLate = false;
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

  once(mistake: string, code: DiagnosticCode, message: () => string, span: Span): boolean {
    const isNew = !this.#told.has(mistake);
    this.#told.add(mistake);
    if (isNew) this.error(code, message(), span);
    else this.#errors += 1;
    return isNew;
  }

  warning(code: DiagnosticCode, message: string, span: Span): void {
    this.#diagnostics.push({ severity: 'warning', code, message, range: rangeOf(span) });
  }

  lookup(name: string): BoundName | undefined {
    return this.#names.get(name) ?? this.#meant(name);
  }

  /** Binds a name that nothing else does and a broken line may: that line is the mistake, not the use. */
  #meant(name: string): BoundName | undefined {
    if (this.#told.has(`name ${name}`) || constant(name) !== undefined || name === 'kernel') return undefined;
    const fits = this.#definitions.has(name)
      ? (maybe: Ident) => maybe.name === name
      : (maybe: Ident) => name.startsWith(maybe.name);
    const exact = this.#maybe.findIndex((line) => line.some((maybe) => maybe.name === name));
    const at = exact >= 0 ? exact : this.#maybe.findLastIndex((line) => line.some(fits));
    const maybe = this.#maybe[at]?.find(fits);
    if (maybe === undefined) return undefined;
    this.#maybe.splice(at, 1);
    this.#define({ name, span: maybe.span }, 'unknown');
    return this.#names.get(name);
  }

  explainUnbound(name: string, also: readonly string[] = []): string {
    const later = this.#definitions.get(name);
    if (later !== undefined) return `'${clip(name)}' is used before it is bound, on line ${later + 1}`;
    const meant = closest(name, [...this.#names.keys(), ...also]);
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
    for (const line of this.#tree.broken) for (const target of line.targets) note(target);
  }

  #passBroken(line: SyntaxTree['broken'][number]): void {
    if (line.step) {
      this.#firstStep ??= line.line;
      this.#isLate = false;
    }
    if (line.path !== null) this.#declarations.addCut(line.path);
    if (line.end) this.#closeLoop();
    if (line.repeat)
      this.#loops.push({ index: null, span: { line: line.line, start: 0, end: 6 }, reported: true, effective: false });
    for (const target of line.targets) this.#define(target, 'unknown');
    if (line.maybe.length > 0 && this.#maybe.length < MAX_MAYBE) this.#maybe.push(line.maybe);
  }

  #bindStatement(statement: Statement): void {
    if (statement.kind === 'declaration') {
      if (this.#firstStep === null) this.#declarations.add(statement);
      else this.#addLate(statement, this.#firstStep);
      return;
    }
    this.#isLate = false;
    this.#firstStep ??= statement.span.line;
    switch (statement.kind) {
      case 'spawn':
      case 'call':
        this.#bindStep(statement);
        break;
      case 'assert':
        this.#bindAssert(statement);
        break;
      case 'repeat':
        this.#bindRepeat(statement);
        break;
      case 'end':
        this.#bindEnd(statement.span);
    }
  }

  /** A step that comes too early makes all declarations behind it late: of those that stand together one is told. */
  #addLate(statement: DeclarationStatement, firstStep: number): void {
    if (statement.path !== null) this.#declarations.addMeant(statement.path.value.text);
    const message = `declarations come before the first step, which is on line ${firstStep + 1}`;
    if (!this.#isLate) this.error('declaration', message, statement.span);
    this.#isLate = true;
  }

  #bindAssert(statement: AssertStatement): void {
    const before = this.#errors;
    const isRight = checkCondition(statement.condition, this, this) && this.#errors === before;
    if (isRight) this.#emit({ kind: 'assert', statement });
  }

  #bindStep(statement: Extract<Statement, { kind: 'spawn' | 'call' }>): void {
    const before = this.#errors;
    const told = this.#diagnostics.length;
    const call = this.#resolveCall(statement);
    const args = call === null ? null : checkStep(statement.call, call, this, this);
    if (call === null && this.#diagnostics.length === told) checkArguments(statement.call, this, this);
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
      if (known) {
        const form = `PROCESS: ${statement.target.name} = ${callee.name}(…)`;
        this.error('unknown-call', `which process? a step is written ${form}`, callee.span);
        return null;
      }
      const message = () => `'${clip(callee.name)}' makes no process: only spawn(…) can stand here`;
      this.once(`call spawn ${callee.name}`, 'unknown-call', message, callee.span);
      return null;
    }
    const place: CallPlace = statement.process.name === 'kernel' ? 'kernel' : 'process';
    if (place === 'process' && !this.#checkProcess(statement.process)) return null;
    const call = signature(place, callee.name);
    if (call !== undefined) return call;
    const meant = place === 'kernel' && this.#told.has('name kernel') ? signature('process', callee.name) : undefined;
    if (meant !== undefined) {
      this.#errors += 1;
      return meant;
    }
    this.once(`call ${place} ${callee.name}`, 'unknown-call', () => unknownCall(place, callee.name), callee.span);
    return null;
  }

  /** False after an error was told. What is wrong and was told before passes for a process. */
  #checkProcess({ name, span }: Ident): boolean {
    const bound = this.lookup(name);
    if (bound === undefined) return !this.once(`name ${name}`, 'unbound', () => this.explainUnbound(name), span);
    if (bound.kind !== 'value') return true;
    const line = bound.definition.line + 1;
    const message = () => `'${clip(name)}' is not a process: it holds a value, bound on line ${line}`;
    return !this.once(`process ${name}`, 'not-a-process', message, span);
  }

  #define(target: Ident, kind: BoundName['kind'], quiet = false): void {
    const { name, span } = target;
    const before = this.#names.get(name);
    if (before === undefined && name !== 'kernel' && constant(name) === undefined) {
      this.#names.set(name, { name, slot: this.#names.size, kind, definition: span });
      return;
    }
    if (before === undefined) this.#told.add(`name ${name}`);
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
    if (!this.#closeLoop()) this.error('repeat', "this 'end' belongs to no repeat", span);
  }

  /** Ends the innermost loop; false when none is open. */
  #closeLoop(): boolean {
    const loop = this.#loops.pop();
    if (loop === undefined) return false;
    if (loop.index === null) return true;
    const repeat = this.#code[loop.index];
    if (repeat?.kind !== 'repeat') throw new Error('closeLoop: no repeat at its place');
    const effective = repeat.count > 0n && loop.effective;
    const outer = this.#loops.at(-1);
    if (effective && outer !== undefined) outer.effective = true;
    this.#code[loop.index] = { ...repeat, end: this.#code.length, effective };
    this.#code.push({ kind: 'end', start: loop.index });
    return true;
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
