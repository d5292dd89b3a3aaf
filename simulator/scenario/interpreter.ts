// Executes a scenario step by step. The state between steps is a cursor and an environment, both immutable: whoever
// keeps them can go on from there later.

import type { CallResult, Request, StepOutcome } from '../abi.ts';
import { type Asking, execute } from './asking.ts';
import { causeOf, withNames } from './causes.ts';
import { judgeCondition } from './conditions.ts';
import { type Cursor, codeAt, firstCursor, nextCursor } from './cursor.ts';
import { type Binding, type Cause, Environment, type FollowUp } from './environment.ts';
import { judge, type LoadSite, resultWord, type Told } from './expectations.ts';

import { lowerStep } from './requests.ts';
import { type AssertCode, lineOf, processOf, type Scenario, type StepCode } from './scenario.ts';
import { cover, type Range, rangeOf, type Span } from './source.ts';

/** Where a run stands. */
export interface RunState {
  /** What is executed next; null at the end. */
  readonly cursor: Cursor | null;
  readonly environment: Environment;
  /** How many steps have been performed, asserts and steps that could not be made included. */
  readonly performed: number;
}

/** Something to say about a place of the scenario. */
export interface Remark {
  readonly message: string;
  readonly range: Range;
}

/** An expectation that was not met. */
export interface Failure extends Remark {
  /** What of the outcome the message tells. */
  readonly tells: readonly Told[];
}

/** What one step came to. */
export interface StepReport {
  readonly kind: 'step' | 'assert';
  /** From 1. */
  readonly line: number;
  /** Of the whole statement. */
  readonly range: Range;
  /** Of the statement up to what it expects: `bash: buf = mmap(…)`. */
  readonly callRange: Range;
  /** The scenario's name of the process; `kernel`; empty for an assert. */
  readonly process: string;
  /** The process that made the step (of spawn: the new one), null for kernel, assert and steps never made. */
  readonly pid: number | null;
  /** As written: `mmap`, `load`, `spawn`, `assert`. */
  readonly call: string;
  /** What was asked; null for an assert and for a step that could not be made. */
  readonly request: Request | null;
  /** Of an assert: the value 1 or 0. Of a step that could not be made: kind `skipped`. */
  readonly outcome: StepOutcome;
  /** Whether the expectation was met, or the assert holds; absent where the line expects nothing. */
  readonly expected?: boolean;
  /** The expectation that was not met, or the assert that does not hold. */
  readonly failure?: Failure;
  /** Why the step could not be made, or could not be judged. */
  readonly error?: Remark;
  /** The mistake that the error comes of, where it has been told before: this one needs no mending. */
  readonly followUp?: FollowUp;
}

export interface StepEnd {
  readonly state: RunState;
  readonly report: StepReport;
}

const MINUS_ONE = (1n << 64n) - 1n;

export function initialState(scenario: Scenario): RunState {
  return { cursor: firstCursor(scenario.code), environment: Environment.empty(scenario), performed: 0 };
}

/** Executes what `state` stands at. A broken invariant (no step left) throws. */
export function* performStep(scenario: Scenario, state: RunState): Asking<StepEnd> {
  if (state.cursor === null) throw new Error('performStep: the scenario is at its end');
  const code = codeAt(scenario.code, state.cursor);
  const cursor = nextCursor(scenario.code, state.cursor);
  const performed = state.performed + 1;
  if (code.kind === 'assert') {
    const { environment, report } = yield* performAssert(scenario, code, state.environment);
    return { state: { cursor, environment, performed }, report };
  }
  const { environment, report } = yield* performCall(code, state.environment, state.performed);
  return { state: { cursor, environment, performed }, report };
}

interface Performed {
  readonly environment: Environment;
  readonly report: StepReport;
}

/** Notes why a step was not made: at the first one it is told, and what comes of it later is marked. */
function note(report: StepReport, cause: Cause | undefined, environment: Environment): Performed {
  if (cause === undefined) return { environment, report };
  const line = environment.toldOn(cause);
  if (line === undefined) return { environment: environment.withTold(cause, report.line), report };
  return { environment, report: { ...report, followUp: { ...cause, line } } };
}

function* performAssert(scenario: Scenario, code: AssertCode, environment: Environment): Asking<Performed> {
  const { condition, span } = code.statement;
  const source = ({ line, start, end }: Span) => (scenario.lines[line] ?? '').slice(start, end);
  const judgement = yield* judgeCondition(condition, environment, source);
  const holds = 'holds' in judgement && judgement.holds;
  const base = {
    kind: 'assert',
    line: lineOf(code),
    range: rangeOf(span),
    callRange: rangeOf(span),
    process: '',
    pid: null,
    call: 'assert',
    request: null,
    outcome: emptyOutcome({ kind: 'value', value: holds ? 1n : 0n }),
    expected: holds,
  } as const;
  if (!('holds' in judgement)) {
    return note({ ...base, error: remark(judgement.message, judgement.span) }, judgement.cause, environment);
  }
  if (judgement.holds) return { environment, report: base };
  const failed = remark(`the assert does not hold: ${judgement.why}`, judgement.span);
  return { environment, report: { ...base, failure: { ...failed, tells: [] } } };
}

function* performCall(code: StepCode, environment: Environment, step: number): Asking<Performed> {
  const request = lowerStep(code, environment);
  if ('message' in request) {
    const outcome = emptyOutcome({ kind: 'skipped', message: request.message });
    const error = remark(request.message, request.span);
    return notMade(code, { ...reportBase(code, null, outcome), error }, request.cause, environment);
  }
  const outcome = yield* execute(request, step);
  const { result } = outcome;
  if (result.kind === 'skipped') {
    const own = processOf(code).name;
    const message = withNames(result.message, environment, own);
    const error = remark(message, code.statement.span);
    const named = { ...outcome, result: { ...result, message } };
    const cause = result.because && causeOf(result.because, environment, own);
    return notMade(code, { ...reportBase(code, null, named), error }, cause, environment);
  }
  const running = environment.withRunning(processOf(code).name);
  const after = bindResult(code, outcome, followPid(request, outcome, running));
  const base = reportBase(code, request, outcome);
  const { expected } = code.statement;
  if (expected === null) return { environment: after, report: base };
  const verdict = yield* judge(expected, outcome, after, code.signature.family === 'CPU', loadSite(request));
  if (!('met' in verdict)) {
    const error = remark(verdict.message, verdict.span);
    return note({ ...base, expected: false, error }, verdict.cause, after);
  }
  if (verdict.met) return { environment: after, report: { ...base, expected: true } };
  const failure = { ...remark(verdict.message, expected.span), tells: verdict.tells };
  return { environment: after, report: { ...base, expected: false, failure } };
}

/** A step that was not made: the name that it binds holds nothing, so those that need it are not made either. */
function notMade(code: StepCode, report: StepReport, cause: Cause | undefined, environment: Environment): Performed {
  const noted = note(report, cause, environment);
  if (code.target === null) return noted;
  const { line } = report;
  const own = { key: `line ${line}`, words: `'${code.target.name}' holds nothing` };
  const told = cause === undefined ? noted.environment.withTold(own, line) : noted.environment;
  return { ...noted, environment: told.with(code.target.name, { kind: 'failed', line, cause: cause ?? own }) };
}

function reportBase(code: StepCode, request: Request | null, outcome: StepOutcome): StepReport {
  return {
    kind: 'step',
    line: lineOf(code),
    range: rangeOf(code.statement.span),
    callRange: rangeOf(cover(code.statement.span, code.statement.call.span)),
    process: processOf(code).name,
    pid: subject(request, outcome),
    call: code.statement.call.callee.name,
    request,
    outcome,
  };
}

function subject(request: Request | null, outcome: StepOutcome): number | null {
  if (request === null || request.op === 'kernel') return null;
  return request.op === 'spawn' ? (outcome.child ?? null) : request.pid;
}

function loadSite(request: Request): LoadSite | null {
  if (request.op !== 'load') return null;
  return { pid: request.pid, addr: request.addr, sized: request.length !== undefined };
}

/** A thread that executed a program has its leader's pid: its names mean that one. */
function followPid(request: Request, { becomes }: StepOutcome, environment: Environment): Environment {
  if (becomes === undefined || !('pid' in request)) return environment;
  let after = environment;
  for (const [name, binding] of environment.entries()) {
    if (binding.kind === 'process' && binding.pid === request.pid) {
      after = after.with(name, { kind: 'process', pid: becomes });
    }
  }
  return after;
}

/**
 * Binds the name of a step to what the call returned. A call that failed gives -1, as libc does, so that the lines
 * behind it can still be made.
 */
function bindResult(code: StepCode, outcome: StepOutcome, environment: Environment): Environment {
  if (code.target === null) return environment;
  return environment.with(code.target.name, resultBinding(code, outcome));
}

function resultBinding(code: StepCode, outcome: StepOutcome): Binding {
  const { result } = outcome;
  // A process whose first instruction ends it was there.
  const lived = result.kind === 'value' || (result.kind === 'signal' && outcome.child !== undefined);
  const made = code.signature.makesProcess && lived;
  if (made) return { kind: 'process', pid: outcome.child ?? Number(resultWord(result)) };
  return { kind: 'value', value: resultWord(result) ?? MINUS_ONE };
}

function emptyOutcome(result: CallResult): StepOutcome {
  return { result, faults: [], minflt: 0, majflt: 0 };
}

function remark(message: string, span: Span): Remark {
  return { message, range: rangeOf(span) };
}
