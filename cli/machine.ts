// What the commands need of a simulated machine; vas.ts hands in the real one, tests a small one.

import type { Backend } from '../simulator/abi.ts';
import type { Scenario } from '../simulator/scenario/index.ts';
import type { MemoryFile, ProcFile } from '../simulator/view/proc-text.ts';
import type { WalkView, WhyView } from '../simulator/view/types.ts';

/** One machine, fresh when it is made. */
export interface Machine {
  readonly backend: Backend;
  /** The text of a file of /proc/PID. */
  procText(pid: number, file: ProcFile): string;
  /** What is shown of the machine's memory. */
  memoryText(file: MemoryFile): string;
  /** The page walk of an address; `names` are those of the processes. */
  walk(pid: number, address: bigint, names: ReadonlyMap<number, string>): WalkView;
  /** Why the address is where it is and its VMA ends where it ends, `position` steps into a scenario. */
  why(scenario: Scenario, position: number, pid: number, address: bigint): WhyView;
}

export type MakeMachine = () => Machine;
