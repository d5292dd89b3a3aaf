/**
 * The first write to a page of private anonymous memory, and nobody listens: what the long way (memory.ts) would do, or
 * nothing at all. The VMA is a place, no object.
 */

import { type Pfn, pteIndex, type VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_ANON_EXCLUSIVE } from '../machine/frames.ts';
import { lru_add } from '../machine/lru.ts';
import { PTE_DIRTY, PTE_RW } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { anon_vma_prepare } from './anon-vma.ts';
import { alloc_page } from './page-alloc.ts';
import { protection_map } from './pte.ts';
import { VM_DROPPABLE, VM_LOCKED, VM_WRITE } from './vma.ts';
import { NOWHERE } from './vma-tree.ts';

/** VMAs with these flags follow further rules. */
const UNUSUAL = VM_LOCKED | VM_DROPPABLE;

/** do_anonymous_page() of a write at `addr`. False: it takes the long way, and nothing is done. */
export function write_anonymous(k: Kernel, mm: Mm, addr: VirtAddr): boolean {
  if (k.sink !== null || k.frames.counters.free <= k.watermarks.low) return false;
  const { vmas } = mm;
  const place = vmas.seek(addr);
  if (place === NOWHERE || vmas.vm_start(place) > addr || !vmas.isAnonymous(place)) return false;
  const flags = vmas.vm_flags(place);
  if ((flags & (VM_WRITE | UNUSUAL)) !== VM_WRITE) return false;
  const at = 2 * pteIndex(addr);
  const there = mm.pt.find(addr);
  if (there !== undefined && there.words[at] !== 0) return false;
  const { words } = mm.pt.edit(addr);
  const chain = vmas.anon(place) ?? anon_vma_prepare(k, mm, place);
  const pfn = alloc_page(k, 'anon');
  own(k, mm, pfn, chain.root, vmas.pageIndex(place, addr));
  words[at] = protection_map(flags) | PTE_DIRTY | PTE_RW;
  words[at + 1] = pfn;
  return true;
}

/** The frame becomes a page of this process alone (folio_add_new_anon_rmap()). */
function own(k: Kernel, mm: Mm, pfn: Pfn, root: number, index: number): void {
  const chunk = k.frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.flags[i] = (chunk.flags[i] as number) | PG_ANON | PG_ANON_EXCLUSIVE;
  chunk.mapping[i] = root;
  chunk.index[i] = index;
  chunk.mapcount[i] = 1;
  mm.rss_anon++;
  lru_add(k.frames, pfn);
}
