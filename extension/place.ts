// Remembers where a run stands while the text around it is edited, and leads a new run there.
import type { TextDocumentContentChangeEvent } from 'vscode';
import type { RunOptions, Timeline } from '../simulator/index.ts';

/** A place in a run that survives edits elsewhere. */
export interface Place {
  /** Executed steps. */
  readonly position: number;
  /** The line (1-based) that comes next; null at the end. */
  readonly line: number | null;
  /** How often that line had been executed before. */
  readonly visits: number;
  /** The line (1-based) that was executed last; null at the start. */
  readonly after: number | null;
}

/** Goes on with a run until what it is for is reached. */
export type Advance = (timeline: Timeline, limits: RunOptions) => 'done' | 'paused';

/** One edit: the lines it replaced (0-based, inclusive), where it begins in the first of them, and how many line breaks it put in. */
export interface Edit {
  readonly firstLine: number;
  readonly firstCharacter: number;
  readonly lastLine: number;
  readonly insertedBreaks: number;
}

export function editOf({ range, text }: TextDocumentContentChangeEvent): Edit {
  return {
    firstLine: range.start.line,
    firstCharacter: range.start.character,
    lastLine: range.end.line,
    insertedBreaks: countBreaks(text),
  };
}

/** Where the lines of a place are after an edit. */
export function shiftPlace(place: Place, edit: Edit): Place {
  const { line, after } = place;
  return {
    ...place,
    line: line === null ? null : shiftLine(line, edit),
    after: after === null ? null : shiftLine(after, edit),
  };
}

/**
 * A line that the edit swallowed becomes the first line of the replacement; an edit that begins at the line's very start
 * pushes the line down.
 */
function shiftLine(line: number, edit: Edit): number {
  const index = line - 1;
  const delta = edit.insertedBreaks - (edit.lastLine - edit.firstLine);
  const pushed = edit.firstLine === index && edit.firstCharacter === 0 && edit.lastLine === index;
  if (edit.lastLine < index || pushed) return line + delta;
  if (edit.firstLine >= index) return line;
  // The edit began above and reached into this line: what is left of the line ends the replacement.
  return edit.firstLine + 1 + edit.insertedBreaks;
}

/** The place where a run stands. */
export function placeOf(timeline: Timeline): Place {
  const line = timeline.next?.line ?? null;
  const after = timeline.lastRecord?.line ?? null;
  return { position: timeline.position, line, visits: line === null ? 0 : visitsOf(timeline, line), after };
}

/**
 * Goes to the place: the same number of steps if that leads to the same line; else to the line, in the same iteration;
 * else the same number of steps after all. From the end it goes to the end, but for steps that were put in behind it.
 */
export function toPlace(place: Place): Advance {
  return place.line === null ? toEnd(place) : toLine(place, place.line);
}

function toLine(place: Place, line: number): Advance {
  let way: 'count' | 'search' | 'give-up' = 'count';
  const isThere = (timeline: Timeline) => isAt(place, timeline);
  return (timeline, limits) => {
    if (way === 'search') {
      if (isThere(timeline)) return 'done';
      if (timeline.runToLine(line, limits) === 'paused' || isThere(timeline)) return 'paused';
      if (timeline.next?.line === line && visitsOf(timeline, line) < place.visits) return 'paused';
      timeline.start();
      way = 'give-up';
      return 'paused';
    }
    if (countTo(timeline, place.position, limits) === 'paused') return 'paused';
    if (way === 'give-up' || isThere(timeline)) return 'done';
    timeline.start();
    way = 'search';
    return 'paused';
  };
}

function toEnd(place: Place): Advance {
  let isCounted = false;
  return (timeline, limits) => {
    if (isCounted) return timeline.runToEnd(limits);
    if (countTo(timeline, place.position, limits) === 'paused') return 'paused';
    isCounted = true;
    return isAt(place, timeline) ? 'done' : 'paused';
  };
}

/** Whether the run stands there; at the end, or before steps that were put in behind it, where the place is the end. */
export function isAt({ line, visits, after }: Place, timeline: Timeline): boolean {
  const { next, lastRecord } = timeline;
  if (line !== null) return next?.line === line && visitsOf(timeline, line) === visits;
  return next === null || (after !== null && lastRecord?.line === after && next.line > after);
}

/** Makes so many steps, or as many as there are. */
function countTo(timeline: Timeline, position: number, limits: RunOptions): 'done' | 'paused' {
  const left = position - timeline.position;
  if (left <= 0) return 'done';
  const state = timeline.runToEnd({ ...limits, budgetSteps: Math.min(limits.budgetSteps, left) });
  return state === 'paused' && timeline.position < position ? 'paused' : 'done';
}

/** Why the place could not be kept; null when it was. */
export function missed(place: Place, timeline: Timeline): string | null {
  const line = timeline.next?.line ?? null;
  if (line === place.line || place.line === null || place.position === 0) return null;
  return `The edit removed the place where the run stood: it now stands after step ${timeline.position}.`;
}

/** How often a line has been executed. */
function visitsOf(timeline: Timeline, line: number): number {
  return timeline.lineSummary(line)?.executions ?? 0;
}

function countBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
