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

/** Frames of one unmapping. {@link finish} must be called before anything else looks at the lists. */
export class FrameBatch {
  /** Frames freed. */
  freed = 0;
  private readonly frames: Frames;
  private chunk: FrameChunk | null = null;
  private chunkNumber = -1;
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

  /** Frees a frame if it is an anonymous page that one PTE maps and nothing else holds. False: nothing is done. */
  release(pfn: Pfn): boolean {
    let chunk = this.chunk;
    if (chunk === null || pfn >> CHUNK_BITS !== this.chunkNumber) {
      chunk = this.frames.edit(pfn);
      this.chunk = chunk;
      this.chunkNumber = pfn >> CHUNK_BITS;
    }
    const i = pfn & CHUNK_MASK;
    const flags = chunk.flags[i] as number;
    if ((flags & (PG_ANON | PG_MLOCKED | PG_LRU)) !== (PG_ANON | PG_LRU)) return false;
    if (chunk.mapcount[i] !== 1 || chunk.refs[i] !== 0) return false;
    const older = chunk.next[i] as number;
    if (flags !== this.flags || older !== this.newest || older === 0) {
      this.finish();
      this.flags = flags;
      this.oldest = pfn;
      this.below = chunk.next[i] as number;
    }
    this.newest = pfn;
    this.above = chunk.prev[i] as number;
    this.length++;
    chunk.mapcount[i] = 0;
    clear_frame(chunk, i);
    return true;
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
