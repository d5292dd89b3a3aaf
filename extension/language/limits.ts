// Where the editor's helpers stop, so that absurd input cannot make the extension host crawl.

/** Lines longer than this get no hover, completion or signature. */
export const MAX_LINE = 20_000;

/** Texts longer than this get no completion, symbols or folding. */
export const MAX_TEXT = 2_000_000;
