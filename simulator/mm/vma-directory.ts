/**
 * What is known of the chunks of a VMA tree, side by side in typed arrays: their bounds, for a binary search, and the
 * largest hole in each, as the maple tree of Linux knows it for mmap's search.
 */

import type { VirtAddr } from '../machine/address.ts';
import type { VmaChunk } from './vma-chunk.ts';

function grown(column: Float64Array): Float64Array {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}

export class VmaDirectory {
  /** In address order; none is empty. */
  readonly chunks: VmaChunk[];
  /** Start of each chunk's first VMA, end of its last. */
  private firsts: Float64Array;
  lasts: Float64Array;
  /** No hole between two VMAs of the chunk is larger, bytes. */
  private holes: Float64Array;

  /** An empty one, or a copy. */
  constructor(from?: VmaDirectory) {
    this.chunks = from?.chunks.slice() ?? [];
    this.firsts = from?.firsts.slice() ?? new Float64Array(4);
    this.lasts = from?.lasts.slice() ?? new Float64Array(4);
    this.holes = from?.holes.slice() ?? new Float64Array(4);
  }

  /** Index of the first chunk whose last VMA ends behind `addr`; the number of chunks when there is none. */
  chunkFor(addr: VirtAddr): number {
    const { lasts, chunks } = this;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((lasts[mid] as number) > addr) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  addChunk(index: number, chunk: VmaChunk): VmaChunk {
    if (this.chunks.length === this.firsts.length) {
      this.firsts = grown(this.firsts);
      this.lasts = grown(this.lasts);
      this.holes = grown(this.holes);
    }
    this.chunks.splice(index, 0, chunk);
    for (const column of [this.firsts, this.lasts, this.holes]) column.copyWithin(index + 1, index);
    this.holes[index] = 0;
    return chunk;
  }

  dropChunk(index: number): void {
    this.chunks.splice(index, 1);
    for (const column of [this.firsts, this.lasts, this.holes]) column.copyWithin(index, index + 1);
  }

  /** Finds out anew what there is to know of a chunk. */
  summarize(index: number): void {
    const chunk = this.chunks[index] as VmaChunk;
    this.firsts[index] = chunk.start(chunk.first);
    this.lasts[index] = chunk.stop(chunk.end - 1);
    this.holes[index] = chunk.largestHole();
  }

  /** The VMA in `slot` is new there or has new bounds: takes over the chunk's bounds and the holes beside it. */
  bound(index: number, chunk: VmaChunk, slot: number): void {
    let hole = this.holes[index] as number;
    if (slot === chunk.first) this.firsts[index] = chunk.start(slot);
    else hole = Math.max(hole, chunk.start(slot) - chunk.stop(slot - 1));
    if (slot === chunk.end - 1) this.lasts[index] = chunk.stop(slot);
    else hole = Math.max(hole, chunk.start(slot + 1) - chunk.stop(slot));
    this.holes[index] = hole;
  }

  /**
   * Upper end of the highest hole of at least `length` bytes inside [low, high), cut to those bounds; -1 for none. The
   * first VMA that ends behind `high` is in `slot` of chunk `above`, which is the number of chunks when there is none.
   */
  highestHole(above: number, slot: number, low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    const { chunks, firsts, lasts, holes } = this;
    let top = high;
    const over = chunks[above];
    if (over !== undefined) {
      const found = this.searchChunk(above, slot, low, Math.min(high, over.start(slot)), length);
      if (found >= 0) return found;
      top = Math.min(high, firsts[above] as number);
    }
    for (let index = above - 1; index >= 0; index--) {
      if (top - Math.max(low, lasts[index] as number) >= length) return top;
      if (top <= low) return -1;
      if ((holes[index] as number) >= length) {
        const end = (chunks[index] as VmaChunk).end - 1;
        const found = this.searchChunk(index, end, low, Number.POSITIVE_INFINITY, length);
        if (found >= 0) return found;
      }
      top = firsts[index] as number;
    }
    return top - low >= length ? top : -1;
  }

  /** Upper end of the highest fitting hole below the VMA in `slot` and above another of its chunk; -1 for none. */
  private searchChunk(index: number, slot: number, low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    const chunk = this.chunks[index] as VmaChunk;
    let largest = 0;
    for (let i = slot; i > chunk.first; i--) {
      const below = chunk.stop(i - 1);
      const top = Math.min(high, chunk.start(i));
      if (top - Math.max(low, below) >= length) return top;
      largest = Math.max(largest, chunk.start(i) - below);
      if (below <= low) return -1;
    }
    // Holes only filled up since they were counted: the bound was too high.
    if (slot === chunk.end - 1) this.holes[index] = largest;
    return -1;
  }
}
