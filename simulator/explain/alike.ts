/** Long stories told shortly: what happens again and again in the same way is told twice and then counted. */

import type { StoryEvent } from './areas.ts';

/** What is told of the events: one of them, or that the last `period` of them come `times` more times. */
export type Told = { readonly event: StoryEvent } | { readonly times: number; readonly period: readonly StoryEvent[] };

/** Longest repeating sequence that is looked for. */
const MAX_PERIOD = 16;
/** Times that a repeating sequence is told in full. */
const FULL = 2;
/** Fewer repetitions than this are all told. */
const MIN_TIMES = 4;

/** Events with the same number differ in addresses and frames only. */
function signature(event: StoryEvent): string {
  switch (event.type) {
    case 'handler':
      return `${event.depth} ${event.name} ${event.why}`;
    case 'pte':
      return `${event.depth} pte ${event.mm} ${event.before.flags} ${event.after.flags}`;
    case 'entries':
      return `${event.depth} entries ${event.mm} ${event.before.flags} ${event.after.flags}`;
    case 'page-walk':
      // A page whose table is missing too is like its neighbours: the table comes by the way.
      return `${event.depth} walk ${event.end === 'no-table' ? 'not-present' : event.end} ${event.access}`;
    case 'fault-done':
      return `${event.depth} done ${event.kind} ${event.major}`;
    case 'vma-insert':
    case 'vma-remove':
      // Each of them is worth its line.
      return `${event.type} ${event.mm} ${event.vma.start}`;
    case 'writeback-start':
      return `${event.depth} ${event.type} ${event.why}`;
    case 'writeback-end':
    case 'swap-written':
      return `${event.depth} ${event.type} ${event.waiter} ${event.dirty} ${event.rotated}`;
    case 'spared':
    case 'frame-alloc':
      return `${event.depth} ${event.type} ${event.type === 'spared' ? `${event.why} ${event.fate}` : event.use}`;
    default:
      return `${event.depth} ${event.type}`;
  }
}

function signatures(events: readonly StoryEvent[]): Int32Array {
  const known = new Map<string, number>();
  return Int32Array.from(events, (event) => {
    const text = signature(event);
    let id = known.get(text);
    if (id === undefined) {
      id = known.size;
      known.set(text, id);
    }
    return id;
  });
}

/** How often the `period` signatures from `at` on are repeated there, the first time included. */
function repetitions(ids: Int32Array, at: number, period: number): number {
  let end = at + period;
  while (end < ids.length && ids[end] === ids[end - period]) end++;
  return Math.floor((end - at) / period);
}

/** The shortest sequence at `at` that is repeated often enough, as [period, times]; null for none. */
function repeated(ids: Int32Array, at: number): readonly [period: number, times: number] | null {
  for (let period = 1; period <= MAX_PERIOD; period++) {
    const times = repetitions(ids, at, period);
    if (times >= MIN_TIMES) return [period, times];
  }
  return null;
}

/**
 * How far into a repetition its outermost event lies: what is counted begins there, so that it stands between whole faults
 * and not in the midst of one. 0 where too little would be left to count.
 */
function toOutermost(events: readonly StoryEvent[], ids: Int32Array, at: number, period: number): number {
  const depths = events.slice(at, at + period).map((event) => event.depth);
  const shift = depths.indexOf(Math.min(...depths));
  return repetitions(ids, at + shift, period) >= MIN_TIMES ? shift : 0;
}

/** The events in order, repetitions counted instead of told. */
export function tellShortly(events: readonly StoryEvent[]): Told[] {
  const ids = signatures(events);
  const told: Told[] = [];
  for (let at = 0; at < events.length; ) {
    const found = repeated(ids, at);
    if (found === null) {
      told.push({ event: events[at] as StoryEvent });
      at++;
      continue;
    }
    const [period, times] = found;
    const shift = toOutermost(events, ids, at, period);
    if (shift > 0) {
      for (const event of events.slice(at, at + shift)) told.push({ event });
      at += shift;
      continue;
    }
    for (let i = 0; i < FULL * period; i++) told.push({ event: events[at + i] as StoryEvent });
    told.push({ times: times - FULL, period: events.slice(at, at + period) });
    at += times * period;
  }
  return told;
}
