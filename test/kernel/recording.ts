/**
 * Recorded answers of the real kernel, one line of JSON for a scenario: where there is no such kernel, they stand for it.
 * A step holds its result, its faults, and of each process the lines that the step changed.
 */
import type { Request, StepOutcome } from '../../simulator/abi.ts';
import { driveAsync, initialState, performStep } from '../../simulator/index.ts';
import type { KernelMachine } from './driver.ts';
import { declarationsOf, LEFT_OUT, parsed, readsClock } from './lockstep.ts';
import type { Observation } from './observe.ts';
import { KernelWitness, type Testimony, type Witness } from './witness.ts';

/** Changed lines by key; null is a line that is gone. */
type Changes = Record<string, string | null>;

interface RecordedStep {
  /** Result, minor and major faults of each request; null where the text page was gone. */
  readonly done: readonly ([string, number, number] | null)[];
  readonly seen: Readonly<Record<string, Changes>>;
}

export interface Recording {
  readonly name: string;
  readonly source: string;
  readonly memory: { readonly ram: number; readonly swap: number };
  readonly steps: readonly RecordedStep[];
}

function changes(before: Observation, after: Observation): Changes {
  const found: Changes = {};
  for (const [key, value] of after) if (before.get(key) !== value) found[key] = value;
  for (const key of before.keys()) if (!after.has(key)) found[key] = null;
  return found;
}

/** Runs a scenario on the real kernel alone and takes down what it answers. The machine must be fresh or reset. */
export async function record(name: string, source: string, machine: KernelMachine): Promise<Recording> {
  const witness = new KernelWitness(machine);
  const scenario = parsed(source);
  await witness.begin(scenario, declarationsOf(scenario, witness.memory));
  const steps: RecordedStep[] = [];
  let seen: ReadonlyMap<number, Observation> = new Map();
  let done: RecordedStep['done'][number][] = [];
  const answerer = {
    execute: async (request: Request): Promise<StepOutcome> => {
      if (readsClock(request, seen)) return LEFT_OUT;
      const told = await witness.execute(request);
      done.push(told === null ? null : [told.result, told.minflt, told.majflt]);
      return witness.outcome ?? { ...LEFT_OUT, result: { kind: 'skipped', message: 'cannot be made' } };
    },
    query: () => Promise.resolve({ kind: 'error', message: 'asserts ask the simulator' } as const),
  };
  for (let state = initialState(scenario); state.cursor !== null; ) {
    done = [];
    const end = await driveAsync(performStep(scenario, state), answerer);
    state = end.state;
    if (end.report.kind === 'assert') continue;
    if (done.includes(null)) {
      steps.push({ done, seen: {} });
      break;
    }
    const now = await witness.observe([...state.environment.processNames().keys()]);
    const changed: Record<string, Changes> = {};
    for (const [pid, lines] of now) {
      const found = changes(seen.get(pid) ?? new Map(), lines);
      if (Object.keys(found).length > 0) changed[pid] = found;
    }
    steps.push({ done, seen: changed });
    seen = now;
  }
  return { name, source, memory: witness.memory, steps };
}

/** A recording in the place of the kernel. It knows only the requests that were made of the kernel, in their order. */
export class RecordedWitness implements Witness {
  readonly memory: Recording['memory'];
  private readonly steps: readonly RecordedStep[];
  private readonly seen = new Map<number, Map<string, string>>();
  private step = 0;
  private asked = 0;

  constructor(recording: Recording) {
    this.memory = recording.memory;
    this.steps = recording.steps;
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  execute(): Promise<Testimony | null> {
    const told = this.steps[this.step]?.done[this.asked++];
    if (told === undefined) return Promise.resolve({ result: '(not recorded)', minflt: 0, majflt: 0 });
    if (told === null) return Promise.resolve(null);
    const [result, minflt, majflt] = told;
    return Promise.resolve({ result, minflt, majflt });
  }

  observe(pids: readonly number[]): Promise<ReadonlyMap<number, Observation>> {
    for (const [pid, changed] of Object.entries(this.steps[this.step]?.seen ?? {})) {
      const lines = this.seen.get(Number(pid)) ?? new Map<string, string>();
      this.seen.set(Number(pid), lines);
      for (const [key, value] of Object.entries(changed)) {
        if (value === null) lines.delete(key);
        else lines.set(key, value);
      }
    }
    this.step++;
    this.asked = 0;
    return Promise.resolve(new Map(pids.map((pid) => [pid, this.seen.get(pid) ?? new Map<string, string>()])));
  }
}
