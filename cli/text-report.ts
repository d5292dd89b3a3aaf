// `vas run` for people: a line a step as strace would write it, and a summary.

import type { Backend, FaultKind, FaultRecord } from '../simulator/abi.ts';
import { oomText } from '../simulator/explain/oom-words.ts';
import { errnoText } from '../simulator/scenario/constants.ts';
import {
  describeManyBytes,
  describeResult,
  outcomeOf,
  type RunState,
  type Scenario,
  type StepReport,
  type Told,
} from '../simulator/scenario/index.ts';
import type { Listener, RunEnd } from './execution.ts';
import { OomDeaths } from './oom-report.ts';
import type { Output, Paint } from './output.ts';
import { namedProcesses, unnamedProcesses } from './processes.ts';

/** Column at which results stand, when the call leaves room. */
const RESULT_COLUMN = 60;
/** More faults than this are counted instead of listed. */
const LISTED_FAULTS = 4;
/** More bytes than this are counted instead of written out. */
const QUOTED_BYTES = 32;
/** More processes that no name holds than this are counted instead of listed. */
const LISTED_UNNAMED = 20;

export class TextReport implements Listener {
  readonly #scenario: Scenario;
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #lineWidth: number;
  readonly #deaths = new OomDeaths();

  constructor(scenario: Scenario, output: Output, paint: Paint) {
    this.#scenario = scenario;
    this.#output = output;
    this.#paint = paint;
    this.#lineWidth = String(scenario.lines.length).length;
  }

  step(report: StepReport, state: RunState): void {
    this.#deaths.see(report);
    const { start, end } = report.callRange;
    const source = (this.#scenario.lines[start.line] ?? '').slice(start.character, end.character);
    const number = this.#paint('dim', String(report.line).padStart(this.#lineWidth));
    const isSilent = report.kind === 'assert' || report.outcome.result.kind === 'skipped';
    const result = isSilent || report.failure !== undefined ? '' : ` = ${describeStep(report)}`;
    const text = `${number}  ${source.padEnd(result === '' ? 0 : RESULT_COLUMN)}${result}`;
    const indent = `\n${' '.repeat(this.#lineWidth)}  `;
    const nameOf = (pid: number) => state.environment.processNames().get(pid);
    const kills = (report.outcome.oom ?? []).map((kill) => `${indent}${this.#paint('red', oomText(kill, nameOf))}`);
    this.#output.write(`${text}${this.#substeps(report)}${kills.join('')}${this.#mark(report, indent)}\n`);
  }

  /** What is wrong: in a sentence with the rest of the outcome, or that it comes of what was told. */
  #mark(report: StepReport, indent: string): string {
    const { failure, error, followUp } = report;
    if (followUp !== undefined) return this.#paint('dim', `  not run: ${followUp.words}`);
    if (failure === undefined && error === undefined) return '';
    const sentence = this.#paint('red', `${indent}✗ ${(failure ?? error)?.message}`);
    const rest = failure === undefined || report.kind === 'assert' ? '' : describeStep(report, failure.tells);
    return rest === '' ? sentence : `${sentence} · ${rest}`;
  }

  /** The loader's calls, each on a line of its own, further in than the step that they belong to. */
  #substeps({ outcome }: StepReport): string {
    const margin = ' '.repeat(this.#lineWidth + 4);
    const lines = (outcome.substeps ?? []).map(({ text, result }) => {
      const errno = result.kind === 'errno' ? ` (${errnoText(result.errno) ?? ''})` : '';
      return `\n${margin}${this.#paint('dim', `${text} = ${describeResult(result)}${errno}`)}`;
    });
    return lines.join('');
  }

  finish(end: RunEnd, backend: Backend): void {
    const counts = [
      count(end.steps, 'step'),
      ...(end.asserts > 0 ? [`${end.asserts} of them ${end.asserts === 1 ? 'an assert' : 'asserts'}`] : []),
      ...(end.skipped > 0 ? [`${end.skipped} not made`] : []),
    ];
    const bad = [
      ...(end.failures > 0 ? [`${count(end.failures, 'expectation')} failed`] : []),
      ...(end.errors > 0 ? [count(end.errors, 'error')] : []),
    ];
    const verdict = bad.length === 0 ? this.#paint('green', 'all as expected') : this.#paint('red', bad.join(', '));
    this.#output.write(`\n${counts.join(', ')}: ${verdict}\n`);
    for (const [name, pid] of namedProcesses(end.state)) {
      this.#output.write(`${name} (${pid}) ${this.#describe(backend, pid)}\n`);
    }
    const unnamed = unnamedProcesses(end.state, backend);
    for (const pid of unnamed.slice(0, LISTED_UNNAMED)) this.#output.write(`${pid} ${this.#describe(backend, pid)}\n`);
    const more = unnamed.length - LISTED_UNNAMED;
    if (more > 0) this.#output.write(`and ${more.toLocaleString('en-US')} more that no name holds, alive\n`);
    const { frames, free, swapSlots, swapUsed } = backend.reportMachine();
    this.#output.write(`${free} of ${frames} frames free, ${swapUsed} of ${swapSlots} swap slots used\n`);
  }

  /** `alive: 3 minor and 0 major faults, 20 kB resident` */
  #describe(backend: Backend, pid: number): string {
    const { state, minflt, majflt, status } = backend.reportProcess(pid);
    const resident = state === 'alive' ? `, ${status['VmRSS'] ?? 0} kB resident` : '';
    const line = this.#deaths.lineOf(pid);
    const how = line === undefined ? '' : ` killed by the OOM killer at line ${line},`;
    return `${state}:${how} ${minflt} minor and ${majflt} major faults${resident}`;
  }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/**
 * `0x7ffff7ff5000`, `-1 ENOMEM (Cannot allocate memory)`, `minor "hello" (anon 0x…)`; without what is told already. An
 * access without a fault is not told beside a failure.
 */
function describeStep(report: StepReport, told: readonly Told[] = []): string {
  const { outcome, request } = report;
  const { result, faults, unlistedFaults } = outcome;
  const parts: string[] = [];
  const isAccess = request?.op === 'load' || request?.op === 'store' || request?.op === 'fetch';
  const how = isAccess ? outcomeOf(outcome) : null;
  if (how !== null && !told.includes('faults') && (told.length === 0 || how !== 'hit')) parts.push(how);
  const isToldResult = told.includes('result') || (told.length > 0 && result.kind === 'signal');
  if ((how === null || request?.op === 'load') && !isToldResult) {
    parts.push(told.length > 0 ? `= ${resultText(report)}` : resultText(report));
    if (result.kind === 'errno') parts.push(`(${errnoText(result.errno) ?? ''})`);
  }
  if (faults.length > 0) parts.push(`[${describeFaults(faults, unlistedFaults)}]`);
  return parts.join(' ');
}

function resultText({ outcome: { result }, request }: StepReport): string {
  if (result.kind !== 'bytes') return describeResult(result);
  const { bytes } = result;
  const length = request?.op === 'load' && request.length !== undefined ? Number(request.length) : bytes.length;
  return length > QUOTED_BYTES ? describeManyBytes(bytes, length) : describeResult(result);
}

function describeFaults(faults: readonly FaultRecord[], unlisted?: ReadonlyMap<FaultKind, number>): string {
  if (faults.length <= LISTED_FAULTS) {
    return faults.map(({ kind, addr, major }) => `${major ? 'major ' : ''}${kind} 0x${addr.toString(16)}`).join(', ');
  }
  const kinds = new Map<FaultKind, number>();
  for (const { kind } of faults) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  for (const [kind, times] of unlisted ?? []) kinds.set(kind, (kinds.get(kind) ?? 0) + times);
  return Array.from(kinds, ([kind, times]) => `${times} × ${kind}`).join(', ');
}
