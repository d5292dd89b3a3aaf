// Remembers where a run stands while the text around it is edited, and leads a new run there.
import type { RunOptions, Timeline } from '../simulator/index.ts';

/** A place in a run that survives edits elsewhere. */
export interface Place {
  /** Executed steps. */
  readonly position: number;
  /** The line (1-based) that comes next; null at the end. */
  readonly line: number | null;
  /** How often that line had been executed before. */
  readonly visits: number;
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

/**
 * Where the next line is after an edit. A line that the edit swallowed becomes the first line of the replacement; an
 * edit that begins at the line's very start pushes the line down.
 */
export function shiftPlace(place: Place, edit: Edit): Place {
  if (place.line === null) return place;
  const index = place.line - 1;
  const delta = edit.insertedBreaks - (edit.lastLine - edit.firstLine);
  const pushed = edit.firstLine === index && edit.firstCharacter === 0 && edit.lastLine === index;
  if (edit.lastLine < index || pushed) return { ...place, line: place.line + delta };
  if (edit.firstLine > index || edit.firstLine === index) return place;
  // The edit began above and reached into this line: what is left of the line ends the replacement.
  return { ...place, line: edit.firstLine + 1 + edit.insertedBreaks };
}

/** The place where a run stands. */
export function placeOf(timeline: Timeline): Place {
  const line = timeline.next?.line ?? null;
  return { position: timeline.position, line, visits: line === null ? 0 : visitsOf(timeline, line) };
}

/**
 * Goes to the place: the same number of steps if that leads to the same line; else to the line, in the same iteration;
 * else the same number of steps after all.
 */
export function toPlace(place: Place): Advance {
  let way: 'count' | 'search' | 'give-up' = 'count';
  const { line } = place;
  const isThere = (timeline: Timeline) =>
    timeline.next?.line === line && (line === null || visitsOf(timeline, line) === place.visits);
  return (timeline, limits) => {
    if (way === 'search' && line !== null) {
      if (isThere(timeline)) return 'done';
      if (timeline.runToLine(line, limits) === 'paused' || isThere(timeline)) return 'paused';
      if (timeline.next?.line === line && visitsOf(timeline, line) < place.visits) return 'paused';
      timeline.start();
      way = 'give-up';
      return 'paused';
    }
    const left = place.position - timeline.position;
    const state = left > 0 ? timeline.runToEnd({ ...limits, budgetSteps: Math.min(limits.budgetSteps, left) }) : 'done';
    if (state === 'paused' && timeline.position < place.position) return 'paused';
    if (way === 'give-up' || line === null || isThere(timeline)) return 'done';
    timeline.start();
    way = 'search';
    return 'paused';
  };
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
