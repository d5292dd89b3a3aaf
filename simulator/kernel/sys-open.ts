/** The system calls on names and descriptors: open, close, dup, unlink, memfd_create (fs/open.c, fs/namei.c, mm/memfd.c). */

import { evict_inode, fput, get_file, open_file } from '../mm/file-refs.ts';
import { new_inode } from '../mm/shmem.ts';
import { set_size } from '../mm/truncate.ts';
import type { Kernel } from '../state/kernel.ts';
import { O } from '../uapi.ts';
import { fdLimit, install, setFiles } from './descriptors.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';

/** The root, or a directory above a path that exists. */
function isDirectory(k: Kernel, path: string): boolean {
  const prefix = path.endsWith('/') ? path : `${path}/`;
  if (prefix === '/') return true;
  for (const [known] of k.paths.entries()) if (known.startsWith(prefix)) return true;
  return false;
}

function do_open(c: SysCall, path: string, flags: number): SysResult {
  const access = flags & O.ACCMODE;
  const writable = access === O.WRONLY || access === O.RDWR;
  let id = c.k.paths.get(path);
  if (id === undefined && isDirectory(c.k, path)) {
    if (writable || (flags & O.CREAT) !== 0) return 'EISDIR';
    id = new_inode(c.k, { kind: 'device', path, size: 4096, deleted: false }).id;
    c.k.paths.set(path, id);
  }
  if (id === undefined) {
    if ((flags & O.CREAT) === 0 || path === '') return 'ENOENT';
    const kind = c.k.config.filesystem === 'tmpfs' ? 'shmem' : 'file';
    id = new_inode(c.k, { kind, path, size: 0, deleted: false }).id;
    c.k.paths.set(path, id);
  } else if ((flags & (O.CREAT | O.EXCL)) === (O.CREAT | O.EXCL)) return 'EEXIST';
  const inode = c.k.inodes.get(id);
  if ((flags & O.DIRECTORY) !== 0 && !isDirectory(c.k, path)) return 'ENOTDIR';
  if (writable && inode.executing > 0) return 'ETXTBSY';
  if (fdLimit(c)) return 'EMFILE';
  if ((flags & O.TRUNC) !== 0 && writable && inode.kind !== 'device') set_size(c.k, id, 0);
  const readable = access === O.RDONLY || access === O.RDWR;
  const modes = { append: (flags & O.APPEND) !== 0, sync: (flags & O.DSYNC) !== 0 };
  return install(c, open_file(c.k, id, { readable, writable, ...modes }), (flags & O.CLOEXEC) !== 0);
}

function open(c: SysCall, pathAt: number): SysResult {
  const path = c.string(pathAt);
  return path === null ? 'EFAULT' : do_open(c, path.text, c.bits(pathAt + 1));
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
  if (id > 0) get_file(c.k, id);
  return install(c, id, false);
}

const MFD_CLOEXEC = 1;

function memfd_create(c: SysCall): SysResult {
  const name = c.string(0);
  const known = 0x1f;
  if ((c.bits(1) & ~known) !== 0) return 'EINVAL';
  if (name === null) return 'EFAULT';
  if (name.bytes.length > 249) return 'EINVAL';
  if (fdLimit(c)) return 'EMFILE';
  const inode = new_inode(c.k, { kind: 'shmem', path: `/memfd:${name.text}`, size: 0, deleted: true });
  return install(
    c,
    open_file(c.k, inode.id, { readable: true, writable: true, append: false }),
    (c.bits(1) & MFD_CLOEXEC) !== 0,
  );
}

function unlink(c: SysCall): SysResult {
  const path = c.string(0);
  if (path === null) return 'EFAULT';
  const id = c.k.paths.get(path.text);
  if (id === undefined) return 'ENOENT';
  c.k.paths.delete(path.text);
  c.k.elves.delete(path.text);
  const inode = c.k.inodes.edit(id);
  inode.deleted = true;
  if (inode.users === 0) evict_inode(c.k, inode);
  return 0;
}

export const OPEN_CALLS: Readonly<Record<string, SysHandler>> = {
  open: (c) => open(c, 0),
  openat: (c) => open(c, 1),
  creat: (c) => {
    const path = c.string(0);
    return path === null ? 'EFAULT' : do_open(c, path.text, O.CREAT | O.WRONLY | O.TRUNC);
  },
  close,
  dup,
  memfd_create,
  unlink,
};
