// Which failures and errors of a run are told: of a line in a loop the first ones, and of those that come of one mistake the
// first one. The others are counted.

import type { Range, StepReport } from '../simulator/scenario/index.ts';

/** So many failures and errors of one line are told. */
const TOLD = 3;

/** Failures or errors that were not told one by one. */
export interface Untold {
  /** Place of the first of them. */
  readonly range: Range;
  readonly message: string;
}

interface Tally {
  times: number;
  range: Range;
  line: number;
  lastLine: number;
}

/** Sees every step of a run, in order. */
export class Troubles {
  readonly #lines = new Map<number, Tally>();
  /** What comes of each mistake, by the words for it. */
  readonly #followUps = new Map<string, Tally>();

  /** Whether the step's failure or error is to be told; false also for a step that has neither. */
  isTold(report: StepReport): boolean {
    const problem = report.failure ?? report.error;
    if (problem === undefined) return false;
    const { followUp, line } = report;
    const most = followUp === undefined ? TOLD : 0;
    const tally = followUp === undefined ? entry(this.#lines, line) : entry(this.#followUps, followUp.words);
    tally.times += 1;
    if (tally.times === most + 1) {
      tally.range = problem.range;
      tally.line = line;
    }
    tally.lastLine = Math.max(tally.lastLine, line);
    return tally.times <= most;
  }

  /** The others, by line. */
  untold(): Untold[] {
    const lines = rest(this.#lines, TOLD).map(([, tally, times]) => ({
      range: tally.range,
      message: `this line failed ${count(times, 'more time')}`,
    }));
    const followUps = rest(this.#followUps, 0).map(([words, tally, times]) => {
      const until = tally.lastLine > tally.line ? `, up to line ${tally.lastLine},` : '';
      const message = `${words}: ${count(times, 'more step')}${until} ${times === 1 ? 'is' : 'are'} not made`;
      return { range: tally.range, message };
    });
    return [...lines, ...followUps].sort((a, b) => a.range.start.line - b.range.start.line);
  }
}

const NOWHERE: Range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

function entry<K>(tallies: Map<K, Tally>, key: K): Tally {
  const known = tallies.get(key);
  if (known !== undefined) return known;
  const fresh = { times: 0, range: NOWHERE, line: 0, lastLine: 0 };
  tallies.set(key, fresh);
  return fresh;
}

function rest<K>(tallies: ReadonlyMap<K, Tally>, told: number): [K, Tally, number][] {
  return [...tallies].flatMap(([key, tally]) => (tally.times > told ? [[key, tally, tally.times - told]] : []));
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}
