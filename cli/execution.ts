// Runs a scenario from its declarations to its end, telling each step to whoever prints it.

import type { Backend } from '../simulator/abi.ts';
import { Foresight, needsForesight } from '../simulator/foresight.ts';
import { codeAt } from '../simulator/scenario/cursor.ts';
import {
  declareAll,
  driveSync,
  hasErrors,
  initialState,
  performStep,
  type RunState,
  type StepEnd,
  type StepReport,
} from '../simulator/scenario/index.ts';
import { lineOf } from '../simulator/scenario/scenario.ts';
import type { Limits } from './arguments.ts';
import { readHostElf } from './host-elf.ts';
import { located, type SourceFile, writeDiagnostics } from './source-file.ts';
import { Troubles } from './troubles.ts';

/** What is told of a run while it goes on. */
export interface Listener {
  /** After each step and assert; `state` is the one after it. */
  step(report: StepReport, state: RunState): void;
}

export interface RunEnd {
  readonly state: RunState;
  /** All that was gone through, as the editor counts it: steps, asserts, and steps that could not be made. */
  readonly steps: number;
  readonly asserts: number;
  /** Steps that could not be made. */
  readonly skipped: number;
  readonly failures: number;
  /** Mistakes, without what came of them. */
  readonly errors: number;
}

/** Writes what is wrong with a file; false when it cannot be run. */
export function isRunnable(source: SourceFile): boolean {
  writeDiagnostics(source.name, source.scenario.diagnostics);
  return !hasErrors(source.scenario.diagnostics);
}

/**
 * Runs `source` on a fresh `backend`; failures and errors go to standard error as they occur, repeated ones as a count
 * at the end.
 * @returns null when a declaration cannot be made
 */
export function execute(source: SourceFile, backend: Backend, limits: Limits, listener: Listener): RunEnd | null {
  const { scenario, name } = source;
  const problems = declareAll(scenario, backend, readHostElf);
  writeDiagnostics(name, problems);
  if (problems.length > 0) return null;
  if (needsForesight(scenario)) new Foresight(scenario, backend, readHostElf).advance(Number.POSITIVE_INFINITY);
  const until = limits.until ?? Number.POSITIVE_INFINITY;
  let state = initialState(scenario);
  let [steps, asserts, skipped, failures, errors] = [0, 0, 0, 0, 0];
  const troubles = new Troubles();
  while (state.cursor !== null) {
    const code = codeAt(scenario.code, state.cursor);
    if (lineOf(code) > until) break;
    if (steps >= limits.maxSteps) {
      const start = { line: lineOf(code) - 1, character: 0 };
      const message = `stopped after ${limits.maxSteps} steps; --max-steps allows more`;
      process.stderr.write(located(name, { start, end: start }, 'error', message));
      errors += 1;
      break;
    }
    const end = perform(source, state, backend);
    state = end.state;
    const { report } = end;
    steps += 1;
    if (report.kind === 'assert') asserts += 1;
    else if (report.request === null) skipped += 1;
    listener.step(report, state);
    const problem = report.failure ?? report.error;
    if (problem === undefined) continue;
    if (troubles.isTold(report)) process.stderr.write(located(name, problem.range, 'error', problem.message));
    if (report.failure !== undefined) failures += 1;
    else if (report.followUp === undefined) errors += 1;
  }
  const untold = troubles.untold().map(({ range, message }) => located(name, range, 'error', message));
  if (untold.length > 0) process.stderr.write(untold.join(''));
  return { state, steps, asserts, skipped, failures, errors };
}

/** One step. A broken invariant of the simulator is told with the line that broke it. */
function perform(source: SourceFile, state: RunState, backend: Backend): StepEnd {
  try {
    return driveSync(performStep(source.scenario, state), backend);
  } catch (error) {
    if (state.cursor === null) throw error;
    const line = lineOf(codeAt(source.scenario.code, state.cursor));
    throw new Error(`${source.name}:${line}: the simulator broke one of its own rules`, { cause: error });
  }
}

/** Exit status of a run: 0 or 1. */
export function statusOf(end: RunEnd): number {
  return end.failures + end.errors > 0 ? 1 : 0;
}
