// Remembers where a run stands while the text around it is edited.

/** A place in a run that survives edits elsewhere. */
export interface Place {
  /** Executed steps. */
  readonly position: number;
  /** The line (1-based) that comes next; null at the end. */
  readonly line: number | null;
  /** How often that line had been executed before. */
  readonly visits: number;
}

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
