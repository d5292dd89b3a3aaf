/** Reading more of a file than was asked for (mm/readahead.c). Windows are in pages. */

import type { Pfn } from '../machine/address.ts';
import { PG_READAHEAD } from '../machine/frames.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, OpenFile } from '../state/records.ts';
import { hold_page } from './map-page.ts';
import { cache_entry, file_pages, find_get_page, read_page } from './page-cache.ts';
import { VM_EXEC, VM_RAND_READ, VM_SEQ_READ, type Vma, vma_pages } from './vma.ts';
import { folio_test_writeback } from './writeback.ts';

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
 * do_page_cache_ra(): reads the window [ra_start, ra_start + ra_size) in single pages, cut at the end of the file, and
 * puts the readahead marker on the page where the asynchronous part starts.
 */
function read_window(k: Kernel, inode: Inode, file: OpenFile, isAsync: boolean): void {
  const end = Math.min(file_pages(inode), file.ra_start + file.ra_size);
  const pages = end - file.ra_start;
  if (pages <= 0) return;
  const marker = file.ra_async <= pages ? end - file.ra_async : -1;
  if (k.sink !== null)
    k.emit({ type: 'readahead', path: inode.path, first: file.ra_start, pages, marker, async: isAsync });
  readPages(k, inode, file.ra_start, end, marker);
}

/**
 * Reads what is missing of pages [first, end). They are locked until all have arrived, so none takes another's frame; where
 * memory is too short for all the rest stays on disk.
 */
function readPages(k: Kernel, inode: Inode, first: number, end: number, marker: number): void {
  const locked: Pfn[] = [];
  for (let index = first; index < end; index++) {
    if (cache_entry(inode, index) !== 0) continue;
    const pfn = read_page(k, inode, index, 'noretry');
    if (pfn === 0) break;
    if (index === marker) k.frames.setFlags(pfn, PG_READAHEAD);
    hold_page(k, pfn, 1);
    locked.push(pfn);
  }
  for (const pfn of locked) hold_page(k, pfn, -1);
}

/** do_page_cache_ra(): reads `pages` pages from `index` on, no marker. */
export function do_page_cache_ra(k: Kernel, inode: Inode, index: number, pages: number): void {
  const end = Math.min(file_pages(inode), index + pages);
  if (k.sink !== null && end > index) {
    k.emit({ type: 'readahead', path: inode.path, first: index, pages: end - index, marker: -1, async: false });
  }
  readPages(k, inode, index, end, -1);
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
  read_window(k, inode, file, false);
}

/** page_cache_async_ra(): a page with the readahead marker was touched; reads what lies behind the window. */
export function page_cache_async_ra(k: Kernel, inode: Inode, file: OpenFile, index: number, wanted: number): void {
  const max = ra_pages(k);
  const marked = find_get_page(inode, index);
  // PG_readahead and PG_reclaim are one bit.
  if (marked !== 0 && max > 0 && folio_test_writeback(k, marked)) return;
  if (marked !== 0) k.frames.clearFlags(marked, PG_READAHEAD);
  if (max === 0) return;
  const expected = file.ra_start + file.ra_size - file.ra_async;
  if (index === expected) {
    file.ra_start += file.ra_size;
    file.ra_size = get_next_ra_size(file.ra_size, max);
  } else {
    let start = index + 1;
    while (start - index <= max && find_get_page(inode, start) !== 0) start++;
    if (start - index > max) return;
    file.ra_start = start;
    file.ra_size = get_next_ra_size(start - index + wanted, max);
  }
  // The window ends where a folio of the next order would, though here all have one page.
  const align = 2 ** Math.min(2, Math.log2(max & -max));
  const end = file.ra_start + file.ra_size;
  if (end - (end % align) > file.ra_start) file.ra_size -= end % align;
  file.ra_async = file.ra_size;
  read_window(k, inode, file, true);
}

/**
 * do_sync_mmap_readahead(): a mapped page is missing. Reads around it, or ahead (MADV_SEQUENTIAL, code), or just it
 * (MADV_RANDOM).
 */
export function do_sync_mmap_readahead(k: Kernel, inode: Inode, file: OpenFile, index: number, vma: Vma): void {
  const max = ra_pages(k);
  if ((vma.vm_flags & VM_RAND_READ) !== 0 || max === 0) return;
  if ((vma.vm_flags & VM_SEQ_READ) !== 0) {
    page_cache_sync_ra(k, inode, file, index, max);
    return;
  }
  // MMAP_LOTSAMISS: after many misses without a hit around them the file is not read around any more.
  if (file.mmap_miss < 1000) file.mmap_miss++;
  if (file.mmap_miss > 100) return;
  if ((vma.vm_flags & VM_EXEC) !== 0) {
    // Code is read from the fault on, inside its own mapping, and nothing ahead of that.
    file.ra_start = Math.max(index, vma.vm_pgoff);
    file.ra_size = Math.min(file.ra_start + max, vma.vm_pgoff + vma_pages(vma)) - file.ra_start;
    file.ra_async = 0;
  } else {
    file.ra_start = Math.max(0, index - Math.floor(max / 2));
    file.ra_size = max;
    file.ra_async = Math.floor(max / 4);
  }
  read_window(k, inode, file, false);
}
