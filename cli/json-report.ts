// The JSON of `vas run --json` and the lines of --trace.

import type { Backend, CallResult, StepOutcome } from '../simulator/abi.ts';
import { type Remark, type RunState, type StepReport, toHex } from '../simulator/scenario/index.ts';
import type { Listener, RunEnd } from './execution.ts';
import { OomDeaths, oomJson } from './oom-report.ts';
import type { Output } from './output.ts';
import { processReports, unnamedProcesses } from './processes.ts';

type Json = Readonly<Record<string, unknown>>;

function resultJson(result: CallResult, isSingleByte: boolean): Json {
  switch (result.kind) {
    case 'value':
      return { value: hex(result.value) };
    case 'errno':
      return { errno: result.errno };
    case 'signal':
      return { signal: result.signal, code: result.code, addr: hex(result.addr) };
    case 'bytes':
      return isSingleByte ? { value: hex(BigInt(result.bytes[0] ?? 0)) } : { bytes: toHex(result.bytes) };
    case 'skipped':
      throw new Error('resultJson: a skipped step has no result');
  }
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

function faultsJson(faults: StepOutcome['faults']): Json[] {
  return faults.map(({ addr, access, kind, major }) => ({ addr: hex(addr), access, kind, major }));
}

/** One element of `steps`. */
export function stepJson(report: StepReport, state: RunState): Json {
  const { line, process, call, outcome, request, expected } = report;
  const isSingleByte = request?.op === 'load' && request.length === undefined;
  const json = {
    line,
    process,
    call,
    result: resultJson(outcome.result, isSingleByte),
    faults: faultsJson(outcome.faults),
    minflt: outcome.minflt,
    majflt: outcome.majflt,
    ...(outcome.oom === undefined
      ? {}
      : { oom: outcome.oom.map((kill) => oomJson(kill, state.environment.processNames())) }),
  };
  const substeps = outcome.substeps?.map((made) => ({ ...made, result: resultJson(made.result, false) }));
  return { ...json, ...(substeps && { substeps }), ...(expected !== undefined && { expected }) };
}

/** So many processes that no name holds stand in a line of --trace, which each step has; the others are counted. */
const TRACED_UNNAMED = 100;

/** The state of every process as `"name": {…}`, one at a time: the pages of a large one are many. */
function* processesJson(state: RunState, backend: Backend, deaths: OomDeaths, most?: number): IterableIterator<string> {
  for (const [label, report] of processReports(state, backend, most)) {
    const how = deaths.lineOf(report.pid) === undefined ? {} : { killed: 'oom' };
    yield `${JSON.stringify(label)}: ${JSON.stringify({ ...report, ...how })}`;
  }
}

/**
 * An element of `errors`; `times` is there where the same was said more than once, `follows` where it comes of the error on
 * that line.
 */
interface ErrorJson {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly follows?: number;
  times?: number;
}

/** So many asserts that do not hold say why. */
const TOLD_FAILURES = 1000;

/** The errors of a run. A line in a loop says the same for each round: that is one error, with its number. */
class Errors {
  readonly #known = new Map<string, ErrorJson>();

  add({ message, range: { start } }: Remark, follows: number | undefined): void {
    const [line, column] = [start.line + 1, start.character + 1];
    const key = `${line}:${column}:${message}`;
    const known = this.#known.get(key);
    const first = { line, column, message };
    if (known === undefined) this.#known.set(key, follows === undefined ? first : { ...first, follows });
    else known.times = (known.times ?? 1) + 1;
  }

  all(): Iterable<ErrorJson> {
    return this.#known.values();
  }
}

/** Prints the document piece by piece while the run goes on. */
export class JsonReport implements Listener {
  readonly #output: Output;
  readonly #backend: Backend;
  #separator = '{"schema": 1,\n"steps": [';
  /** Line and outcome of each assert, packed: 2 · line + holds. */
  readonly #asserts: number[] = [];
  /** Why the first of those that do not hold do not, by their index. */
  readonly #failures = new Map<number, string>();
  readonly #errors = new Errors();
  readonly #deaths = new OomDeaths();

  constructor(output: Output, backend: Backend) {
    this.#output = output;
    this.#backend = backend;
  }

  step(report: StepReport, state: RunState): void {
    this.#deaths.see(report);
    if (report.error !== undefined) this.#errors.add(report.error, report.followUp?.line);
    if (report.kind === 'assert') this.#assert(report);
    else if (report.outcome.result.kind !== 'skipped') {
      this.#output.write(`${this.#separator}\n${JSON.stringify(stepJson(report, state))}`);
      this.#separator = ',';
    }
  }

  #assert({ line, expected, failure }: StepReport): void {
    if (failure !== undefined && this.#failures.size < TOLD_FAILURES) {
      this.#failures.set(this.#asserts.length, failure.message);
    }
    this.#asserts.push(2 * line + (expected === true ? 1 : 0));
  }

  finish(end: RunEnd): void {
    // Nothing was printed yet when no step was made.
    if (this.#separator !== ',') this.#output.write(this.#separator);
    this.#output.write('\n],\n"asserts": ');
    this.#list(this.#asserts, (packed, index) => {
      const message = this.#failures.get(index);
      const outcome = { line: Math.floor(packed / 2), holds: packed % 2 === 1 };
      return message === undefined ? outcome : { ...outcome, message };
    });
    this.#output.write(',\n"errors": ');
    this.#list(this.#errors.all(), (error) => error);
    this.#output.write(',\n"processes": {');
    let separator = '';
    for (const json of processesJson(end.state, this.#backend, this.#deaths)) {
      this.#output.write(`${separator}\n${json}`);
      separator = ',';
    }
    this.#output.write(`\n},\n"machine": ${JSON.stringify(this.#backend.reportMachine())}}\n`);
  }

  /** An array, element by element: as one text it could be longer than a string can be. */
  #list<T>(items: Iterable<T>, json: (item: T, index: number) => Json | ErrorJson): void {
    let separator = '[';
    let index = 0;
    for (const item of items) {
      this.#output.write(`${separator}${JSON.stringify(json(item, index++))}`);
      separator = ',';
    }
    this.#output.write(separator === '[' ? '[]' : ']');
  }
}

/** Writes a line of JSON after each step: the step, and every process as it is then. */
export class Trace implements Listener {
  readonly #output: Output;
  readonly #backend: Backend;
  readonly #deaths = new OomDeaths();

  constructor(output: Output, backend: Backend) {
    this.#output = output;
    this.#backend = backend;
  }

  step(report: StepReport, state: RunState): void {
    this.#deaths.see(report);
    if (report.outcome.result.kind === 'skipped' || report.kind === 'assert') return;
    const [backend, out] = [this.#backend, this.#output];
    out.write(`${JSON.stringify(stepJson(report, state)).slice(0, -1)},"processes":{`);
    let separator = '';
    for (const json of processesJson(state, backend, this.#deaths, TRACED_UNNAMED)) {
      out.write(`${separator}${json}`);
      separator = ',';
    }
    const more = unnamedProcesses(state, backend).length - TRACED_UNNAMED;
    const unlisted = more > 0 ? `,"unlistedProcesses":${more}` : '';
    out.write(`}${unlisted},"machine":${JSON.stringify(backend.reportMachine())}}\n`);
  }
}
