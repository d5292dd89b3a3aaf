// What the commands need of a simulator; vas.ts hands in the real one, tests a small one.

import type { Backend } from '../simulator/abi.ts';
import type { Scenario } from '../simulator/scenario/index.ts';
import type { WalkView } from '../simulator/view/types.ts';
import type { Limits } from './arguments.ts';

/** The simulator's services. */
export interface Machines {
  /** A fresh machine. */
  make(): Backend;
  /** The text of a file of /proc/PID; `machine` is one that make() made. */
  procText(machine: Backend, pid: number, file: 'maps' | 'smaps' | 'status'): string;
  /** The page walk of an address. */
  walk(machine: Backend, scenario: Scenario, pid: number, name: string, address: bigint): WalkView;
}

export type { Limits };
