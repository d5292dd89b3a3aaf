/**
 * Freeing many anonymous frames at once (release_pages() of mm/swap.c): frames that lie on their LRU list in the order
 * in which they go leave it together, and their links become those of the free list.
 */

import type { Pfn } from './address.ts';
import {
  CHUNK_BITS,
  CHUNK_MASK,
  clear_frame,
  type FrameChunk,
  type Frames,
  PG_ANON,
  PG_LRU,
  PG_MLOCKED,
} from './frames.ts';
import { lru_list } from './lru.ts';
import { PTE_PRESENT, PTE_SPECIAL } from './pagetable.ts';

/** So many of something are faster dealt with one by one. */
const FEW = 8;

function clearFrames(frames: Frames, chunk: FrameChunk, from: number, end: number): void {
  frames.dropBlobs(chunk, from, end);
  if (end - from <= FEW) {
    for (let i = from; i < end; i++) {
      chunk.mapcount[i] = 0;
      clear_frame(chunk, i);
    }
    return;
  }
  for (const field of [chunk.mapcount, chunk.flags, chunk.mapping, chunk.index, chunk.word, chunk.slot, chunk.prev]) {
    field.fill(0, from, end);
  }
}

/** Frames of one unmapping. {@link finish} must be called before anything else looks at the lists. */
export class FrameBatch {
  /** Frames freed. */
  freed = 0;
  private readonly frames: Frames;
  /** The run that is being taken off: its oldest and newest frame (0: none), the older neighbour of the oldest. */
  private oldest: Pfn = 0;
  private newest: Pfn = 0;
  private below: Pfn = 0;
  /** Newer neighbour of the newest. */
  private above: Pfn = 0;
  private flags = 0;
  private length = 0;

  constructor(frames: Frames) {
    this.frames = frames;
  }

  /**
   * Clears the entries `at` … `last` of a PTE table's words whose frames are anonymous pages that nothing else maps or
   * holds, and frees them, up to the first entry that is not such a one. Returns that entry's index.
   */
  release(words: Uint32Array, at: number, last: number): number {
    let end = at;
    for (let from = -1; from !== end && end <= last; ) {
      from = end;
      end = this.releaseNeighbours(words, from, last);
    }
    if (end - at <= FEW) for (let i = at; i < end; i++) words[i] = 0;
    else words.fill(0, at, end);
    return end;
  }

  /** The part of {@link release} from `at` on whose frames are neighbours in one chunk, in either direction. */
  private releaseNeighbours(words: Uint32Array, at: number, last: number): number {
    const first = words[at + 1] as number;
    if (((words[at] as number) & (PTE_PRESENT | PTE_SPECIAL)) !== PTE_PRESENT) return at;
    const chunk = this.frames.edit(first);
    const { flags, mapcount, refs, next, prev } = chunk;
    let low = first & CHUNK_MASK;
    let high = low - 1;
    let entry = at;
    for (; entry <= last; entry += 2) {
      const pfn = words[entry + 1] as number;
      const i = pfn & CHUNK_MASK;
      if ((i !== high + 1 && i !== low - 1) || pfn >> CHUNK_BITS !== first >> CHUNK_BITS) break;
      if (((words[entry] as number) & (PTE_PRESENT | PTE_SPECIAL)) !== PTE_PRESENT) break;
      const flag = flags[i] as number;
      if ((flag & (PG_ANON | PG_MLOCKED | PG_LRU)) !== (PG_ANON | PG_LRU)) break;
      if (mapcount[i] !== 1 || refs[i] !== 0) break;
      const older = next[i] as number;
      if (flag !== this.flags || older !== this.newest || older === 0) this.startRun(pfn, flag, chunk);
      this.newest = pfn;
      this.above = prev[i] as number;
      this.length++;
      if (i > high) high = i;
      else low = i;
    }
    clearFrames(this.frames, chunk, low, high + 1);
    return entry;
  }

  /** The frame does not continue the run: begins another with it. */
  private startRun(pfn: Pfn, flags: number, chunk: FrameChunk): void {
    this.finish();
    this.flags = flags;
    this.oldest = pfn;
    this.below = chunk.next[pfn & CHUNK_MASK] as number;
  }

  /** Closes the list where the run was, and puts the run on the free list. */
  finish(): void {
    const { frames, oldest, newest, below, above } = this;
    if (oldest === 0) return;
    const c = frames.counters;
    const list = lru_list(frames, this.flags);
    if (below === 0) c.tail[list] = above;
    else frames.edit(below).prev[below & CHUNK_MASK] = above;
    if (above === 0) c.head[list] = below;
    else frames.edit(above).next[above & CHUNK_MASK] = below;
    c.count[list] = (c.count[list] as number) - this.length;
    frames.edit(oldest).next[oldest & CHUNK_MASK] = c.freeHead;
    c.freeHead = newest;
    c.free += this.length;
    this.freed += this.length;
    this.length = 0;
    this.oldest = 0;
    this.newest = 0;
    this.flags = 0;
  }
}
