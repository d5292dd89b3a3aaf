/** mremap(2): growing, shrinking, moving and doubling mappings (mm/mremap.c). Lengths are bytes, page aligned inside. */

import {
  addWords,
  isPageAligned,
  MMAP_MIN_ADDR,
  PAGE_SIZE,
  PMD_SIZE,
  PUD_SIZE,
  pageAlign,
  pteIndex,
  type VirtAddr,
} from '../machine/address.ts';
import { PTE_MAPPED } from '../machine/pagetable.ts';
import type { Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { MREMAP } from '../uapi.ts';
import {
  commit_refusal,
  may_expand_vm,
  mlock_future_ok,
  vm_enough_memory,
  vm_stat_account,
  vm_unacct_memory,
} from './accounting.ts';
import { tlb_finish_mmu, tlb_gather_mmu, tlb_remove } from './mmu-gather.ts';
import { do_munmap } from './munmap.ts';
import { mm_populate } from './populate.ts';
import { set_pte } from './pte.ts';
import { refuse } from './refuse.ts';
import { get_unmapped_area, task_size } from './unmapped-area.ts';
import * as vm from './vma.ts';
import { vma_link, vma_replace } from './vma-link.ts';
import { vma_merge_new_range } from './vma-merge.ts';

/** struct vma_remap_struct: the request as it is worked on. */
interface Remap {
  addr: VirtAddr;
  oldLen: number;
  newLen: number;
  readonly flags: number;
  newAddr: VirtAddr;
  populate: boolean;
}

type Result = VirtAddr | string;

/** Flags of mappings whose size a driver has fixed. */
const FIXED_SIZE = vm.VM_DONTEXPAND | vm.VM_PFNMAP;
const NO_GROWTH = 'the driver fixed the size of the mapping (VM_DONTEXPAND, VM_PFNMAP)';
const TOO_MANY = 'a move may need some more VMAs, and max_map_count leaves no room for them';

function impliesNewAddr(r: Remap): boolean {
  return (r.flags & (MREMAP.FIXED | MREMAP.DONTUNMAP)) !== 0;
}

/** check_mremap_params(). */
function check_mremap_params(k: Kernel, r: Remap): string | null {
  if ((r.flags & ~(MREMAP.MAYMOVE | MREMAP.FIXED | MREMAP.DONTUNMAP)) !== 0) {
    return refuse(k, 'EINVAL', 'unknown MREMAP_ flags');
  }
  if (!isPageAligned(r.addr)) return refuse(k, 'EINVAL', 'the old address is not page aligned');
  if (r.newLen === 0) return refuse(k, 'EINVAL', 'the new length is 0');
  if (r.newLen > task_size(k)) return refuse(k, 'EINVAL', 'longer than the address space');
  if (!impliesNewAddr(r)) return null;
  if (r.newAddr > task_size(k) - r.newLen) return refuse(k, 'EINVAL', 'the new address is beyond TASK_SIZE');
  if (!isPageAligned(r.newAddr)) return refuse(k, 'EINVAL', 'the new address is not page aligned');
  if ((r.flags & MREMAP.MAYMOVE) === 0) {
    return refuse(k, 'EINVAL', 'MREMAP_FIXED and MREMAP_DONTUNMAP need MREMAP_MAYMOVE');
  }
  if ((r.flags & MREMAP.DONTUNMAP) !== 0 && r.oldLen !== r.newLen) {
    return refuse(k, 'EINVAL', 'MREMAP_DONTUNMAP does not resize');
  }
  const overlaps = addWords(r.addr, r.oldLen) > r.newAddr && addWords(r.newAddr, r.newLen) > r.addr;
  return overlaps ? refuse(k, 'EINVAL', 'the old and the new range overlap') : null;
}

/** check_prep_vma(): what the VMA at the old address allows. */
function check_prep_vma(k: Kernel, mm: Mm, r: Remap, vma: vm.Vma | undefined): string | null {
  if (vma === undefined) return refuse(k, 'EFAULT', 'nothing is mapped at the old address');
  if (!impliesNewAddr(r)) r.newAddr = r.addr;
  if (r.newLen <= r.oldLen && !impliesNewAddr(r)) return null;
  if (r.oldLen === 0 && (vma.vm_flags & (vm.VM_SHARED | vm.VM_MAYSHARE)) === 0) {
    return refuse(k, 'EINVAL', 'the old length 0 duplicates a mapping, and only shared ones can be');
  }
  if ((r.flags & MREMAP.DONTUNMAP) !== 0 && (vma.vm_flags & FIXED_SIZE) !== 0) return refuse(k, 'EINVAL', NO_GROWTH);
  const oldLen = Math.min(r.oldLen, r.newLen);
  if (oldLen > vma.vm_end - r.addr) return refuse(k, 'EFAULT', 'the old range reaches beyond its VMA');
  if (r.newLen === oldLen) return null;
  if ((vma.vm_flags & vm.VM_LOCKED) !== 0) r.populate = true;
  const grow = r.newLen - oldLen;
  if ((vma.vm_flags & FIXED_SIZE) !== 0) return refuse(k, 'EFAULT', NO_GROWTH);
  if (!mlock_future_ok(k, mm, (vma.vm_flags & vm.VM_LOCKED) !== 0, grow)) return refuse(k, 'EAGAIN', 'RLIMIT_MEMLOCK');
  const limit = may_expand_vm(k, mm, vma.vm_flags, grow / PAGE_SIZE);
  return limit === null ? null : refuse(k, 'ENOMEM', limit);
}

/** Charges the pages that the operation adds; false when overcommit forbids it. */
function charge(k: Kernel, mm: Mm, vma: vm.Vma, pages: number): boolean {
  if ((vma.vm_flags & vm.VM_ACCOUNT) === 0 || vm_enough_memory(k, mm, pages)) return true;
  refuse(k, 'ENOMEM', commit_refusal(k, mm, pages));
  return false;
}

/** expand_vma_in_place(): the VMA grows at its end, and joins the next one if they now fit. */
function expand_in_place(k: Kernel, mm: Mm, vma: vm.Vma, delta: number): boolean {
  if (!charge(k, mm, vma, delta / PAGE_SIZE)) return false;
  const range = {
    vm_start: vma.vm_end,
    vm_end: vma.vm_end + delta,
    vm_flags: vma.vm_flags,
    vm_pgoff: vma.vm_pgoff + vm.vma_pages(vma),
    vm_file: vma.vm_file,
    anon: vma.anon,
  };
  if (vma_merge_new_range(k, mm, range) === null) return false;
  vm_stat_account(mm, vma.vm_flags, delta / PAGE_SIZE);
  if ((vma.vm_flags & vm.VM_LOCKED) !== 0) mm.locked_vm += delta / PAGE_SIZE;
  return true;
}

function canExpandInPlace(k: Kernel, mm: Mm, vma: vm.Vma, r: Remap): boolean {
  if (vma.vm_end - r.addr !== r.oldLen) return false;
  const end = vma.vm_end + r.newLen - r.oldLen;
  const next = mm.vmas.find(vma.vm_end);
  return end <= task_size(k) && (next === undefined || next.vm_start >= end);
}

/** vrm_set_new_addr(): where the mapping moves to. */
function set_new_addr(k: Kernel, mm: Mm, vma: vm.Vma, r: Remap): string | null {
  if ((r.flags & MREMAP.FIXED) !== 0) {
    if (r.newAddr > task_size(k) - r.newLen) return refuse(k, 'ENOMEM', 'beyond TASK_SIZE');
    return r.newAddr < MMAP_MIN_ADDR ? refuse(k, 'EPERM', 'below mmap_min_addr') : null;
  }
  const hint = impliesNewAddr(r) ? r.newAddr : 0;
  const offset = vma.vm_pgoff * PAGE_SIZE + (r.addr - vma.vm_start);
  let align: number | null = null;
  if (vma.vm_ops === 'generic_file') align = offset;
  else if (vma.vm_ops === 'none' && hint === 0 && r.newLen % PMD_SIZE === 0) align = 0;
  const area = get_unmapped_area(k, mm, { addr: hint, length: r.newLen, bits32: false, align });
  if (area === null) return refuse(k, 'ENOMEM', 'no hole is large enough');
  if (area.addr < MMAP_MIN_ADDR) return refuse(k, 'EPERM', 'below mmap_min_addr');
  if (k.sink !== null) k.emit({ type: 'placement', addr: area.addr, length: r.newLen, why: area.why });
  r.newAddr = area.addr;
  return null;
}

/** copy_vma(): the VMA at the new place, merged with a neighbour there if possible. Null: it could not be made. */
function copy_vma(k: Kernel, mm: Mm, vma: vm.Vma, r: Remap): void {
  const untouched = vm.vma_is_anonymous(vma) && vma.anon === null;
  const vm_pgoff = untouched ? r.newAddr / PAGE_SIZE : vma.vm_pgoff + (r.addr - vma.vm_start) / PAGE_SIZE;
  const range = {
    vm_start: r.newAddr,
    vm_end: r.newAddr + r.newLen,
    vm_flags: vma.vm_flags,
    vm_pgoff,
    vm_file: vma.vm_file,
    anon: vma.anon,
  };
  if (vma_merge_new_range(k, mm, range) !== null) return;
  vma_link(k, mm, { ...vma, vm_start: range.vm_start, vm_end: range.vm_end, vm_pgoff });
}

/** can_align_down(): the range starts its VMA, and nothing is mapped between the border below and it. */
function can_align_down(mm: Mm, addr: VirtAddr): boolean {
  const vma = mm.vmas.find(addr - (addr % PMD_SIZE));
  return vma !== undefined && vma.vm_start === addr;
}

/** can_realign_addr(): whether the move may start at the border of 2 MiB below, so that it can take a whole table along. */
function can_realign_addr(mm: Mm, from: VirtAddr, to: VirtAddr, length: number): boolean {
  const offset = from % PMD_SIZE;
  if (offset === 0 || offset !== to % PMD_SIZE || length < PMD_SIZE - offset) return false;
  return can_align_down(mm, from) && can_align_down(mm, to);
}

/** get_extent(): how far one entry over `size` bytes reaches on both sides, and the range with it. */
function get_extent(size: number, from: VirtAddr, to: VirtAddr, end: VirtAddr): number {
  return Math.min(size - (from % size), end - from, size - (to % size));
}

/** move_pgt_entry(): a whole table changes place. `level` 1 is a PTE table, 2 a PMD table. */
function move_pgt_entry(k: Kernel, mm: Mm, from: VirtAddr, to: VirtAddr, level: 1 | 2): boolean {
  if (!mm.pt.moveTable(from, to, level)) return false;
  if (k.sink === null) return true;
  const end = to + (level === 1 ? PMD_SIZE : PUD_SIZE);
  const empty = { flags: 0, pfn: 0 };
  for (let at = mm.pt.nextTable(to, end); at < end; at = mm.pt.nextTable(at + PMD_SIZE, end)) {
    const words = mm.pt.find(at)?.words ?? [];
    for (let i = 0; i < words.length; i += 2) {
      if (words[i] === 0) continue;
      const entry = { flags: words[i] as number, pfn: words[i + 1] as number };
      const va = at + (i / 2) * PAGE_SIZE;
      k.emit({ type: 'pte', mm: mm.id, va: va - to + from, before: entry, after: empty });
      k.emit({ type: 'pte', mm: mm.id, va, before: empty, after: entry });
    }
  }
  return true;
}

/** move_ptes(): the entries of a part of one table. True when one was there that the TLB may know. */
function move_ptes(k: Kernel, mm: Mm, from: VirtAddr, to: VirtAddr, extent: number): boolean {
  let known = false;
  const source = mm.pt.edit(from);
  const table = mm.pt.edit(to);
  for (let done = 0; done < extent; done += PAGE_SIZE) {
    const at = 2 * pteIndex(from + done);
    const flags = source.words[at] as number;
    if (flags === 0) continue;
    const value = source.words[at + 1] as number;
    set_pte(k, mm, source, from + done, 0, 0);
    set_pte(k, mm, table, to + done, flags, value);
    if ((flags & PTE_MAPPED) !== 0) known = true;
  }
  return known;
}

/** move_page_tables(): the entries change place, whole tables of them where they fit; no page is copied, no fault taken. */
function move_page_tables(k: Kernel, mm: Mm, from: VirtAddr, to: VirtAddr, length: number): void {
  const end = from + length;
  const shift = to - from;
  const tlb = tlb_gather_mmu();
  let addr = can_realign_addr(mm, from, to, length) ? from - (from % PMD_SIZE) : from;
  while (addr < end) {
    let extent = get_extent(PUD_SIZE, addr, addr + shift, end);
    if (mm.pt.hasBelow(addr, 2)) {
      mm.pt.editUpper(addr + shift, 2);
      let moved = extent === PUD_SIZE && move_pgt_entry(k, mm, addr, addr + shift, 2);
      if (!moved) {
        extent = get_extent(PMD_SIZE, addr, addr + shift, end);
        if (mm.pt.hasBelow(addr, 1)) {
          mm.pt.editUpper(addr + shift, 1);
          const whole = extent === PMD_SIZE && move_pgt_entry(k, mm, addr, addr + shift, 1);
          moved = whole || move_ptes(k, mm, addr, addr + shift, extent);
        }
      }
      if (moved) tlb_remove(tlb, addr, addr + extent - PAGE_SIZE);
    }
    addr += extent;
  }
  tlb_finish_mmu(k, mm, tlb);
}

/** dontunmap_complete(): the old VMA stays; it is unlocked, all of it, and forgets its anon_vma when all of it moved. */
function dontunmap_complete(k: Kernel, mm: Mm, r: Remap): void {
  const vma = mm.vmas.lookup(r.addr) as vm.Vma;
  const whole = vma.vm_start === r.addr && vma.vm_end === r.addr + r.oldLen;
  const flags = vma.vm_flags & ~vm.VM_LOCKED_MASK;
  vma_replace(k, mm, vma, { ...vma, vm_flags: flags, anon: whole ? null : vma.anon });
}

/** move_vma(): makes the new VMA, moves the page table entries, unmaps the old range. */
function move_vma(k: Kernel, mm: Mm, r: Remap): Result {
  const vma = mm.vmas.lookup(r.addr) as vm.Vma;
  // Room for the splits and the copy.
  if (mm.vmas.size >= k.config.max_map_count - 3) return refuse(k, 'ENOMEM', TOO_MANY);
  const inside = vma.vm_start !== r.addr || vma.vm_end !== r.addr + r.oldLen;
  if (vma.vm_ops === 'special_mapping' && inside) return refuse(k, 'EINVAL', `${vma.special} must not be split`);
  const source = vma;
  const keep = (r.flags & MREMAP.DONTUNMAP) !== 0;
  const charged = (keep ? r.newLen : r.newLen - r.oldLen) / PAGE_SIZE;
  if (!charge(k, mm, source, charged)) return 'ENOMEM';
  const hiwater = mm.hiwater_vm;
  copy_vma(k, mm, source, r);
  move_page_tables(k, mm, r.addr, r.newAddr, r.oldLen);
  if (keep) dontunmap_complete(k, mm, r);
  vm_stat_account(mm, source.vm_flags, r.newLen / PAGE_SIZE);
  if ((source.vm_flags & vm.VM_LOCKED) !== 0) mm.locked_vm += r.newLen / PAGE_SIZE;
  if (!keep && r.oldLen > 0) {
    const error = do_munmap(k, mm, r.addr, r.oldLen);
    // The promise moved with the memory: what munmap gave back is taken again.
    if (error === 0 && (source.vm_flags & vm.VM_ACCOUNT) !== 0) vm_unacct_memory(k, -r.oldLen / PAGE_SIZE);
  }
  mm.hiwater_vm = Math.max(hiwater, mm.total_vm);
  if (source.special === '[vdso]') mm.vdso = r.newAddr;
  return r.newAddr;
}

/** mremap_to(): MREMAP_FIXED and MREMAP_DONTUNMAP. */
function mremap_to(k: Kernel, mm: Mm, r: Remap): Result {
  if ((r.flags & MREMAP.FIXED) !== 0) {
    const error = do_munmap(k, mm, r.newAddr, r.newLen);
    if (error !== 0) return error;
    if (mm.vmas.lookup(r.addr) === undefined) return refuse(k, 'EFAULT', 'nothing is mapped at the old address');
  }
  if (r.newLen < r.oldLen) {
    const error = do_munmap(k, mm, r.addr + r.newLen, r.oldLen - r.newLen);
    if (error !== 0) return error;
    r.oldLen = r.newLen;
  }
  const vma = mm.vmas.lookup(r.addr);
  if (vma === undefined) return refuse(k, 'EFAULT', 'nothing is mapped at the old address');
  const keep = (r.flags & MREMAP.DONTUNMAP) !== 0;
  const limit = keep ? may_expand_vm(k, mm, vma.vm_flags, r.oldLen / PAGE_SIZE) : null;
  if (limit !== null) return refuse(k, 'ENOMEM', limit);
  const error = set_new_addr(k, mm, vma, r);
  return error ?? move_vma(k, mm, r);
}

/** mremap_at(): the kernel chooses whether the mapping moves. */
function mremap_at(k: Kernel, mm: Mm, r: Remap, vma: vm.Vma): Result {
  if (r.newLen === r.oldLen) return r.addr;
  if (r.newLen < r.oldLen) {
    const error = do_munmap(k, mm, r.addr + r.newLen, r.oldLen - r.newLen);
    return error === 0 ? r.addr : error;
  }
  if (canExpandInPlace(k, mm, vma, r)) return expand_in_place(k, mm, vma, r.newLen - r.oldLen) ? r.addr : 'ENOMEM';
  if ((r.flags & MREMAP.MAYMOVE) === 0) {
    return refuse(k, 'ENOMEM', 'the mapping cannot grow where it is, and without MREMAP_MAYMOVE it must stay there');
  }
  const error = set_new_addr(k, mm, vma, r);
  return error ?? move_vma(k, mm, r);
}

/** remap_move(): a move without resize may span several VMAs; holes between them are kept. */
function remap_move(k: Kernel, mm: Mm, request: Remap): Result {
  const end = request.addr + request.oldLen;
  let result: Result = 'EFAULT';
  let target = request.newAddr;
  let lastEnd = -1;
  for (let vma = mm.vmas.find(request.addr); vma !== undefined && vma.vm_start < end; ) {
    const first = lastEnd < 0;
    // The file of a SysV segment chooses places by itself: it moves alone or not at all (vma_multi_allowed()).
    if (vma.vm_ops === 'shm' && (!first || vma.vm_end < end)) return refuse(k, 'EFAULT', 'a SysV segment moves alone');
    if (first && vma.vm_start > request.addr) return refuse(k, 'EFAULT', 'nothing is mapped at the old address');
    const addr = Math.max(vma.vm_start, request.addr);
    const length = Math.min(end, vma.vm_end) - addr;
    const part: Remap = {
      ...request,
      addr,
      oldLen: length,
      newLen: length,
      newAddr: target + (first ? 0 : vma.vm_start - lastEnd),
    };
    lastEnd = vma.vm_end;
    const moved: Result = check_prep_vma(k, mm, part, vma) ?? mremap_to(k, mm, part);
    if (typeof moved === 'string') return moved;
    if (first) result = moved;
    target = moved + length;
    vma = lastEnd < end ? mm.vmas.find(lastEnd) : undefined;
  }
  return result;
}

/** mremap(2), arguments as folded words. Returns the address or an errno. */
export function* do_mremap(
  k: Kernel,
  mm: Mm,
  addr: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddr: number,
): Parts<Result> {
  const r: Remap = {
    addr,
    oldLen: pageAlign(oldLength),
    newLen: pageAlign(newLength),
    flags,
    newAddr,
    populate: false,
  };
  const wrong = check_mremap_params(k, r);
  if (wrong !== null) return wrong;
  if (mm.vmas.size + 2 >= k.config.max_map_count - 3) return refuse(k, 'ENOMEM', TOO_MANY);
  if ((flags & MREMAP.FIXED) !== 0 && r.oldLen === r.newLen) return remap_move(k, mm, r);
  const vma = mm.vmas.lookup(addr);
  const error = check_prep_vma(k, mm, r, vma);
  if (error !== null) return error;
  const oldLen = r.oldLen;
  const result = impliesNewAddr(r) ? mremap_to(k, mm, r) : mremap_at(k, mm, r, vma as vm.Vma);
  if (typeof result === 'number' && r.populate) yield* mm_populate(k, mm, result + oldLen, r.newLen - oldLen);
  return result;
}
