// Executes a scenario step by step. The state between steps is a cursor and an environment, both immutable: whoever
// keeps them can go on from there later.

import type { CallResult, Request, StepOutcome } from '../abi.ts';
import { type Asking, execute } from './asking.ts';
import { judgeCondition } from './conditions.ts';
import { type Cursor, codeAt, firstCursor, nextCursor } from './cursor.ts';
import { type Binding, Environment } from './environment.ts';
import { judge, type LoadSite, resultWord } from './expectations.ts';
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
  readonly failure?: Remark;
  /** Why the step could not be made, or could not be judged. */
  readonly error?: Remark;
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
    const report = yield* performAssert(scenario, code, state.environment);
    return { state: { cursor, environment: state.environment, performed }, report };
  }
  const { environment, report } = yield* performCall(code, state.environment, state.performed);
  return { state: { cursor, environment, performed }, report };
}

function* performAssert(scenario: Scenario, code: AssertCode, environment: Environment): Asking<StepReport> {
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
  if (!('holds' in judgement)) return { ...base, error: remark(judgement.message, judgement.span) };
  if (judgement.holds) return base;
  return { ...base, failure: remark(`the assert does not hold: ${judgement.why}`, judgement.span) };
}

function* performCall(
  code: StepCode,
  environment: Environment,
  step: number,
): Asking<{ environment: Environment; report: StepReport }> {
  const request = lowerStep(code, environment);
  if ('message' in request) {
    const outcome = emptyOutcome({ kind: 'skipped', message: request.message });
    const report: StepReport = { ...reportBase(code, null, outcome), error: remark(request.message, request.span) };
    return { environment: bindResult(code, outcome, environment), report };
  }
  const outcome = yield* execute(request, step);
  const after = bindResult(code, outcome, followPid(request, outcome, environment));
  const { result } = outcome;
  if (result.kind === 'skipped') {
    const message = withNames(result.message, code, environment);
    const error = remark(message, code.statement.span);
    const named = { ...outcome, result: { ...result, message } };
    return { environment: after, report: { ...reportBase(code, null, named), error } };
  }
  const base = reportBase(code, request, outcome);
  const { expected } = code.statement;
  if (expected === null) return { environment: after, report: base };
  const verdict = yield* judge(expected, outcome, after, loadSite(request));
  if (!('met' in verdict)) {
    const error = remark(verdict.message, verdict.span);
    return { environment: after, report: { ...base, expected: false, error } };
  }
  if (verdict.met) return { environment: after, report: { ...base, expected: true } };
  const failure = remark(verdict.message, expected.span);
  return { environment: after, report: { ...base, expected: false, failure } };
}

/** `process 1000` by its name in the scenario; of several names, the one that the step is written under. */
function withNames(message: string, code: StepCode, environment: Environment): string {
  const own = processOf(code).name;
  const binding = environment.get(own);
  return message.replace(/\bprocess (\d+)\b/g, (unnamed, digits: string) => {
    const pid = Number(digits);
    const isOwn = binding?.kind === 'process' && binding.pid === pid;
    const name = isOwn ? own : environment.processNames().get(pid);
    return name === undefined ? unnamed : `process '${name}'`;
  });
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
 * behind it can still be made; a step that was not made leaves the name without a value.
 */
function bindResult(code: StepCode, outcome: StepOutcome, environment: Environment): Environment {
  if (code.target === null) return environment;
  return environment.with(code.target.name, resultBinding(code, outcome));
}

function resultBinding(code: StepCode, outcome: StepOutcome): Binding {
  const { result } = outcome;
  if (result.kind === 'skipped') return { kind: 'failed', line: lineOf(code) };
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
