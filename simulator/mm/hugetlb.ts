/**
 * MAP_HUGETLB (mm/hugetlb.c, fs/hugetlbfs/inode.c). The pool of huge pages is empty, so that a mapping meets every check of
 * do_mmap() and then the reservation that cannot be made. Departs from Linux: with MAP_NORESERVE too, where Linux maps the
 * memory and answers the first touch with SIGBUS.
 */

import { PAGE_SIZE, PMD_SIZE, WORD_END } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { MAP } from '../uapi.ts';
import { can_do_mlock, may_expand_vm, mlock_future_ok } from './accounting.ts';
import { type MmapArgs, place } from './mmap.ts';
import { gather_munmap_vmas, remove_vmas } from './munmap.ts';
import { refuse } from './refuse.ts';
import { VM_LOCKED, vma_pages } from './vma.ts';

const MAP_HUGE_SHIFT = 26;
const MAP_HUGE_MASK = 0x3f;

/** Bytes of a huge page by the logarithm in the flags; 0 is the default size. */
const HSTATES: ReadonlyMap<number, number> = new Map([
  [0, PMD_SIZE],
  [21, PMD_SIZE],
  [30, 512 * PMD_SIZE],
]);

/** The switch of do_mmap() for a file that knows no flags of its own. */
function flagsRefusal(k: Kernel, flags: number): string | null {
  const type = flags & MAP.TYPE;
  if (type === MAP.SHARED_VALIDATE && (flags & ~MAP.LEGACY_MASK) !== 0) {
    return refuse(k, 'EOPNOTSUPP', 'MAP_SHARED_VALIDATE with a flag that hugetlbfs does not know');
  }
  if (type !== MAP.SHARED && type !== MAP.SHARED_VALIDATE && type !== MAP.PRIVATE) {
    return refuse(k, 'EINVAL', 'neither MAP_SHARED nor MAP_PRIVATE');
  }
  return (flags & MAP.GROWSDOWN) !== 0 ? refuse(k, 'EINVAL', 'MAP_GROWSDOWN of huge pages') : null;
}

/** mmap_region(): what is in the way goes before hugetlbfs refuses. */
function region(k: Kernel, mm: Mm, addr: number, length: number): string | null {
  const cleared = gather_munmap_vmas(k, mm, addr, addr + length);
  if (typeof cleared === 'string') return refuse(k, cleared, 'what is in the way cannot be split');
  const credit = cleared.reduce((pages, vma) => pages + vma_pages(vma), 0);
  const limit = may_expand_vm(k, mm, 0, length / PAGE_SIZE - credit);
  if (limit !== null) return refuse(k, 'ENOMEM', limit);
  remove_vmas(k, mm, cleared);
  return null;
}

/** ksys_mmap_pgoff() of memory in huge pages: always an errno. */
export function mmap_hugetlb(k: Kernel, mm: Mm, args: MmapArgs): string {
  const { flags, pgoff } = args;
  const size = HSTATES.get((flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK);
  if (size === undefined) return refuse(k, 'EINVAL', 'there are no huge pages of that size');
  const length = Math.ceil(args.length / size) * size;
  if (length === 0 || length >= WORD_END) return refuse(k, 'EINVAL', 'length 0');
  if (mm.vmas.size > k.config.max_map_count) return refuse(k, 'ENOMEM', 'max_map_count');
  const fixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  if (fixed && args.addr % size !== 0) return refuse(k, 'EINVAL', 'MAP_FIXED address is not aligned to a huge page');
  const addr = place(k, mm, args, length);
  if (typeof addr === 'string') return addr;
  const there = mm.vmas.find(addr);
  if ((flags & MAP.FIXED_NOREPLACE) !== 0 && there !== undefined && there.vm_start < addr + length) {
    return refuse(k, 'EEXIST', 'MAP_FIXED_NOREPLACE over a mapping');
  }
  const locked = ((flags & MAP.LOCKED) !== 0 ? VM_LOCKED : 0) | (mm.def_flags & VM_LOCKED);
  if ((flags & MAP.LOCKED) !== 0 && !can_do_mlock(k)) return refuse(k, 'EPERM', 'RLIMIT_MEMLOCK is 0');
  if (!mlock_future_ok(k, mm, locked !== 0, length)) return refuse(k, 'EAGAIN', 'RLIMIT_MEMLOCK');
  const refused = flagsRefusal(k, flags) ?? region(k, mm, addr, length);
  if (refused !== null) return refused;
  if ((pgoff * PAGE_SIZE) % size !== 0) return refuse(k, 'EINVAL', 'the offset is not aligned to a huge page');
  return refuse(k, 'ENOMEM', 'the pool of huge pages is empty');
}
