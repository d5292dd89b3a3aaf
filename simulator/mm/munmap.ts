/** Taking mappings away: do_vmi_munmap() and its halves, used by munmap, MAP_FIXED, brk, mremap (mm/vma.c). */

import { isPageAligned, pageAlign, type VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { vm_stat_account, vm_unacct_memory } from './accounting.ts';
import { munmap_anonymous } from './munmap-anonymous.ts';
import { refuse } from './refuse.ts';
import { task_size } from './unmapped-area.ts';
import { VM_ACCOUNT, VM_LOCKED, type Vma, vma_pages } from './vma.ts';
import { vma_unlink } from './vma-link.ts';
import { split_vma, split_vma_unchecked } from './vma-merge.ts';
import { NOWHERE } from './vma-tree.ts';
import { free_pgtables, update_hiwater_rss, zap_page_range } from './zap.ts';

const NONE: readonly Vma[] = [];

/**
 * vms_gather_munmap_vmas(): splits at both ends so that whole VMAs lie in [start, end), and returns them. On an error
 * a split that was made stays.
 */
export function gather_munmap_vmas(
  k: Kernel,
  mm: Mm,
  start: VirtAddr,
  end: VirtAddr,
): readonly Vma[] | 'ENOMEM' | 'EINVAL' {
  const first = mm.vmas.seek(start);
  if (first === NOWHERE || mm.vmas.vm_start(first) >= end) return NONE;
  const gathered: Vma[] = [];
  let vma: Vma | undefined = mm.vmas.vma(first);
  if (vma.vm_start < start) {
    // The check is made once: cutting a hole needs one VMA more.
    if (vma.vm_end > end && mm.vmas.size >= k.config.max_map_count) {
      return refuse(k, 'ENOMEM', 'a hole would leave one VMA more, and max_map_count is reached');
    }
    const split = split_vma(k, mm, vma, start);
    if (typeof split === 'string') return split;
    vma = split[1];
  }
  while (vma !== undefined && vma.vm_start < end) {
    if (vma.vm_end > end) {
      const split = split_vma_unchecked(k, mm, vma, end);
      if (typeof split === 'string') return split;
      vma = split[0];
    }
    gathered.push(vma);
    vma = vma.vm_end < end ? mm.vmas.find(vma.vm_end) : undefined;
  }
  return gathered;
}

/** vms_complete_munmap_vmas(): unmaps the pages of whole VMAs and removes them. */
export function remove_vmas(k: Kernel, mm: Mm, vmas: readonly Vma[]): void {
  if (vmas.length === 0) return;
  const first = vmas[0] as Vma;
  const last = vmas[vmas.length - 1] as Vma;
  update_hiwater_rss(mm);
  for (const vma of vmas) removeVma(k, mm, vma);
  free_pgtables(mm, first.vm_start, last.vm_end);
}

function removeVma(k: Kernel, mm: Mm, vma: Vma): void {
  zap_page_range(k, mm, vma.vm_flags, vma.vm_start, vma.vm_end, 'markers');
  const pages = vma_pages(vma);
  if ((vma.vm_flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, pages);
  if ((vma.vm_flags & VM_LOCKED) !== 0) mm.locked_vm -= pages;
  vm_stat_account(mm, vma.vm_flags, -pages);
  vma_unlink(k, mm, vma);
  if (vma.special === '[vdso]') mm.vdso = 0;
}

/** Unmaps [start, end), both page aligned, inside user space. */
export function unmap_range(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr): 0 | 'ENOMEM' | 'EINVAL' {
  const vmas = gather_munmap_vmas(k, mm, start, end);
  if (typeof vmas === 'string') return vmas;
  remove_vmas(k, mm, vmas);
  return 0;
}

/** do_vmi_munmap(): munmap(2) behind its system call. Arguments are folded words. */
export function do_munmap(k: Kernel, mm: Mm, start: number, length: number): 0 | 'ENOMEM' | 'EINVAL' {
  if (munmap_anonymous(k, mm, start, length)) return 0;
  if (!isPageAligned(start)) return refuse(k, 'EINVAL', 'the address is not page aligned');
  if (start > task_size(k) || length > task_size(k) - start) return refuse(k, 'EINVAL', 'beyond TASK_SIZE');
  const end = start + pageAlign(length);
  if (end === start) return refuse(k, 'EINVAL', 'length 0');
  return unmap_range(k, mm, start, end);
}
