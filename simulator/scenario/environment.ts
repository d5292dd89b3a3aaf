// What names hold at one place of a run. Immutable, so that a snapshot of it costs nothing.

import type { Word } from '../abi.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Scenario } from './scenario.ts';

/** What a name holds. `failed`: its step was skipped or its call made no process. */
export type Binding =
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'value'; readonly value: Word }
  | { readonly kind: 'failed'; readonly line: number };

export class Environment {
  readonly #scenario: Scenario;
  readonly #slots: PersistentArray<Binding>;
  #names: ReadonlyMap<number, string> | null = null;

  private constructor(scenario: Scenario, slots: PersistentArray<Binding>) {
    this.#scenario = scenario;
    this.#slots = slots;
  }

  static empty(scenario: Scenario): Environment {
    return new Environment(scenario, PersistentArray.empty());
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
    return new Environment(this.#scenario, this.#slots.set(bound.slot, binding));
  }

  /** The value of a name in an expression (a process is its pid), or null. */
  value(name: string): Word | null {
    const binding = this.get(name);
    if (binding === undefined || binding.kind === 'failed') return null;
    return binding.kind === 'process' ? BigInt(binding.pid) : binding.value;
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
