// The commands of the runner. Each returns its exit status.

import type { Backend } from '../simulator/abi.ts';
import { driveSync } from '../simulator/scenario/asking.ts';
import { evaluateExpression } from '../simulator/scenario/conditions.ts';
import type { RunState } from '../simulator/scenario/index.ts';
import { parseExpressionText } from '../simulator/scenario/parser.ts';
import { typedAddress } from '../simulator/scenario/typed-address.ts';
import type { MemoryFile, ProcFile } from '../simulator/view/proc-text.ts';
import { type Command, type Limits, parseArguments, USAGE, UsageError } from './arguments.ts';
import { execute, isRunnable, type Listener, statusOf } from './execution.ts';
import { JsonReport, Trace } from './json-report.ts';
import type { Machine, MakeMachine } from './machine.ts';
import { BrokenPipe, Output, OutputProblem, painter } from './output.ts';
import { policy } from './policy.ts';
import { describeProcesses, pidOf } from './processes.ts';
import { readScenario, type SourceFile } from './source-file.ts';
import { TextReport } from './text-report.ts';
import { openTrace } from './trace-file.ts';
import { walkText } from './walk-text.ts';
import { whyText } from './why-text.ts';

const OK = 0;
const BAD_INPUT = 2;

type Of<N extends Command['name']> = Extract<Command, { name: N }>;
type OfAddress = Extract<Command, { address: string }>;

/** Runs the command line `args`; `version` tells what --version prints. Returns the exit status. */
export function main(
  args: readonly string[],
  make: MakeMachine,
  version: () => string,
  output = Output.toFile(1, 'standard output'),
): number {
  try {
    const status = dispatch(parseArguments(args), make, version, output);
    output.flush();
    return status;
  } catch (error) {
    if (error instanceof BrokenPipe) return OK;
    if (!(error instanceof UsageError || error instanceof OutputProblem)) throw error;
    process.stderr.write(`vas: ${error.message}\n`);
    return BAD_INPUT;
  }
}

function dispatch(command: Command, make: MakeMachine, version: () => string, output: Output): number {
  switch (command.name) {
    case 'help':
      output.write(USAGE);
      return OK;
    case 'version':
      output.write(`${version()}\n`);
      return OK;
    case 'check':
      return check(command);
    case 'run':
      return run(command, make, output);
    case 'maps':
    case 'smaps':
    case 'smaps_rollup':
    case 'status':
      return showProc(command, make, output);
    case 'meminfo':
    case 'vmstat':
    case 'free':
      return showMemory(command, make, output);
    case 'translate':
      return translate(command, make, output);
    case 'why':
      return why(command, make, output);
    case 'policy':
      return policy(command, output);
  }
}

function check(command: Of<'check'>): number {
  return isRunnable(readScenario(command.file)) ? OK : BAD_INPUT;
}

function run(command: Of<'run'>, make: MakeMachine, output: Output): number {
  const source = readScenario(command.file);
  if (!isRunnable(source)) return BAD_INPUT;
  const { backend } = make();
  const file = command.trace === null ? null : openTrace(command.trace, command.file);
  const trace = file === null ? undefined : new Trace(file.output, backend);
  try {
    if (command.json) return runJson(source, backend, command.limits, output, trace);
    return runText(source, backend, command.limits, output, trace);
  } finally {
    file?.close();
  }
}

function runJson(source: SourceFile, backend: Backend, limits: Limits, output: Output, trace?: Listener): number {
  const report = new JsonReport(output, backend);
  const end = execute(source, backend, limits, both(report, trace));
  if (end === null) return BAD_INPUT;
  report.finish(end);
  return statusOf(end);
}

function runText(source: SourceFile, backend: Backend, limits: Limits, output: Output, trace?: Listener): number {
  const report = new TextReport(source.scenario, output, painter(process.stdout.isTTY === true));
  const end = execute(source, backend, limits, both(report, trace));
  if (end === null) return BAD_INPUT;
  report.finish(end, backend);
  return statusOf(end);
}

function both(first: Listener, second: Listener | undefined): Listener {
  if (second === undefined) return first;
  return {
    step(report, state) {
      first.step(report, state);
      second.step(report, state);
    },
  };
}

/** A scenario that was run to its end without printing, and a process of it. */
interface Finished {
  readonly source: SourceFile;
  /** Steps that were made, asserts included. */
  readonly position: number;
  readonly machine: Machine;
  readonly state: RunState;
  readonly pid: number;
  readonly status: number;
}

function finish(file: string, processName: string, limits: Limits, make: MakeMachine): Finished | null {
  const source = readScenario(file);
  if (!isRunnable(source)) return null;
  const machine = make();
  let position = 0;
  const end = execute(source, machine.backend, limits, { step: () => void position++ });
  if (end === null) return null;
  const pid = pidOf(processName, end.state, machine.backend);
  if (pid !== null) return { source, position, machine, state: end.state, pid, status: statusOf(end) };
  const known = describeProcesses(end.state, machine.backend);
  throw new UsageError(`${source.name}: no process '${processName}' at the end of the run: ${known}`);
}

function showProc(command: Of<ProcFile>, make: MakeMachine, output: Output): number {
  const finished = finish(command.file, command.process, command.limits, make);
  if (finished === null) return BAD_INPUT;
  output.write(finished.machine.procText(finished.pid, command.name));
  return finished.status;
}

function showMemory(command: Of<MemoryFile>, make: MakeMachine, output: Output): number {
  const source = readScenario(command.file);
  if (!isRunnable(source)) return BAD_INPUT;
  const machine = make();
  const end = execute(source, machine.backend, command.limits, { step: () => {} });
  if (end === null) return BAD_INPUT;
  output.write(machine.memoryText(command.name));
  return statusOf(end);
}

function translate(command: OfAddress, make: MakeMachine, output: Output): number {
  const finished = finish(command.file, command.process, command.limits, make);
  if (finished === null) return BAD_INPUT;
  const address = evaluateAddress(command.address, finished);
  const walk = finished.machine.walk(finished.pid, address, finished.state.environment.processNames());
  output.write(command.json ? `${JSON.stringify(walk, null, 1)}\n` : walkText(walk));
  return finished.status;
}

function why(command: OfAddress, make: MakeMachine, output: Output): number {
  const finished = finish(command.file, command.process, command.limits, make);
  if (finished === null) return BAD_INPUT;
  const { source, position, machine, pid } = finished;
  const view = machine.why(source.scenario, position, pid, evaluateAddress(command.address, finished));
  output.write(command.json ? `${JSON.stringify(view, null, 1)}\n` : whyText(view));
  return finished.status;
}

function evaluateAddress(text: string, finished: Finished): bigint {
  const { machine, pid, state } = finished;
  const names = state.environment.processNames();
  const isMapped = (address: bigint): boolean => machine.walk(pid, address, names).vma !== null;
  const parsed = parseExpressionText(typedAddress(text, isMapped));
  if ('error' in parsed) throw new UsageError(`ADDR '${text}': ${parsed.error}`);
  const value = driveSync(evaluateExpression(parsed.expr, state.environment), machine.backend);
  if ('message' in value) throw new UsageError(`ADDR '${text}': ${value.message}`);
  if (!('int' in value)) throw new UsageError(`ADDR '${text}': this is no address`);
  return value.int;
}
