/** Making files shorter, longer or hollow (mm/truncate.c, mm/shmem.c: shmem_undo_range()). */

import { PAGE_SIZE } from '../machine/address.ts';
import { fillFrame, type PageContent } from '../machine/content.ts';
import { PG_DIRTY, PG_NOT_UPTODATE, PG_WRITEBACK } from '../machine/frames.ts';
import { mark_accessed } from '../machine/lru.ts';
import { MAP_ENTRY_BYTES } from '../state/cow.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import {
  cache_clear_shadows,
  cache_drop_range,
  cache_entry,
  disk_page_goes,
  find_get_page,
  isHollow,
  read_page,
  withHole,
} from './page-cache.ts';
import { shmem_get_page } from './shmem.ts';
import { folio_wait_writeback } from './writeback.ts';
import { unmap_mapping_range } from './zap.ts';

/** Bytes of the largest file that Linux can have. */
export const MAX_LFS_FILESIZE = 2n ** 63n - 1n;
/** ext4 with 4 KiB blocks: ext4_max_size(). */
const EXT4_MAX = 2n ** 44n - 4096n;

/** Bytes that a file may have at most: s_maxbytes of its file system. */
export function max_bytes(inode: Inode): bigint {
  return inode.kind === 'file' ? EXT4_MAX : MAX_LFS_FILESIZE;
}

/** Pages [first, end) are no part of the file any more. */
function drop_pages(k: Kernel, inode: Inode, first: number, end: number): void {
  cache_drop_range(k, inode, first, end);
  cache_clear_shadows(k, inode, first, end);
}

function forgetDisk(k: Kernel, inode: Inode, first: number, end: number, hollow: boolean): void {
  const written = new Map<number, PageContent>();
  for (const [index, content] of inode.written) {
    if (index < first || index >= end) written.set(index, content);
    else disk_page_goes(k, content);
  }
  if (hollow) {
    const last = Math.min(end, Math.ceil(inode.imageEnd / PAGE_SIZE));
    if (first < last) inode.holes = withHole(inode.holes, first, last);
  }
  inode.written = written;
  k.epoch.made += MAP_ENTRY_BYTES * (written.size + inode.holes.length);
  inode.writtenOwner = k.epoch.now;
}

/** The page at `index`, in the cache or brought there: of a disk file also for a hole, of shmem only if there is one. */
function partialPage(k: Kernel, inode: Inode, index: number): number {
  if (inode.kind === 'shmem') return cache_entry(inode, index) === 0 ? 0 : shmem_get_page(k, inode.id, index).pfn;
  const cached = find_get_page(inode, index);
  if (cached !== 0) return cached;
  const read = read_page(k, inode, index);
  if (read !== 0) k.frames.setFlags(read, PG_NOT_UPTODATE);
  return read;
}

/** The file has a block for the page, on disk or still to be written: not a hole. */
export function has_block(k: Kernel, inode: Inode, index: number, pfn: number): boolean {
  if (inode.kind === 'shmem' || inode.written.has(index)) return true;
  if (index * PAGE_SIZE < inode.imageEnd && !isHollow(inode.holes, index)) return true;
  return pfn !== 0 && (k.frames.flagsOf(pfn) & (PG_DIRTY | PG_WRITEBACK)) !== 0;
}

/**
 * Zeros behind `size` in the page that holds it (ext4_block_truncate_page(), shmem_get_partial_folio()): the page is
 * dirty then; private copies keep their bytes.
 */
function zeroPartial(k: Kernel, inode: Inode, size: number): void {
  const offset = size % PAGE_SIZE;
  if (offset === 0) return;
  const index = (size - offset) / PAGE_SIZE;
  const pfn = partialPage(k, inode, index);
  if (pfn === 0) return;
  folio_wait_writeback(k, pfn, 'truncation');
  if (inode.kind === 'file') mark_accessed(k.frames, pfn);
  if (!has_block(k, inode, index, pfn)) return;
  fillFrame(k.frames, k.epoch, pfn, offset, PAGE_SIZE - offset, 0);
  if (inode.kind === 'shmem') k.frames.markDirty(pfn);
  else k.frames.markBlockDirty(pfn);
}

/** What was stored behind the end of a disk file is not in it when it grows to `size` bytes; shmem keeps it. */
export function zero_behind_end(k: Kernel, inode: Inode, size: number): void {
  if (size <= inode.size) return;
  if (inode.kind === 'file') zeroPartial(k, inode, inode.size);
}

/** truncate_setsize() and what a file system adds: the file has `size` bytes from now on. */
export function set_size(k: Kernel, inodeId: number, size: number): void {
  const inode = k.inodes.edit(inodeId);
  const shrinks = size <= inode.size;
  zero_behind_end(k, inode, size);
  inode.size = size;
  if (!shrinks) return;
  const first = Math.ceil(size / PAGE_SIZE);
  unmap_mapping_range(k, inode, first, Number.MAX_SAFE_INTEGER, true);
  drop_pages(k, inode, first, Number.POSITIVE_INFINITY);
  zeroPartial(k, inode, size);
  // Whole blocks are given back. What lies behind the end in the last one stays on disk until that page is written.
  inode.imageEnd = Math.min(inode.imageEnd, first * PAGE_SIZE);
  forgetDisk(k, inode, first, Number.POSITIVE_INFINITY, false);
}

/** fallocate(FALLOC_FL_PUNCH_HOLE) of whole pages [first, end): they read as zeros. */
export function punch_hole(k: Kernel, inodeId: number, first: number, end: number): void {
  const inode = k.inodes.edit(inodeId);
  unmap_mapping_range(k, inode, first, end, false);
  drop_pages(k, inode, first, end);
  if (inode.kind === 'file') forgetDisk(k, inode, first, end, true);
}
