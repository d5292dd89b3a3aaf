/** Making mappings: do_mmap() and mmap_region() (mm/mmap.c, mm/vma.c). */

import {
  isPageAligned,
  MMAP_MIN_ADDR,
  nextPmd,
  PAGE_SIZE,
  PMD_SIZE,
  pageAlign,
  pageDown,
  type VirtAddr,
  WORD_END,
} from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Mm, OpenFile } from '../state/records.ts';
import { errnoOf, MAP, PROT } from '../uapi.ts';
import {
  can_do_mlock,
  commit_refusal,
  may_expand_vm,
  mlock_future_ok,
  read_implies_exec,
  vm_enough_memory,
  vm_stat_account,
  vm_unacct_memory,
} from './accounting.ts';
import { map_device } from './device.ts';
import { fput, open_file } from './file-refs.ts';
import { mmap_anonymous } from './mmap-anonymous.ts';
import { gather_munmap_vmas, remove_vmas } from './munmap.ts';
import { refuse } from './refuse.ts';
import { new_inode } from './shmem.ts';
import { get_unmapped_area, task_size } from './unmapped-area.ts';
import * as vm from './vma.ts';
import { vma_link, vma_replace } from './vma-link.ts';
import { emitApart, vma_merge_new_range } from './vma-merge.ts';

export type Errno = string;

/** Arguments of mmap(2) as folded words; `file` is the open file of fd, null for MAP_ANONYMOUS. */
export interface MmapArgs {
  readonly addr: number;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  readonly file: OpenFile | null;
  /** Offset in the file, pages, 0 … 2^52-1. */
  readonly pgoff: number;
}

/** What mmap made; `populate` is the range to fault in (MAP_POPULATE, MAP_LOCKED). */
export interface Mapped {
  readonly addr: VirtAddr;
  readonly length: number;
  readonly populate: boolean;
}

/** calc_vm_prot_bits(), calc_vm_flag_bits() and the VM_MAY… bits. */
function vmFlags(k: Kernel, mm: Mm, prot: number, flags: number): number {
  let bits = vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC | mm.def_flags;
  if ((prot & PROT.READ) !== 0) bits |= vm.VM_READ;
  if ((prot & PROT.WRITE) !== 0) bits |= vm.VM_WRITE;
  if ((prot & PROT.EXEC) !== 0 || ((prot & PROT.READ) !== 0 && read_implies_exec(k))) bits |= vm.VM_EXEC;
  if ((flags & MAP.GROWSDOWN) !== 0) bits |= vm.VM_GROWSDOWN;
  if ((flags & MAP.LOCKED) !== 0) bits |= vm.VM_LOCKED;
  if ((flags & MAP.STACK) !== 0) bits |= vm.VM_NOHUGEPAGE;
  if ((flags & MAP.SYNC) !== 0) bits |= vm.VM_SYNC;
  return bits;
}

/** round_hint_to_min(): a hint below vm.mmap_min_addr means that address. */
function round_hint_to_min(hint: VirtAddr): VirtAddr {
  return hint !== 0 && hint < MMAP_MIN_ADDR ? MMAP_MIN_ADDR : hint;
}

/** The place of the mapping: MAP_FIXED's or one that is looked for. */
export function place(k: Kernel, mm: Mm, args: MmapArgs, length: number): VirtAddr | Errno {
  const { flags } = args;
  const fixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  if (fixed) {
    if (length > task_size(k)) return refuse(k, 'ENOMEM', 'longer than the address space');
    // The place that the search answers is tested for an errno, and a fixed address is that answer.
    if (args.addr > WORD_END - PAGE_SIZE)
      return refuse(k, errnoOf(WORD_END - args.addr), 'the address reads as an errno');
    if (args.addr > task_size(k) - length) return refuse(k, 'ENOMEM', 'beyond TASK_SIZE');
    if (!isPageAligned(args.addr)) return refuse(k, 'EINVAL', 'MAP_FIXED address is not page aligned');
    if (args.addr < MMAP_MIN_ADDR) return refuse(k, 'EPERM', 'below mmap_min_addr');
    return args.addr;
  }
  const wanted = pageDown(args.addr);
  const hint = round_hint_to_min(wanted);
  const bits32 = (flags & MAP.BIT32) !== 0;
  const align = alignment(k, args, hint, length);
  const area = get_unmapped_area(k, mm, { addr: hint, length, bits32, align });
  if (area === null) return refuse(k, 'ENOMEM', 'no hole is large enough');
  if (k.sink !== null) {
    const why = hint === wanted ? area.why : area.why.replace(/^hint/, 'mmap_min_addr');
    k.emit({ type: 'placement', addr: area.addr, length, why });
  }
  return area.addr;
}

/** The file offset that a 2 MiB alignment follows, or null for no alignment. */
function alignment(k: Kernel, args: MmapArgs, hint: number, length: number): number | null {
  if (args.file !== null) {
    if (args.file.inode === 0) return null;
    const inode = k.inodes.get(args.file.inode);
    // get_unmapped_area_zero(): a shared mapping of /dev/zero asks shmem.
    const aligned = inode.kind === 'file' || (inode.kind === 'zero' && (args.flags & MAP.SHARED) === 0);
    return aligned ? args.pgoff * PAGE_SIZE : null;
  }
  if ((args.flags & MAP.TYPE) === MAP.SHARED) return null;
  return hint === 0 && nextPmd(length) - PMD_SIZE === length ? 0 : null;
}

/** Pages of the largest file that the kernel can think of (MAX_LFS_FILESIZE), whatever its file system has. */
const LFS_MAX_PAGES = 2 ** 51;

/** file_mmap_ok(): the mapping ends before the largest offset that the file can have. */
function file_mmap_ok(k: Kernel, file: OpenFile, args: MmapArgs): boolean {
  const kind = file.inode === 0 ? 'device' : k.inodes.get(file.inode).kind;
  if (kind !== 'file' && kind !== 'shmem') return true;
  const pages = pageAlign(args.length) / PAGE_SIZE;
  const limit = LFS_MAX_PAGES - 1;
  return pages <= limit && args.pgoff <= limit - pages;
}

/** A terminal, a directory, a pidfd or /dev/null has no mmap operation. */
function mappable(k: Kernel, file: OpenFile): boolean {
  if (file.inode === 0) return false;
  const inode = k.inodes.get(file.inode);
  if (inode.kind === 'device') return inode.device !== null;
  return inode.kind !== 'directory' && inode.kind !== 'null';
}

/** Checks of a file mapping (the switch of do_mmap()). The vm_flags, or an errno. */
function fileFlags(k: Kernel, file: OpenFile, args: MmapArgs, bits: number): number | Errno {
  if (!file_mmap_ok(k, file, args)) return refuse(k, 'EOVERFLOW', 'the offset is beyond what the file can have');
  const type = args.flags & MAP.TYPE;
  const ext4 = file.inode !== 0 && k.inodes.get(file.inode).kind === 'file';
  const known = MAP.LEGACY_MASK | (ext4 ? MAP.SYNC : 0);
  let flags = bits;
  switch (type) {
    case MAP.SHARED:
    case MAP.SHARED_VALIDATE:
      if (type === MAP.SHARED_VALIDATE && (args.flags & ~known) !== 0) {
        return refuse(k, 'EOPNOTSUPP', 'MAP_SHARED_VALIDATE with a flag that the file system does not know');
      }
      if ((args.prot & PROT.WRITE) !== 0 && !file.writable) {
        return refuse(k, 'EACCES', 'shared writable mapping of a file that is not open for writing');
      }
      flags |= vm.VM_SHARED | vm.VM_MAYSHARE;
      if (!file.writable) flags &= ~(vm.VM_MAYWRITE | vm.VM_SHARED);
      break;
    case MAP.PRIVATE:
      break;
    default:
      return refuse(k, 'EINVAL', 'neither MAP_SHARED nor MAP_PRIVATE');
  }
  if (!file.readable) return refuse(k, 'EACCES', 'the file is not open for reading');
  if (!mappable(k, file)) return refuse(k, 'ENODEV', 'neither a file nor a device that can be mapped');
  if ((flags & vm.VM_GROWSDOWN) !== 0) return refuse(k, 'EINVAL', 'MAP_GROWSDOWN of a file');
  return flags;
}

/** Checks of an anonymous mapping. */
function anonFlags(k: Kernel, args: MmapArgs, bits: number): number | Errno {
  switch (args.flags & MAP.TYPE) {
    case MAP.SHARED:
      if ((bits & vm.VM_GROWSDOWN) !== 0) return refuse(k, 'EINVAL', 'MAP_GROWSDOWN needs MAP_PRIVATE');
      return bits | vm.VM_SHARED | vm.VM_MAYSHARE;
    case MAP.DROPPABLE: {
      if ((args.flags & MAP.LOCKED) !== 0 || (bits & vm.VM_GROWSDOWN) !== 0)
        return refuse(k, 'EINVAL', 'MAP_DROPPABLE cannot be locked or grow');
      return bits | vm.VM_DROPPABLE | vm.VM_NORESERVE | vm.VM_WIPEONFORK | vm.VM_DONTDUMP;
    }
    case MAP.PRIVATE:
      return bits;
    default:
      return refuse(k, 'EINVAL', 'neither MAP_SHARED nor MAP_PRIVATE');
  }
}

/**
 * do_mmap(): checks in the kernel's order, then mmap_region(). `mm` is owned by the epoch.
 * Returns the mapping or an errno.
 */
export function do_mmap(k: Kernel, mm: Mm, args: MmapArgs): Mapped | Errno {
  if (args.length === 0) return refuse(k, 'EINVAL', 'length 0');
  const length = pageAlign(args.length);
  if (args.addr === 0 && args.file === null && mmap_anonymous(k, mm, args.length, args.prot, args.flags))
    return { addr: mm.vmas.fullFrom, length, populate: false };
  if (length === 0) return refuse(k, 'ENOMEM', 'length rounds up to 0');
  if (mm.vmas.size > k.config.max_map_count) return refuse(k, 'ENOMEM', 'max_map_count');
  const addr = place(k, mm, args, length);
  if (typeof addr === 'string') return addr;
  if ((args.flags & MAP.FIXED_NOREPLACE) !== 0) {
    const there = mm.vmas.find(addr);
    if (there !== undefined && there.vm_start < addr + length)
      return refuse(k, 'EEXIST', 'MAP_FIXED_NOREPLACE over a mapping');
  }
  let bits = vmFlags(k, mm, args.prot, args.flags);
  if ((args.flags & MAP.LOCKED) !== 0 && !can_do_mlock(k)) return refuse(k, 'EPERM', 'RLIMIT_MEMLOCK is 0');
  if (!mlock_future_ok(k, mm, (bits & vm.VM_LOCKED) !== 0, length)) return refuse(k, 'EAGAIN', 'RLIMIT_MEMLOCK');
  const checked = args.file === null ? anonFlags(k, args, bits) : fileFlags(k, args.file, args, bits);
  if (typeof checked === 'string') return checked;
  bits = checked;
  if ((args.flags & MAP.NORESERVE) !== 0 && k.config.overcommit !== 2) bits |= vm.VM_NORESERVE;
  const made = mmap_region(k, mm, { addr, length, flags: bits, file: args.file, pgoff: args.pgoff });
  if (typeof made === 'string') return made;
  // VM_LOCKONFAULT is looked for when pages are faulted in, at the VMA: one that cannot be locked has lost it.
  const populate = (bits & vm.VM_LOCKED) !== 0 || (args.flags & (MAP.POPULATE | MAP.NONBLOCK)) === MAP.POPULATE;
  return { addr, length, populate };
}

/** accountable_mapping(): private writable memory is promised against the commit limit. */
function accountable(flags: number): boolean {
  return (flags & (vm.VM_NORESERVE | vm.VM_SHARED | vm.VM_WRITE)) === vm.VM_WRITE;
}

export interface Region {
  readonly addr: VirtAddr;
  readonly length: number;
  readonly flags: number;
  readonly file: OpenFile | null;
  /** Of a file, in pages. */
  readonly pgoff: number;
}

function vmOpsOf(inode: Inode): vm.VmOps {
  if (inode.kind === 'device') return 'device';
  if (inode.kind === 'file') return 'generic_file';
  // mmap_zero(): vma_set_anonymous(). The file stays, and is never asked for a page.
  if (inode.kind === 'zero') return 'none';
  return inode.sysv ? 'shm' : 'shmem';
}

/** shmem_zero_setup(): the nameless file behind shared anonymous memory. Returns the open file's id, -1 for ENOMEM. */
function shmem_zero_setup(k: Kernel, mm: Mm, region: Region): number {
  const pages = region.length / PAGE_SIZE;
  const accounted = (region.flags & vm.VM_NORESERVE) === 0 ? pages : 0;
  if (accounted > 0 && !vm_enough_memory(k, mm, accounted)) return -1;
  const inode = new_inode(k, { kind: 'shmem', path: '/dev/zero', size: region.length, deleted: true, accounted });
  return open_file(k, inode.id, { readable: true, writable: true, append: false });
}

/** mmap_region(): clears the way, merges or makes the VMA, and counts it. */
export function mmap_region(k: Kernel, mm: Mm, region: Region): 0 | Errno {
  const { addr, length } = region;
  const end = addr + length;
  const pages = length / PAGE_SIZE;
  const cleared = gather_munmap_vmas(k, mm, addr, end);
  if (typeof cleared === 'string') return refuse(k, cleared, 'what is in the way cannot be split');
  let credit = 0;
  let unaccounted = 0;
  for (let i = 0; i < cleared.length; i++) {
    const vma = cleared[i] as vm.Vma;
    credit += vm.vma_pages(vma);
    if ((vma.vm_flags & vm.VM_ACCOUNT) !== 0) unaccounted += vm.vma_pages(vma);
  }
  const limit = may_expand_vm(k, mm, region.flags, pages - credit);
  if (limit !== null) return refuse(k, 'ENOMEM', limit);
  let flags = region.flags;
  if (accountable(flags)) {
    // What is replaced gives its promise back in remove_vmas(); the check counts only the difference.
    if (pages > unaccounted && !vm_enough_memory(k, mm, pages - unaccounted)) {
      return refuse(k, 'ENOMEM', commit_refusal(k, mm, pages - unaccounted));
    }
    if (pages <= unaccounted) k.scalars.committed += pages - unaccounted;
    k.scalars.committed += unaccounted;
    flags |= vm.VM_ACCOUNT;
  }
  remove_vmas(k, mm, cleared);
  const error = insertRegion(k, mm, region, flags);
  if (error !== 0) {
    if ((flags & vm.VM_ACCOUNT) !== 0) vm_unacct_memory(k, pages);
    return error;
  }
  vm_stat_account(mm, flags, pages);
  if ((flags & vm.VM_LOCKED) !== 0) lockNew(k, mm, addr, pages);
  return 0;
}

/** vma_supports_mlock(): special and droppable mappings are never locked; others count against RLIMIT_MEMLOCK at once. */
function lockNew(k: Kernel, mm: Mm, addr: VirtAddr, pages: number): void {
  const vma = mm.vmas.lookup(addr) as vm.Vma;
  if ((vma.vm_flags & (vm.VM_SPECIAL | vm.VM_DROPPABLE)) === 0) mm.locked_vm += pages;
  else vma_replace(k, mm, vma, vm.vmaWithFlags(vma, vma.vm_flags & ~vm.VM_LOCKED_MASK));
}

function insertRegion(k: Kernel, mm: Mm, region: Region, flags: number): 0 | Errno {
  const { addr, length, file } = region;
  const end = addr + length;
  // mmap_zero() of a shared mapping puts a new file in the place of /dev/zero.
  const zero = file !== null && k.inodes.get(file.inode).kind === 'zero';
  if ((file === null || zero) && (flags & vm.VM_SHARED) !== 0) {
    const id = shmem_zero_setup(k, mm, region);
    if (id < 0) return refuse(k, 'ENOMEM', commit_refusal(k, mm, length / PAGE_SIZE));
    // Its file is new, so no neighbour can have the same.
    emitApart(k, mm, { vm_start: addr, vm_end: end, vm_flags: flags, vm_pgoff: 0, vm_file: id, anon: null });
    linkFile(k, mm, { addr, end, flags, file: k.files.get(id), pgoff: zero ? region.pgoff : 0 });
    fput(k, id);
    return 0;
  }
  const vm_pgoff = file === null ? addr / PAGE_SIZE : region.pgoff;
  const vma: vm.Vma = {
    vm_start: addr,
    vm_end: end,
    vm_flags: flags,
    vm_pgoff,
    vm_file: file === null ? 0 : file.id,
    inode: 0,
    anon: null,
    vm_ops: 'none',
    special: null,
  };
  if (vma_merge_new_range(k, mm, vma) !== null) return 0;
  if (file !== null) return linkFile(k, mm, { addr, end, flags, file, pgoff: vm_pgoff });
  vma_link(k, mm, vma);
  return 0;
}

interface FileRange {
  readonly addr: VirtAddr;
  readonly end: VirtAddr;
  readonly flags: number;
  readonly file: OpenFile;
  readonly pgoff: number;
}

/** __mmap_new_file_vma(): the file's own mmap sets the operations; a driver may map pages at once or refuse. */
function linkFile(k: Kernel, mm: Mm, range: FileRange): 0 | Errno {
  const inode = k.inodes.get(range.file.inode);
  if ((range.flags & vm.VM_SYNC) !== 0 && inode.kind === 'file') {
    return refuse(k, 'EOPNOTSUPP', 'MAP_SYNC needs a file system on persistent memory');
  }
  const vma: vm.Vma = {
    vm_start: range.addr,
    vm_end: range.end,
    vm_flags: range.flags,
    vm_pgoff: range.pgoff,
    vm_file: range.file.id,
    inode: inode.id,
    anon: null,
    vm_ops: vmOpsOf(inode),
    special: null,
  };
  vma_link(k, mm, vma);
  if (inode.kind !== 'device') return 0;
  const error = map_device(k, mm, vma, inode);
  return error === 0 ? 0 : refuse(k, error, 'the driver refuses');
}
