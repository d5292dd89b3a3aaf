/**
 * munmap of private anonymous memory inside one VMA and under one PTE table, and nobody listens: what the long way
 * (munmap.ts) would do, or nothing at all. VMAs are places, no objects.
 */

import { nextPmd, PMD_SIZE, type VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { vm_stat_account, vm_unacct_memory } from './accounting.ts';
import { anon_chain_count, anon_chain_put } from './anon-vma.ts';
import { VM_ACCOUNT, VM_LOCKED } from './vma.ts';
import { NOWHERE, type VmaPlace } from './vma-tree.ts';
import { free_pgtables, update_hiwater_rss, zap_anonymous } from './zap.ts';

/** munmap(). False: it takes the long way, and nothing is done. Arguments are folded words. */
export function munmap_anonymous(k: Kernel, mm: Mm, start: number, length: number): boolean {
  const { vmas } = mm;
  if (k.sink !== null || length === 0) return false;
  const place = vmas.anonymousAround(start, length);
  // To cut a hole takes a VMA more, which may be refused.
  if (place === NOWHERE || vmas.size >= k.config.max_map_count) return false;
  const flags = vmas.vm_flags(place);
  const pages = Math.ceil(length / 4096);
  update_hiwater_rss(mm);
  zap_anonymous(k, mm, flags, start, start + pages * 4096);
  if ((flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, pages);
  if ((flags & VM_LOCKED) !== 0) mm.locked_vm -= pages;
  vm_stat_account(mm, flags, -pages);
  const keeps = keepsTables(mm, place);
  cut(k, mm, place, start, pages);
  if (!keeps) free_pgtables(mm, start, start + pages * 4096);
  return true;
}

/** True when something of a neighbour lies under the PTE table that the first page of the VMA at `place` has. */
function keepsTables({ vmas }: Mm, place: VmaPlace): boolean {
  const first = nextPmd(vmas.vm_start(place)) - PMD_SIZE;
  const previous = vmas.previous(place);
  if (previous !== NOWHERE && vmas.vm_end(previous) > first) return true;
  const next = vmas.next(place);
  return next !== NOWHERE && vmas.vm_start(next) < first + PMD_SIZE;
}

/** Takes [start, start + pages) out of the VMA at `place`. */
function cut(k: Kernel, mm: Mm, place: VmaPlace, start: VirtAddr, pages: number): void {
  const { vmas } = mm;
  const before = vmas.size;
  const chain = vmas.anon(place);
  if (vmas.pages(place) === pages) vmas.removeAt(place);
  else vmas.cut(place, start, start + pages * 4096);
  if (chain === null) return;
  if (vmas.size < before) anon_chain_put(k, mm.id, chain);
  else if (vmas.size > before) anon_chain_count(k, mm.id, chain, 1);
}
