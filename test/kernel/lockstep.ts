/** Runs a scenario on the simulator and beside it on the real kernel, or its recording, and compares after each step. */
import type { Declaration, Request, StepOutcome } from '../../simulator/abi.ts';
import {
  declareAll,
  driveAsync,
  hasErrors,
  initialState,
  parseScenario,
  performStep,
  type Scenario,
  Simulator,
} from '../../simulator/index.ts';
import type { KernelMachine } from './driver.ts';
import { differences, FrameNames, type Observation, observeSimulated } from './observe.ts';
import { KernelWitness, showResult, type Testimony, type Witness } from './witness.ts';

/** The first step on which the two sides differ. */
export interface Difference {
  /** Line of the scenario, from 1. */
  readonly line: number;
  readonly text: string;
  /** Group of what differs: `result`, `faults`, `maps`, `flags`, `page`, `smaps`, `status`. */
  readonly group: string;
  readonly details: readonly string[];
}

export interface Comparison {
  readonly steps: number;
  readonly difference: Difference | null;
}

/** The declarations of a scenario; the machine gets the memory of the real one, which decides what is too much. */
export function declarationsOf(scenario: Scenario, memory: { ram: number; swap: number }): Declaration[] {
  const list: Declaration[] = [];
  const read = (from: Scenario, to: Declaration[]): void => {
    const declare = (declaration: Declaration): null => {
      to.push(declaration);
      return null;
    };
    declareAll(from, { declare });
  };
  read(scenario, list);
  if (!list.some((d) => d.kind === 'machine')) {
    const machine: Declaration[] = [];
    read(parseScenario('machine ram=1G\n'), machine);
    list.unshift(...machine);
  }
  return list.map((d) => (d.kind === 'machine' ? { ...d, config: { ...d.config, ...memory } } : d));
}

function stepDifferences(real: Testimony, simulated: StepOutcome): string[] {
  const found: string[] = [];
  const result = showResult(simulated.result);
  if (real.result !== result) found.push(`result: kernel ${real.result} | simulator ${result}`);
  if (real.minflt !== simulated.minflt) found.push(`minflt: kernel ${real.minflt} | simulator ${simulated.minflt}`);
  if (real.majflt !== simulated.majflt) found.push(`majflt: kernel ${real.majflt} | simulator ${simulated.majflt}`);
  return found;
}

const ORDER = ['result', 'minflt', 'majflt', 'maps', 'flags', 'page', 'smaps', 'status'];

function groupOf(details: readonly string[]): string {
  const kinds = details.map((detail) => new RegExp(`^(?:\\w+: )?(${ORDER.join('|')})\\b`).exec(detail)?.[1] ?? '');
  const first = ORDER.find((group) => kinds.includes(group)) ?? 'other';
  return first === 'minflt' || first === 'majflt' ? 'faults' : first;
}

/** What a request reads from memory: the range of a load, or of the buffer of a system call. */
function readRange(request: Request): { start: bigint; end: bigint } | null {
  if (request.op === 'load') return { start: request.addr, end: request.addr + (request.length ?? 1n) };
  if (request.op === 'fetch') return { start: request.addr, end: request.addr + 1n };
  if (request.op !== 'syscall' || !/^p?(read|write)/.test(request.name)) return null;
  const [, start, length] = request.args;
  if (typeof start !== 'bigint' || typeof length !== 'bigint') return null;
  return { start, end: start + length };
}

/**
 * Whether a request reads [vvar] or [vvar_vclock], whose bytes are the time of day and whose pages exist or not by the
 * clock of the (virtual) machine, or the bytes of [vdso], which are the running kernel's own code. Such a step is made
 * on neither side.
 */
export function readsClock(request: Request, seen: ReadonlyMap<number, Observation>): boolean {
  const range = readRange(request);
  if (range === null || !('pid' in request)) return false;
  for (const [key, value] of seen.get(request.pid) ?? []) {
    const name = key.startsWith('maps ') ? /\[(vvar|vdso)/.exec(value)?.[1] : undefined;
    if (name === undefined || (name === 'vdso' && request.op === 'fetch')) continue;
    const end = BigInt(`0x${value.slice(1, value.indexOf(' '))}`);
    if (range.start < end && range.end > BigInt(key.slice('maps '.length))) return true;
  }
  return false;
}

/** The outcome of a step that is made on neither side. */
export const LEFT_OUT: StepOutcome = {
  result: { kind: 'skipped', message: 'reads the clock pages' },
  faults: [],
  minflt: 0,
  majflt: 0,
};

export function simulatorFor(declarations: readonly Declaration[]): Simulator {
  const simulator = new Simulator();
  for (const declaration of declarations) {
    const problem = simulator.declare(declaration);
    if (problem !== null) throw new Error(`compare: ${problem}`);
  }
  return simulator;
}

export function parsed(source: string): Scenario {
  const scenario = parseScenario(source);
  if (hasErrors(scenario.diagnostics)) throw new Error(`compare: ${JSON.stringify(scenario.diagnostics[0])}`);
  return scenario;
}

/** Frames of both sides get their names in the same walk, so that equal sharing means equal names. */
function processDifferences(
  real: ReadonlyMap<number, Observation>,
  simulator: Simulator,
  names: ReadonlyMap<number, string>,
): string[] {
  const found: string[] = [];
  const frames = new FrameNames();
  for (const [pid, name] of names) {
    const simulated = observeSimulated(simulator.reportProcess(pid), frames);
    found.push(...differences(real.get(pid) ?? new Map(), simulated).map((line) => `${name}: ${line}`));
  }
  return found;
}

/** Compares with the real kernel until the first difference. The machine must be fresh or reset. */
export async function compare(source: string, machine: KernelMachine): Promise<Comparison> {
  return compareWith(source, new KernelWitness(machine));
}

/** Compares until the first difference. */
export async function compareWith(source: string, witness: Witness): Promise<Comparison> {
  const scenario = parsed(source);
  const declarations = declarationsOf(scenario, witness.memory);
  await witness.begin(scenario, declarations);
  const simulator = simulatorFor(declarations);
  let state = initialState(scenario);
  let steps = 0;
  let details: string[] = [];
  let stopped = false;
  let seen: ReadonlyMap<number, Observation> = new Map();
  const answerer = {
    execute: async (request: Request): Promise<StepOutcome> => {
      if (readsClock(request, seen)) return LEFT_OUT;
      const simulated = simulator.execute(request);
      const real = await witness.execute(request);
      if (real === null) stopped = true;
      else details = stepDifferences(real, simulated);
      return simulated;
    },
    query: async (query: Parameters<Simulator['query']>[0]) => simulator.query(query),
  };
  while (state.cursor !== null) {
    details = [];
    const end = await driveAsync(performStep(scenario, state), answerer);
    state = end.state;
    if (stopped) break;
    if (end.report.kind === 'assert') continue;
    steps++;
    if (details.length === 0) {
      const names = state.environment.processNames();
      seen = await witness.observe([...names.keys()]);
      details = processDifferences(seen, simulator, names);
    }
    if (details.length > 0) {
      const { line } = end.report;
      const text = (scenario.lines[line - 1] ?? '').trim();
      return { steps, difference: { line, text, group: groupOf(details), details } };
    }
  }
  return { steps, difference: null };
}
