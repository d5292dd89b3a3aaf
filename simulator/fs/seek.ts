/** SEEK_DATA and SEEK_HOLE (fs/iomap/seek.c, mm/filemap.c: mapping_seek_hole_data()), page by page. */

import { PAGE_SIZE } from '../machine/address.ts';
import { cache_entry, cache_for_each, file_pages, find_get_page } from '../mm/page-cache.ts';
import { has_block } from '../mm/truncate.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';

/** The page is no hole: shmem has it in RAM or in swap, a disk file has a block for it or has promised one. */
function has_data(k: Kernel, inode: Inode, index: number): boolean {
  if (inode.kind === 'shmem') return cache_entry(inode, index) !== 0;
  return has_block(k, inode, index, find_get_page(inode, index));
}

/** Index of the first page with data from `from` on; null when only holes follow. */
function nextData(k: Kernel, inode: Inode, from: number): number | null {
  let first = Number.POSITIVE_INFINITY;
  cache_for_each(inode, from, file_pages(inode), (index) => {
    if (index < first && has_data(k, inode, index)) first = index;
  });
  if (inode.kind === 'shmem') return Number.isFinite(first) ? first : null;
  for (const index of inode.written.keys()) {
    if (index >= from && index < first && has_data(k, inode, index)) first = index;
  }
  const image = Math.ceil(inode.imageEnd / PAGE_SIZE);
  for (let index = from; index < Math.min(first, image); index++) if (has_data(k, inode, index)) return index;
  return first < file_pages(inode) ? first : null;
}

/** Index of the first hole from `from` on, at most the file's end. */
function nextHole(k: Kernel, inode: Inode, from: number): number {
  let index = from;
  while (index < file_pages(inode) && has_data(k, inode, index)) index++;
  return index;
}

/**
 * The first byte of data, or of a hole, from `offset` on, which lies in the file. The end of the file is a hole; null:
 * there are no more data.
 */
export function seek_hole_data(k: Kernel, inode: Inode, offset: number, data: boolean): number | null {
  // A directory or a device: all of it is data.
  if (inode.kind !== 'file' && inode.kind !== 'shmem') return data ? offset : inode.size;
  const from = Math.floor(offset / PAGE_SIZE);
  const found = data ? nextData(k, inode, from) : nextHole(k, inode, from);
  return found === null ? null : Math.min(inode.size, Math.max(offset, found * PAGE_SIZE));
}
