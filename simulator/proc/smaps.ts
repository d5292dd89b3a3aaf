/** /proc/PID/smaps: what is resident of each VMA and how it is shared (fs/proc/task_mmu.c: smap_gather_stats()). */

import { pteIndex } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_DIRTY, PG_LAZYFREE, PG_REFERENCED, PG_SHMEM } from '../machine/frames.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_MAPPED, PTE_SPECIAL, PTE_SWAP } from '../machine/pagetable.ts';
import { cache_for_each } from '../mm/page-cache.ts';
import { linear_page_index, VM_FLAG_NAMES, VM_LOCKED, VM_SHARED, VM_WRITE, type Vma, vma_pages } from '../mm/vma.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { maps_line, VSYSCALL_END, VSYSCALL_LINE, VSYSCALL_START } from './maps.ts';
import { for_each_page } from './pagemap.ts';

/** Sizes of one VMA in kB, by the names that smaps prints. */
export interface SmapsEntry {
  readonly Size: number;
  readonly Rss: number;
  readonly Pss: number;
  readonly Pss_Dirty: number;
  readonly Shared_Clean: number;
  readonly Shared_Dirty: number;
  readonly Private_Clean: number;
  readonly Private_Dirty: number;
  readonly Referenced: number;
  readonly Anonymous: number;
  readonly LazyFree: number;
  readonly Swap: number;
  readonly SwapPss: number;
  readonly Locked: number;
  readonly VmFlags: string;
}

/** One page as smaps adds up shares: 12 bits behind the point. */
const PSS_PAGE = 4096 << 12;
/** Shares that make a kB. */
const PSS_KB = 1024 << 12;

/** Sums in pages; Pss and its kin in shares. */
class Sums {
  rss = 0;
  pss = 0;
  pssDirty = 0;
  pssAnon = 0;
  pssFile = 0;
  pssShmem = 0;
  pssLocked = 0;
  sharedClean = 0;
  sharedDirty = 0;
  privateClean = 0;
  privateDirty = 0;
  referenced = 0;
  anonymous = 0;
  lazyfree = 0;
  swap = 0;
  swapPss = 0;
}

/** smaps_account(): one mapped page. */
function account(k: Kernel, sums: Sums, flags: number, pfn: number, locked: boolean): void {
  const chunk = k.frames.chunk(pfn);
  const frame = chunk.flags[pfn & CHUNK_MASK] as number;
  const mapcount = chunk.mapcount[pfn & CHUNK_MASK] as number;
  const dirty = (flags & PTE_DIRTY) !== 0 || (frame & PG_DIRTY) !== 0;
  sums.rss++;
  if ((frame & PG_ANON) !== 0) {
    sums.anonymous++;
    if ((frame & PG_LAZYFREE) !== 0 && !dirty) sums.lazyfree++;
  }
  if ((flags & PTE_ACCESSED) !== 0 || (frame & PG_REFERENCED) !== 0) sums.referenced++;
  const share = Math.floor(PSS_PAGE / mapcount);
  sums.pss += share;
  if ((frame & PG_ANON) !== 0) sums.pssAnon += share;
  else if ((frame & PG_SHMEM) !== 0) sums.pssShmem += share;
  else sums.pssFile += share;
  if (locked) sums.pssLocked += share;
  if (dirty) sums.pssDirty += share;
  if (mapcount >= 2) {
    if (dirty) sums.sharedDirty++;
    else sums.sharedClean++;
  } else if (dirty) sums.privateDirty++;
  else sums.privateClean++;
}

function gather(k: Kernel, mm: Mm, vma: Vma, sums = new Sums()): Sums {
  const locked = (vma.vm_flags & VM_LOCKED) !== 0;
  for_each_page(mm, vma, (_addr, flags, value) => {
    if ((flags & PTE_MAPPED) !== 0 && (flags & PTE_SPECIAL) === 0) account(k, sums, flags, value, locked);
    else if ((flags & PTE_SWAP) !== 0) {
      sums.swap++;
      sums.swapPss += Math.floor(PSS_PAGE / Math.max(1, k.swap.count(value)));
    }
  });
  if (vma.vm_ops === 'shmem' || vma.vm_ops === 'shm') addShmemSwap(k, mm, vma, sums);
  return sums;
}

/** Shared memory in swap is found in the file, not in the page tables; a private writable map counts its holes only. */
function addShmemSwap(k: Kernel, mm: Mm, vma: Vma, sums: Sums): void {
  const inode = k.inodes.get(vma.inode);
  if (inode.swapped === 0) return;
  const holesOnly = (vma.vm_flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
  const first = linear_page_index(vma, vma.vm_start);
  cache_for_each(inode, first, first + vma_pages(vma), (index, entry) => {
    if (entry >= 0) return;
    const addr = vma.vm_start + (index - first) * 4096;
    if (!holesOnly || (mm.pt.find(addr)?.words[2 * pteIndex(addr)] ?? 0) === 0) sums.swap++;
  });
}

/** `rd wr mr mw me ac`: the VmFlags line. */
export function vm_flags_text(flags: number): string {
  return VM_FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0)
    .map(([, letters]) => letters)
    .join(' ');
}

/** What smaps says of one VMA. */
export function smaps_entry(k: Kernel, mm: Mm, vma: Vma): SmapsEntry {
  const s = gather(k, mm, vma);
  const pss = Math.floor(s.pss / PSS_KB);
  return {
    Size: vma_pages(vma) * 4,
    Rss: s.rss * 4,
    Pss: pss,
    Pss_Dirty: Math.floor(s.pssDirty / PSS_KB),
    Shared_Clean: s.sharedClean * 4,
    Shared_Dirty: s.sharedDirty * 4,
    Private_Clean: s.privateClean * 4,
    Private_Dirty: s.privateDirty * 4,
    Referenced: s.referenced * 4,
    Anonymous: s.anonymous * 4,
    LazyFree: s.lazyfree * 4,
    Swap: s.swap * 4,
    SwapPss: Math.floor(s.swapPss / PSS_KB),
    Locked: (vma.vm_flags & VM_LOCKED) !== 0 ? pss : 0,
    VmFlags: vm_flags_text(vma.vm_flags),
  };
}

const VSYSCALL: SmapsEntry = {
  Size: 4,
  Rss: 0,
  Pss: 0,
  Pss_Dirty: 0,
  Shared_Clean: 0,
  Shared_Dirty: 0,
  Private_Clean: 0,
  Private_Dirty: 0,
  Referenced: 0,
  Anonymous: 0,
  LazyFree: 0,
  Swap: 0,
  SwapPss: 0,
  Locked: 0,
  VmFlags: 'ex',
};

/** smaps as data, one element a VMA in address order, [vsyscall] last. */
export function smaps_report(k: Kernel, mm: Mm): (SmapsEntry & { readonly start: string; readonly end: string })[] {
  const entries = mm.vmas.toArray().map((vma) => ({
    start: `0x${vma.vm_start.toString(16)}`,
    end: `0x${vma.vm_end.toString(16)}`,
    ...smaps_entry(k, mm, vma),
  }));
  return [...entries, { start: `0x${VSYSCALL_START}`, end: `0x${VSYSCALL_END}`, ...VSYSCALL }];
}

function row(name: string, kilobytes: number): string {
  return `${`${name}:`.padEnd(16)}${String(kilobytes).padStart(8)} kB\n`;
}

function block(line: string, e: SmapsEntry): string {
  return [
    `${line}\n`,
    row('Size', e.Size),
    row('KernelPageSize', 4),
    row('MMUPageSize', 4),
    row('Rss', e.Rss),
    row('Pss', e.Pss),
    row('Pss_Dirty', e.Pss_Dirty),
    row('Shared_Clean', e.Shared_Clean),
    row('Shared_Dirty', e.Shared_Dirty),
    row('Private_Clean', e.Private_Clean),
    row('Private_Dirty', e.Private_Dirty),
    row('Referenced', e.Referenced),
    row('Anonymous', e.Anonymous),
    row('KSM', 0),
    row('LazyFree', e.LazyFree),
    row('AnonHugePages', 0),
    row('ShmemPmdMapped', 0),
    row('FilePmdMapped', 0),
    row('Shared_Hugetlb', 0),
    row('Private_Hugetlb', 0),
    row('Swap', e.Swap),
    row('SwapPss', e.SwapPss),
    row('Locked', e.Locked),
    `${'THPeligible:'.padEnd(16)}${'0'.padStart(8)}\n`,
    `VmFlags: ${e.VmFlags} \n`,
  ].join('');
}

/** The whole text of /proc/PID/smaps. */
export function proc_smaps(k: Kernel, mm: Mm): string {
  const blocks = mm.vmas.toArray().map((vma) => block(maps_line(k, mm, vma), smaps_entry(k, mm, vma)));
  return blocks.join('') + block(VSYSCALL_LINE, VSYSCALL);
}

/**
 * The text of /proc/PID/smaps_rollup: the sums of all VMAs; shares are added up before they are rounded. Empty for an
 * address space without a VMA.
 */
export function smapsRollupText(k: Kernel, mm: Mm): string {
  const vmas = mm.vmas.toArray();
  const first = vmas[0];
  const last = vmas[vmas.length - 1];
  if (first === undefined || last === undefined) return '';
  const s = new Sums();
  for (const vma of vmas) gather(k, mm, vma, s);
  const kb = (shares: number): number => Math.floor(shares / PSS_KB);
  const hex8 = (address: number): string => address.toString(16).padStart(8, '0');
  const head = `${hex8(first.vm_start)}-${hex8(last.vm_end)} ---p 00000000 00:00 0`;
  return [
    `${head.padEnd(72)} [rollup]\n`,
    row('Rss', s.rss * 4),
    row('Pss', kb(s.pss)),
    row('Pss_Dirty', kb(s.pssDirty)),
    row('Pss_Anon', kb(s.pssAnon)),
    row('Pss_File', kb(s.pssFile)),
    row('Pss_Shmem', kb(s.pssShmem)),
    row('Shared_Clean', s.sharedClean * 4),
    row('Shared_Dirty', s.sharedDirty * 4),
    row('Private_Clean', s.privateClean * 4),
    row('Private_Dirty', s.privateDirty * 4),
    row('Referenced', s.referenced * 4),
    row('Anonymous', s.anonymous * 4),
    row('KSM', 0),
    row('LazyFree', s.lazyfree * 4),
    row('AnonHugePages', 0),
    row('ShmemPmdMapped', 0),
    row('FilePmdMapped', 0),
    row('Shared_Hugetlb', 0),
    row('Private_Hugetlb', 0),
    row('Swap', s.swap * 4),
    row('SwapPss', kb(s.swapPss)),
    row('Locked', kb(s.pssLocked)),
  ].join('');
}
