/** The system calls on SysV shared memory: shmget, shmat, shmdt, and shmctl's way to its commands (ipc/shm.c). */

import { PAGE_SIZE, pageAlign, WORD_END } from '../machine/address.ts';
import { vm_enough_memory } from '../mm/accounting.ts';
import { fput, open_file } from '../mm/file-refs.ts';
import { do_mmap } from '../mm/mmap.ts';
import { do_munmap } from '../mm/munmap.ts';
import { refuse } from '../mm/refuse.ts';
import { new_inode } from '../mm/shmem.ts';
import { MAX_LFS_FILESIZE } from '../mm/truncate.ts';
import type { Vma } from '../mm/vma.ts';
import type { Parts } from '../parts.ts';
import type { ShmSegment } from '../state/records.ts';
import { MAP, PROT } from '../uapi.ts';
import { dropRemoved, SHMMAX, shmctl } from './shm-control.ts';
import { populated } from './sys-mm.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';

const IPC_PRIVATE = 0;
const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
const SHM_HUGETLB = 0o4000;
const SHM_NORESERVE = 0o10000;

/** ipcperms(): all processes are the owner of all segments. */
function permits(segment: ShmSegment, wanted: number): boolean {
  return (wanted & ~(segment.mode >> 6)) === 0;
}

/** A segment that has the key already. */
function existing(c: SysCall, segment: ShmSegment, size: number, flags: number): SysResult {
  if ((flags & (IPC_CREAT | IPC_EXCL)) === (IPC_CREAT | IPC_EXCL)) {
    return refuse(c.k, 'EEXIST', 'IPC_EXCL, and the key has a segment');
  }
  if (size > segment.size) return refuse(c.k, 'EINVAL', 'the segment of that key is smaller');
  if (!permits(segment, (flags | (flags >> 3) | (flags >> 6)) & 7)) {
    return refuse(c.k, 'EACCES', 'the mode of the segment forbids it');
  }
  return segment.shmid;
}

/** newseg(): the checks of the size, then the promise of its pages. */
function newseg(c: SysCall, key: number, flags: number): SysResult {
  const [exact, size] = [c.exact(1), c.word(1)];
  if (exact < 1n || exact > SHMMAX) return refuse(c.k, 'EINVAL', 'the size is 0 or above SHMMAX');
  if ((flags & SHM_HUGETLB) !== 0)
    return refuse(c.k, 'EPERM', 'huge pages of SysV are for the group of hugetlb_shm_group');
  if (exact > MAX_LFS_FILESIZE) return refuse(c.k, 'EINVAL', 'no file is that large');
  const unreserved = (flags & SHM_NORESERVE) !== 0 && c.k.config.overcommit !== 2;
  const accounted = unreserved ? 0 : pageAlign(size) / PAGE_SIZE;
  if (!vm_enough_memory(c.k, c.mm, accounted)) return 'ENOMEM';
  const name = `/SYSV${(key >>> 0).toString(16).padStart(8, '0')}`;
  const inode = new_inode(c.k, { kind: 'shmem', path: name, size, deleted: true, accounted, sysv: true });
  inode.users = 1;
  const shmid = c.k.scalars.nextShmid++;
  const mode = flags & 0o777;
  const made = { shmid, key, inode: inode.id, size, mode, cpid: c.task.tgid, lpid: 0 };
  c.k.shm.set(shmid, { ...made, removed: false, locked: false });
  return shmid;
}

function shmget(c: SysCall): SysResult {
  const key = c.int(0);
  const flags = c.bits(2);
  if (key === IPC_PRIVATE) return newseg(c, key, flags);
  for (const [, segment] of c.k.shm.entries()) {
    if (segment.key === key && !segment.removed) return existing(c, segment, c.word(1), flags);
  }
  return (flags & IPC_CREAT) === 0 ? refuse(c.k, 'ENOENT', 'no segment has that key') : newseg(c, key, flags);
}

const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;

/** do_shmat(): where the segment is wanted, rounded by SHM_RND; an errno where that is no place. */
function wantedAddress(c: SysCall, flags: number): number | string {
  const addr = c.word(1);
  const odd = addr % PAGE_SIZE;
  if (odd !== 0 && (flags & SHM_RND) === 0) return refuse(c.k, 'EINVAL', 'the address is not page aligned');
  if (addr === odd && (flags & SHM_REMAP) !== 0) return refuse(c.k, 'EINVAL', 'SHM_REMAP needs an address');
  return addr - odd;
}

/** Without SHM_REMAP nothing may be in the way. */
function inTheWay(c: SysCall, addr: number, size: number): boolean {
  if (addr + size >= WORD_END) return true;
  const there = c.mm.vmas.find(addr);
  return there !== undefined && there.vm_start < addr + size;
}

function shmat(c: SysCall): SysResult | Parts<SysResult> {
  const flags = c.bits(2);
  if (c.int(0) < 0) return refuse(c.k, 'EINVAL', 'no segment has that id');
  const addr = wantedAddress(c, flags);
  if (typeof addr === 'string') return addr;
  const segment = c.k.shm.get(c.int(0));
  if (segment === undefined) return refuse(c.k, 'EINVAL', 'no segment has that id');
  const writable = (flags & SHM_RDONLY) === 0;
  const executable = (flags & SHM_EXEC) !== 0;
  if (!permits(segment, 4 | (writable ? 2 : 0) | (executable ? 1 : 0))) {
    return refuse(c.k, 'EACCES', 'the mode of the segment forbids it');
  }
  if (addr !== 0 && (flags & SHM_REMAP) === 0 && inTheWay(c, addr, segment.size)) {
    return refuse(c.k, 'EINVAL', 'something is mapped there, and SHM_REMAP is not given');
  }
  const file = open_file(c.k, segment.inode, { readable: true, writable, append: false });
  const prot = PROT.READ | (writable ? PROT.WRITE : 0) | (executable ? PROT.EXEC : 0);
  // An address that SHM_RND rounded down to 0 is still one that was asked for.
  const fixed = c.word(1) === 0 ? 0 : MAP.FIXED;
  const mapped = do_mmap(c.k, c.mm, {
    addr,
    length: segment.size,
    prot,
    flags: MAP.SHARED | fixed,
    file: c.k.files.get(file),
    pgoff: 0,
  });
  fput(c.k, file);
  if (typeof mapped === 'string') return mapped;
  return mapped.populate ? populated(c.k, c.mm, mapped.addr, mapped.length, mapped.addr) : mapped.addr;
}

/** The VMA shows a part of a segment, and where that part lies says that the segment was attached at `addr`. */
function attachedAt(vma: Vma, addr: number): boolean {
  return vma.vm_ops === 'shm' && (vma.vm_start - addr) / PAGE_SIZE === vma.vm_pgoff;
}

/**
 * ksys_shmdt(): the first piece from `addr` on whose place fits says which attachment it is and how large its segment;
 * further pieces of that attachment go as far as the segment can reach, whatever lies between them.
 */
function shmdt(c: SysCall): SysResult {
  const addr = c.word(0);
  if (addr % PAGE_SIZE !== 0) return refuse(c.k, 'EINVAL', 'the address is not page aligned');
  const { k, mm } = c;
  let vma = mm.vmas.find(addr);
  while (vma !== undefined && !attachedAt(vma, addr)) vma = mm.vmas.find(vma.vm_end);
  if (vma === undefined) return refuse(k, 'EINVAL', 'no segment is attached at that address');
  const { vm_file } = vma;
  const size = pageAlign(k.inodes.get(vma.inode).size);
  do {
    const { vm_start, vm_end } = vma;
    if (attachedAt(vma, addr) && vma.vm_file === vm_file) do_munmap(k, mm, vm_start, vm_end - vm_start);
    vma = mm.vmas.find(vm_end);
  } while (vma !== undefined && vma.vm_end - addr <= size);
  dropRemoved(k);
  return 0;
}

export const SHM_CALLS: Readonly<Record<string, SysHandler>> = { shmget, shmat, shmdt, shmctl };
