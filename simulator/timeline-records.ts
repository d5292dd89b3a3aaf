// What a run tells of itself: its steps, its lines, its sums; and what whoever runs it may ask for.

import type { Backend, StepOutcome } from './abi.ts';
import type { KernelEvent } from './events.ts';
import type { StepReport } from './scenario/interpreter.ts';
import type { ReadHostElf } from './scenario/opening.ts';
import type { StoryLine } from './view/types.ts';

/** A backend that a timeline can take back. */
export interface TimeMachine<S = unknown> extends Backend {
  /** The whole state; O(1), immutable. */
  snapshot(): S;
  restore(snapshot: S): void;
  /** Whether the next executes record events. */
  listen(on: boolean): void;
  /** Events of the last execute. */
  readonly events: readonly KernelEvent[];
  /** Bytes of the host's memory that the machine took since its beginning, copies included: about, and never fewer. */
  readonly made?: number;
  /** Bytes of the host's memory that its state takes, about. */
  readonly held?: number;
  /** Between the parts of an execute: it records no more events, for there are too many. */
  readonly hasHeardEnough?: boolean;
}

/** A step that was executed. */
export interface StepRecord extends StepReport {
  /** Number of the step, from 0: `position` was this when it was executed. */
  readonly index: number;
  /** What happened, in sentences. */
  story(): readonly StoryLine[];
  /** What happened, as data; recorded again if nobody listened. */
  events(): readonly KernelEvent[];
}

/** What a line of the scenario came to so far. */
export interface LineSummary {
  readonly executions: number;
  readonly failures: number;
  readonly errors: number;
  readonly last: StepRecord;
  /** The first execution whose expectation or condition was not met; null when each was. */
  readonly firstFailure: Execution | null;
  /** The first execution that could not be made, by itself and not because of another line; null when each was made. */
  readonly firstError: Execution | null;
}

/** One execution of a line, counted from 1. */
export interface Execution {
  readonly record: StepRecord;
  readonly execution: number;
}

export interface Totals {
  /** Steps that were made, asserts not counted. */
  readonly steps: number;
  readonly asserts: number;
  readonly failures: number;
  readonly errors: number;
}

/** How long a part of a long run may take. */
export interface RunOptions {
  readonly budgetSteps: number;
  /** Stops before the next step when it says so. */
  readonly signal?: { readonly aborted: boolean };
  /** Asked between the parts of a long step: true leaves it begun, to go on with it the next time. */
  readonly pause?: () => boolean;
}

/** Tells a step's events as sentences. `names` are those of the processes. */
export type Explain = (
  record: StepReport,
  events: readonly KernelEvent[],
  names: ReadonlyMap<number, string>,
) => readonly StoryLine[];

/** Work that has to be done before the first step can be made. */
export interface Preparation {
  /** How much of it is done, in steps' worth of work. */
  readonly performed: number;
  /** Does `steps` steps' worth of it at most. True when it is all done. */
  advance(steps: number, signal?: { readonly aborted: boolean }): boolean;
}

export interface TimelineOptions {
  readonly readHostElf?: ReadHostElf;
  readonly explain?: Explain;
  readonly preparation?: Preparation;
}

/** Faults that the record of the last step holds, and those of others; its counters tell of all. */
export const LAST_FAULTS = 256;
export const KEPT_FAULTS = 16;
export const NO_TOTALS: Totals = { steps: 0, asserts: 0, failures: 0, errors: 0 };

/** An error that comes of no other. */
function isMistake({ error, followUp }: StepReport): boolean {
  return error !== undefined && followUp === undefined;
}

/** A record is kept with the first of its faults. */
export function shorten<R extends { readonly outcome: StepOutcome }>(record: R, faults: number): R {
  const { outcome } = record;
  if (outcome.faults.length <= faults) return record;
  return { ...record, outcome: { ...outcome, faults: outcome.faults.slice(0, faults) } };
}

/** What a line came to with one execution more. */
export function summarize(before: LineSummary | undefined, record: StepRecord): LineSummary {
  const execution = (before?.executions ?? 0) + 1;
  const here: Execution = { record, execution };
  return {
    executions: execution,
    failures: (before?.failures ?? 0) + (record.failure === undefined ? 0 : 1),
    errors: (before?.errors ?? 0) + (isMistake(record) ? 1 : 0),
    last: record,
    firstFailure: before?.firstFailure ?? (record.failure === undefined ? null : here),
    firstError: before?.firstError ?? (isMistake(record) ? here : null),
  };
}

export function addUp(totals: Totals, record: StepRecord): Totals {
  return {
    steps: totals.steps + (record.kind === 'step' && record.request !== null ? 1 : 0),
    asserts: totals.asserts + (record.kind === 'assert' ? 1 : 0),
    failures: totals.failures + (record.failure === undefined ? 0 : 1),
    errors: totals.errors + (isMistake(record) ? 1 : 0),
  };
}
