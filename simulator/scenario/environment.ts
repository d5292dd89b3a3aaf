// What names hold at one place of a run. Immutable, so that a snapshot of it costs nothing.

import type { Standstill, Word } from '../abi.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Scenario } from './scenario.ts';

/** One mistake that keeps several steps from being made. */
export interface Cause {
  /** The same for all of them. */
  readonly key: string;
  /** `bash is dead` */
  readonly words: string;
}

/** The cause of a step that was not made, where it has been told before. */
export interface FollowUp extends Cause {
  /** Where it was told, from 1. */
  readonly line: number;
}

/** Of a cause that lies in a process: its state, or that there is none. */
export function processKey(name: string | number, state: Standstill | 'is none'): string {
  return `process ${name} ${state}`;
}

const STATES = ['is dead', 'is stopped', 'waits for its vfork child', 'is none'] as const;

/** What a name holds. `failed`: its step was not made; `cause`: why the steps that need it are not made either. */
export type Binding =
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'value'; readonly value: Word }
  | { readonly kind: 'failed'; readonly line: number; readonly cause: Cause };

export class Environment {
  readonly #scenario: Scenario;
  readonly #slots: PersistentArray<Binding>;
  /** Causes that are told, by key, with their lines. Never changed. */
  readonly #told: ReadonlyMap<string, number>;
  #names: ReadonlyMap<number, string> | null = null;

  private constructor(scenario: Scenario, slots: PersistentArray<Binding>, told: ReadonlyMap<string, number>) {
    this.#scenario = scenario;
    this.#slots = slots;
    this.#told = told;
  }

  static empty(scenario: Scenario): Environment {
    return new Environment(scenario, PersistentArray.empty(), new Map());
  }

  get(name: string): Binding | undefined {
    const bound = this.#scenario.names.get(name);
    return bound === undefined ? undefined : this.#slots.get(bound.slot);
  }

  /** The line (from 1) that binds a name first, whether it has run or not; null when none does. */
  lineOf(name: string): number | null {
    const bound = this.#scenario.names.get(name);
    return bound === undefined ? null : bound.definition.line + 1;
  }

  /** The names that the scenario binds somewhere. */
  known(): Iterable<string> {
    return this.#scenario.names.keys();
  }

  /** A copy in which `name`, one of the scenario's, holds `binding`. */
  with(name: string, binding: Binding): Environment {
    const bound = this.#scenario.names.get(name);
    if (bound === undefined) throw new Error(`Environment.with: ${name} is no name of the scenario`);
    // What was told of another process of that name does not hold for this one.
    const told = binding.kind === 'process' ? this.#toldWithout(name, STATES) : this.#told;
    return new Environment(this.#scenario, this.#slots.set(bound.slot, binding), told);
  }

  /** A copy for a step that the process has made: if it stops again, that is another mistake. */
  withRunning(name: string): Environment {
    const told = this.#toldWithout(name, ['is stopped', 'waits for its vfork child']);
    return told === this.#told ? this : new Environment(this.#scenario, this.#slots, told);
  }

  #toldWithout(name: string, states: readonly Parameters<typeof processKey>[1][]): ReadonlyMap<string, number> {
    if (this.#told.size === 0) return this.#told;
    const keys = states.map((state) => processKey(name, state)).filter((key) => this.#told.has(key));
    return keys.length === 0 ? this.#told : new Map([...this.#told].filter(([key]) => !keys.includes(key)));
  }

  /** The line on which `cause` was told first; undefined before it is. */
  toldOn(cause: Cause): number | undefined {
    return this.#told.get(cause.key);
  }

  /** A copy in which `cause` was told on `line`. */
  withTold(cause: Cause, line: number): Environment {
    return new Environment(this.#scenario, this.#slots, new Map([...this.#told, [cause.key, line]]));
  }

  /** The value of a name in an expression (a process is its pid), or null. */
  value(name: string): Word | null {
    const binding = this.get(name);
    if (binding === undefined || binding.kind === 'failed') return null;
    return binding.kind === 'process' ? BigInt(binding.pid) : binding.value;
  }

  /** The pid of the process that a name holds, or null. */
  process(name: string): number | null {
    const binding = this.get(name);
    return binding?.kind === 'process' ? binding.pid : null;
  }

  /** The names that hold something, in the order in which the scenario first binds them. */
  *entries(): IterableIterator<[string, Binding]> {
    for (const { name, slot } of this.#scenario.names.values()) {
      const binding = this.#slots.get(slot);
      if (binding !== undefined) yield [name, binding];
    }
  }

  /** The name of each process that has one; of two names, the one that was bound first. */
  processNames(): ReadonlyMap<number, string> {
    if (this.#names === null) {
      const names = new Map<number, string>();
      for (const [name, binding] of this.entries()) {
        if (binding.kind === 'process' && !names.has(binding.pid)) names.set(binding.pid, name);
      }
      this.#names = names;
    }
    return this.#names;
  }
}
