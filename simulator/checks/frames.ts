/** Invariants of physical memory, the page cache and swap. Page tables must have been counted before. */

import type { Pfn } from '../machine/address.ts';
import {
  CHUNK_MASK,
  LRU_LISTS,
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_FILE,
  PG_LRU,
  PG_MLOCKED,
  PG_SHMEM,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_WRITEBACK,
} from '../machine/frames.ts';
import { lru_list } from '../machine/lru.ts';
import { mapping_unevictable } from '../mm/mlock-page.ts';
import { cache_entry } from '../mm/page-cache.ts';
import type { Inode } from '../state/records.ts';
import { count, hold, same, type Tally } from './tally.ts';

/** The page cache: entries, what they point at, and the inode's counters. */
export function checkPageCache(t: Tally): void {
  for (const inode of t.k.inodes.values()) {
    let pages = 0;
    let swapped = 0;
    for (const [at, chunk] of inode.cache) {
      chunk.pages.forEach((entry, i) => {
        if (entry > 0) {
          pages++;
          checkCached(t, inode, at * 64 + i, entry);
        } else if (entry < 0) {
          swapped++;
          count(t.slots, -entry - 1);
        }
      });
    }
    same(t, `inode ${inode.id}: nrpages`, inode.nrpages, pages);
    same(t, `inode ${inode.id}: swapped`, inode.swapped, swapped);
  }
}

function checkCached(t: Tally, inode: Inode, index: number, pfn: Pfn): void {
  count(t.held, pfn);
  const chunk = t.k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  const where = `inode ${inode.id}: page ${index} in frame ${pfn}`;
  same(t, `${where}: mapping`, chunk.mapping[i], inode.id);
  same(t, `${where}: index`, chunk.index[i], index);
  hold(t, (flags & (PG_FILE | PG_ANON)) === PG_FILE, () => `${where} is not marked as a file's`);
  same(t, `${where}: is shmem`, (flags & PG_SHMEM) !== 0, inode.kind === 'shmem');
}

/** Swap slots: who names them, what the swap cache holds. */
export function checkSwap(t: Tally): void {
  const { swap, frames } = t.k;
  let used = 0;
  let inCache = 0;
  let cacheOnly = 0;
  for (let slot = 0; slot < swap.highWater; slot++) {
    const cached = swap.cached(slot);
    same(t, `swap slot ${slot}: users`, swap.count(slot), t.slots.get(slot) ?? 0);
    if (swap.count(slot) > 0 || cached !== 0) used++;
    if (cached === 0) continue;
    inCache++;
    if (swap.count(slot) === 0) cacheOnly++;
    count(t.held, cached);
    same(t, `swap slot ${slot}: slot of its cached frame`, frames.chunk(cached).slot[cached & CHUNK_MASK], slot + 1);
    hold(t, (frames.flagsOf(cached) & PG_SWAPCACHE) !== 0, () => `swap slot ${slot}: frame ${cached} is not marked`);
  }
  for (const slot of t.slots.keys()) hold(t, slot < swap.highWater, () => `swap slot ${slot} was never given out`);
  same(t, 'swap slots in use', swap.used, used);
  same(t, 'pages in the swap cache', swap.cachedPages, inCache);
  same(t, 'slots that only the swap cache holds', swap.cacheOnly, cacheOnly);
}

/**
 * Pages under writeback: they are in a cache, of a file on a disk or that of swap, and end in the order in which they
 * began. checkFrames() sees that the frames say the same.
 */
export function checkWrites(t: Tally): void {
  const { writes, frames, inodes } = t.k;
  let last = 0;
  for (const [pfn, write] of writes.entries()) {
    const chunk = frames.chunk(pfn);
    const i = pfn & CHUNK_MASK;
    const flags = chunk.flags[i] as number;
    const where = `frame ${pfn} under writeback`;
    const left = writes.stepsLeft(write);
    hold(t, (flags & PG_WRITEBACK) !== 0, () => `${where} is not marked`);
    hold(t, left > 0 && left <= writes.steps && left >= last, () => `${where} ends in ${left} steps`);
    last = left;
    if ((flags & PG_SWAPCACHE) !== 0) {
      hold(t, write.content === null, () => `${where} is in the swap cache and goes to a file`);
      continue;
    }
    const inode = inodes.find(chunk.mapping[i] as number);
    const cached = inode === undefined ? 0 : cache_entry(inode, chunk.index[i] as number);
    hold(t, inode?.kind === 'file' && cached === pfn, () => `${where} is in no cache`);
    hold(t, write.content !== null, () => `${where} has nothing for the disk`);
  }
}

/** Every frame is free, or on one list and as often used as it says. The caches must have been counted before. */
export function checkFrames(t: Tally): void {
  const { frames } = t.k;
  const c = frames.counters;
  const free = freeFrames(t);
  const listed = listedFrames(t, free);
  same(t, 'free frames', c.free, free.size + (frames.total - c.fresh + 1));
  for (let pfn = 1; pfn < c.fresh; pfn++) {
    if (free.has(pfn)) {
      same(t, `free frame ${pfn}: flags`, frames.flagsOf(pfn), 0);
      hold(t, !t.mapped.has(pfn) && !t.held.has(pfn), () => `frame ${pfn} is free and in use`);
    } else checkUsed(t, pfn, listed);
  }
  for (const pfn of [...t.mapped.keys(), ...t.held.keys()]) {
    const known = pfn >= frames.deviceBase || (pfn > 0 && pfn < c.fresh);
    hold(t, known, () => `frame ${pfn} is in use and was never taken`);
    if (pfn >= frames.deviceBase)
      same(t, `device page ${pfn}: mapcount`, frames.mapcountOf(pfn), t.mapped.get(pfn) ?? 0);
  }
}

function checkUsed(t: Tally, pfn: Pfn, listed: ReadonlySet<Pfn>): void {
  const chunk = t.k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  const mapped = t.mapped.get(pfn) ?? 0;
  const held = t.held.get(pfn) ?? 0;
  same(t, `frame ${pfn}: mapcount`, chunk.mapcount[i], mapped);
  same(t, `frame ${pfn}: refs`, chunk.refs[i], held);
  hold(t, mapped + held > 0, () => `frame ${pfn} is lost: nobody has it and it is not free`);
  same(t, `frame ${pfn}: on an LRU list`, (flags & PG_LRU) !== 0, listed.has(pfn));
  hold(t, listed.has(pfn), () => `frame ${pfn} is in use and on no LRU list`);
  // The other way round need not be: mremap(MREMAP_DONTUNMAP) unlocks a VMA and leaves its pages, in Linux too.
  hold(
    t,
    (flags & PG_MLOCKED) !== 0 || !t.locked.has(pfn),
    () => `frame ${pfn} is mapped by a locked VMA and evictable`,
  );
  const locks = t.k.frames.mlocksOf(pfn);
  const enough = (flags & PG_MLOCKED) === 0 ? locks === 1 : locks >= (t.locked.get(pfn) ?? 0);
  hold(t, enough, () => `frame ${pfn} has ${locks} locks, and locked VMAs map it ${t.locked.get(pfn) ?? 0} times`);
  const marked = flags & (PG_MLOCKED | PG_UNEVICTABLE);
  hold(t, marked !== PG_MLOCKED, () => `frame ${pfn} is locked and evictable`);
  hold(
    t,
    marked !== PG_UNEVICTABLE || mapping_unevictable(t.k, pfn),
    () => `frame ${pfn} is unevictable, and nothing locks it`,
  );
  same(t, `frame ${pfn}: in the swap cache`, (flags & PG_SWAPCACHE) !== 0, chunk.slot[i] !== 0);
  same(t, `frame ${pfn}: under writeback`, (flags & PG_WRITEBACK) !== 0, t.k.writes.get(pfn) !== undefined);
  const kind = flags & (PG_ANON | PG_FILE);
  // MADV_WILLNEED brings a page of shmem as far as the swap cache: its file still names the slot.
  const ahead = kind === 0 && (flags & (PG_SHMEM | PG_SWAPCACHE)) === (PG_SHMEM | PG_SWAPCACHE);
  const known = kind === PG_ANON || kind === PG_FILE || ahead;
  hold(t, known, () => `frame ${pfn} is neither anonymous nor a file's`);
  const alone = (flags & PG_ANON_EXCLUSIVE) === 0 || mapped <= 1;
  hold(t, alone, () => `frame ${pfn} is exclusive and mapped ${mapped} times`);
}

function freeFrames(t: Tally): Set<Pfn> {
  const { frames } = t.k;
  const free = new Set<Pfn>();
  for (let pfn = frames.counters.freeHead; pfn !== 0; pfn = frames.chunk(pfn).next[pfn & CHUNK_MASK] as number) {
    if (free.has(pfn)) {
      t.violations.push(`frame ${pfn} is twice on the free list`);
      break;
    }
    hold(t, pfn < frames.counters.fresh, () => `frame ${pfn} is free and was never taken`);
    free.add(pfn);
  }
  return free;
}

function listedFrames(t: Tally, free: ReadonlySet<Pfn>): Set<Pfn> {
  const { frames } = t.k;
  const c = frames.counters;
  const listed = new Set<Pfn>();
  for (let list = 0; list < LRU_LISTS; list++) {
    let length = 0;
    let previous = 0;
    for (let pfn = c.head[list] as number; pfn !== 0; ) {
      if (listed.has(pfn) || free.has(pfn)) {
        t.violations.push(`frame ${pfn} of LRU list ${list} is on another list too`);
        break;
      }
      listed.add(pfn);
      length++;
      const chunk = frames.chunk(pfn);
      same(t, `frame ${pfn}: LRU list`, lru_list(frames, chunk.flags[pfn & CHUNK_MASK] as number), list);
      same(t, `frame ${pfn}: the one before it`, chunk.prev[pfn & CHUNK_MASK], previous);
      previous = pfn;
      pfn = chunk.next[pfn & CHUNK_MASK] as number;
    }
    same(t, `LRU list ${list}: tail`, c.tail[list], previous);
    same(t, `LRU list ${list}: length`, c.count[list], length);
  }
  return listed;
}
