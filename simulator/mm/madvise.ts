/** madvise(2): advice that changes flags, and the walk over the VMAs of a range (mm/madvise.c). */

import { isPageAligned, pageAlign, type VirtAddr } from '../machine/address.ts';
import type { Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { MADV } from '../uapi.ts';
import {
  madvise_cold,
  madvise_free,
  madvise_guard_install,
  madvise_guard_remove,
  madvise_pageout,
  madvise_remove,
  madvise_willneed,
} from './madvise-pages.ts';
import { faultin_page_range } from './populate.ts';
import { refuse } from './refuse.ts';
import * as vm from './vma.ts';
import { vma_modify_flags } from './vma-merge.ts';
import { zap_and_reclaim_tables } from './zap.ts';

const VALID: ReadonlySet<number> = new Set(Object.values(MADV));
const KSM_SKIPPED = vm.VM_SHARED | vm.VM_MAYSHARE | vm.VM_SPECIAL | vm.VM_DROPPABLE;

/** The flags of the VMA after the advice, or an errno; undefined for advice that is about pages. */
function advisedFlags(vma: vm.Vma, advice: number): number | string | undefined {
  const flags = vma.vm_flags;
  switch (advice) {
    case MADV.NORMAL:
      return flags & ~(vm.VM_RAND_READ | vm.VM_SEQ_READ);
    case MADV.SEQUENTIAL:
      return (flags & ~vm.VM_RAND_READ) | vm.VM_SEQ_READ;
    case MADV.RANDOM:
      return (flags & ~vm.VM_SEQ_READ) | vm.VM_RAND_READ;
    case MADV.DONTFORK:
      return flags | vm.VM_DONTCOPY;
    case MADV.DOFORK:
      return (flags & vm.VM_IO) !== 0 ? 'EINVAL' : flags & ~vm.VM_DONTCOPY;
    case MADV.WIPEONFORK:
      return vma.vm_file !== 0 || (flags & vm.VM_SHARED) !== 0 ? 'EINVAL' : flags | vm.VM_WIPEONFORK;
    case MADV.KEEPONFORK:
      return (flags & vm.VM_DROPPABLE) !== 0 ? 'EINVAL' : flags & ~vm.VM_WIPEONFORK;
    case MADV.DONTDUMP:
      return flags | vm.VM_DONTDUMP;
    case MADV.DODUMP:
      return (flags & (vm.VM_SPECIAL | vm.VM_DROPPABLE)) !== 0 ? 'EINVAL' : flags & ~vm.VM_DONTDUMP;
    case MADV.MERGEABLE:
      return (flags & KSM_SKIPPED) !== 0 ? flags : flags | vm.VM_MERGEABLE;
    case MADV.UNMERGEABLE:
      return flags & ~vm.VM_MERGEABLE;
    case MADV.HUGEPAGE:
      return (flags & ~vm.VM_NOHUGEPAGE) | vm.VM_HUGEPAGE;
    case MADV.NOHUGEPAGE:
      return (flags & ~vm.VM_HUGEPAGE) | vm.VM_NOHUGEPAGE;
    default:
      return undefined;
  }
}

const NOT_MAPPED = 'a part of the range is not mapped; the advice was taken for the rest';
const UNTOUCHABLE = 'the VMA is locked, or its pages have no struct page (VM_LOCKED, VM_PFNMAP)';

/** madvise_dontneed_free(). */
function dontneed_free(k: Kernel, mm: Mm, vma: vm.Vma, start: VirtAddr, end: VirtAddr, advice: number): 0 | string {
  const forbidden = vm.VM_PFNMAP | (advice === MADV.DONTNEED_LOCKED ? 0 : vm.VM_LOCKED);
  if ((vma.vm_flags & forbidden) !== 0) return refuse(k, 'EINVAL', UNTOUCHABLE);
  if (advice === MADV.FREE) return madvise_free(k, mm, vma, start, end);
  zap_and_reclaim_tables(k, mm, start, end);
  return 0;
}

/** can_madv_lru_vma(). */
function lruAllowed(vma: vm.Vma): boolean {
  return (vma.vm_flags & (vm.VM_LOCKED | vm.VM_PFNMAP)) === 0;
}

/** What comes of advice for one VMA: 0, or an error; what takes long comes in parts and fails never. */
type Advised = 0 | string | Parts<0>;

/** madvise_vma_behavior(): the advice for one VMA's part of the range. */
function madvise_vma(k: Kernel, mm: Mm, vma: vm.Vma, start: VirtAddr, end: VirtAddr, advice: number): Advised {
  switch (advice) {
    case MADV.REMOVE:
      return madvise_remove(k, mm, vma, start, end);
    case MADV.WILLNEED:
      return madvise_willneed(k, mm, vma, start, end);
    case MADV.COLD:
      return lruAllowed(vma) ? madvise_cold(k, mm, start, end) : refuse(k, 'EINVAL', UNTOUCHABLE);
    case MADV.PAGEOUT:
      return lruAllowed(vma) ? madvise_pageout(k, mm, start, end) : refuse(k, 'EINVAL', UNTOUCHABLE);
    case MADV.FREE:
    case MADV.DONTNEED:
    case MADV.DONTNEED_LOCKED:
      return dontneed_free(k, mm, vma, start, end, advice);
    case MADV.COLLAPSE:
      return refuse(k, 'EINVAL', 'MADV_COLLAPSE needs transparent huge pages');
    case MADV.GUARD_INSTALL:
      return madvise_guard_install(k, mm, vma, start, end);
    case MADV.GUARD_REMOVE:
      return madvise_guard_remove(k, mm, vma, start, end);
    default:
      break;
  }
  const flags = advisedFlags(vma, advice);
  if (typeof flags === 'string') return refuse(k, flags, 'the advice does not fit this kind of VMA');
  if (flags === undefined || flags === vma.vm_flags) return 0;
  const changed = vma_modify_flags(k, mm, vma, start, end, flags);
  if (typeof changed !== 'string') return 0;
  // Lack of room for a VMA may be a passing state.
  return changed === 'ENOMEM' ? 'EAGAIN' : changed;
}

/** madvise_walk_vmas(): holes are passed over and told at the end. */
function* walk(k: Kernel, mmId: number, from: VirtAddr, end: VirtAddr, advice: number): Parts<0 | string> {
  let unmapped: 0 | string = 0;
  let start = from;
  while (start < end) {
    const mm = k.mms.edit(mmId);
    const vma = mm.vmas.find(start);
    if (vma === undefined) return refuse(k, 'ENOMEM', NOT_MAPPED);
    if (start < vma.vm_start) {
      unmapped = 'ENOMEM';
      start = vma.vm_start;
      if (start >= end) break;
    }
    const stop = Math.min(vma.vm_end, end);
    const error = madvise_vma(k, mm, vma, start, stop, advice);
    if (error !== 0 && typeof error !== 'string') yield* error;
    else if (error !== 0) return error;
    start = stop;
  }
  return unmapped === 0 ? 0 : refuse(k, unmapped, NOT_MAPPED);
}

/** madvise(2), arguments as folded words. */
export function* do_madvise(k: Kernel, mm: Mm, start: number, length: number, advice: number): Parts<0 | string> {
  if (!VALID.has(advice)) return refuse(k, 'EINVAL', 'there is no such advice');
  if (!isPageAligned(start)) return refuse(k, 'EINVAL', 'the address is not page aligned');
  const size = pageAlign(length);
  if (length !== 0 && size === 0) return refuse(k, 'EINVAL', 'the length rounds up to 0');
  const end = start + size;
  if (end >= 2 ** 53) return refuse(k, 'EINVAL', 'the range wraps around');
  if (end === start) return 0;
  if (advice === MADV.POPULATE_READ || advice === MADV.POPULATE_WRITE) {
    return (yield* faultin_page_range(k, mm, start, end, advice === MADV.POPULATE_WRITE)) ?? 0;
  }
  return yield* walk(k, mm.id, start, end, advice);
}
