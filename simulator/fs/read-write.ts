/** read() and write() through the page cache (mm/filemap.c: filemap_read(), generic_perform_write()). */

import { current_mm } from '../kernel/task.ts';
import { copy_to_user } from '../kernel/user-copy.ts';
import { PAGE_SIZE, type Pfn, pageDown, pteIndex } from '../machine/address.ts';
import { readFrameByte, readFrameBytes, writeFrame, writeFrameByte } from '../machine/content.ts';
import { PG_NOT_UPTODATE, PG_READAHEAD } from '../machine/frames.ts';
import { mark_accessed } from '../machine/lru.ts';
import { PTE_PRESENT } from '../machine/pagetable.ts';
import { cpu_access } from '../mm/access.ts';
import { hold_page, release_page } from '../mm/map-page.ts';
import { cache_entry, find_get_page, read_page } from '../mm/page-cache.ts';
import { note_cache_use } from '../mm/page-use.ts';
import { page_cache_async_ra, page_cache_sync_ra } from '../mm/readahead.ts';
import { NO_SPACE, shmem_get_page } from '../mm/shmem.ts';
import { has_block, zero_behind_end } from '../mm/truncate.ts';
import { task_size } from '../mm/unmapped-area.ts';
import { PART_BYTES, type Parts, type Progress } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, OpenFile } from '../state/records.ts';

/**
 * Where a transfer goes to or comes from: an address of the process, or the bytes that a scenario shows in its place, as
 * strace does. Shown bytes lie in no memory: a read drops what it reads, a write takes them, and zeros behind them.
 */
export type UserBuffer = number | Uint8Array;

/** The buffer from its byte `done` on. */
function rest(buffer: UserBuffer, done: number): UserBuffer {
  return typeof buffer === 'number' ? buffer + done : buffer.subarray(done);
}

/** Pages that one round of filemap_read() takes from the cache (PAGEVEC_SIZE); it holds them, so fewer on tiny machines. */
function batchSize(k: Kernel): number {
  return Math.max(1, Math.min(31, Math.floor(k.frames.total / 16)));
}

/** Attempts of a write that bring no byte, one after the other, before it is given up. */
const MAX_FRUITLESS = 16;

/**
 * filemap_get_read_batch(): PFNs of the cached pages from `index` on, before `last`; it ends behind a page with the
 * readahead marker.
 */
function read_batch(k: Kernel, inodeId: number, index: number, last: number): Pfn[] {
  const inode = k.inodes.get(inodeId);
  const batch: Pfn[] = [];
  const size = batchSize(k);
  for (let page = index; page < last && batch.length < size; page++) {
    const pfn = find_get_page(inode, page);
    if (pfn === 0) break;
    k.frames.clearFlags(pfn, PG_NOT_UPTODATE);
    batch.push(pfn);
    if ((k.frames.flagsOf(pfn) & PG_READAHEAD) !== 0) break;
  }
  return batch;
}

/**
 * filemap_get_pages(): a batch of at least one page, read with readahead if missing. Empty: no frame. The pages are held
 * ({@link hold_page}): neither reading ahead nor copying to the user may evict what is about to be copied.
 */
function get_pages(k: Kernel, file: OpenFile, index: number, last: number): Pfn[] {
  let batch = read_batch(k, file.inode, index, last);
  if (batch.length === 0) {
    page_cache_sync_ra(k, k.inodes.edit(file.inode), file, index, last - index);
    batch = read_batch(k, file.inode, index, last);
  }
  if (batch.length === 0) {
    const pfn = read_page(k, k.inodes.edit(file.inode), index);
    if (pfn !== 0) batch.push(pfn);
  }
  for (const pfn of batch) hold_page(k, pfn, 1);
  const tail = batch[batch.length - 1];
  if (tail !== undefined && (k.frames.flagsOf(tail) & PG_READAHEAD) !== 0) {
    const at = index + batch.length - 1;
    page_cache_async_ra(k, k.inodes.edit(file.inode), file, at, last - at);
  }
  return batch;
}

/**
 * Copies bytes of a frame to the user; how many. Byte by byte into a mapping of the same page, as the CPU does it: what was
 * stored a moment ago is read again.
 */
function copyOut(k: Kernel, pfn: Pfn, offset: number, count: number, to: UserBuffer): number {
  const mm = current_mm(k);
  note_cache_use(k, pfn);
  if (typeof to !== 'number') return count;
  for (let done = 0; done < count; ) {
    const at = to + done;
    const part = Math.min(count - done, PAGE_SIZE - (at % PAGE_SIZE));
    const target = at < task_size(k) ? cpu_access(k, mm, at, 'write', 'kernel') : -1;
    if (target < 0) return done;
    if (target === pfn) {
      for (let i = 0; i < part; i++) {
        const byte = readFrameByte(k.frames, pfn, offset + done + i);
        writeFrameByte(k.frames, k.epoch, pfn, (at + i) % PAGE_SIZE, byte);
      }
    } else {
      const bytes = new Uint8Array(part);
      readFrameBytes(k.frames, pfn, offset + done, bytes);
      writeFrame(k.frames, k.epoch, target, at % PAGE_SIZE, bytes);
    }
    done += part;
  }
  return count;
}

/** filemap_read() of a disk file: copies [pos, pos + count) to the user; the number of bytes, or an errno. */
function* filemap_read(k: Kernel, id: number, to: UserBuffer, count: number, pos: number): Parts<number | string> {
  let file = k.files.edit(id);
  const size = k.inodes.get(file.inode).size;
  const end = Math.min(size, pos + count);
  const last = Math.ceil((pos + count) / PAGE_SIZE);
  let at = pos;
  let previous = file.prev_pos;
  let pause = pos + PART_BYTES;
  while (at < end) {
    if (at >= pause) {
      yield progress(pos, at, end);
      pause = at + PART_BYTES;
      file = k.files.edit(id);
    }
    const batch = get_pages(k, file, Math.floor(at / PAGE_SIZE), last);
    if (batch.length === 0) return at > pos ? at - pos : 'ENOMEM';
    // The page where the last read ended counts as used once only.
    if (Math.floor(at / PAGE_SIZE) !== Math.floor((previous - 1) / PAGE_SIZE)) mark_accessed(k.frames, batch[0] as Pfn);
    let refused = false;
    for (const [i, pfn] of batch.entries()) {
      if (!refused && at < end) {
        if (i > 0) mark_accessed(k.frames, pfn);
        const part = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
        const copied = copyOut(k, pfn, at % PAGE_SIZE, part, rest(to, at - pos));
        at += copied;
        previous = at;
        refused = copied < part;
      }
      release_page(k, pfn);
    }
    if (refused) {
      k.files.edit(file.id).prev_pos = previous;
      return at > pos ? at - pos : 'EFAULT';
    }
  }
  k.files.edit(file.id).prev_pos = previous;
  return at - pos;
}

/** How many pages of [start, end) are done where it stands at `at`. */
function progress(start: number, at: number, end: number): Progress {
  return { done: Math.floor((at - start) / PAGE_SIZE), of: Math.ceil((end - start) / PAGE_SIZE) };
}

/** {@link copyOut} of a page that is held meanwhile: the faults of the copy may not evict what is copied. */
function copyHeld(k: Kernel, pfn: Pfn, offset: number, count: number, to: UserBuffer): number {
  hold_page(k, pfn, 1);
  const copied = copyOut(k, pfn, offset, count, to);
  release_page(k, pfn);
  return copied;
}

/** clear_user(): zeros for the user; how many arrived. */
export function clearUser(k: Kernel, to: UserBuffer, count: number): number {
  return typeof to === 'number' ? copy_to_user(k, to, new Uint8Array(count)) : count;
}

/** shmem_file_read_iter(): holes are read as zeros and stay holes. */
function* shmem_read(k: Kernel, inode: number, buffer: UserBuffer, count: number, pos: number): Parts<number | string> {
  const end = Math.min(k.inodes.get(inode).size, pos + count);
  let at = pos;
  let pause = pos + PART_BYTES;
  while (at < end) {
    if (at >= pause) {
      yield progress(pos, at, end);
      pause = at + PART_BYTES;
    }
    const index = Math.floor(at / PAGE_SIZE);
    const part = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
    const hole = cache_entry(k.inodes.get(inode), index) === 0;
    const pfn = hole ? 0 : shmem_get_page(k, inode, index).pfn;
    if (!hole && pfn === 0) return at > pos ? at - pos : 'ENOMEM';
    // Only a read of its beginning counts as a use of the page.
    if (!hole && at % PAGE_SIZE === 0) mark_accessed(k.frames, pfn);
    const to = rest(buffer, at - pos);
    const copied = hole ? clearUser(k, to, part) : copyHeld(k, pfn, at % PAGE_SIZE, part, to);
    at += copied;
    if (copied < part) return at > pos ? at - pos : 'EFAULT';
  }
  return at - pos;
}

/** Reads from a file's pages to user memory. Returns the count or an errno. */
export function file_read(
  k: Kernel,
  file: OpenFile,
  to: UserBuffer,
  count: number,
  pos: number,
): Parts<number | string> {
  const shmem = k.inodes.get(file.inode).kind === 'shmem';
  return shmem ? shmem_read(k, file.inode, to, count, pos) : filemap_read(k, file.id, to, count, pos);
}

/** write_begin(): the page to write to, or as {@link shmem_get_page} says why there is none. One that is overwritten whole is not read first. */
function write_begin(k: Kernel, inodeId: number, at: number): Pfn {
  const index = Math.floor(at / PAGE_SIZE);
  const inode = k.inodes.edit(inodeId);
  if (inode.kind === 'shmem') {
    const { pfn } = shmem_get_page(k, inodeId, index);
    if (pfn > 0) mark_accessed(k.frames, pfn);
    return pfn;
  }
  const cached = find_get_page(inode, index);
  if (cached !== 0) return cached;
  const pfn = read_page(k, inode, index);
  // A block of it was read, or nothing: until bytes arrive the page is not complete.
  if (pfn !== 0) k.frames.setFlags(pfn, PG_NOT_UPTODATE);
  return pfn;
}

/** write_end() behind `copied` of `part` bytes at `at`, in a page that the write has made if `fresh`. The file reaches that far now. */
function write_end(
  k: Kernel,
  inodeId: number,
  pfn: Pfn,
  at: number,
  part: number,
  copied: number,
  fresh: boolean,
): void {
  const inode = k.inodes.edit(inodeId);
  if (at + copied > inode.size) inode.size = at + copied;
  if (copied > 0 || inode.kind === 'shmem') {
    k.frames.clearFlags(pfn, PG_NOT_UPTODATE);
    if (inode.kind === 'shmem') k.frames.markDirty(pfn);
    else k.frames.markBlockDirty(pfn);
  } else failed_write(k, inode, pfn, at, part, fresh);
}

/**
 * block_commit_write() of no byte, because the user's page was not there: a new block is zeros now, a block that
 * starts before the place counts as changed, one that was read is complete, one to be overwritten whole is not.
 */
function failed_write(k: Kernel, inode: Inode, pfn: Pfn, at: number, part: number, fresh: boolean): void {
  const stored = has_block(k, inode, Math.floor(at / PAGE_SIZE), pfn);
  if (stored && fresh && part === PAGE_SIZE) return;
  k.frames.clearFlags(pfn, PG_NOT_UPTODATE);
  if (!stored || at % PAGE_SIZE !== 0) k.frames.markBlockDirty(pfn);
}

/** Bytes of `from`, up to `count`, that can be read without a fault. */
function resident(k: Kernel, from: UserBuffer, count: number): number {
  if (typeof from !== 'number') return count;
  const mm = current_mm(k);
  let have = 0;
  while (have < count) {
    const at = from + have;
    const flags = at < task_size(k) ? (mm.pt.find(at)?.words[2 * pteIndex(at)] ?? 0) : 0;
    if ((flags & PTE_PRESENT) === 0) return have;
    have += Math.min(count - have, PAGE_SIZE - (at % PAGE_SIZE));
  }
  return have;
}

/** fault_in_readable(): touches each page of the range. False when not even the first can be read. */
function fault_in(k: Kernel, addr: UserBuffer, count: number): boolean {
  if (typeof addr !== 'number') return true;
  const mm = current_mm(k);
  for (let at = addr; at < addr + count; at = pageDown(at) + PAGE_SIZE) {
    if (at >= task_size(k) || cpu_access(k, mm, at, 'read', 'kernel') < 0) return at > addr;
  }
  return true;
}

/**
 * Copies `count` resident bytes of user memory into a frame, one user page after the other and byte by byte, so that a
 * file written from its own mapping gets what the CPU would give it.
 */
function copyIn(k: Kernel, pfn: Pfn, offset: number, from: UserBuffer, count: number): void {
  const mm = current_mm(k);
  if (count > 0) note_cache_use(k, pfn);
  if (typeof from !== 'number') {
    const bytes = new Uint8Array(count);
    bytes.set(from.subarray(0, count));
    writeFrame(k.frames, k.epoch, pfn, offset, bytes);
    return;
  }
  for (let done = 0; done < count; ) {
    const at = from + done;
    const part = Math.min(count - done, PAGE_SIZE - (at % PAGE_SIZE));
    const source = cpu_access(k, mm, at, 'read', 'kernel');
    if (source === pfn) {
      for (let i = 0; i < part; i++) {
        const byte = readFrameByte(k.frames, source, (at + i) % PAGE_SIZE);
        writeFrameByte(k.frames, k.epoch, pfn, offset + done + i, byte);
      }
    } else {
      const bytes = new Uint8Array(part);
      readFrameBytes(k.frames, source, at % PAGE_SIZE, bytes);
      writeFrame(k.frames, k.epoch, pfn, offset + done, bytes);
    }
    done += part;
  }
}

/**
 * generic_perform_write(): page by page, each copied without faults; what is missing is faulted in behind an attempt
 * that wrote nothing, so that a write from a bad address leaves its traces.
 */
export function* file_write(
  k: Kernel,
  { inode }: OpenFile,
  buffer: UserBuffer,
  count: number,
  pos: number,
): Parts<number | string> {
  if (count > 0) zero_behind_end(k, k.inodes.edit(inode), pos);
  const end = pos + count;
  let at = pos;
  let fruitless = 0;
  let pause = pos + PART_BYTES;
  while (at < end) {
    if (at >= pause) {
      yield progress(pos, at, end);
      pause = at + PART_BYTES;
    }
    const from = rest(buffer, at - pos);
    const part = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
    const fresh = find_get_page(k.inodes.get(inode), Math.floor(at / PAGE_SIZE)) === 0;
    const pfn = write_begin(k, inode, at);
    if (pfn <= 0) return at > pos ? at - pos : pfn === NO_SPACE ? 'ENOSPC' : 'ENOMEM';
    const ready = resident(k, from, part);
    copyIn(k, pfn, at % PAGE_SIZE, from, ready);
    write_end(k, inode, pfn, at, part, ready, fresh);
    at += ready;
    fruitless = ready > 0 ? 0 : fruitless + 1;
    // So little memory that the page of the file and that of the user drive each other out for ever.
    if (fruitless > MAX_FRUITLESS) return at > pos ? at - pos : 'ENOMEM';
    if (ready === 0 && !fault_in(k, from, part)) return at > pos ? at - pos : 'EFAULT';
  }
  return at - pos;
}
