/** kernel_read(): the kernel reads a file for itself, through the page cache (fs/read_write.c, mm/filemap.c). */

import { PAGE_SIZE, type Pfn } from '../machine/address.ts';
import { readFrameBytes } from '../machine/content.ts';
import { PG_READAHEAD } from '../machine/frames.ts';
import { cache_entry, find_get_page, read_page } from '../mm/page-cache.ts';
import { page_cache_async_ra, page_cache_sync_ra } from '../mm/readahead.ts';
import { shmem_get_page } from '../mm/shmem.ts';
import type { Kernel } from '../state/kernel.ts';

/** The frame of a page of the file, brought in with what readahead adds; 0 for a hole, null without a free frame. */
function page_of(k: Kernel, fileId: number, index: number, wanted: number): Pfn | null {
  const inodeId = k.files.get(fileId).inode;
  const inode = k.inodes.get(inodeId);
  if (inode.kind === 'shmem') {
    return cache_entry(inode, index) === 0 ? 0 : shmem_get_page(k, inodeId, index).pfn || null;
  }
  if (inode.kind !== 'file') return 0;
  const pfn = find_get_page(inode, index);
  if (pfn === 0) page_cache_sync_ra(k, k.inodes.edit(inodeId), k.files.edit(fileId), index, wanted);
  else if ((k.frames.flagsOf(pfn) & PG_READAHEAD) !== 0) {
    page_cache_async_ra(k, k.inodes.edit(inodeId), k.files.edit(fileId), index, wanted);
  }
  const cached = find_get_page(k.inodes.get(inodeId), index);
  return cached || read_page(k, k.inodes.edit(inodeId), index) || null;
}

/** The bytes at [offset, offset + length) of an open file, fewer at its end; null: no frame is free. */
export function kernel_read(k: Kernel, fileId: number, offset: number, length: number): Uint8Array | null {
  const end = Math.min(offset + length, k.inodes.get(k.files.get(fileId).inode).size);
  if (!(offset < end)) return new Uint8Array(0);
  const bytes = new Uint8Array(end - offset);
  for (let at = offset; at < end; ) {
    const part = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
    const pfn = page_of(k, fileId, Math.floor(at / PAGE_SIZE), Math.ceil((end - at) / PAGE_SIZE));
    if (pfn === null) return null;
    if (pfn !== 0) readFrameBytes(k.frames, pfn, at % PAGE_SIZE, bytes.subarray(at - offset, at - offset + part));
    at += part;
  }
  k.files.edit(fileId).prev_pos = end - 1;
  return bytes;
}
