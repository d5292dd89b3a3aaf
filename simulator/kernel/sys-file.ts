/** The system calls that move a file's bytes (fs/read_write.c); all of files and of shared memory are listed. */

import { clearUser, file_read, file_write, type UserBuffer } from '../fs/read-write.ts';
import { seek_hole_data } from '../fs/seek.ts';
import { INEXACT, isExact, newsize, toBytes } from '../fs/size.ts';
import { PAGE_SIZE } from '../machine/address.ts';
import { refuse } from '../mm/refuse.ts';
import { max_bytes } from '../mm/truncate.ts';
import { isParts, type Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, OpenFile } from '../state/records.ts';
import { MAX_TOUCHED, raise, SIGXFSZ, tooMuchText } from './cpu.ts';
import { OPEN_CALLS } from './sys-open.ts';
import { SHM_CALLS } from './sys-shm.ts';
import { generic_write_sync, SYNC_CALLS } from './sys-sync.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';
import { access_ok, copy_from_user } from './user-copy.ts';

/** What one read or write moves at most (MAX_RW_COUNT). */
const MAX_RW_COUNT = 0x7ffff000;

/** The kernel's limit of offsets (loff_t). */
const LOFF_END = 2n ** 63n;

/** No buffer can be larger than the address space. */
const MAX_COUNT = 2 ** 47;

/** Offsets of which every byte is a double. */
const EXACT_END = 2 ** 52;

/** What the disk transfers at least: O_DIRECT moves nothing less. Where in memory it lies the disk does not mind. */
const SECTOR = 4096;

const TOO_FAR = { skip: 'the simulator moves no bytes beyond offset 2^52 of a file' };

/** What long transfers give, in parts. */
type Answer = SysResult | Parts<SysResult>;

/** access_ok() of a buffer; what is shown lies nowhere. */
function buffer_ok(k: Kernel, buffer: UserBuffer, count: number): boolean {
  return typeof buffer === 'number' ? access_ok(k, buffer, count) : count <= MAX_COUNT;
}

/** rw_verify_area(); `pos` is not negative. */
function verify_area(c: SysCall, count: number, pos: bigint): 0 | string {
  return pos + BigInt(count) < LOFF_END ? 0 : refuse(c.k, 'EINVAL', 'the range ends beyond the largest offset');
}

/** iomap_dio_bio_iter(): part of a sector cannot be moved directly. */
function is_misaligned(c: SysCall, file: OpenFile, count: number, pos: number): boolean {
  if (!file.direct || c.k.inodes.get(file.inode).kind !== 'file') return false;
  if (count % SECTOR === 0 && pos % SECTOR === 0) return false;
  refuse(c.k, 'EINVAL', 'O_DIRECT moves whole sectors');
  return true;
}

/** vfs_read(): checks, then the file's pages. */
function do_read(c: SysCall, file: OpenFile, buffer: UserBuffer, count: number, offset: bigint): Answer {
  const inode = c.k.inodes.get(file.inode);
  if (inode.kind === 'device') return 'EINVAL';
  if (!buffer_ok(c.k, buffer, count)) return 'EFAULT';
  const refused = verify_area(c, count, offset);
  if (refused !== 0) return refused;
  if (inode.kind === 'directory') return 'EISDIR';
  const bytes = Math.min(count, MAX_RW_COUNT);
  if (inode.kind === 'null') return 0;
  if (inode.kind === 'zero') return readZeros(c, buffer, bytes);
  if (offset >= toBytes(inode.size)) return 0;
  return is_misaligned(c, file, count, Number(offset)) ? 'EINVAL' : file_read(c.k, file, buffer, bytes, Number(offset));
}

/** read_zero(). */
function readZeros(c: SysCall, buffer: UserBuffer, count: number): SysResult {
  if (typeof buffer !== 'number') return count;
  if (count > Number(MAX_TOUCHED)) return { skip: tooMuchText(BigInt(count)) };
  for (let done = 0; done < count; ) {
    const part = Math.min(count - done, PAGE_SIZE - ((buffer + done) % PAGE_SIZE));
    const copied = clearUser(c.k, buffer + done, part);
    done += copied;
    if (copied < part) return done === 0 ? 'EFAULT' : done;
  }
  return count;
}

/** SIGXFSZ, which kills who has no handler for it; the call's EFBIG is seen by nobody. */
function fileSizeExceeded(c: SysCall): SysResult {
  refuse(c.k, 'EFBIG', 'RLIMIT_FSIZE');
  raise(c.k, SIGXFSZ, 0n);
  return SIGXFSZ;
}

/** generic_write_check_limits(): how many of `count` bytes may be written at `pos`. */
function write_check_limits(c: SysCall, inode: Inode, count: number, offset: bigint): SysResult {
  const pos = Number(offset);
  const limit = c.task.rlimits.FSIZE.soft;
  if (pos >= limit) return fileSizeExceeded(c);
  if (offset >= max_bytes(inode)) return refuse(c.k, 'EFBIG', 'the file system has no files of that size');
  return Math.min(count, limit - pos, Number(max_bytes(inode) - offset));
}

/** vfs_write(). */
function* do_write(c: SysCall, file: OpenFile, buffer: UserBuffer, count: number, offset: bigint): Parts<SysResult> {
  const inode = c.k.inodes.get(file.inode);
  if (inode.kind === 'device' || inode.kind === 'directory') return 'EINVAL';
  if (!buffer_ok(c.k, buffer, count)) return 'EFAULT';
  const refused = verify_area(c, count, offset);
  if (refused !== 0) return refused;
  const bytes = Math.min(count, MAX_RW_COUNT);
  if (bytes === 0 || inode.kind === 'null' || inode.kind === 'zero') return bytes;
  const allowed = write_check_limits(c, inode, bytes, offset);
  if (typeof allowed !== 'number') return allowed;
  const pos = Number(offset);
  if (is_misaligned(c, file, allowed, pos)) return 'EINVAL';
  if (pos + allowed > EXACT_END) return TOO_FAR;
  const moved = yield* file_write(c.k, file, buffer, allowed, pos);
  if (typeof moved === 'number') generic_write_sync(c.k, file, pos, moved);
  return moved;
}

/** The terminal has nothing to read. */
function fromTerminal(c: SysCall): SysResult {
  if (!buffer_ok(c.k, c.buffer(1), c.word(2))) return 'EFAULT';
  return c.word(2) === 0 ? 0 : { skip: 'read of the terminal would block' };
}

function* read(c: SysCall): Parts<SysResult> {
  if (c.fileId(0) === 0) return fromTerminal(c);
  const file = c.file(0);
  if (file === null || !file.readable) return 'EBADF';
  const reading = do_read(c, file, c.buffer(1), c.word(2), toBytes(file.pos));
  const moved = isParts(reading) ? yield* reading : reading;
  if (typeof moved === 'number') c.k.files.edit(file.id).pos += moved;
  return moved;
}

function* write(c: SysCall): Parts<SysResult> {
  if (c.fileId(0) === 0) return toTerminal(c);
  const file = c.file(0);
  if (file === null || !file.writable) return 'EBADF';
  const pos = file.append ? c.k.inodes.get(file.inode).size : file.pos;
  const moved = yield* do_write(c, file, c.buffer(1), c.word(2), toBytes(pos));
  if (typeof moved === 'number') c.k.files.edit(file.id).pos = pos + moved;
  return moved;
}

/** A write to the terminal reads the user's bytes and shows them to nobody. */
function toTerminal(c: SysCall): SysResult {
  const buffer = c.buffer(1);
  if (!buffer_ok(c.k, buffer, c.word(2))) return 'EFAULT';
  const count = Math.min(c.word(2), MAX_RW_COUNT);
  if (typeof buffer !== 'number') return count;
  const copied = copy_from_user(c.k, buffer, new Uint8Array(Math.min(count, 1 << 20)));
  return copied === 0 && count > 0 ? 'EFAULT' : copied;
}

/** The offset of a pread or pwrite. */
function offsetOf(c: SysCall): bigint {
  return BigInt.asIntN(64, c.exact(3));
}

function pread(c: SysCall): Answer {
  if (offsetOf(c) < 0n) return refuse(c.k, 'EINVAL', 'the offset is negative');
  if (c.fileId(0) === 0) return 'ESPIPE';
  const file = c.file(0);
  if (file === null || !file.readable) return 'EBADF';
  return do_read(c, file, c.buffer(1), c.word(2), offsetOf(c));
}

function pwrite(c: SysCall): Answer {
  if (offsetOf(c) < 0n) return refuse(c.k, 'EINVAL', 'the offset is negative');
  if (c.fileId(0) === 0) return 'ESPIPE';
  const file = c.file(0);
  if (file === null || !file.writable) return 'EBADF';
  // O_APPEND wins over the offset (pwrite(2), BUGS).
  const pos = file.append ? toBytes(c.k.inodes.get(file.inode).size) : offsetOf(c);
  return do_write(c, file, c.buffer(1), c.word(2), pos);
}

const SEEK = { SET: 0, CUR: 1, END: 2, DATA: 3, HOLE: 4 } as const;

function lseek(c: SysCall): SysResult {
  if (c.fileId(0) === 0) return 'ESPIPE';
  const file = c.file(0);
  if (file === null) return 'EBADF';
  const inode = c.k.inodes.get(file.inode);
  const offset = BigInt.asIntN(64, c.exact(1));
  const whence = c.int(2);
  // null_lseek(): there is nothing to move in.
  if (inode.kind === 'zero' || inode.kind === 'null') return 0;
  const directory = inode.kind === 'directory';
  // offset_dir_llseek() of tmpfs.
  if (directory && whence > SEEK.CUR && c.k.config.filesystem === 'tmpfs') return 'EINVAL';
  if (whence === SEEK.DATA || whence === SEEK.HOLE) {
    if (offset < 0n || offset >= toBytes(inode.size)) return refuse(c.k, 'ENXIO', 'the offset is not in the file');
    const found = seek_hole_data(c.k, inode, Number(offset), whence === SEEK.DATA);
    if (found === null) return refuse(c.k, 'ENXIO', 'behind the offset there are only holes');
    file.pos = found;
    return toBytes(found);
  }
  if (whence !== SEEK.SET && whence !== SEEK.CUR && whence !== SEEK.END) return 'EINVAL';
  const base = whence === SEEK.SET ? 0 : whence === SEEK.CUR ? file.pos : inode.size;
  const pos = BigInt.asIntN(64, toBytes(base) + offset);
  if (pos < 0n || pos > max_bytes(inode)) return refuse(c.k, 'EINVAL', 'the file cannot have that offset');
  if (!isExact(pos)) return INEXACT;
  file.pos = Number(pos);
  return pos;
}

function ftruncate(c: SysCall): SysResult {
  const length = BigInt.asIntN(64, c.exact(1));
  if (length < 0n) return 'EINVAL';
  if (c.fileId(0) === 0) return 'EINVAL';
  const file = c.file(0);
  if (file === null) return 'EBADF';
  const inode = c.k.inodes.get(file.inode);
  if ((inode.kind !== 'file' && inode.kind !== 'shmem') || !file.writable) return 'EINVAL';
  if (length > toBytes(inode.size) && Number(length) > c.task.rlimits.FSIZE.soft) return fileSizeExceeded(c);
  return newsize(c.k, inode, length);
}

export const FILE_CALLS: Readonly<Record<string, SysHandler>> = {
  ...OPEN_CALLS,
  read,
  write,
  pread,
  pread64: pread,
  pwrite,
  pwrite64: pwrite,
  lseek,
  ftruncate,
  ...SYNC_CALLS,
  ...SHM_CALLS,
};
