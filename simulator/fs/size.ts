/** How large files may become (fs/attr.c: inode_newsize_ok()). */

import { refuse } from '../mm/refuse.ts';
import { MAX_LFS_FILESIZE, max_bytes, set_size } from '../mm/truncate.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';

/** A size or an offset as the kernel has it. The largest one is no double: the next one stands for it. */
export function toBytes(value: number): bigint {
  return value >= 2 ** 63 ? MAX_LFS_FILESIZE : BigInt(value);
}

/** A size or an offset that a double can hold. */
export function isExact(bytes: bigint): boolean {
  return toBytes(Number(bytes)) === bytes;
}

/** What a size that no double holds answers: the step is not made. */
export const INEXACT = {
  skip: 'the simulator keeps sizes and offsets beyond 2^53 in steps of a KiB, and this is between two',
};

/** Gives a file `size` bytes, which is not negative: 0, EFBIG, or a step that is not made. */
export function newsize(k: Kernel, inode: Inode, size: bigint): 0 | string | { readonly skip: string } {
  if (size > toBytes(inode.size) && size > max_bytes(inode)) {
    return refuse(k, 'EFBIG', 'the file system has no files of that size');
  }
  if (!isExact(size)) return INEXACT;
  set_size(k, inode.id, Number(size));
  return 0;
}

/** What can be written to a disk: a device has nothing that fsync() could call. */
export function has_fsync(inode: Inode): boolean {
  return inode.kind === 'file' || inode.kind === 'shmem' || inode.kind === 'directory';
}
