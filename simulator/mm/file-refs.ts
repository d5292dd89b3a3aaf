/** Life of open files and inodes: who holds them, and what goes when nobody does (fs/file_table.c, fs/inode.c). */

import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import { cache_drop_range, disk_page_goes } from './page-cache.ts';

export function get_file(k: Kernel, file: number): void {
  k.files.edit(file).refs++;
}

/** Gives a reference to an open file up; the last one closes it. */
export function fput(k: Kernel, file: number): void {
  const open = k.files.edit(file);
  open.refs--;
  if (open.refs > 0) return;
  k.files.delete(file);
  iput(k, open.inode);
}

/** Gives a reference to an inode up; a deleted one goes with its pages. */
export function iput(k: Kernel, inodeId: number): void {
  const inode = k.inodes.edit(inodeId);
  inode.users--;
  if (inode.users === 0 && inode.deleted) evict_inode(k, inode);
}

/** fs/inode.c: evict(): the last name and the last user are gone. */
export function evict_inode(k: Kernel, inode: Inode): void {
  cache_drop_range(k, inode, 0, Number.POSITIVE_INFINITY);
  for (const content of inode.written.values()) disk_page_goes(k, content);
  k.epoch.held.cacheChunks -= inode.cache.size;
  k.scalars.committed -= inode.accounted;
  k.inodes.delete(inode.id);
}

/** A new open file description of an inode, with one reference. */
export function open_file(
  k: Kernel,
  inodeId: number,
  access: {
    readonly readable: boolean;
    readonly writable: boolean;
    readonly append: boolean;
    readonly sync?: boolean;
    readonly direct?: boolean;
    readonly path?: boolean;
  },
): number {
  k.inodes.edit(inodeId).users++;
  return k.files.add((id, owner) => ({
    id,
    owner,
    inode: inodeId,
    sync: false,
    direct: false,
    path: false,
    ...access,
    pos: 0,
    refs: 1,
    ra_start: 0,
    ra_size: 0,
    ra_async: 0,
    mmap_miss: 0,
    prev_pos: -1,
  })).id;
}
