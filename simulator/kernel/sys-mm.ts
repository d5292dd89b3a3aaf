/** The system calls on address spaces: argument checks in the kernel's order, then mm/. */

import { has_fsync } from '../fs/size.ts';
import { isPageAligned, PAGE_SIZE, pageAlign } from '../machine/address.ts';
import { sys_brk } from '../mm/brk.ts';
import { filemap_write_and_wait_range } from '../mm/filemap.ts';
import { mmap_hugetlb } from '../mm/hugetlb.ts';
import { do_madvise } from '../mm/madvise.ts';
import { mincore_vec } from '../mm/madvise-pages.ts';
import { sys_mlock, sys_mlock2, sys_mlockall, sys_munlock, sys_munlockall } from '../mm/mlock.ts';
import { do_mmap } from '../mm/mmap.ts';
import { do_mprotect } from '../mm/mprotect.ts';
import { do_mremap } from '../mm/mremap.ts';
import { do_munmap } from '../mm/munmap.ts';
import { mm_populate } from '../mm/populate.ts';
import { refuse } from '../mm/refuse.ts';
import { task_size } from '../mm/unmapped-area.ts';
import { linear_page_index, VM_LOCKED, VM_SHARED } from '../mm/vma.ts';
import type { Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, OpenFile } from '../state/records.ts';
import { MAP, MS } from '../uapi.ts';
import { MAX_TOUCHED, tooMuchText } from './cpu.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';
import { access_ok, copy_to_user } from './user-copy.ts';

/** What descriptors 0, 1 and 2 are: an open file that no mapping can be made of. */
const TERMINAL: OpenFile = {
  id: 0,
  owner: 0,
  inode: 0,
  readable: true,
  writable: true,
  append: false,
  sync: false,
  direct: false,
  path: false,
  pos: 0,
  refs: 1,
  ra_start: 0,
  ra_size: 0,
  ra_async: 0,
  mmap_miss: 0,
  prev_pos: -1,
};

function mmap(c: SysCall): SysResult | Parts<SysResult> {
  if (!isPageAligned(c.word(5))) return refuse(c.k, 'EINVAL', 'the offset is not page aligned');
  const pgoff = Number(c.exact(5) >> 12n);
  const flags = c.flags(3);
  const anonymous = (flags & MAP.ANONYMOUS) !== 0;
  let file = null;
  if (!anonymous) {
    file = c.fileId(4) === 0 ? TERMINAL : c.file(4);
    if (file === null) return refuse(c.k, 'EBADF', 'no open file has that number');
    if ((flags & MAP.HUGETLB) !== 0) return refuse(c.k, 'EINVAL', 'MAP_HUGETLB of a file that is not hugetlbfs');
  }
  const mm = c.mm;
  const args = { addr: c.word(0), length: c.word(1), prot: c.bits(2), flags, file, pgoff };
  const mapped = (flags & MAP.HUGETLB) === 0 ? do_mmap(c.k, mm, args) : mmap_hugetlb(c.k, mm, args);
  if (typeof mapped === 'string') return mapped;
  return mapped.populate ? populated(c.k, mm, mapped.addr, mapped.length, mapped.addr) : mapped.addr;
}

/** TASK_SIZE of five levels in Linux. Between the model's own end and this one nothing can be mapped. */
const LINUX_TASK_SIZE_5 = 2n ** 56n - BigInt(PAGE_SIZE);

function munmap(c: SysCall): SysResult {
  const [start, end] = [c.exact(0), c.exact(0) + c.exact(1)];
  const modelled = task_size(c.k);
  if (c.k.config.levels === 4 || end <= BigInt(modelled) || end > LINUX_TASK_SIZE_5 || start === end)
    return do_munmap(c.k, c.mm, c.word(0), c.word(1));
  if (start < BigInt(modelled)) return do_munmap(c.k, c.mm, c.word(0), modelled - c.word(0));
  return isPageAligned(c.word(0)) ? 0 : refuse(c.k, 'EINVAL', 'the address is not page aligned');
}

/** Faults a range in, then answers `result`. */
export function* populated(k: Kernel, mm: Mm, start: number, length: number, result: number): Parts<SysResult> {
  yield* mm_populate(k, mm, start, length);
  return result;
}

function brk(c: SysCall): SysResult | Parts<SysResult> {
  const mm = c.mm;
  const { populate, from, brk: end } = sys_brk(c.k, mm, c.word(0));
  return populate ? populated(c.k, mm, from, pageAlign(end) - from, end) : end;
}

const NOT_MAPPED = 'a part of the range is not mapped';

function msync(c: SysCall): SysResult {
  const start = c.word(0);
  const flags = c.bits(2);
  if ((flags & ~(MS.ASYNC | MS.INVALIDATE | MS.SYNC)) !== 0 || !isPageAligned(start)) {
    return refuse(c.k, 'EINVAL', 'unknown flags, or the address is not page aligned');
  }
  if ((flags & MS.ASYNC) !== 0 && (flags & MS.SYNC) !== 0) {
    return refuse(c.k, 'EINVAL', 'MS_ASYNC and MS_SYNC exclude each other');
  }
  const length = pageAlign(c.word(1));
  const end = start + length;
  if (end >= 2 ** 53) return refuse(c.k, 'ENOMEM', 'the range wraps around');
  if (length === 0) return 0;
  let unmapped = false;
  for (let at = start; at < end; ) {
    const vma = c.mm.vmas.find(at);
    if (vma === undefined) return refuse(c.k, 'ENOMEM', NOT_MAPPED);
    if (at < vma.vm_start) {
      unmapped = true;
      at = vma.vm_start;
      if (at >= end) break;
    }
    if ((flags & MS.INVALIDATE) !== 0 && (vma.vm_flags & VM_LOCKED) !== 0) {
      return refuse(c.k, 'EBUSY', 'MS_INVALIDATE of locked memory');
    }
    const stop = Math.min(end, vma.vm_end);
    if ((flags & MS.SYNC) !== 0 && vma.inode !== 0 && (vma.vm_flags & VM_SHARED) !== 0) {
      if (!has_fsync(c.k.inodes.get(vma.inode))) return refuse(c.k, 'EINVAL', 'the driver has no fsync');
      const first = linear_page_index(vma, at);
      filemap_write_and_wait_range(c.k, vma.inode, first, first + (stop - at) / PAGE_SIZE, 'msync');
    }
    at = stop;
  }
  return unmapped ? refuse(c.k, 'ENOMEM', NOT_MAPPED) : 0;
}

function madvise(c: SysCall): Parts<SysResult> {
  return do_madvise(c.k, c.mm, c.word(0), c.word(1), c.int(2));
}

function mincore(c: SysCall): SysResult {
  const start = c.word(0);
  const length = c.word(1);
  if (!isPageAligned(start)) return refuse(c.k, 'EINVAL', 'the address is not page aligned');
  if (!access_ok(c.k, start, length)) return refuse(c.k, 'ENOMEM', 'beyond TASK_SIZE');
  if (length > Number(MAX_TOUCHED)) return { skip: tooMuchText(BigInt(length)) };
  const pages = Math.ceil(length / PAGE_SIZE);
  // A vector that the scenario shows, as strace does, is stored nowhere.
  const shown = c.string(2) !== null;
  if (!shown && !access_ok(c.k, c.word(2), pages)) return refuse(c.k, 'EFAULT', 'the vector is beyond TASK_SIZE');
  // One page of results at a time, as the kernel does: a hole ends it behind what was stored.
  for (let page = 0; page < pages; ) {
    const at = start + page * PAGE_SIZE;
    const vma = c.mm.vmas.lookup(at);
    if (vma === undefined) return refuse(c.k, 'ENOMEM', NOT_MAPPED);
    const stop = Math.min(vma.vm_end, at + PAGE_SIZE * Math.min(pages - page, PAGE_SIZE));
    const vec = mincore_vec(c.k, c.mm, at, stop);
    if (!shown && copy_to_user(c.k, c.word(2) + page, vec) < vec.length)
      return refuse(c.k, 'EFAULT', 'the vector cannot be written');
    page += vec.length;
  }
  return 0;
}

export const MM_CALLS: Readonly<Record<string, SysHandler>> = {
  mmap,
  brk,
  msync,
  mincore,
  munmap,
  mprotect: (c) => do_mprotect(c.k, c.mm, c.word(0), c.word(1), c.flags(2)),
  mremap: (c) => do_mremap(c.k, c.mm, c.word(0), c.word(1), c.word(2), c.flags(3), c.word(4)),
  madvise,
  mlock: (c) => sys_mlock(c.k, c.mm, c.word(0), c.word(1)),
  mlock2: (c) => sys_mlock2(c.k, c.mm, c.word(0), c.word(1), c.bits(2)),
  munlock: (c) => sys_munlock(c.k, c.mm, c.word(0), c.word(1)),
  mlockall: (c) => sys_mlockall(c.k, c.mm, c.bits(0)),
  munlockall: (c) => sys_munlockall(c.k, c.mm),
  // No CONFIG_ANON_VMA_NAME: PR_SET_VMA is unknown.
  prctl: () => 'EINVAL',
};
