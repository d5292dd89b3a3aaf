// Which line of an edited text is which line of the text before its edits.
import type { Edit } from './place.ts';

/** Lines that stayed together: `count` of them, now from line `at` on, formerly from line `from` on (all 0-based). */
interface Block {
  readonly at: number;
  readonly from: number;
  readonly count: number;
}

/** Beyond so many, as a replacement all over the text makes them, no line is known any more: each edit looks at all. */
const MAX_BLOCKS = 1000;

const WHOLE: Block = { at: 0, from: 0, count: Number.POSITIVE_INFINITY };

/**
 * Follows lines through edits. A line that an edit began or ended in is followed too, though its text may be another
 * now: whoever asks compares.
 */
export class LineMap {
  #blocks: readonly Block[] = [WHOLE];

  /** The text is its own again. */
  reset(): void {
    this.#blocks = [WHOLE];
  }

  edit({ firstLine, firstCharacter, lastLine, insertedBreaks }: Edit): void {
    if (insertedBreaks === 0 && firstLine === lastLine) return;
    // Of a line that was broken in two both ends are followed, of two that were joined the one that is likelier whole.
    const headEnd = firstCharacter > 0 ? firstLine + 1 : firstLine;
    const tailStart = insertedBreaks === 0 && headEnd > firstLine ? lastLine + 1 : lastLine;
    const delta = insertedBreaks - (lastLine - firstLine);
    const head = this.#blocks.map(({ at, from, count }) => ({ at, from, count: Math.min(count, headEnd - at) }));
    const tail = this.#blocks.map(({ at, from, count }) => {
      const skipped = Math.max(0, tailStart - at);
      return { at: at + skipped + delta, from: from + skipped, count: count - skipped };
    });
    const blocks = [...head, ...tail].filter(({ count }) => count > 0);
    this.#blocks = blocks.length > MAX_BLOCKS ? [] : blocks;
  }

  /** What the line of the edited text was before; null for a new one. */
  runLine(line: number): number | null {
    const block = this.#blocks.find(({ at, count }) => line >= at && line < at + count);
    return block === undefined ? null : line - block.at + block.from;
  }
}
