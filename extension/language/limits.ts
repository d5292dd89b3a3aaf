// Where hovers, completion and the outline stop, so that absurd input cannot make the extension host crawl.
import type { Position, TextDocument } from 'vscode';

/** Longer lines get no hover, completion or signature. */
const MAX_LINE = 20_000;

/** Documents with more lines get no completion or symbols. */
const MAX_LINES = 50_000;

export function isTooLong(document: TextDocument, position: Position): boolean {
  return document.lineAt(position.line).text.length > MAX_LINE;
}

export function isTooLarge(document: TextDocument): boolean {
  return document.lineCount > MAX_LINES;
}
