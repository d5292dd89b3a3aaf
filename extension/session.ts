// One scenario document being run: its parse, its timeline and the place in it.
import { type Event, EventEmitter, type TextDocument, type TextDocumentChangeEvent } from 'vscode';
import { type Diagnostic, parseScenario, type Scenario, type StepRecord, Timeline } from '../simulator/index.ts';
import { LineMap } from './line-map.ts';
import { nextTurn, Pacer, sliceEnds } from './pacer.ts';
import { type Advance, editOf, isAt, missed, type Place, placeOf, shiftPlace, toPlace } from './place.ts';
import { totalSteps } from './total.ts';

/** What the host lends to the simulator: the reading of real ELF files, where there is a disk. */
export type TimelineOptions = NonNullable<Parameters<typeof Timeline.open>[1]>;

/**
 * `parsed`: the text was read again (diagnostics). `moved`: another position or another run. `busy`: a long run began
 * or ended.
 */
export type SessionChange = 'parsed' | 'moved' | 'busy';

/** A long run under way. */
export interface Busy {
  readonly title: string;
  readonly signal: { aborted: boolean };
  /** A single step that takes long. */
  readonly isOneStep: boolean;
}

/** A place, and the text in which it is one. */
export interface Left {
  readonly text: string;
  readonly place: Place;
}

/** How a run ended. `refused`: it could not begin, `obstacle` says why. */
export type Travel = 'done' | 'cancelled' | 'refused';

/** What a character of a scenario takes of the host's memory, and what a text takes at most; bytes, about. */
const CHARACTER_BYTES = 150;
const MAX_TEXT_BYTES = 700 * 2 ** 20;
const NO_SCENARIO = parseScenario('');

/** A step may take so long before the editor is told that it is busy. */
const ONE_STEP_MS = 60;

const DEBOUNCE_MS = 120;
/** Texts with more characters or lines cost enough to parse to wait for a pause in the typing. */
const LARGE_TEXT = 200_000;
const LARGE_LINES = 5_000;
const DEBOUNCE_LARGE_MS = 600;

export class Session {
  readonly document: TextDocument;
  private readonly options: TimelineOptions;
  private readonly emitter = new EventEmitter<SessionChange>();
  readonly onDidChange: Event<SessionChange> = this.emitter.event;

  /** The last parse. */
  scenario: Scenario;
  /** The run: of the last text that had no mistakes; null while there was none. */
  timeline: Timeline | null = null;
  /** Steps of the whole run; null when they are too many to count. */
  total: number | null = null;
  /** What is wrong with the text, and with the declarations that could not be made. */
  diagnostics: readonly Diagnostic[] = [];
  /** Why no step can be made, in a sentence; null when one can. */
  obstacle: string | null = null;
  /** Why the last edit could not keep the place; null when it did. */
  notice: string | null = null;
  busy: Busy | null = null;

  private place: Place = { position: 0, line: null, visits: 0, after: null };
  /** Where the user's last move led, and in which text: an edit and its undoing end there again. */
  private left: Left | null = null;
  /** Where the lines of the run's text are in the document. */
  private readonly lines = new LineMap();
  private timer: unknown;
  private pending = false;
  /** Edits of the document so far, and how many of them the parse has seen. */
  private edits = 0;
  private read = 0;
  private isResting = false;
  /** The run under way leads back to the place of before an edit. */
  private isReturning = false;
  private current: Promise<unknown> = Promise.resolve();
  private rerunning: Promise<void> = Promise.resolve();
  private disposed = false;

  constructor(document: TextDocument, options: TimelineOptions) {
    this.document = document;
    this.options = options;
    this.scenario = parseScenario(document.getText());
    this.open();
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    this.cancel();
    this.emitter.dispose();
  }

  /** Where the user's last move led; null before the first one. */
  get whereLeft(): Left | null {
    return this.left;
  }

  /** Goes to where the run of another document with the same text was left. */
  takeOver(left: Left): void {
    if (this.document.getText() !== left.text || this.position > 0) return;
    this.left = left;
    this.pending = true;
    void this.settle();
  }

  /** What the scenario and its run take of the host's memory, about. */
  get bytes(): number {
    const text = Math.min(CHARACTER_BYTES * this.scenario.text.length, MAX_TEXT_BYTES);
    return text + (this.timeline?.bytes ?? 0);
  }

  /** Gives the memory of the run back. {@link settle}, which all that moves awaits, runs to the same place again. */
  rest(): void {
    if (this.isResting || this.pending || this.busy !== null) return;
    this.isResting = true;
    this.scenario = NO_SCENARIO;
    this.timeline = null;
    this.obstacle = 'The other scenarios need the memory: this one runs to the same place again when it is chosen.';
    this.emitter.fire('moved');
  }

  /** Steps executed so far. */
  get position(): number {
    return this.timeline?.position ?? 0;
  }

  /** The line (1-based) of the run that a line (0-based) of the document holds; null when that line has been edited since. */
  runLine(index: number): number | null {
    if (this.timeline === null || index >= this.document.lineCount) return null;
    const line = this.lines.runLine(index);
    if (line === null) return null;
    return this.timeline.scenario.lines[line] === this.document.lineAt(index).text ? line + 1 : null;
  }

  /** The line (0-based) of the document where the run stands or, while an edit waits to be run, will stand; null at the end. */
  get nextLine(): number | null {
    const isCurrent = !this.isOutdated && this.timeline?.scenario === this.scenario;
    const line = isCurrent ? (this.timeline?.next?.line ?? null) : this.place.line;
    return line === null || line > this.document.lineCount ? null : line - 1;
  }

  /** The parse of the text as it is now; undefined while an edit has not been read yet. */
  get currentScenario(): Scenario | undefined {
    return this.isOutdated || this.isResting ? undefined : this.scenario;
  }

  private get isOutdated(): boolean {
    return this.edits !== this.read;
  }

  get canStep(): boolean {
    return this.obstacle === null && this.busy === null && (this.timeline?.next ?? null) !== null;
  }

  get canStepBack(): boolean {
    return this.obstacle === null && this.busy === null && this.position > 0;
  }

  /** The statement of a step as it is written. */
  textOf(record: StepRecord): string {
    const line = this.timeline?.scenario.lines[record.line - 1] ?? '';
    return line.slice(record.range.start.character, record.range.end.character);
  }

  /** Ends the long run under way, if there is one; the position it got to stays, a step half made is taken back. */
  cancel(): void {
    if (this.busy !== null) this.busy.signal.aborted = true;
  }

  /** Notes an edit of the document; the parse follows when the typing pauses. */
  edited(event: TextDocumentChangeEvent): void {
    // The edit ends a run of the user's where it is.
    if (this.busy !== null && !this.isReturning && !this.isOutdated && this.timeline !== null) {
      this.remember(this.timeline);
      this.leave(this.timeline);
    }
    for (const change of event.contentChanges) {
      const edit = editOf(change);
      this.place = shiftPlace(this.place, edit);
      this.lines.edit(edit);
    }
    this.cancel();
    this.edits++;
    this.pending = true;
    clearTimeout(this.timer);
    const large = event.document.lineCount > LARGE_LINES || this.scenario.text.length > LARGE_TEXT || isLarge(event);
    this.timer = setTimeout(() => void this.settle(), large ? DEBOUNCE_LARGE_MS : DEBOUNCE_MS);
  }

  /** Brings parse and run up to date with the text. Everything that moves awaits this first. */
  async settle(): Promise<void> {
    if (this.pending || this.isResting) {
      this.pending = false;
      this.isResting = false;
      clearTimeout(this.timer);
      this.rerunning = this.rerunning.then(() => this.rerun());
    }
    await this.rerunning;
  }

  /** Executes one step. Returns its record, or null at the end or when there is an obstacle. */
  async step(): Promise<StepRecord | null> {
    await this.settle();
    const { timeline } = this;
    if (timeline === null || !this.canStep || !(await this.ready(timeline))) return null;
    const record = this.guarded(() => timeline.stepInParts(sliceEnds(ONE_STEP_MS)));
    if (record === 'paused') return this.finishStep(timeline);
    this.arrived();
    this.leave(timeline);
    return record ?? null;
  }

  /** Goes on with a long step that was begun. */
  private async finishStep(timeline: Timeline): Promise<StepRecord | null> {
    const { position } = timeline;
    const advance: Advance = (t, { pause }) => (t.stepInParts(pause ?? sliceEnds()) === 'paused' ? 'paused' : 'done');
    await this.run(timeline, `Line ${timeline.next?.line ?? 0}: a long step`, advance, true);
    this.leave(timeline);
    return timeline.position > position ? timeline.lastRecord : null;
  }

  /** Takes the last step back. False at the start, or when there is an obstacle. */
  stepBack(): Promise<boolean> {
    return this.goBack(this.position - 1);
  }

  /** Goes back to where nothing has been executed. */
  backToStart(): Promise<boolean> {
    return this.goBack(0);
  }

  runToEnd(): Promise<Travel> {
    return this.travel('Running to the end', (t, limits) => t.runToEnd(limits));
  }

  /**
   * Runs until the line (1-based), or the first behind it that holds a step, comes next: on from here, or from the start
   * when the run has passed the line and no loop leads back to it.
   */
  async runToLine(line: number): Promise<Travel> {
    await this.settle();
    const target = stepLine(this.scenario, line);
    if (this.timeline?.next?.line === target) return 'done';
    const title = `Running to line ${target ?? line}`;
    const run: Advance = (t, limits) => t.runToLine(target ?? line, limits);
    const from = this.position;
    const travel = await this.travel(title, run);
    if (travel !== 'done' || target === null || this.timeline?.next?.line === target || from === 0) return travel;
    await this.backToStart();
    return this.timeline?.next?.line === target ? 'done' : this.travel(title, run);
  }

  /** Goes to the place after `position` steps, forward or back; to the end when there are fewer. */
  async goToStep(position: number): Promise<Travel> {
    await this.settle();
    if (position < this.position) return (await this.goBack(position)) ? 'done' : 'refused';
    return this.travel(`Going to step ${position}`, (timeline, limits) => {
      const budgetSteps = Math.min(limits.budgetSteps, position - timeline.position);
      const state = timeline.runToEnd({ ...limits, budgetSteps });
      return timeline.position >= position ? 'done' : state;
    });
  }

  /** Does what the first step waits for. False when that was cancelled, or when a run is under way already. */
  private async ready(timeline: Timeline): Promise<boolean> {
    if (timeline.isReady) return true;
    const prepare: Advance = (t, limits) => t.prepare(limits);
    const travel = await this.run(timeline, 'Foreseeing which pages will be used', prepare);
    return travel === 'done' && timeline === this.timeline && this.canStep;
  }

  private async goBack(position: number): Promise<boolean> {
    await this.settle();
    const { timeline } = this;
    if (timeline === null || !this.canStepBack) return false;
    this.guarded(() => timeline.seek(Math.max(0, position)));
    this.arrived();
    this.leave(timeline);
    return true;
  }

  private async travel(title: string, advance: Advance): Promise<Travel> {
    await this.settle();
    if (this.busy !== null || this.obstacle !== null || this.timeline === null) return 'refused';
    const { timeline } = this;
    const travel = await this.run(timeline, title, advance);
    this.leave(timeline);
    return travel;
  }

  private run(timeline: Timeline, title: string, advance: Advance, isOneStep = false): Promise<Travel> {
    const running = this.runSlices(timeline, { title, signal: { aborted: false }, isOneStep }, advance);
    this.current = running;
    return running;
  }

  private async runSlices(timeline: Timeline, busy: Busy, advance: Advance): Promise<Travel> {
    const { signal } = busy;
    const pacer = new Pacer();
    this.busy = busy;
    this.emitter.fire('busy');
    while (!signal.aborted) {
      const began = performance.now();
      const from = timeline.effort;
      const limits = { budgetSteps: pacer.budget, signal, pause: sliceEnds() };
      const state = this.guarded(() => advance(timeline, limits));
      if (state !== 'paused') break;
      pacer.measured(timeline.effort - from, performance.now() - began);
      await nextTurn();
    }
    this.guarded(() => timeline.abandon());
    this.busy = null;
    if (!this.disposed) {
      this.arrived();
      this.emitter.fire('busy');
    }
    return signal.aborted ? 'cancelled' : 'done';
  }

  private arrived(): void {
    const { timeline } = this;
    if (timeline === null || this.disposed) return;
    this.notice = null;
    // After an edit the place is the one that the edit shifted: the run is of the text before.
    if (!this.isOutdated && !this.isReturning) this.remember(timeline);
    this.emitter.fire('moved');
  }

  private remember(timeline: Timeline): void {
    this.place = placeOf(timeline);
  }

  /** The user has moved the run. */
  private leave(timeline: Timeline): void {
    this.left = { text: timeline.scenario.text, place: placeOf(timeline) };
  }

  /** A broken invariant of the simulator must end in a message, never in a dead extension host. */
  private guarded<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.obstacle = `The simulator stopped: ${error instanceof Error ? error.message : String(error)}`;
      console.error(error);
      return undefined;
    }
  }

  /** Begins a run of the scenario; null when its text or its declarations have mistakes. */
  private open(): Timeline | null {
    this.obstacle = null;
    this.diagnostics = this.scenario.diagnostics;
    if (this.hasMistake()) return null;
    const timeline = this.guarded(() => Timeline.open(this.scenario, this.options)) ?? null;
    if (timeline === null) return null;
    this.diagnostics = timeline.diagnostics;
    if (this.hasMistake()) return null;
    this.timeline = timeline;
    this.lines.reset();
    this.total = totalSteps(this.scenario);
    this.remember(timeline);
    return timeline;
  }

  private hasMistake(): boolean {
    const first = this.diagnostics.find((diagnostic) => diagnostic.severity === 'error');
    if (first === undefined) return false;
    this.obstacle = `Line ${first.range.start.line + 1}: ${first.message}`;
    return true;
  }

  private async rerun(): Promise<void> {
    this.cancel();
    await this.current;
    if (this.disposed) return;
    this.scenario = parseScenario(this.document.getText());
    this.read = this.edits;
    const place = this.left?.text === this.scenario.text ? this.left.place : this.place;
    const timeline = this.open();
    this.emitter.fire('parsed');
    if (timeline === null) return;
    this.place = place;
    this.isReturning = true;
    const stays = place.position === 0;
    const travel = stays ? 'done' : await this.run(timeline, 'Running to the same place', toPlace(place));
    this.isReturning = false;
    if (this.disposed || this.isOutdated) return;
    this.notice = travel === 'cancelled' ? 'Cancelled before the same place was reached.' : missed(place, timeline);
    // A place that was not reached stays what further edits are for: a number that is typed is another one at each digit.
    if (travel === 'cancelled' || timeline.position === 0 || isAt(place, timeline)) this.remember(timeline);
    else this.place = place;
    this.emitter.fire('moved');
  }
}

/** The line (1-based) of the first step at or behind `line`; null when there is none. */
function stepLine(scenario: Scenario, line: number): number | null {
  for (const code of scenario.code) {
    if ((code.kind === 'step' || code.kind === 'assert') && code.statement.span.line + 1 >= line) {
      return code.statement.span.line + 1;
    }
  }
  return null;
}

function isLarge(event: TextDocumentChangeEvent): boolean {
  return event.contentChanges.some((change) => change.text.length > LARGE_TEXT);
}
