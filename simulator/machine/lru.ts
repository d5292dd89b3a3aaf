/** The LRU lists of page frames, linked through the frames themselves (mm/swap.c, include/linux/mm_inline.h). */

import type { Pfn } from './address.ts';
import {
  CHUNK_MASK,
  type Frames,
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRU_UNEVICTABLE,
  LRUVEC_NONRESIDENT_AGE,
  PG_ACTIVE,
  PG_ANON,
  PG_LAZYFREE,
  PG_LRU,
  PG_REFERENCED,
  PG_SHMEM,
  PG_UNEVICTABLE,
} from './frames.ts';
import { PGACTIVATE } from './vm-events.ts';

/** folio_lru_list(): the list that flags put a frame on. */
export function lru_list(frames: Frames, flags: number): number {
  if ((flags & PG_UNEVICTABLE) !== 0) return LRU_UNEVICTABLE;
  return frames.oneList ? LRU_INACTIVE_ANON : kindList(flags);
}

function kindList(flags: number): number {
  const swapBacked = (flags & PG_SHMEM) !== 0 || (flags & (PG_ANON | PG_LAZYFREE)) === PG_ANON;
  if (swapBacked) return (flags & PG_ACTIVE) !== 0 ? LRU_ACTIVE_ANON : LRU_INACTIVE_ANON;
  return (flags & PG_ACTIVE) !== 0 ? LRU_ACTIVE_FILE : LRU_INACTIVE_FILE;
}

/** Puts a frame at the head of the list that its flags name. */
export function lru_add(frames: Frames, pfn: Pfn): void {
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  if ((flags & PG_LRU) !== 0) throw new Error(`lru_add: frame ${pfn} is on a list`);
  chunk.flags[i] = flags | PG_LRU;
  const list = lru_list(frames, flags);
  const c = frames.counters;
  const head = c.head[list] as number;
  chunk.next[i] = head;
  chunk.prev[i] = 0;
  if (head !== 0) frames.edit(head).prev[head & CHUNK_MASK] = pfn;
  else c.tail[list] = pfn;
  c.head[list] = pfn;
  c.count[list] = (c.count[list] as number) + 1;
}

/**
 * Frames on one of the lists of Linux. Where all frames are on one list, those are counted that would be on this one: none
 * is active there.
 */
export function lru_size(frames: Frames, list: number): number {
  const c = frames.counters;
  if (!frames.oneList || list === LRU_UNEVICTABLE) return c.count[list] as number;
  let size = 0;
  for (let pfn = c.head[LRU_INACTIVE_ANON] as number; pfn !== 0; ) {
    const chunk = frames.chunk(pfn);
    if (kindList(chunk.flags[pfn & CHUNK_MASK] as number) === list) size++;
    pfn = chunk.next[pfn & CHUNK_MASK] as number;
  }
  return size;
}

/** Takes a frame off its list; nothing happens when it is on none. Call it before flags change that name the list. */
export function lru_del(frames: Frames, pfn: Pfn): void {
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  if ((flags & PG_LRU) === 0) return;
  chunk.flags[i] = flags & ~PG_LRU;
  const list = lru_list(frames, flags);
  const c = frames.counters;
  const next = chunk.next[i] as number;
  const prev = chunk.prev[i] as number;
  if (next !== 0) frames.edit(next).prev[next & CHUNK_MASK] = prev;
  else c.tail[list] = prev;
  if (prev !== 0) frames.edit(prev).next[prev & CHUNK_MASK] = next;
  else c.head[list] = next;
  chunk.next[i] = 0;
  chunk.prev[i] = 0;
  c.count[list] = (c.count[list] as number) - 1;
}

/** Moves a frame to the list that it belongs to after setting and clearing flags. */
export function lru_move(frames: Frames, pfn: Pfn, set: number, clear: number): void {
  const listed = (frames.flagsOf(pfn) & PG_LRU) !== 0;
  lru_del(frames, pfn);
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = ((chunk.flags[i] as number) | set) & ~clear;
  if (listed) lru_add(frames, pfn);
}

/** Moves a frame to the head of the list that it is on. */
export function lru_rotate(frames: Frames, pfn: Pfn): void {
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const prev = chunk.prev[i] as number;
  if (prev === 0 || ((chunk.flags[i] as number) & PG_LRU) === 0) return;
  const c = frames.counters;
  const list = lru_list(frames, chunk.flags[i] as number);
  const next = chunk.next[i] as number;
  if (next !== 0) frames.edit(next).prev[next & CHUNK_MASK] = prev;
  else c.tail[list] = prev;
  frames.edit(prev).next[prev & CHUNK_MASK] = next;
  const head = c.head[list] as number;
  chunk.next[i] = head;
  chunk.prev[i] = 0;
  frames.edit(head).prev[head & CHUNK_MASK] = pfn;
  c.head[list] = pfn;
}

/** lru_move_tail(): the frame is inactive, and the next of its list to be looked at. It must be on a list. */
export function lru_move_tail(frames: Frames, pfn: Pfn): void {
  lru_del(frames, pfn);
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = ((chunk.flags[i] as number) & ~PG_ACTIVE) | PG_LRU;
  chunk.flags[i] = flags;
  const list = lru_list(frames, flags);
  const c = frames.counters;
  const tail = c.tail[list] as number;
  chunk.next[i] = 0;
  chunk.prev[i] = tail;
  if (tail !== 0) frames.edit(tail).next[tail & CHUNK_MASK] = pfn;
  else c.head[list] = pfn;
  c.tail[list] = pfn;
  c.count[list] = (c.count[list] as number) + 1;
}

/**
 * folio_mark_accessed(): the first use is remembered, the second makes the page active. Where all frames are on one list
 * none is active, and the policy alone orders them.
 */
export function mark_accessed(frames: Frames, pfn: Pfn): void {
  const flags = frames.flagsOf(pfn);
  if ((flags & PG_REFERENCED) === 0) frames.setFlags(pfn, PG_REFERENCED);
  else if (!frames.oneList && (flags & (PG_UNEVICTABLE | PG_ACTIVE)) === 0) {
    lru_move(frames, pfn, PG_ACTIVE, PG_REFERENCED);
    frames.countEvent(PGACTIVATE);
    // workingset_activation(): what is active takes the place of something that went.
    const { lruvec } = frames.counters;
    lruvec[LRUVEC_NONRESIDENT_AGE] = (lruvec[LRUVEC_NONRESIDENT_AGE] as number) + 1;
  }
}
