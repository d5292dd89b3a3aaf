// A run that goes forwards and backwards. Going back restores a snapshot and replays the little that lies between;
// the simulator is deterministic, so a place of the run is always the same, however it was reached.

import type { KernelEvent } from './events.ts';
import { storyteller } from './explain.ts';
import { Foresight, needsForesight } from './foresight.ts';
import type { Parts, Progress } from './parts.ts';
import { driveParts } from './scenario/asking.ts';
import { codeAt } from './scenario/cursor.ts';
import { type Evaluated, evaluateText } from './scenario/evaluate-text.ts';
import { initialState, performStep, type RunState, type StepEnd, type StepReport } from './scenario/interpreter.ts';
import { declareAll } from './scenario/opening.ts';
import { PersistentArray } from './scenario/persistent-array.ts';
import { RecordWindow } from './scenario/record-window.ts';
import { lineOf, type Scenario } from './scenario/scenario.ts';
import { SnapshotStore } from './scenario/snapshot-store.ts';
import type { Diagnostic } from './scenario/source.ts';
import { Simulator, type Snapshot } from './simulator.ts';
import {
  addUp,
  type Explain,
  KEPT_FAULTS,
  LAST_FAULTS,
  type LineSummary,
  NO_TOTALS,
  type Preparation,
  type RunOptions,
  type StepRecord,
  shorten,
  summarize,
  type TimelineOptions,
  type TimeMachine,
  type Totals,
} from './timeline-records.ts';

export type * from './timeline-records.ts';

/** A step that was begun; the machine is in its midst. */
interface BegunStep {
  readonly parts: Parts<StepEnd>;
  readonly progress: Progress;
  readonly isHeard: boolean;
}

/** Everything that belongs to a place of the run. */
interface Place<S> {
  readonly state: RunState;
  readonly snapshot: S;
  readonly lines: PersistentArray<LineSummary>;
  readonly totals: Totals;
  readonly last: StepRecord | null;
}

/** Steps between snapshots of a long run, at most, and their time in ms. */
const STRIDE = 64;
const STRIDE_MS = 2;
/** Bytes of a snapshot that shares all else with another, about. */
const PLACE_BYTES = 4096;
const WITHOUT_END: RunOptions = { budgetSteps: Number.POSITIVE_INFINITY };

export class TimelineOver<S, M extends TimeMachine<S>> {
  readonly scenario: Scenario;
  /** The machine as it is at `position`. */
  readonly simulator: M;
  /** Of the scenario, and of the declarations that could not be made. */
  readonly diagnostics: readonly Diagnostic[];
  readonly #explain: Explain;
  readonly #preparation: Preparation | null;
  #isReady: boolean;
  #advanced = 0;
  readonly #places = new SnapshotStore<Place<S>>();
  readonly #window = new RecordWindow<StepRecord>();
  #position = 0;
  #state: RunState;
  #lines = PersistentArray.empty<LineSummary>();
  #totals = NO_TOTALS;
  #last: StepRecord | null = null;
  #begun: BegunStep | null = null;
  /** Events of the step before `#eventsOf`; those of other places are recorded again when somebody asks. */
  #events: readonly KernelEvent[] = [];
  #eventsOf = 0;
  /** What the machine had made at the snapshot that was kept or restored last. */
  #madeBefore: number;

  /** Declares the scenario's machine and files to a fresh `simulator`. */
  constructor(scenario: Scenario, simulator: M, options: TimelineOptions = {}) {
    this.scenario = scenario;
    this.simulator = simulator;
    this.#explain = options.explain ?? (() => []);
    this.#preparation = options.preparation ?? null;
    this.#isReady = this.#preparation === null;
    this.diagnostics = [...scenario.diagnostics, ...declareAll(scenario, simulator, options.readHostElf)];
    this.#madeBefore = simulator.made ?? 0;
    this.#state = initialState(scenario);
    this.#keep();
  }

  /** How many steps have been executed, asserts included. */
  get position(): number {
    return this.#position;
  }

  /** False: the first step waits for {@link prepare}, or does its work itself. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Bytes of the host's memory that the run takes, about. */
  get bytes(): number {
    return this.#places.weight + (this.simulator.held ?? 0);
  }

  /** Steps of work done since the beginning, those made again and those of the preparation included. */
  get effort(): number {
    return this.#advanced + (this.#preparation?.performed ?? 0);
  }

  /** Records of the executed steps, oldest first; of a very long run, those of the last thousands. */
  get records(): readonly StepRecord[] {
    return this.#window.before(this.#position);
  }

  /** The step executed last, or null at the start. */
  get lastRecord(): StepRecord | null {
    return this.#last;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** What is executed next; `line` from 1. Null at the end. */
  get next(): { readonly line: number; readonly text: string } | null {
    if (this.#state.cursor === null) return null;
    const line = lineOf(codeAt(this.scenario.code, this.#state.cursor));
    return { line, text: (this.scenario.lines[line - 1] ?? '').trim() };
  }

  /** Names of the processes, by pid. */
  get names(): ReadonlyMap<number, string> {
    return this.#state.environment.processNames();
  }

  /** What names hold at this place; a process stands as its pid. */
  get bindings(): ReadonlyMap<string, bigint> {
    const bindings = new Map<string, bigint>();
    for (const [name] of this.#state.environment.entries()) {
      const value = this.#state.environment.value(name);
      if (value !== null) bindings.set(name, value);
    }
    return bindings;
  }

  /** The process that a name holds, or null. */
  processNamed(name: string): number | null {
    return this.#state.environment.process(name);
  }

  /** What a line, from 1, came to up to this place; undefined when it was not executed. */
  lineSummary(line: number): LineSummary | undefined {
    return this.#lines.get(line);
  }

  /** Every line that was executed, with what it came to. */
  lineSummaries(): IterableIterator<[number, LineSummary]> {
    return this.#lines.entries();
  }

  /** Events of the step that led here; recorded again if the run did not listen. */
  get events(): readonly KernelEvent[] {
    if (this.#position === 0) return [];
    if (this.#eventsOf !== this.#position) {
      this.#events = this.#recordEvents(this.#position - 1);
      this.#eventsOf = this.#position;
    }
    return this.#events;
  }

  /** The state before the step that led here, to compare with; null at the start. */
  get before(): S | null {
    if (this.#position === 0) return null;
    const place = this.#places.atOrBefore(this.#position - 1);
    if (place.position === this.#position - 1) return place.snapshot.snapshot;
    return this.#visit(this.#position - 1, () => this.simulator.snapshot());
  }

  /** Does what has to be done before the first step, as far as the budget goes. */
  prepare({ budgetSteps, signal }: RunOptions): 'done' | 'paused' {
    if (!this.#isReady) this.#isReady = this.#preparation?.advance(budgetSteps, signal) ?? true;
    return this.#isReady ? 'done' : 'paused';
  }

  /** How far the step is that was begun and not finished; null when there is none. */
  get progress(): Progress | null {
    return this.#begun?.progress ?? null;
  }

  /** Executes the next step; null at the end. */
  step(): StepRecord | null {
    const record = this.stepInParts(() => false);
    return record === 'paused' ? null : record;
  }

  /**
   * Executes the next step, or goes on with the one that was begun, until `pause`, asked between its parts, says true. A
   * step that was begun can be finished by calling again, or given up by {@link abandon}.
   */
  stepInParts(pause: () => boolean): StepRecord | 'paused' | null {
    if (this.#state.cursor === null) return null;
    this.prepare(WITHOUT_END);
    if (this.#begun?.isHeard === false) this.abandon();
    this.simulator.listen(true);
    const record = this.#advance(pause, true);
    if (record !== null) {
      this.#events = record.kind === 'assert' ? [] : this.simulator.events;
      this.#eventsOf = this.#position;
    }
    this.simulator.listen(false);
    if (record === null) return 'paused';
    this.#keep();
    return record;
  }

  /** Gives up the step that was begun: the run stands before it again. */
  abandon(): void {
    if (this.#begun === null) return;
    this.#begun = null;
    this.#goBeforeBegun();
  }

  /**
   * What `look` sees of the machine as the last finished step left it, also while a step is begun, which goes on
   * afterwards from where it was. `look` must not move the timeline.
   */
  settled<T>(look: () => T): T {
    if (this.#begun === null) return look();
    const begun = this.#begun;
    const half = this.#place();
    const here = this.#position;
    this.#begun = null;
    this.#goBeforeBegun();
    try {
      return look();
    } finally {
      this.#go(here, half);
      this.#begun = begun;
    }
  }

  /** Undoes the last step; false at the start. */
  back(): boolean {
    if (this.#position === 0) return false;
    this.seek(this.#position - 1);
    return true;
  }

  /** Goes back to where nothing has been executed. */
  start(): void {
    this.seek(0);
  }

  /** Goes to the place where `position` steps have been executed, or to the end if there are fewer. */
  seek(position: number): void {
    if (position > 0) this.prepare(WITHOUT_END);
    this.abandon();
    const place = this.#places.atOrBefore(position);
    if (position < this.#position || place.position > this.#position) this.#go(place.position, place.snapshot);
    while (this.#position < position && this.#state.cursor !== null) {
      this.#advance();
      this.#keep();
    }
  }

  /** Runs to the end, as far as the budget goes; `paused` asks to be called again. */
  runToEnd(options: RunOptions): 'done' | 'paused' {
    return this.#run(options, () => false);
  }

  /**
   * Runs until a step of `line` (from 1) is next, at least one step; where the line holds none, the first line with a
   * step after it counts. Ends at the end of the scenario.
   */
  runToLine(line: number, options: RunOptions): 'done' | 'paused' {
    const target = this.scenario.code
      .flatMap((code) => (code.kind === 'step' || code.kind === 'assert' ? [lineOf(code)] : []))
      .find((candidate) => candidate >= line);
    return this.#run(options, (next) => next === target);
  }

  /** Evaluates an expression with what names hold here. */
  evaluate(text: string): Evaluated {
    return evaluateText(text, this.#state.environment, this.simulator);
  }

  #run(options: RunOptions, stop: (line: number) => boolean): 'done' | 'paused' {
    if (!this.#isReady && this.prepare(options) === 'paused') return 'paused';
    let sinceKept = 0;
    let keptAt = Date.now();
    for (let done = 0; this.#state.cursor !== null; done++) {
      if (done > 0 && stop(lineOf(codeAt(this.scenario.code, this.#state.cursor)))) break;
      if (done >= options.budgetSteps || options.signal?.aborted === true) {
        this.#keep();
        return 'paused';
      }
      if (this.#advance(options.pause) === null) return 'paused';
      sinceKept += 1;
      if (sinceKept >= STRIDE || Date.now() - keptAt >= STRIDE_MS) {
        this.#keep();
        sinceKept = 0;
        keptAt = Date.now();
      }
    }
    this.#keep();
    return 'done';
  }

  /** Makes the next step; null when it was only begun. */
  #advance(pause?: () => boolean, isHeard = false): StepRecord | null {
    const parts = this.#begun?.parts ?? driveParts(performStep(this.scenario, this.#state), this.simulator);
    this.#begun = null;
    let next = parts.next();
    while (next.done !== true) {
      if (pause?.() === true) {
        this.#begun = { parts, progress: next.value, isHeard };
        return null;
      }
      next = parts.next();
    }
    return this.#arrive(next.value);
  }

  #arrive({ state, report }: StepEnd): StepRecord {
    const index = this.#position;
    this.#advanced += 1;
    const kept: StepReport = shorten(report, LAST_FAULTS);
    const events = () => this.#recordedEvents(index);
    const story = () => this.#explain(kept, events(), this.names);
    const record: StepRecord = { ...kept, index, story, events };
    const short = shorten(record, KEPT_FAULTS);
    this.#last = record;
    this.#state = state;
    this.#position += 1;
    this.#window.set(index, short);
    this.#lines = this.#lines.set(record.line, summarize(this.#lines.get(record.line), short));
    this.#totals = addUp(this.#totals, record);
    return record;
  }

  #keep(): void {
    // In the midst of a step is no place to come back to.
    if (this.#begun !== null) return;
    const { made = 0, held = 0 } = this.simulator;
    const weight = { made: made - this.#madeBefore + PLACE_BYTES, whole: held + PLACE_BYTES };
    this.#places.put(this.#position, this.#place(), weight);
    this.#madeBefore = made;
  }

  #place(): Place<S> {
    const snapshot = this.simulator.snapshot();
    return { state: this.#state, snapshot, lines: this.#lines, totals: this.#totals, last: this.#last };
  }

  #go(position: number, place: Place<S>): void {
    this.simulator.restore(place.snapshot);
    this.#madeBefore = this.simulator.made ?? 0;
    this.#position = position;
    this.#state = place.state;
    this.#lines = place.lines;
    this.#totals = place.totals;
    this.#last = place.last;
  }

  /** Goes to `position`, does something there, and comes back. */
  #visit<T>(position: number, act: () => T): T {
    const here = this.#position;
    const begun = this.#begun;
    this.#begun = null;
    const place = this.#place();
    this.seek(position);
    const result = act();
    this.#go(here, place);
    this.#begun = begun;
    return result;
  }

  #goBeforeBegun(): void {
    const here = this.#position;
    const place = this.#places.atOrBefore(here);
    this.#go(place.position, place.snapshot);
    while (this.#position < here) this.#advance();
  }

  #recordedEvents(index: number): readonly KernelEvent[] {
    return this.#eventsOf === index + 1 ? this.#events : this.#recordEvents(index);
  }

  #recordEvents(index: number): readonly KernelEvent[] {
    return this.#visit(index, () => {
      this.simulator.listen(true);
      const parts = driveParts(performStep(this.scenario, this.#state), this.simulator);
      let next = parts.next();
      while (next.done !== true && this.simulator.hasHeardEnough !== true) next = parts.next();
      const events = next.done === true && next.value.report.kind === 'assert' ? [] : this.simulator.events;
      this.simulator.listen(false);
      return events;
    });
  }
}

/** The timeline of a scenario on the simulated kernel. */
export class Timeline extends TimelineOver<Snapshot, Simulator> {
  /** A timeline at its start. Works for scenarios with mistakes too: their good lines are executed. */
  static open(scenario: Scenario, options: TimelineOptions = {}): Timeline {
    const simulator = new Simulator();
    const explain = storyteller(simulator);
    if (!needsForesight(scenario)) return new Timeline(scenario, simulator, { explain, ...options });
    const preparation = new Foresight(scenario, simulator, options.readHostElf);
    return new Timeline(scenario, simulator, { explain, preparation, ...options });
  }
}
