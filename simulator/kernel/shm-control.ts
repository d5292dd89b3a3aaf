/** shmctl: what is known of SysV segments, their locks and their end (ipc/shm.c). */

import { rlimit } from '../mm/accounting.ts';
import { evict_inode } from '../mm/file-refs.ts';
import { shmem_lock, shmem_unlock } from '../mm/mlock-page.ts';
import { refuse } from '../mm/refuse.ts';
import type { Kernel } from '../state/kernel.ts';
import type { ShmSegment } from '../state/records.ts';
import type { SysCall, SysResult } from './syscall.ts';
import { copy_from_user, copy_to_user } from './user-copy.ts';

const IPC_PRIVATE = 0;
const IPC_RMID = 0;
const IPC_SET = 1;
const IPC_STAT = 2;
const IPC_INFO = 3;
const SHM_LOCK = 11;
const SHM_UNLOCK = 12;
const SHM_STAT = 13;
const SHM_INFO = 14;
const SHM_STAT_ANY = 15;

const SHM_DEST = 0o1000;
const SHM_LOCKED = 0o2000;

/** SHMMAX and SHMALL: as good as no limit (include/uapi/linux/shm.h). */
export const SHMMAX = 2n ** 64n - 1n - (1n << 24n);
const SHMMNI = 4096n;
/** Every process is this user's, of the group with the same number. */
const UID = 1000;

/** Offsets in struct shmid64_ds. */
const DS = {
  key: 0,
  uid: 4,
  gid: 8,
  cuid: 12,
  cgid: 16,
  mode: 20,
  segsz: 48,
  cpid: 80,
  lpid: 84,
  nattch: 88,
  size: 112,
};

/** Mappings of a segment (shm_nattch). */
function attachments(k: Kernel, segment: ShmSegment): number {
  let attached = 0;
  for (const [, count] of k.inodes.get(segment.inode).mms) attached += count;
  return attached;
}

/** struct shmid64_ds. The model has no clock: the times are 0. */
function describe(k: Kernel, segment: ShmSegment): Uint8Array {
  const bytes = new Uint8Array(DS.size);
  const view = new DataView(bytes.buffer);
  view.setInt32(DS.key, segment.key, true);
  for (const at of [DS.uid, DS.gid, DS.cuid, DS.cgid]) view.setInt32(at, UID, true);
  const marks = (segment.locked ? SHM_LOCKED : 0) | (segment.removed ? SHM_DEST : 0);
  view.setInt32(DS.mode, segment.mode | marks, true);
  view.setBigUint64(DS.segsz, BigInt(segment.size), true);
  view.setInt32(DS.cpid, segment.cpid, true);
  view.setInt32(DS.lpid, segment.lpid, true);
  view.setBigUint64(DS.nattch, BigInt(attachments(k, segment)), true);
  return bytes;
}

function words(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(index * 8, value, true);
  });
  return bytes;
}

function store(c: SysCall, bytes: Uint8Array, result: number): SysResult {
  const stored = copy_to_user(c.k, c.word(2), bytes) === bytes.length;
  return stored ? result : refuse(c.k, 'EFAULT', 'the structure cannot be stored');
}

/** The highest index in use, 0 for none: what IPC_INFO and SHM_INFO return. */
function highest(k: Kernel): number {
  return Math.max(0, ...[...k.shm.entries()].map(([shmid]) => shmid));
}

/** struct shm_info: segments, and their pages in all, in RAM and in swap. */
function shm_info(k: Kernel): Uint8Array {
  const segments = [...k.shm.entries()].map(([, segment]) => segment);
  const inodes = segments.map((segment) => k.inodes.get(segment.inode));
  const total = segments.reduce((sum, { size }) => sum + Math.ceil(size / 4096), 0);
  const rss = inodes.reduce((sum, { nrpages }) => sum + nrpages, 0);
  const swapped = inodes.reduce((sum, inode) => sum + inode.swapped, 0);
  return words([segments.length, total, rss, swapped, 0, 0].map(BigInt));
}

/** user_shm_lock(): pages of all locked segments together against RLIMIT_MEMLOCK. */
function lock(c: SysCall, segment: ShmSegment): SysResult {
  if (rlimit(c.k, 'MEMLOCK') === 0) return refuse(c.k, 'EPERM', 'RLIMIT_MEMLOCK is 0');
  if (segment.locked) return 0;
  const pages = ({ size }: ShmSegment): number => Math.ceil(size / 4096);
  const before = [...c.k.shm.entries()].reduce((sum, [, other]) => sum + (other.locked ? pages(other) : 0), 0);
  if (before + pages(segment) > Math.floor(rlimit(c.k, 'MEMLOCK') / 4096))
    return refuse(c.k, 'ENOMEM', 'RLIMIT_MEMLOCK');
  c.k.shm.set(segment.shmid, { ...segment, locked: true });
  shmem_lock(c.k, segment.inode);
  return 0;
}

function unlock(c: SysCall, segment: ShmSegment): SysResult {
  if (!segment.locked) return 0;
  c.k.shm.set(segment.shmid, { ...segment, locked: false });
  shmem_unlock(c.k, segment.inode);
  return 0;
}

/** IPC_SET: the permission bits. Who owns the segment now is not kept: its maker may do all that its owner may. */
function set(c: SysCall, segment: ShmSegment, given: Uint8Array): SysResult {
  const mode = new DataView(given.buffer).getUint32(DS.mode, true);
  c.k.shm.set(segment.shmid, { ...segment, mode: mode & 0o777 });
  return 0;
}

/** Segments marked by IPC_RMID go with their last attachment. */
export function dropRemoved(k: Kernel): void {
  for (const [shmid, segment] of [...k.shm.entries()]) {
    const inode = k.inodes.get(segment.inode);
    if (!segment.removed || inode.mms.size > 0) continue;
    k.shm.delete(shmid);
    const owned = k.inodes.edit(inode.id);
    owned.users--;
    if (owned.users === 0) evict_inode(k, owned);
  }
}

function remove(c: SysCall, segment: ShmSegment): SysResult {
  c.k.shm.set(segment.shmid, { ...segment, removed: true, key: IPC_PRIVATE });
  dropRemoved(c.k);
  return 0;
}

/** Commands on one segment; null for an unknown one. `given` is the structure that IPC_SET brings. */
function control(c: SysCall, segment: ShmSegment, command: number, given: Uint8Array): SysResult | null {
  const owner = segment.mode >> 6;
  switch (command) {
    case IPC_RMID:
      return remove(c, segment);
    case IPC_SET:
      return set(c, segment, given);
    case IPC_STAT:
    case SHM_STAT:
      if ((owner & 4) === 0) return refuse(c.k, 'EACCES', 'the mode of the segment forbids to read it');
      return store(c, describe(c.k, segment), command === IPC_STAT ? 0 : segment.shmid);
    case SHM_STAT_ANY:
      return store(c, describe(c.k, segment), segment.shmid);
    case SHM_LOCK:
      return lock(c, segment);
    case SHM_UNLOCK:
      return unlock(c, segment);
    default:
      return null;
  }
}

export function shmctl(c: SysCall): SysResult {
  const [shmid, command] = [c.int(0), c.int(1)];
  if (shmid < 0 || command < 0) return refuse(c.k, 'EINVAL', 'a negative id or command');
  if (command === IPC_INFO) {
    return store(c, words([SHMMAX, 1n, SHMMNI, SHMMNI, SHMMAX, 0n, 0n, 0n, 0n]), highest(c.k));
  }
  if (command === SHM_INFO) return store(c, shm_info(c.k), highest(c.k));
  const given = new Uint8Array(DS.size);
  if (command === IPC_SET && copy_from_user(c.k, c.word(2), given) < DS.size) {
    return refuse(c.k, 'EFAULT', 'the structure cannot be read');
  }
  const segment = c.k.shm.get(shmid);
  const done = segment === undefined ? null : control(c, segment, command, given);
  return done ?? refuse(c.k, 'EINVAL', segment === undefined ? 'no segment has that id' : 'an unknown command');
}
