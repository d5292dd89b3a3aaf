/** swapoff(): everything comes back to RAM (mm/swapfile.c: try_to_unuse()). */

import { nextPmd } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON_EXCLUSIVE, PG_LRU } from '../machine/frames.ts';
import { lru_add } from '../machine/lru.ts';
import { PTE_ACCESSED, PTE_SWAP, PTE_SWP_EXCLUSIVE } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { vm_commit_limit } from './accounting.ts';
import { pteWord } from './fault.ts';
import { mlock_folio } from './mlock-page.ts';
import { init_anon_page } from './page-alloc.ts';
import { cache_for_each } from './page-cache.ts';
import { get_mapping, set_pte, vm_page_prot } from './pte.ts';
import { refuse } from './refuse.ts';
import { shmem_get_page } from './shmem.ts';
import { folio_free_swap, read_swap_cache } from './swap-cache.ts';
import { linear_page_index, VM_LOCKED, type Vma } from './vma.ts';
import { folio_wait_writeback } from './writeback.ts';

/** unuse_pte(): one swapped page of a process. False: no frame. */
function unuse_pte(k: Kernel, mm: Mm, vma: Vma, addr: number, flags: number, slot: number): boolean {
  const root = vma.anon?.root ?? 0;
  const index = linear_page_index(vma, addr);
  const pfn = read_swap_cache(k, slot, (fresh) => init_anon_page(k, fresh, root, index));
  if (pfn === 0) return false;
  folio_wait_writeback(k, pfn, 'swapoff');
  get_mapping(k, mm, pfn);
  mm.swapents--;
  const exclusive = (flags & PTE_SWP_EXCLUSIVE) !== 0;
  if (exclusive) k.frames.setFlags(pfn, PG_ANON_EXCLUSIVE);
  set_pte(k, mm, mm.pt.edit(addr), addr, vm_page_prot(vma) & ~PTE_ACCESSED, pfn);
  if ((vma.vm_flags & VM_LOCKED) !== 0) mlock_folio(k, pfn);
  k.swap.drop(slot);
  folio_free_swap(k, pfn);
  return true;
}

function unuse_mm(k: Kernel, mm: Mm): boolean {
  for (const vma of mm.vmas.toArray()) {
    if (vma.anon === null) continue;
    for (let addr = vma.vm_start; addr < vma.vm_end; addr += 4096) {
      const table = mm.pt.find(addr);
      if (table === undefined) {
        addr = mm.pt.nextTable(nextPmd(addr), vma.vm_end) - 4096;
        continue;
      }
      const flags = table.words[pteWord(addr)] as number;
      if ((flags & PTE_SWAP) === 0) continue;
      if (!unuse_pte(k, mm, vma, addr, flags, table.words[pteWord(addr) + 1] as number)) return false;
    }
  }
  return true;
}

/** Brings back what shmem has in swap. */
function shmem_unuse(k: Kernel): boolean {
  for (const inode of [...k.inodes.values()]) {
    if (inode.swapped === 0) continue;
    const indexes: number[] = [];
    cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (index, entry) => {
      if (entry < 0) indexes.push(index);
    });
    for (const index of indexes) if (shmem_get_page(k, inode.id, index).pfn === 0) return false;
  }
  return true;
}

/** Pages that wait in the swap cache without a PTE are no longer needed. */
function dropCache(k: Kernel): void {
  for (let slot = 0; slot < k.swap.highWater; slot++) {
    const pfn = k.swap.cached(slot);
    if (pfn === 0) continue;
    folio_wait_writeback(k, pfn, 'swapoff');
    // Nobody wanted it any more, and only its write kept it.
    if (k.swap.cached(slot) === 0) continue;
    if (((k.frames.chunk(pfn).flags[pfn & CHUNK_MASK] as number) & PG_LRU) === 0) lru_add(k.frames, pfn);
    folio_free_swap(k, pfn);
  }
}

/** swapoff(2): EINVAL when it is off already, ENOMEM when RAM cannot take all pages back. */
export function swapoff(k: Kernel): 0 | string {
  if (!k.swap.on) return 'EINVAL';
  // security_vm_enough_memory_mm(), of the superuser: what is promised must fit without the slots.
  if (k.config.overcommit === 2 && k.scalars.committed + k.swap.total >= vm_commit_limit(k)) {
    return refuse(k, 'ENOMEM', 'overcommit: more is promised than the limit without swap');
  }
  k.swap.on = false;
  // set_current_oom_origin(): where memory is short it is swapoff that ends, and nobody else.
  const { oomKiller } = k;
  k.oomKiller = () => false;
  const done = shmem_unuse(k) && [...k.mms.values()].every((mm) => unuse_mm(k, k.mms.edit(mm.id)));
  k.oomKiller = oomKiller;
  if (!done) {
    k.swap.on = true;
    return 'ENOMEM';
  }
  dropCache(k);
  return 0;
}

export function swapon(k: Kernel): 0 | string {
  if (k.swap.on) return 'EBUSY';
  k.swap.on = true;
  return 0;
}
