/**
 * Pages on their way to a disk (mm/page-writeback.c, mm/filemap.c): dirty, under writeback, clean. A page that is dirtied
 * while it is under writeback is both.
 */

import type { WaitedBecause, WrittenBecause } from '../events.ts';
import type { Pfn } from '../machine/address.ts';
import { type PageContent, shareFrame, zeroTail } from '../machine/content.ts';
import {
  CHUNK_MASK,
  PG_DIRTY,
  PG_LRU,
  PG_RECLAIM,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_WRITEBACK,
} from '../machine/frames.ts';
import { lru_move_tail } from '../machine/lru.ts';
import { NR_WRITTEN, PGPGOUT, PGROTATED } from '../machine/vm-events.ts';
import { MAP_ENTRY_BYTES } from '../state/cow.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import { folio_free_swap, slot_of, swap_write } from './swap-cache.ts';

/** PG_writeback: the page is on its way to a disk. */
export function folio_test_writeback(k: Kernel, pfn: Pfn): boolean {
  return (k.frames.flagsOf(pfn) & PG_WRITEBACK) !== 0;
}

/** The disk's own copy of a page of a file becomes `content`. */
function store_on_disk(k: Kernel, inode: Inode, index: number, content: PageContent): void {
  if (inode.writtenOwner !== k.epoch.now) {
    inode.written = new Map(inode.written);
    k.epoch.made += MAP_ENTRY_BYTES * inode.written.size;
    inode.writtenOwner = k.epoch.now;
  }
  const before = inode.written.get(index);
  const { held } = k.epoch;
  if (before === undefined) held.written++;
  held.contents += (content.bytes === undefined ? 0 : 1) - (before?.bytes === undefined ? 0 : 1);
  (inode.written as Map<number, PageContent>).set(index, content);
}

/** folio_start_writeback(): the disk takes the page, which is clean from now on. */
function folio_start_writeback(k: Kernel, pfn: Pfn, content: PageContent | null): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = ((chunk.flags[i] as number) & ~PG_DIRTY) | PG_WRITEBACK;
  k.writes.add(pfn, content);
}

/**
 * Begins to write a dirty page of a disk file; the caller has write-protected its PTEs. The page must not be under
 * writeback. Where writes take no time, one that nobody waits for is done at once: see {@link writepage}.
 */
export function start_writepage(k: Kernel, inode: Inode, index: number, pfn: Pfn, why: WrittenBecause): void {
  const valid = inode.size - index * 4096;
  const content = shareFrame(k.frames, pfn);
  folio_start_writeback(k, pfn, valid < 4096 ? zeroTail(content, Math.max(0, valid)) : content);
  k.frames.countEvent(PGPGOUT, 4);
  if (k.sink !== null) k.emit({ type: 'writeback-start', path: inode.path, index, pfn, why, steps: k.writes.steps });
}

/** {@link start_writepage} of a page that nobody waits for. */
export function writepage(k: Kernel, inode: Inode, index: number, pfn: Pfn, why: WrittenBecause): void {
  start_writepage(k, inode, index, pfn, why);
  if (k.writes.steps === 0) folio_end_writeback(k, pfn, 'nobody');
}

/**
 * swap_writeout(): begins to write a page of the swap cache to its slot. Nobody reads the slot before the write has ended,
 * for the page is in the cache till then: so the slot has its new content at once.
 */
export function start_swap_write(k: Kernel, pfn: Pfn): void {
  swap_write(k, pfn, slot_of(k, pfn));
  k.frames.setFlags(pfn, PG_RECLAIM);
  folio_start_writeback(k, pfn, null);
}

/** folio_rotate_reclaimable(): reclaim wanted the page: it is the next to be looked at. False: it stays where it is. */
function folio_rotate_reclaimable(k: Kernel, pfn: Pfn): boolean {
  const flags = k.frames.flagsOf(pfn);
  // A textbook policy has an order of its own.
  if (k.frames.oneList || (flags & (PG_DIRTY | PG_UNEVICTABLE)) !== 0 || (flags & PG_LRU) === 0) return false;
  lru_move_tail(k.frames, pfn);
  k.frames.countEvent(PGROTATED);
  return true;
}

/**
 * folio_end_writeback(): the disk has the page. A page of the swap cache that nobody wants any more is freed: Linux leaves
 * it to reclaim, or to the next search for a slot.
 */
function folio_end_writeback(k: Kernel, pfn: Pfn, waiter: WaitedBecause): void {
  const { content } = k.writes.take(pfn);
  const flags = k.frames.flagsOf(pfn);
  const rotated = (flags & PG_RECLAIM) !== 0 && folio_rotate_reclaimable(k, pfn);
  k.frames.clearFlags(pfn, PG_WRITEBACK | PG_RECLAIM);
  k.frames.countEvent(NR_WRITTEN);
  const chunk = k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const about = { pfn, waiter, dirty: (flags & PG_DIRTY) !== 0, rotated };
  if (content !== null) {
    const inode = k.inodes.edit(chunk.mapping[i] as number);
    const index = chunk.index[i] as number;
    store_on_disk(k, inode, index, content);
    if (k.sink !== null) k.emit({ type: 'writeback-end', path: inode.path, index, ...about });
    return;
  }
  const slot = slot_of(k, pfn);
  if (k.sink !== null) k.emit({ type: 'swap-written', slot, ...about });
  if ((flags & PG_SWAPCACHE) !== 0 && k.swap.count(slot) === 0 && chunk.mapcount[i] === 0) folio_free_swap(k, pfn);
}

/** folio_wait_writeback(): goes on when the page is not under writeback any more. A frame that nobody has is free then. */
export function folio_wait_writeback(k: Kernel, pfn: Pfn, waiter: WaitedBecause): void {
  if (folio_test_writeback(k, pfn)) folio_end_writeback(k, pfn, waiter);
}

/** The step ends: so do the writes that are done by now. */
export function end_due_writes(k: Kernel): void {
  if (k.writes.size === 0) return;
  for (const pfn of k.writes.done()) folio_end_writeback(k, pfn, 'nobody');
}

/** Somebody who can go on with any page waits until the disk has finished what it finishes next. */
export function wait_for_disk(k: Kernel, waiter: WaitedBecause): void {
  for (const pfn of k.writes.next()) folio_end_writeback(k, pfn, waiter);
}
