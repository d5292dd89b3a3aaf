/** Who says what Linux does: the real kernel, or what it answered when it was recorded. */
import { readFileSync } from 'node:fs';
import type { CallResult, Declaration, Request } from '../../simulator/abi.ts';
import type { Scenario } from '../../simulator/scenario/index.ts';
import { constantsOf, declare, execute, type RealOutcome } from './backend.ts';
import type { KernelMachine } from './driver.ts';
import { FrameNames, type Observation, observeReal } from './observe.ts';

/** What a step did, in a form that can be compared and recorded. */
export interface Testimony {
  readonly result: string;
  readonly minflt: number;
  readonly majflt: number;
}

export interface Witness {
  /** RAM and swap in bytes, which decide what is too much. */
  readonly memory: { readonly ram: number; readonly swap: number };
  begin(scenario: Scenario, declarations: readonly Declaration[]): Promise<void>;
  /** Null when the scenario has taken its own text away: what follows would be about the harness. */
  execute(request: Request): Promise<Testimony | null>;
  /** What each process looks like now, frames named in the order of the pids. */
  observe(pids: readonly number[]): Promise<ReadonlyMap<number, Observation>>;
}

/** A result in one word or two. */
export function showResult(result: CallResult): string {
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

/** RAM and swap of this machine in bytes. */
export function machineMemory(): { ram: number; swap: number } {
  const info = readFileSync('/proc/meminfo', 'utf8');
  const kb = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { ram: kb('MemTotal') * 1024, swap: kb('SwapTotal') * 1024 };
}

/** What the driver says of steps that cannot be made, such as those of a dead process. */
const CANNOT = /^KernelMachine: (no|process|pid|the process|.*(dead|gone|not alive|vfork))/;

/**
 * Whether a signal belongs to the harness's own instruction and not to what it was told to touch: the scenario has made
 * the process's text unexecutable or has put something else in its place.
 */
function isOwnFault(request: Request, { result }: RealOutcome): boolean {
  if (result.kind !== 'signal' || result.addr === 0n || result.code === 'SI_USER') return false;
  // A program that dies of its own first instruction has text that the scenario gave it.
  if (request.op === 'spawn' || (request.op === 'syscall' && request.name === 'execve')) return false;
  if (request.op === 'fetch') return result.addr / 4096n !== request.addr / 4096n;
  if (request.op !== 'load' && request.op !== 'store') return true;
  const length = request.length ?? (request.op === 'store' && typeof request.value !== 'number' ? 256n : 1n);
  return result.addr < request.addr || result.addr >= request.addr + length;
}

/** The real kernel. The machine must be fresh or reset. */
export class KernelWitness implements Witness {
  readonly memory = machineMemory();
  /** What the last step did, in full; null when it could not be made. */
  outcome: RealOutcome | null = null;
  private readonly machine: KernelMachine;

  constructor(machine: KernelMachine) {
    this.machine = machine;
  }

  async begin(scenario: Scenario, declarations: readonly Declaration[]): Promise<void> {
    await this.machine.constants(constantsOf(scenario));
    await declare(this.machine, declarations);
  }

  async execute(request: Request): Promise<Testimony | null> {
    this.outcome = null;
    try {
      this.outcome = await execute(this.machine, request);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (/text page of process/.test(message)) return null;
      if (!CANNOT.test(message)) throw error;
      return { result: 'skipped', minflt: 0, majflt: 0 };
    }
    if (this.outcome.textReturned || isOwnFault(request, this.outcome)) return null;
    const { result, minflt, majflt } = this.outcome;
    return { result: showResult(result), minflt, majflt };
  }

  async observe(pids: readonly number[]): Promise<ReadonlyMap<number, Observation>> {
    const frames = new FrameNames();
    const seen = new Map<number, Observation>();
    for (const pid of pids) seen.set(pid, observeReal(await this.machine.dump(pid), frames));
    return seen;
  }
}
