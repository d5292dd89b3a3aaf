/** The system calls on names and descriptors: open, close, dup, unlink, memfd_create (fs/open.c, fs/namei.c, mm/memfd.c). */

import { directory_access, directory_inode, type Found, inode_at, parent_of, path_lookup } from '../fs/namei.ts';
import { evict_inode, fput, get_file, open_file } from '../mm/file-refs.ts';
import { refuse } from '../mm/refuse.ts';
import { new_inode } from '../mm/shmem.ts';
import { set_size } from '../mm/truncate.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import { O } from '../uapi.ts';
import { fdLimit, install, setFiles } from './descriptors.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';

/** What open() makes of its flags and mode (build_open_flags()). */
interface OpenFlags {
  readonly flags: number;
  /** What must be allowed: read 4, write 2. */
  readonly acc_mode: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Permission bits of a file that is made. */
  readonly mode: number;
}

const O_PATH_FLAGS = O.DIRECTORY | O.NOFOLLOW | O.PATH | O.CLOEXEC;
/** The bit of O_TMPFILE that O_DIRECTORY has not. */
const TMPFILE_BIT = O.TMPFILE & ~O.DIRECTORY;
const ACC_MODE = [4, 2, 6, 6] as const;

function build_open_flags(k: Kernel, bits: number, mode: number): OpenFlags | string {
  const flags = (bits & O.PATH) !== 0 ? bits & O_PATH_FLAGS : bits;
  const access = flags & O.ACCMODE;
  const writes = access === O.WRONLY || access === O.RDWR;
  if ((flags & O.DIRECTORY) !== 0 && (flags & O.CREAT) !== 0) {
    return refuse(k, 'EINVAL', 'O_CREAT makes no directories');
  }
  if ((flags & TMPFILE_BIT) !== 0) {
    if ((flags & O.DIRECTORY) === 0) return refuse(k, 'EINVAL', 'O_TMPFILE needs O_DIRECTORY');
    if (access === O.RDONLY) return refuse(k, 'EINVAL', 'O_TMPFILE needs O_WRONLY or O_RDWR');
  }
  const path = (flags & O.PATH) !== 0;
  return {
    flags,
    acc_mode: path ? 0 : (ACC_MODE[access] ?? 6) | ((flags & O.TRUNC) !== 0 ? 2 : 0),
    readable: !path && (access === O.RDONLY || access === O.RDWR),
    writable: !path && writes,
    mode,
  };
}

/** vfs_open() and fd_install(): a new open file description of the inode, and its number. */
function installInode(c: SysCall, inode: number, how: OpenFlags): number {
  const { flags, readable, writable } = how;
  const file = open_file(c.k, inode, {
    readable,
    writable,
    append: (flags & O.APPEND) !== 0,
    sync: (flags & O.DSYNC) !== 0,
    direct: (flags & O.DIRECT) !== 0,
    path: (flags & O.PATH) !== 0,
  });
  return install(c, file, (flags & O.CLOEXEC) !== 0);
}

function makeFile(k: Kernel, path: string, mode: number, deleted: boolean): Inode {
  const kind = k.config.filesystem === 'tmpfs' ? 'shmem' : 'file';
  return new_inode(k, { kind, path, size: 0, deleted, access: (mode >> 6) & 7 });
}

/** inode_permission(). */
function permitted(k: Kernel, path: string, access: number, mask: number): 0 | string {
  return (mask & ~access) === 0 ? 0 : refuse(k, 'EACCES', `the mode of ${path} forbids it`);
}

/** do_tmpfile(): a file without a name, in a directory. */
function do_tmpfile(c: SysCall, found: Found, how: OpenFlags): SysResult {
  if (found.kind === 'none') return 'ENOENT';
  if (found.kind !== 'directory') return refuse(c.k, 'ENOTDIR', 'O_TMPFILE names a directory');
  const refused = permitted(c.k, found.path, directory_access(found.path), 3);
  if (refused !== 0) return refused;
  const inode = makeFile(c.k, found.path, how.mode, true);
  inode.path = `${found.path === '/' ? '' : found.path}/#${inode.id}`;
  return installInode(c, inode.id, how);
}

/** lookup_open() of a name that nothing has: O_CREAT makes it, and asks for no permission but the directory's. */
function create(c: SysCall, found: Found, how: OpenFlags): SysResult {
  if ((how.flags & O.CREAT) === 0) return 'ENOENT';
  const above = parent_of(found.path);
  const refused = permitted(c.k, above, directory_access(above), 3);
  if (refused !== 0) return refused;
  const inode = makeFile(c.k, found.path, how.mode, false);
  c.k.paths.set(found.path, inode.id);
  return installInode(c, inode.id, how);
}

/** do_open() and may_open() of what is there. */
function openExisting(c: SysCall, found: Found, how: OpenFlags): SysResult {
  const { k } = c;
  const { flags } = how;
  const directory = found.kind === 'directory';
  if ((flags & O.CREAT) !== 0) {
    if ((flags & O.EXCL) !== 0) return 'EEXIST';
    if (directory) return 'EISDIR';
  }
  if ((found.slash || (flags & O.DIRECTORY) !== 0) && !directory) return refuse(k, 'ENOTDIR', 'it is no directory');
  if (directory && (how.acc_mode & 2) !== 0) return refuse(k, 'EISDIR', 'a directory is not opened for writing');
  const id = directory ? directory_inode(k, found.path).id : inode_at(k, found.path);
  if (id === undefined) throw new Error(`openExisting: ${found.path} has no inode`);
  const inode = k.inodes.get(id);
  const refused = permitted(k, found.path, inode.access, how.acc_mode);
  if (refused !== 0) return refused;
  const owned = inode.kind !== 'zero' && inode.kind !== 'null' && found.path !== '/dev';
  if ((flags & O.NOATIME) !== 0 && !owned) return refuse(k, 'EPERM', 'O_NOATIME is for the owner');
  const regular = inode.kind === 'file' || inode.kind === 'shmem';
  const truncates = (flags & O.TRUNC) !== 0 && regular;
  if ((how.writable || truncates) && inode.executing > 0) return 'ETXTBSY';
  if ((flags & O.DIRECT) !== 0 && !regular) return refuse(k, 'EINVAL', 'it cannot be read past the page cache');
  if (truncates) set_size(k, id, 0);
  return installInode(c, id, how);
}

/** do_sys_openat2(): `pathAt` is the number of the path's argument, `base` the directory of relative paths. */
function do_sys_open(c: SysCall, pathAt: number, bits: number, mode: number, base: string | null): SysResult {
  const how = build_open_flags(c.k, bits, mode);
  if (typeof how === 'string') return how;
  const path = c.string(pathAt);
  if (path === null) return 'EFAULT';
  if (path.bytes.length === 0) return 'ENOENT';
  if (fdLimit(c)) return refuse(c.k, 'EMFILE', 'RLIMIT_NOFILE');
  const start = base ?? (path.text.startsWith('/') ? '/' : directoryOf(c));
  if (start === 'EBADF' || start === 'ENOTDIR') return start;
  const found = path_lookup(c.k, path.text, start, (how.flags & O.CREAT) !== 0);
  if (typeof found === 'string') return found;
  if ((how.flags & TMPFILE_BIT) !== 0) return do_tmpfile(c, found, how);
  if ((how.flags & O.CREAT) !== 0 && found.slash) return 'EISDIR';
  return found.kind === 'none' ? create(c, found, how) : openExisting(c, found, how);
}

const AT_FDCWD = -100;

/** path_init(): where the relative path of an openat() starts; EBADF, ENOTDIR. All processes work in the root. */
function directoryOf(c: SysCall): string {
  if (c.int(0) === AT_FDCWD) return '/';
  const id = c.fileId(0);
  if (id < 0) return 'EBADF';
  const inode = id === 0 ? undefined : c.k.inodes.get(c.k.files.get(id).inode);
  return inode?.kind === 'directory' ? inode.path : 'ENOTDIR';
}

const S_IALLUGO = 0o7777;
/** Of a file that a call without a mode makes: what stands there is chance. */
const ANY_MODE = 0o644;

function modeOf(c: SysCall, index: number): number {
  return c.has(index) ? c.bits(index) & S_IALLUGO : ANY_MODE;
}

function close(c: SysCall): SysResult {
  const id = c.fileId(0);
  if (id < 0) return 'EBADF';
  const fd = c.int(0);
  setFiles(c, (files, cloexec) => {
    files.delete(fd);
    cloexec.delete(fd);
  });
  if (id > 0) fput(c.k, id);
  return 0;
}

function dup(c: SysCall): SysResult {
  const id = c.fileId(0);
  if (id < 0) return 'EBADF';
  if (fdLimit(c)) return refuse(c.k, 'EMFILE', 'RLIMIT_NOFILE');
  if (id > 0) get_file(c.k, id);
  return install(c, id, false);
}

const MFD = { CLOEXEC: 1, HUGETLB: 4, NOEXEC_SEAL: 8, EXEC: 0x10, ALL: 0x1f } as const;
/** Where MFD_HUGETLB has the size of its pages. */
const MFD_HUGE_MASK = 0xfc000000;
/** Longest name of a memfd: NAME_MAX without `memfd:`. */
const MFD_NAME_MAX = 249;

function memfd_create(c: SysCall): SysResult {
  const name = c.string(0);
  const flags = c.bits(1);
  const known = (flags & MFD.HUGETLB) !== 0 ? MFD.ALL | MFD_HUGE_MASK : MFD.ALL;
  if ((flags & ~known) !== 0) return refuse(c.k, 'EINVAL', 'unknown flags');
  if ((flags & MFD.EXEC) !== 0 && (flags & MFD.NOEXEC_SEAL) !== 0) {
    return refuse(c.k, 'EINVAL', 'MFD_EXEC and MFD_NOEXEC_SEAL exclude each other');
  }
  if (name === null) return 'EFAULT';
  if (name.bytes.length > MFD_NAME_MAX) return refuse(c.k, 'EINVAL', `the name has more than ${MFD_NAME_MAX} bytes`);
  if (fdLimit(c)) return refuse(c.k, 'EMFILE', 'RLIMIT_NOFILE');
  const inode = new_inode(c.k, { kind: 'shmem', path: `/memfd:${name.text}`, size: 0, deleted: true });
  const file = open_file(c.k, inode.id, { readable: true, writable: true, append: false });
  return install(c, file, (flags & MFD.CLOEXEC) !== 0);
}

/** do_unlinkat(). */
function unlink(c: SysCall): SysResult {
  const text = c.string(0);
  if (text === null) return 'EFAULT';
  const found = path_lookup(c.k, text.text);
  if (typeof found === 'string') return found;
  if (found.kind === 'none') return 'ENOENT';
  const { path } = found;
  if (found.kind === 'file' && found.slash) return 'ENOTDIR';
  const above = parent_of(path);
  const refused = path === '/' ? 0 : permitted(c.k, above, directory_access(above), 3);
  if (refused !== 0) return refused;
  if (found.kind === 'directory') return refuse(c.k, 'EISDIR', 'unlink removes no directories');
  const id = c.k.paths.get(path);
  if (id === undefined) throw new Error(`unlink: ${path} has no inode`);
  // It stays, though nothing may be left in it.
  directory_inode(c.k, above);
  c.k.paths.delete(path);
  c.k.elves.delete(path);
  const inode = c.k.inodes.edit(id);
  inode.deleted = true;
  if (inode.users === 0) evict_inode(c.k, inode);
  return 0;
}

export const OPEN_CALLS: Readonly<Record<string, SysHandler>> = {
  open: (c) => do_sys_open(c, 0, c.bits(1), modeOf(c, 2), '/'),
  openat: (c) => do_sys_open(c, 1, c.bits(2), modeOf(c, 3), null),
  creat: (c) => do_sys_open(c, 0, O.CREAT | O.WRONLY | O.TRUNC, modeOf(c, 1), '/'),
  close,
  dup,
  memfd_create,
  unlink,
};
