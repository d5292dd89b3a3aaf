// How the interpreter asks and who answers: generators that yield what they want to know, driven by a backend that
// answers at once (the simulator) or later (a real kernel).

import type { Backend, Query, QueryResult, Request, StepOutcome } from '../abi.ts';
import type { Parts } from '../parts.ts';

export type Ask =
  | { readonly kind: 'execute'; readonly request: Request; readonly step: number }
  | { readonly kind: 'query'; readonly query: Query };

export type Answer = StepOutcome | QueryResult;

/** A computation that asks a backend on its way. */
export type Asking<T> = Generator<Ask, T, Answer>;

/** The part of a backend that steps need. */
export type Answerer = Pick<Backend, 'execute' | 'executeParts' | 'query'>;

/** A backend behind promises. */
export interface AsyncAnswerer {
  execute(request: Request): Promise<StepOutcome>;
  query(query: Query): Promise<QueryResult>;
}

/** `step`: number of the step in its scenario, from 0. */
export function* execute(request: Request, step: number): Asking<StepOutcome> {
  const answer = yield { kind: 'execute', request, step };
  if (!('result' in answer)) throw new Error('execute: a query was answered');
  return answer;
}

export function* query(asked: Query): Asking<QueryResult> {
  const answer = yield { kind: 'query', query: asked };
  if (!('kind' in answer)) throw new Error('query: a request was answered');
  return answer;
}

/** Drives `asking` to its end with a backend that answers at once. */
export function driveSync<T>(asking: Asking<T>, backend: Answerer): T {
  let step = asking.next();
  while (!step.done) {
    const ask = step.value;
    step = asking.next(ask.kind === 'execute' ? backend.execute(ask.request, ask.step) : backend.query(ask.query));
  }
  return step.value;
}

/** The same in parts, with a backend that can answer so. */
export function* driveParts<T>(asking: Asking<T>, backend: Answerer): Parts<T> {
  let step = asking.next();
  while (!step.done) {
    const ask = step.value;
    if (ask.kind === 'query') step = asking.next(backend.query(ask.query));
    else if (backend.executeParts === undefined) step = asking.next(backend.execute(ask.request, ask.step));
    else step = asking.next(yield* backend.executeParts(ask.request, ask.step));
  }
  return step.value;
}

/** Drives `asking` to its end, waiting for each answer. */
export async function driveAsync<T>(asking: Asking<T>, backend: AsyncAnswerer): Promise<T> {
  let step = asking.next();
  while (!step.done) {
    const ask = step.value;
    step = asking.next(ask.kind === 'execute' ? await backend.execute(ask.request) : await backend.query(ask.query));
  }
  return step.value;
}
