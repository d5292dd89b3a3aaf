// Cuts long lists into pieces that a tree can show.

/** So many items stand side by side; longer lists are grouped. */
export const CHUNK = 100;

export interface Chunk {
  readonly from: number;
  readonly count: number;
}

/**
 * The pieces of the list [from, from+count): pieces of CHUNK items, or of CHUNK² … so that there are at most CHUNK of them. Empty when
 * the list needs no grouping. Borders are multiples of the piece size, so growing the list moves no border.
 */
export function chunks(from: number, count: number): Chunk[] {
  if (count <= CHUNK) return [];
  let size = CHUNK;
  while (Math.ceil(count / size) > CHUNK) size *= CHUNK;
  const pieces: Chunk[] = [];
  for (let at = 0; at < count; at += size) pieces.push({ from: from + at, count: Math.min(size, count - at) });
  return pieces;
}
