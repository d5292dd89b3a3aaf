/** Reading more of a file than was asked for (mm/readahead.c). Windows are in pages. */

import { CHUNK_MASK, PG_READAHEAD } from '../machine/frames.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, OpenFile } from '../state/records.ts';
import { cache_entry, file_pages, find_get_page, read_page } from './page-cache.ts';

/** ra_pages: the `readahead` key of the machine. */
export function ra_pages(k: Kernel): number {
  return Math.floor(k.config.readahead / 4096);
}

function roundupPowerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, n)));
}

/** get_init_ra_size(): the first window. */
function get_init_ra_size(size: number, max: number): number {
  const rounded = roundupPowerOfTwo(size);
  if (rounded <= max / 32) return rounded * 4;
  if (rounded <= max / 4) return rounded * 2;
  return max;
}

/** get_next_ra_size(): windows grow while reading goes on. */
function get_next_ra_size(current: number, max: number): number {
  if (current < max / 16) return 4 * current;
  if (current <= max / 2) return 2 * current;
  return max;
}

/**
 * page_cache_ra_order(): reads the window [ra_start, ra_start + ra_size) in folios of 2^order pages and puts the
 * readahead marker on the folio where the asynchronous part starts.
 */
function page_cache_ra_order(k: Kernel, inode: Inode, file: OpenFile, isAsync: boolean): void {
  const limit = Math.min(file_pages(inode) - 1, file.ra_start + file.ra_size - 1);
  const marker = file.ra_start + file.ra_size - file.ra_async;
  const order = Math.min(file.ra_order, Math.floor(Math.log2(Math.max(1, file.ra_size))));
  if (limit < file.ra_start) return;
  if (k.sink !== null) {
    const pages = limit - file.ra_start + 1;
    k.emit({ type: 'readahead', path: inode.path, first: file.ra_start, pages, marker, async: isAsync });
  }
  for (let index = file.ra_start; index <= limit; ) {
    let fit = order;
    // Folios are naturally aligned and none reaches behind the limit.
    while (fit > 0 && (index % 2 ** fit !== 0 || index + 2 ** fit - 1 > limit)) fit--;
    const marked = marker - (marker % 2 ** fit) === index;
    for (let page = index; page < index + 2 ** fit; page++) readOne(k, inode, page, marked);
    index += 2 ** fit;
  }
}

function readOne(k: Kernel, inode: Inode, index: number, marked: boolean): void {
  if (cache_entry(inode, index) !== 0) return;
  const pfn = read_page(k, inode, index);
  if (pfn !== 0 && marked) k.frames.setFlags(pfn, PG_READAHEAD);
}

/** do_page_cache_ra(): reads `pages` pages from `index` on, no marker. */
export function do_page_cache_ra(k: Kernel, inode: Inode, index: number, pages: number): void {
  const end = Math.min(file_pages(inode), index + pages);
  if (k.sink !== null && end > index) {
    k.emit({ type: 'readahead', path: inode.path, first: index, pages: end - index, marker: -1, async: false });
  }
  for (let page = index; page < end; page++) readOne(k, inode, page, false);
}

/** Pages in the cache directly before `index`, at most `max` (page_cache_prev_miss()). */
function cachedBefore(inode: Inode, index: number, max: number): number {
  let count = 0;
  while (count < max && index - count > 0 && find_get_page(inode, index - count - 1) !== 0) count++;
  return count;
}

/** page_cache_sync_ra(): a read() missed at `index`; `wanted` pages are asked for. */
export function page_cache_sync_ra(k: Kernel, inode: Inode, file: OpenFile, index: number, wanted: number): void {
  const max = Math.max(ra_pages(k), 1);
  const previous = file.prev_pos < 0 ? -1 : Math.floor(file.prev_pos / 4096);
  const sequential = previous >= 0 && index - previous >= 0 && index - previous <= 1;
  if (index === 0 || wanted > max || sequential) {
    file.ra_start = index;
    file.ra_size = get_init_ra_size(wanted, max);
    file.ra_async = file.ra_size > wanted ? file.ra_size - wanted : Math.floor(file.ra_size / 2);
  } else {
    let history = cachedBefore(inode, index, max);
    if (history <= wanted) {
      do_page_cache_ra(k, inode, index, wanted);
      return;
    }
    if (history === index) history *= 2;
    file.ra_start = index;
    file.ra_size = Math.min(history + wanted, max);
    file.ra_async = 1;
  }
  file.ra_order = 0;
  page_cache_ra_order(k, inode, file, false);
}

/** page_cache_async_ra(): a page with the readahead marker was touched; reads what lies behind the window. */
export function page_cache_async_ra(k: Kernel, inode: Inode, file: OpenFile, index: number, wanted: number): void {
  const max = ra_pages(k);
  clearMarker(k, inode, index);
  if (max === 0) return;
  const expected = file.ra_start + file.ra_size - file.ra_async;
  if (index === expected || (file.ra_order > 0 && sameFolio(index, expected, file.ra_order))) {
    file.ra_start += file.ra_size;
    file.ra_size = get_next_ra_size(file.ra_size, max);
  } else {
    let start = index + 1;
    while (start - index <= max && find_get_page(inode, start) !== 0) start++;
    if (start - index > max) return;
    file.ra_start = start;
    file.ra_size = get_next_ra_size(start - index + wanted, max);
  }
  file.ra_async = file.ra_size;
  file.ra_order += 2;
  page_cache_ra_order(k, inode, file, true);
}

function sameFolio(a: number, b: number, order: number): boolean {
  return Math.floor(a / 2 ** order) === Math.floor(b / 2 ** order);
}

/** folio_clear_readahead(): the marker covers the neighbours of one folio. */
function clearMarker(k: Kernel, inode: Inode, index: number): void {
  const clear = (at: number): boolean => {
    const pfn = find_get_page(inode, at);
    if (pfn === 0 || ((k.frames.chunk(pfn).flags[pfn & CHUNK_MASK] as number) & PG_READAHEAD) === 0) return false;
    k.frames.clearFlags(pfn, PG_READAHEAD);
    return true;
  };
  clear(index);
  for (let at = index + 1; clear(at); at++);
  for (let at = index - 1; at >= 0 && clear(at); at--);
}

/**
 * do_sync_mmap_readahead(): a mapped page is missing. Reads around it, or ahead (MADV_SEQUENTIAL), or just it
 * (MADV_RANDOM).
 */
export function do_sync_mmap_readahead(
  k: Kernel,
  inode: Inode,
  file: OpenFile,
  index: number,
  advice: 'normal' | 'sequential' | 'random',
): void {
  const max = ra_pages(k);
  if (advice === 'random' || max === 0) return;
  if (advice === 'sequential') {
    page_cache_sync_ra_sequential(k, inode, file, index, max);
    return;
  }
  // MMAP_LOTSAMISS: after many misses without a hit around them the file is not read around any more.
  if (file.mmap_miss < 1000) file.mmap_miss++;
  if (file.mmap_miss > 100) return;
  file.ra_start = Math.max(0, index - Math.floor(max / 2));
  file.ra_size = max;
  file.ra_async = Math.floor(max / 4);
  file.ra_order = 0;
  page_cache_ra_order(k, inode, file, false);
}

function page_cache_sync_ra_sequential(k: Kernel, inode: Inode, file: OpenFile, index: number, max: number): void {
  file.ra_start = index;
  file.ra_size = get_init_ra_size(max, max);
  file.ra_async = file.ra_size > max ? file.ra_size - max : Math.floor(file.ra_size / 2);
  file.ra_order = 0;
  page_cache_ra_order(k, inode, file, false);
}
