/**
 * The only owner of prose about what happened: turns the events of a step into sentences, each with what it speaks of.
 */

import type { AccessKind } from './abi.ts';
import type { KernelEvent } from './events.ts';
import { type Told, tellShortly } from './explain/alike.ts';
import { arranged, type StoryEvent } from './explain/areas.ts';
import { sentence } from './explain/sentences.ts';
import { oomLines, stepSentence } from './explain/step-sentence.ts';
import { count, type Telling } from './explain/words.ts';
import { pageDown, type VirtAddr } from './machine/address.ts';
import type { StepReport } from './scenario/interpreter.ts';
import type { Simulator } from './simulator.ts';
import { MAX_EVENTS } from './state/kernel.ts';
import { ownersOfMms, processName } from './view/place.ts';
import type { StoryLine } from './view/types.ts';

/** Lines of one story. What lies between its beginning and its end is counted. */
const MAX_LINES = 240;
/** Of those, lines of the end: how a long step came out. */
const END_LINES = 16;

/** Where no more was recorded of a step. */
const UNHEARD: StoryLine = {
  depth: 1,
  text: `… what happened after the first ${count(MAX_EVENTS, 'event')} is not told`,
};

/** What the unit of a repetition is called: one page's events, or one event. */
function alikeNoun(period: readonly StoryEvent[]): string {
  const aboutPages = period.some((event) => event.type === 'pte' || event.type === 'fault-done');
  return aboutPages ? 'page' : 'time';
}

function alikeLine({ times, period }: Extract<Told, { times: number }>): StoryLine {
  const depth = Math.min(...period.map((event) => event.depth)) + 1;
  const noun = alikeNoun(period);
  return {
    depth,
    text: noun === 'page' ? `… ${count(times, 'more page')} alike` : `… ${count(times, 'more time')} the same`,
  };
}

/** The special mapping that a fault is in, by its name in maps: files have paths. */
function specialOf({ vma }: Extract<KernelEvent, { type: 'find-vma' }>): string | null {
  return vma?.name.startsWith('[') === true ? vma.name : null;
}

/** The sentences of what is told, each with what stands around it. */
function linesOf(telling: Telling, call: string, told: readonly Told[]): StoryLine[] {
  let access: AccessKind | null = null;
  let page: VirtAddr | null = null;
  let special: string | null = null;
  let area: StoryEvent | null = null;
  return told.map((item, i) => {
    if (!('event' in item)) return alikeLine(item);
    const { event } = item;
    if (event.type === 'fault') {
      access = event.access;
      page = pageDown(event.va);
    }
    if (event.type === 'find-vma') special = specialOf(event);
    if (event.type === 'vma-insert' || event.type === 'vma-remove') area = event;
    else if (area !== null && event.depth <= area.depth) area = null;
    const after = told[i + 1];
    const next = after !== undefined && 'event' in after ? after.event : null;
    const areaOf = area !== null && 'mm' in area ? area.mm : null;
    const line = sentence(telling, event, { call, access, page, special, areaOf, next });
    if (event.type === 'fault-done') access = page = null;
    return line;
  });
}

function eventCount(told: readonly Told[]): number {
  return told.reduce((sum, item) => sum + ('event' in item ? 1 : item.times * item.period.length), 0);
}

/** A step's story: the step itself at depth 0, whom the OOM killer took, then its events in order; a long one is cut in the middle, with a count. */
export function explain(telling: Telling, report: StepReport, events: readonly KernelEvent[]): readonly StoryLine[] {
  const found = events.find((event) => event.type === 'find-vma');
  const head = stepSentence(telling, report, found === undefined ? null : specialOf(found));
  if (head === null) return [];
  const told = tellShortly(arranged(events));
  const tell = (part: readonly Told[]): StoryLine[] => linesOf(telling, report.call, part);
  const top = [head, ...oomLines(telling, report)];
  const rest = events.length < MAX_EVENTS ? [] : [UNHEARD];
  if (told.length <= MAX_LINES) return [...top, ...tell(told), ...rest];
  const cut = told.slice(MAX_LINES - END_LINES, -END_LINES);
  const gap = { depth: 1, text: `… ${count(eventCount(cut), 'more event')}` };
  return [...top, ...tell(told.slice(0, MAX_LINES - END_LINES)), gap, ...tell(told.slice(-END_LINES)), ...rest];
}

/** Tells the steps of runs on `simulator`. */
export function storyteller(
  simulator: Simulator,
): (report: StepReport, events: readonly KernelEvent[], names: ReadonlyMap<number, string>) => readonly StoryLine[] {
  return (report, events, names) => {
    const { state } = simulator;
    let owners: ReadonlyMap<number, number> | null = null;
    const telling: Telling = {
      levels: state.config.levels,
      zeroPfn: state.frames.zeroPfn,
      byPolicy: state.config.replacement !== 'linux',
      name: (pid) => processName(names, pid),
      ownerOf: (mm) => {
        owners ??= ownersOfMms(state);
        return owners.get(mm) ?? null;
      },
    };
    return explain(telling, report, events);
  };
}
