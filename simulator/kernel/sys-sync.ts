/** The system calls that wait until a disk has what was written (fs/sync.c). */

import { has_fsync } from '../fs/size.ts';
import { PAGE_SIZE } from '../machine/address.ts';
import { filemap_write_and_wait_range } from '../mm/filemap.ts';
import { refuse } from '../mm/refuse.ts';
import type { Kernel } from '../state/kernel.ts';
import type { OpenFile } from '../state/records.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';

/** do_fsync(): what fdatasync leaves out, the inode, is nothing here. */
function do_fsync(c: SysCall): SysResult {
  if (c.fileId(0) === 0) return 'EINVAL';
  const file = c.file(0);
  if (file === null) return 'EBADF';
  if (!has_fsync(c.k.inodes.get(file.inode))) return refuse(c.k, 'EINVAL', 'its driver has no fsync');
  filemap_write_and_wait_range(c.k, file.inode, 0, Number.POSITIVE_INFINITY, 'fsync');
  return 0;
}

/** ksys_sync(): every file. */
function sync(c: SysCall): SysResult {
  for (const { id } of [...c.k.inodes.values()]) {
    filemap_write_and_wait_range(c.k, id, 0, Number.POSITIVE_INFINITY, 'sync');
  }
  return 0;
}

/** generic_write_sync(): behind a write of `count` bytes at `pos` to a file that was opened for it. */
export function generic_write_sync(k: Kernel, file: OpenFile, pos: number, count: number): void {
  if (!file.sync || count <= 0) return;
  const end = Math.ceil((pos + count) / PAGE_SIZE);
  filemap_write_and_wait_range(k, file.inode, Math.floor(pos / PAGE_SIZE), end, 'sync write');
}

export const SYNC_CALLS: Readonly<Record<string, SysHandler>> = { fsync: do_fsync, fdatasync: do_fsync, sync };
