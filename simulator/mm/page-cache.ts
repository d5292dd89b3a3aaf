/**
 * The page cache: pages of an inode by index (mm/filemap.c, the xarray of address_space). Shmem keeps in it the swap
 * slots of its pages as well.
 */

import { PAGE_SIZE, type Pfn } from '../machine/address.ts';
import { bytesContent, filledContent, type PageContent, setFrame, ZERO_CONTENT, zeroTail } from '../machine/content.ts';
import { CHUNK_MASK, PG_ACTIVE, PG_FILE, PG_SHMEM, PG_UNEVICTABLE, PG_WRITEBACK } from '../machine/frames.ts';
import { lru_add } from '../machine/lru.ts';
import { PGPGIN, UNEVICTABLE_CULLED } from '../machine/vm-events.ts';
import { MAP_ENTRY_BYTES } from '../state/cow.ts';
import type { Kernel } from '../state/kernel.ts';
import type { CacheChunk, Inode } from '../state/records.ts';
import { alloc_page, type Effort, free_page } from './page-alloc.ts';
import { free_swap_entry } from './swap-cache.ts';
import { workingset_refault } from './workingset.ts';
import { folio_wait_writeback } from './writeback.ts';

const BITS = 6;
const WIDTH = 1 << BITS;
/** Pages of a chunk of an inode's cache. */
export const CACHE_CHUNK_PAGES = WIDTH;
/** What a chunk takes of the host's memory, its objects included; about. */
const CHUNK_BYTES = 8 * WIDTH + 400;

/** The cache's entry for a page: PFN, 0 for none, -(slot + 1) for a shmem page in swap. */
export function cache_entry(inode: Inode, index: number): number {
  const chunk = inode.cache.get(Math.floor(index / WIDTH));
  return chunk === undefined ? 0 : (chunk.pages[index % WIDTH] as number);
}

/** PFN of the cached page, 0 when it is not in RAM. */
export function find_get_page(inode: Inode, index: number): Pfn {
  return Math.max(0, cache_entry(inode, index));
}

/** Stores an entry; the inode must be owned by the present epoch. */
export function cache_store(k: Kernel, inode: Inode, index: number, value: number): void {
  const chunk = cache_chunk(k, inode, index);
  const before = chunk.pages[index % WIDTH] as number;
  chunk.pages[index % WIDTH] = value;
  inode.nrpages += (value > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
  inode.swapped += (value < 0 ? 1 : 0) - (before < 0 ? 1 : 0);
  // shmem_acct_blocks(): what was not promised as a whole is promised page by page, wherever the page lies.
  if (inode.kind === 'shmem' && inode.accounted === 0)
    k.scalars.committed += (value !== 0 ? 1 : 0) - (before !== 0 ? 1 : 0);
}

/** The chunk of `index`, owned by the present epoch as the inode is. */
function cache_chunk(k: Kernel, inode: Inode, index: number): CacheChunk {
  if (inode.cacheOwner !== k.epoch.now) {
    inode.cache = new Map(inode.cache);
    k.epoch.made += MAP_ENTRY_BYTES * inode.cache.size;
    inode.cacheOwner = k.epoch.now;
  }
  const at = Math.floor(index / WIDTH);
  const chunks = inode.cache as Map<number, CacheChunk>;
  let chunk = chunks.get(at);
  if (chunk === undefined || chunk.owner !== k.epoch.now) {
    k.epoch.made += CHUNK_BYTES;
    if (chunk === undefined) k.epoch.held.cacheChunks++;
    chunk = {
      owner: k.epoch.now,
      pages: chunk === undefined ? new Int32Array(WIDTH) : chunk.pages.slice(),
      shadows: chunk?.shadows?.slice() ?? null,
    };
    chunks.set(at, chunk);
  }
  return chunk;
}

/** Calls `visit` for each entry in [first, end) in ascending order; entries may be stored meanwhile. */
export function cache_for_each(
  inode: Inode,
  first: number,
  end: number,
  visit: (index: number, entry: number) => void,
): void {
  const chunks = [...inode.cache.keys()].filter((at) => (at + 1) * WIDTH > first && at * WIDTH < end);
  chunks.sort((a, b) => a - b);
  for (const at of chunks) {
    for (let i = 0; i < WIDTH; i++) {
      const index = at * WIDTH + i;
      if (index < first || index >= end) continue;
      const entry = inode.cache.get(at)?.pages[i] ?? 0;
      if (entry !== 0) visit(index, entry);
    }
  }
}

/** Pages that a file has: the index behind its last byte. */
export function file_pages(inode: Inode): number {
  return Math.ceil(inode.size / PAGE_SIZE);
}

/** How many of the ascending `borders` are up to `value`, or below it. */
function bordersBefore(borders: readonly number[], value: number, which: 'up to' | 'below'): number {
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const border = borders[middle] as number;
    if (border < value || (border === value && which === 'up to')) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** No block of the image is left for the page; `holes` are page ranges as {@link Inode.holes} has them. */
export function isHollow(holes: readonly number[], index: number): boolean {
  return bordersBefore(holes, index, 'up to') % 2 === 1;
}

/** `holes` and [first, end), which is not empty. */
export function withHole(holes: readonly number[], first: number, end: number): readonly number[] {
  const from = bordersBefore(holes, first, 'below');
  const to = bordersBefore(holes, end, 'up to');
  // A border inside of a range that is there already is none of the new one.
  const borders = [...(from % 2 === 0 ? [first] : []), ...(to % 2 === 0 ? [end] : [])];
  return [...holes.slice(0, from), ...borders, ...holes.slice(to)];
}

function imagePage(inode: Inode, index: number): PageContent {
  const image = inode.image;
  switch (image.kind) {
    case 'zeros':
      return ZERO_CONTENT;
    case 'pattern':
      return filledContent((index + 1) & 255);
    case 'bytes': {
      const part = image.bytes.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE);
      return part.length === 0 ? ZERO_CONTENT : bytesContent(part);
    }
    case 'elf': {
      if (index === 0) return bytesContent(image.header);
      let last = { byte: 0, end: 0 };
      for (const fill of image.fills) if (fill.page <= index) last = fill;
      const inside = last.end - index * PAGE_SIZE;
      const content = filledContent(last.byte);
      return inside >= PAGE_SIZE ? content : zeroTail(content, Math.max(0, inside));
    }
    case 'host':
      return bytesContent(image.read(index * PAGE_SIZE, PAGE_SIZE));
  }
}

/** A page that was written to a file's disk is not there any more. */
export function disk_page_goes(k: Kernel, content: PageContent): void {
  const { held } = k.epoch;
  held.written--;
  if (content.bytes !== undefined) held.contents--;
}

/** What the disk holds of a page of the file. */
export function disk_page(inode: Inode, index: number): PageContent {
  const written = inode.written.get(index);
  if (written !== undefined) return written;
  if (isHollow(inode.holes, index)) return ZERO_CONTENT;
  const valid = inode.imageEnd - index * PAGE_SIZE;
  if (valid <= 0) return ZERO_CONTENT;
  const content = imagePage(inode, index);
  return valid < PAGE_SIZE ? zeroTail(content, valid) : content;
}

/** Remembers a page of a disk file that reclaim took (mm/workingset.ts). The inode is owned by the present epoch. */
export function cache_set_shadow(k: Kernel, inode: Inode, index: number, shadow: number): void {
  const chunk = cache_chunk(k, inode, index);
  if (chunk.shadows !== null) chunk.shadows[index % WIDTH] = shadow;
  else if (shadow !== 0) {
    const shadows = new Int32Array(WIDTH);
    shadows[index % WIDTH] = shadow;
    (inode.cache as Map<number, CacheChunk>).set(Math.floor(index / WIDTH), { ...chunk, shadows });
  }
}

/** Forgets what was remembered of pages [first, end): they are no part of the file any more. */
export function cache_clear_shadows(k: Kernel, inode: Inode, first: number, end: number): void {
  for (const [at, chunk] of inode.cache) {
    if (chunk.shadows === null || (at + 1) * WIDTH <= first || at * WIDTH >= end) continue;
    for (let i = 0; i < WIDTH; i++) {
      const index = at * WIDTH + i;
      if (index >= first && index < end && chunk.shadows[i] !== 0) cache_set_shadow(k, inode, index, 0);
    }
  }
}

/** A page of a disk file comes in: it is active at once when it was there not long ago. */
function refault(k: Kernel, inode: Inode, index: number, pfn: Pfn): void {
  const shadow = inode.cache.get(Math.floor(index / WIDTH))?.shadows?.[index % WIDTH] ?? 0;
  if (shadow === 0) return;
  cache_set_shadow(k, inode, index, 0);
  workingset_refault(k, pfn, shadow, true);
}

/**
 * Puts a frame into the cache (filemap_add_folio()), with the cache's reference; on the inactive list, unless reclaim
 * took the page not long ago.
 */
export function cache_insert(k: Kernel, inode: Inode, index: number, pfn: Pfn): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = (chunk.flags[i] as number) | PG_FILE | (inode.kind === 'shmem' ? PG_SHMEM : 0);
  chunk.mapping[i] = inode.id;
  chunk.index[i] = index;
  chunk.refs[i] = (chunk.refs[i] as number) + 1;
  cache_store(k, inode, index, pfn);
  if (inode.kind === 'file') refault(k, inode, index, pfn);
  if (inode.unevictable) {
    chunk.flags[i] = ((chunk.flags[i] as number) & ~PG_ACTIVE) | PG_UNEVICTABLE;
    k.frames.countEvent(UNEVICTABLE_CULLED);
  }
  lru_add(k.frames, pfn);
}

/**
 * Reads a page of a regular file from disk into a new frame of the cache; its PFN, or 0 when no frame is to be had.
 * `effort`: pages that were not asked for are worth one attempt.
 */
export function read_page(k: Kernel, inode: Inode, index: number, effort: Effort = 'oom'): Pfn {
  const pfn = alloc_page(k, 'file', effort);
  if (pfn === 0) return 0;
  k.frames.countEvent(PGPGIN, 4);
  setFrame(k.frames, pfn, disk_page(inode, index));
  cache_insert(k, inode, index, pfn);
  return pfn;
}

/**
 * Takes a page that is not under writeback out of the cache (delete_from_page_cache()); the frame is freed unless PTEs
 * still map it.
 */
export function cache_delete(k: Kernel, inode: Inode, index: number, pfn: Pfn): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  if (((chunk.flags[i] as number) & PG_WRITEBACK) !== 0) {
    throw new Error(`cache_delete: frame ${pfn} is being written`);
  }
  cache_store(k, inode, index, 0);
  chunk.refs[i] = (chunk.refs[i] as number) - 1;
  if (chunk.mapcount[i] === 0 && chunk.refs[i] === 0) free_page(k, pfn);
}

/**
 * truncate_inode_pages_range(): drops pages [first, end) that nobody maps from the cache, and shmem's from swap. What is
 * under writeback is waited for.
 */
export function cache_drop_range(k: Kernel, inode: Inode, first: number, end: number): void {
  cache_for_each(inode, first, end, (index, entry) => {
    if (entry > 0) {
      folio_wait_writeback(k, entry, 'truncation');
      cache_delete(k, inode, index, entry);
    } else {
      cache_store(k, inode, index, 0);
      free_swap_entry(k, -entry - 1);
    }
  });
}
