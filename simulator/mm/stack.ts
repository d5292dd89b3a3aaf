/** Stack growth: expand_downwards() and its limits (mm/vma.c). */

import { MMAP_MIN_ADDR, pageDown, type VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { may_expand_vm, mlock_future_ok, rlimit, vm_enough_memory, vm_stat_account } from './accounting.ts';
import { vma_with_anon } from './map-page.ts';
import { VM_ACCOUNT, VM_GROWSDOWN, VM_LOCKED, type Vma, vma_is_accessible } from './vma.ts';
import { vma_replace } from './vma-link.ts';

/** acct_stack_growth(): null, or the limit that forbids growth by `grow` pages to `size` bytes. */
function acct_stack_growth(k: Kernel, mm: Mm, vma: Vma, size: number, grow: number): string | null {
  const limit = may_expand_vm(k, mm, vma.vm_flags, grow);
  if (limit !== null) return limit;
  if (size > rlimit(k, 'STACK')) return 'RLIMIT_STACK';
  if (!mlock_future_ok(k, mm, (vma.vm_flags & VM_LOCKED) !== 0, grow * 4096)) return 'RLIMIT_MEMLOCK';
  if (!vm_enough_memory(k, mm, grow)) return 'overcommit';
  // Who is not accounted gives nothing back: Linux forgets these pages for ever.
  if ((vma.vm_flags & VM_ACCOUNT) === 0) k.scalars.forgotten += grow;
  return null;
}

function growthError(k: Kernel, mm: Mm, vma: Vma, start: VirtAddr): string | null {
  if (start < MMAP_MIN_ADDR) return 'below mmap_min_addr';
  const prev = mm.vmas.before(vma.vm_start);
  if (prev !== undefined && (prev.vm_flags & VM_GROWSDOWN) === 0 && vma_is_accessible(prev)) {
    if (start - prev.vm_end < k.config.stack_guard_gap) return 'stack guard gap';
  }
  if (prev !== undefined && start < prev.vm_end) return 'a mapping is in the way';
  return (vma.vm_start - start) / 4096 > vma.vm_pgoff ? 'vm_pgoff underflows' : null;
}

/**
 * expand_stack(): grows a VM_GROWSDOWN VMA down to the page of `addr`. Returns the grown VMA, or what forbids it.
 */
export function expand_stack(k: Kernel, mm: Mm, vma: Vma, addr: VirtAddr): Vma | string {
  const start = pageDown(addr);
  let error = growthError(k, mm, vma, start);
  let named = vma;
  if (error === null) {
    // Before limits are asked: a refused growth leaves an anon_vma behind.
    named = vma_with_anon(k, mm, vma);
    error = acct_stack_growth(k, mm, named, vma.vm_end - start, (vma.vm_start - start) / 4096);
  }
  if (k.sink !== null) k.emit({ type: 'expand-stack', from: vma.vm_start, to: start, error });
  if (error !== null) return error;
  return grow_down(k, mm, named, start);
}

/** Moves the start of a VMA down to `start`, without asking limits. */
export function grow_down(k: Kernel, mm: Mm, vma: Vma, start: VirtAddr): Vma {
  const grow = (vma.vm_start - start) / 4096;
  const named = vma_with_anon(k, mm, vma);
  const grown: Vma = { ...named, vm_start: start, vm_pgoff: named.vm_pgoff - grow };
  vma_replace(k, mm, named, grown);
  vm_stat_account(mm, vma.vm_flags, grow);
  if ((vma.vm_flags & VM_LOCKED) !== 0) mm.locked_vm += grow;
  return grown;
}
