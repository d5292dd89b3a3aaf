/** Runs a scenario on the simulator and on the real kernel side by side and compares after each step. */
import { readFileSync } from 'node:fs';
import type { CallResult, Declaration, Request, StepOutcome } from '../../simulator/abi.ts';
import {
  declareAll,
  driveAsync,
  hasErrors,
  initialState,
  parseScenario,
  performStep,
  type Scenario,
  Simulator,
  type StepReport,
} from '../../simulator/index.ts';
import { constantsOf, declare, execute, type RealOutcome } from './backend.ts';
import type { KernelMachine } from './driver.ts';
import { differences, FrameNames, observeReal, observeSimulated } from './observe.ts';

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

function showResult(result: CallResult): string {
  switch (result.kind) {
    case 'value':
      return `0x${result.value.toString(16)}`;
    case 'errno':
      return result.errno;
    case 'bytes':
      return Buffer.from(result.bytes).toString('hex');
    case 'signal':
      return `${result.signal} ${result.code} 0x${result.addr.toString(16)}`;
    case 'skipped':
      return 'skipped';
  }
}

function memory(): { ram: number; swap: number } {
  const info = readFileSync('/proc/meminfo', 'utf8');
  const kb = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { ram: kb('MemTotal') * 1024, swap: kb('SwapTotal') * 1024 };
}

/** The declarations of a scenario; the machine gets the memory of the real one, which decides what is too much. */
function declarationsOf(scenario: Scenario): Declaration[] {
  const list: Declaration[] = [];
  declareAll(scenario, { declare: (declaration) => (list.push(declaration), null) });
  return list.map((d) => (d.kind === 'machine' ? { ...d, config: { ...d.config, ...memory() } } : d));
}

function stepDifferences(real: RealOutcome, simulated: StepOutcome): string[] {
  const found: string[] = [];
  const [r, s] = [showResult(real.result), showResult(simulated.result)];
  if (r !== s) found.push(`result: kernel ${r} | simulator ${s}`);
  if (real.minflt !== simulated.minflt) found.push(`minflt: kernel ${real.minflt} | simulator ${simulated.minflt}`);
  if (real.majflt !== simulated.majflt) found.push(`majflt: kernel ${real.majflt} | simulator ${simulated.majflt}`);
  return found;
}

const ORDER = ['result', 'minflt', 'majflt', 'maps', 'flags', 'page', 'smaps', 'status'];

function groupOf(details: readonly string[]): string {
  const kinds = details.map((detail) => /^(?:\w+: )?(result|minflt|majflt|maps|flags|page|smaps|status)\b/.exec(detail)?.[1] ?? '');
  const first = ORDER.find((group) => kinds.includes(group)) ?? 'other';
  return first === 'minflt' || first === 'majflt' ? 'faults' : first;
}

/** Pages by their frames in both, in the order of a common walk, so that frames get the same names. */
async function processDifferences(
  machine: KernelMachine,
  simulator: Simulator,
  names: ReadonlyMap<number, string>,
): Promise<string[]> {
  const found: string[] = [];
  const realFrames = new FrameNames();
  const simulatedFrames = new FrameNames();
  for (const [pid, name] of names) {
    const report = simulator.reportProcess(pid);
    const dump = await machine.dump(pid);
    const real = observeReal(dump, realFrames);
    const simulated = observeSimulated(report, simulatedFrames);
    found.push(...differences(real, simulated).map((line) => `${name}: ${line}`));
  }
  return found;
}

/** What a request reads from memory: the range of a load, or of the buffer of a system call. */
function readRange(request: Request): { pid: number; start: bigint; end: bigint } | null {
  if (request.op === 'load') {
    return { pid: request.pid, start: request.addr, end: request.addr + (request.length ?? 1n) };
  }
  if (request.op === 'fetch') return { pid: request.pid, start: request.addr, end: request.addr + 1n };
  if (request.op !== 'syscall' || !/^p?(read|write)/.test(request.name)) return null;
  const [, start, length] = request.args;
  if (typeof start !== 'bigint' || typeof length !== 'bigint') return null;
  return { pid: request.pid, start, end: start + length };
}

/**
 * Whether a request reads [vvar] or [vvar_vclock], whose bytes are the time of day and whose pages exist or not by the
 * clock of the (virtual) machine, or the bytes of [vdso], which are the running kernel's own code. Such a step is made
 * on neither side.
 */
function readsClock(simulator: Simulator, request: Request): boolean {
  const range = readRange(request);
  if (range === null) return false;
  for (const [, start, end, name] of simulator.reportProcess(range.pid).maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) .*\[(vvar|vdso)/gm)) {
    if (name === 'vdso' && request.op === 'fetch') continue;
    if (range.start < BigInt(`0x${end}`) && range.end > BigInt(`0x${start}`)) return true;
  }
  return false;
}

const LEFT_OUT: StepOutcome = {
  result: { kind: 'skipped', message: 'reads the clock pages' },
  faults: [],
  minflt: 0,
  majflt: 0,
};

/** Compares until the first difference. The machine must be fresh or reset. */
export async function compare(source: string, machine: KernelMachine): Promise<Comparison> {
  const scenario = parseScenario(source);
  if (hasErrors(scenario.diagnostics)) throw new Error(`compare: ${JSON.stringify(scenario.diagnostics[0])}`);
  const declarations = declarationsOf(scenario);
  await machine.constants(constantsOf(scenario));
  await declare(machine, declarations);
  const simulator = new Simulator();
  if (!declarations.some((d) => d.kind === 'machine')) declarations.unshift(defaultMachine());
  for (const declaration of declarations) {
    const problem = simulator.declare(declaration);
    if (problem !== null) throw new Error(`compare: ${problem}`);
  }
  let state = initialState(scenario);
  let steps = 0;
  let details: string[] = [];
  let stopped = false;
  const answerer = {
    execute: async (request: Request): Promise<StepOutcome> => {
      if (readsClock(simulator, request)) return LEFT_OUT;
      const simulated = simulator.execute(request);
      const real = await execute(machine, request).catch((error: Error): RealOutcome => {
        // The scenario took its own text away: the kernel cannot go on, and there is nothing more to compare.
        if (/text page of process/.test(error.message)) stopped = true;
        else if (!/^KernelMachine: (no|process|pid|the process|.*(dead|gone|not alive|vfork))/.test(error.message))
          throw error;
        process.env["VAS_DEBUG"] && console.error(error.message); return { result: { kind: 'skipped', message: error.message }, faults: [], minflt: 0, majflt: 0 };
      });
      details = stepDifferences(real, simulated);
      return simulated;
    },
    query: async (query: Parameters<Simulator['query']>[0]) => simulator.query(query),
  };
  while (state.cursor !== null) {
    details = [];
    const end: { state: typeof state; report: StepReport } = await driveAsync(performStep(scenario, state), answerer);
    state = end.state;
    if (stopped) break;
    if (end.report.kind === 'assert') continue;
    steps++;
    if (details.length === 0) details = await processDifferences(machine, simulator, state.environment.processNames());
    if (details.length > 0) {
      const { line } = end.report;
      const text = (scenario.lines[line - 1] ?? '').trim();
      return { steps, difference: { line, text, group: groupOf(details), details } };
    }
  }
  return { steps, difference: null };
}

function defaultMachine(): Declaration {
  const scenario = parseScenario('machine ram=1G\n');
  return declarationsOf(scenario)[0] as Declaration;
}
