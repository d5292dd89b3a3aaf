/**
 * Foresees which pages a scenario uses, for replacement=opt: runs all of it once on the same machine with another policy.
 * What a program uses does not depend on who is evicted, but for the victims of the OOM killer.
 */

import type { Backend, Declaration } from './abi.ts';
import { UseRecorder } from './mm/future.ts';
import { driveSync } from './scenario/asking.ts';
import { codeAt } from './scenario/cursor.ts';
import { initialState, performStep, type RunState } from './scenario/interpreter.ts';
import { declareAll, type ReadHostElf } from './scenario/opening.ts';
import { lineOf, type Scenario } from './scenario/scenario.ts';
import { Simulator } from './simulator.ts';

/** Steps and uses that are foreseen at most: a longer run goes on with what is known of its beginning. */
const MAX_STEPS = 2 ** 18;
const MAX_USES = 2 ** 22;

/** Policy of the run that foresees. */
const REPLACEMENT = 'lru';

/** True when the scenario's machine has to know the future. */
export function needsForesight(scenario: Scenario): boolean {
  return scenario.declarations.some(
    (code) =>
      'declaration' in code && code.declaration.kind === 'machine' && code.declaration.config.replacement === 'opt',
  );
}

/** Tells `machine` the future of a scenario, once it is foreseen. Nothing is run before it is asked to advance. */
export class Foresight {
  readonly #scenario: Scenario;
  readonly #machine: Pick<Backend, 'foresee'>;
  readonly #readHostElf: ReadHostElf | undefined;
  readonly #simulator = new Simulator();
  readonly #recorder = new UseRecorder();
  #state: RunState | null = null;
  #isDone = false;

  constructor(scenario: Scenario, machine: Pick<Backend, 'foresee'>, readHostElf?: ReadHostElf) {
    this.#scenario = scenario;
    this.#machine = machine;
    this.#readHostElf = readHostElf;
  }

  /** Steps run so far. */
  get performed(): number {
    return this.#state?.performed ?? 0;
  }

  /** Runs `steps` more steps at most. True when all is foreseen that will be, and the machine knows it. */
  advance(steps: number, signal?: { readonly aborted: boolean }): boolean {
    let state = this.#state ?? this.#begin();
    for (let done = 0; done < steps && !this.#isDone; done++) {
      if (signal?.aborted === true) return false;
      const { cursor, performed } = state;
      if (cursor === null || performed >= MAX_STEPS || this.#recorder.length >= MAX_USES) {
        this.#machine.foresee?.(this.#recorder.finish(cursor === null));
        this.#isDone = true;
      } else {
        this.#recorder.beginStep(lineOf(codeAt(this.#scenario.code, cursor)));
        state = driveSync(performStep(this.#scenario, state), this.#simulator).state;
        this.#state = state;
      }
    }
    return this.#isDone;
  }

  /** Declares the scenario's machine with another policy, and its files. */
  #begin(): RunState {
    const declare = (declaration: Declaration): string | null => {
      if (declaration.kind !== 'machine') return this.#simulator.declare(declaration);
      return this.#simulator.declare({ kind: 'machine', config: { ...declaration.config, replacement: REPLACEMENT } });
    };
    declareAll(this.#scenario, { declare }, this.#readHostElf);
    this.#simulator.record(this.#recorder);
    this.#state = initialState(this.#scenario);
    return this.#state;
  }
}
