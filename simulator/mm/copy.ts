/** Copying an address space for fork: dup_mmap() (kernel/fork.c) and copy_page_range() (mm/memory.c). */

import { pteIndex, type VirtAddr } from '../machine/address.ts';
import { CHUNK_BITS, CHUNK_MASK, PG_ANON, PG_ANON_EXCLUSIVE, PG_SHMEM } from '../machine/frames.ts';
import {
  PageTables,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GUARD,
  PTE_MAPPED,
  PTE_RW,
  PTE_SPECIAL,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
} from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { commit_refusal, vm_enough_memory, vm_stat_account } from './accounting.ts';
import { anon_vma_fork } from './anon-vma.ts';
import { walk_pte_tables } from './pagewalk.ts';
import { refuse } from './refuse.ts';
import {
  is_cow_mapping,
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_GROWSDOWN,
  VM_LOCKED_MASK,
  VM_MAYBE_GUARD,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_SHARED,
  VM_WIPEONFORK,
  type Vma,
  vma_pages,
  vmaLike,
} from './vma.ts';
import { vma_link } from './vma-link.ts';
import { VmaTree } from './vma-tree.ts';

/** vma_needs_copy(): memory that can be faulted in again need not be copied. */
function needsCopy(vma: Vma): boolean {
  return (vma.vm_flags & (VM_PFNMAP | VM_MIXEDMAP | VM_MAYBE_GUARD)) !== 0 || vma.anon !== null;
}

const NOTHING = new Int32Array(0);

interface Copied {
  anon: number;
  file: number;
  shmem: number;
  swap: number;
}

/** copy_pte_range(): entries of one table. Private pages become read-only on both sides and lose their owner. */
function copyTable(k: Kernel, parent: Mm, child: Mm, vma: Vma, start: VirtAddr, end: VirtAddr, copied: Copied): void {
  const source = parent.pt.edit(start).words;
  const target = child.pt.edit(start).words;
  const cow = is_cow_mapping(vma.vm_flags);
  const shared = (vma.vm_flags & VM_SHARED) !== 0;
  const keep = ~(PTE_ACCESSED | (cow ? PTE_RW : 0) | (shared ? PTE_DIRTY : 0));
  const frames = k.frames;
  let mapcount: Int32Array = NOTHING;
  let frameFlags: Int32Array = NOTHING;
  let chunkNumber = -1;
  let anon = 0;
  const last = 2 * pteIndex(end - 4096);
  for (let at = 2 * pteIndex(start); at <= last; at += 2) {
    const flags = source[at] as number;
    if (flags === 0) continue;
    const value = source[at + 1] as number;
    if ((flags & PTE_MAPPED) === 0) {
      copyAbsent(k, source, target, at, copied);
      continue;
    }
    if ((flags & PTE_SPECIAL) === 0) {
      if (value >> CHUNK_BITS !== chunkNumber) {
        const chunk = frames.edit(value);
        mapcount = chunk.mapcount;
        frameFlags = chunk.flags;
        chunkNumber = value >> CHUNK_BITS;
      }
      const i = value & CHUNK_MASK;
      mapcount[i] = (mapcount[i] as number) + 1;
      const frame = frameFlags[i] as number;
      if ((frame & PG_ANON) !== 0) {
        anon++;
        if ((frame & PG_ANON_EXCLUSIVE) !== 0) frameFlags[i] = frame & ~PG_ANON_EXCLUSIVE;
      } else if ((frame & PG_SHMEM) !== 0) copied.shmem++;
      else copied.file++;
    }
    if (cow && (flags & PTE_RW) !== 0) {
      source[at] = flags & ~PTE_RW;
      if (k.sink !== null) emitProtected(k, parent, start + (at / 2 - pteIndex(start)) * 4096, flags, value);
    }
    target[at] = flags & keep;
    target[at + 1] = value;
  }
  copied.anon += anon;
}

/** ptep_set_wrprotect() of the parent's entry, for those who listen. */
function emitProtected(k: Kernel, parent: Mm, va: VirtAddr, flags: number, pfn: number): void {
  k.emit({ type: 'pte', mm: parent.id, va, before: { flags, pfn }, after: { flags: flags & ~PTE_RW, pfn } });
}

/** copy_nonpresent_pte(): swap slots get one more user, guard markers are copied when the VMA keeps them. */
function copyAbsent(k: Kernel, source: Uint32Array, target: Uint32Array, at: number, copied: Copied): void {
  const flags = source[at] as number;
  const value = source[at + 1] as number;
  if ((flags & PTE_SWAP) !== 0) {
    k.swap.duplicate(value);
    copied.swap++;
    source[at] = flags & ~PTE_SWP_EXCLUSIVE;
    target[at] = flags & ~PTE_SWP_EXCLUSIVE;
    target[at + 1] = value;
  } else if ((flags & PTE_GUARD) !== 0) target[at] = flags;
}

/** copy_page_range(): the page tables of one VMA. */
function copy_page_range(k: Kernel, parent: Mm, child: Mm, vma: Vma): number {
  const copied: Copied = { anon: 0, file: 0, shmem: 0, swap: 0 };
  walk_pte_tables(parent, vma.vm_start, vma.vm_end, (from, to) => copyTable(k, parent, child, vma, from, to, copied));
  child.rss_anon += copied.anon;
  child.rss_file += copied.file;
  child.rss_shmem += copied.shmem;
  child.swapents += copied.swap;
  return copied.anon + copied.file + copied.shmem;
}

function dupVma(k: Kernel, parent: Mm, child: Mm, vma: Vma): number {
  const wiped = (vma.vm_flags & VM_WIPEONFORK) !== 0;
  const anon = vma.anon === null || wiped ? null : anon_vma_fork(k, vma.anon);
  const copy = vmaLike(vma, vma.vm_start, vma.vm_end, vma.vm_flags & ~VM_LOCKED_MASK, anon);
  vma_link(k, child, copy);
  return needsCopy(vma) && !wiped ? copy_page_range(k, parent, child, vma) : 0;
}

/**
 * Promises the copies of accounted VMAs, one by one as dup_mmap() does. But with overcommit=2, stacks are promised without
 * asking: on a machine smaller than a stack nothing could fork.
 */
function promise(k: Kernel, parent: Mm): boolean {
  const before = k.scalars.committed;
  let granted = true;
  parent.vmas.walk((vma) => {
    if ((vma.vm_flags & (VM_ACCOUNT | VM_DONTCOPY)) !== VM_ACCOUNT) return true;
    const unasked = (vma.vm_flags & VM_GROWSDOWN) !== 0 && k.config.overcommit !== 2;
    if (unasked) k.scalars.committed += vma_pages(vma);
    else granted = vm_enough_memory(k, parent, vma_pages(vma));
    if (!granted) refuse(k, 'ENOMEM', commit_refusal(k, parent, vma_pages(vma)));
    return granted;
  });
  if (!granted) k.scalars.committed = before;
  return granted;
}

/** What dup_mm() made, or why not. */
export interface DupMm {
  readonly mm: Mm;
  readonly pages: number;
}

/** dup_mm(): a copy of the address space. Null: overcommit forbids it. `parent` is owned by the epoch. */
export function dup_mm(k: Kernel, parent: Mm): DupMm | null {
  if (!promise(k, parent)) return null;
  const child = k.mms.add((id, owner) => ({
    ...parent,
    id,
    owner,
    users: 1,
    pt: new PageTables(k.epoch, k.tablePages, k.config.levels),
    vmas: new VmaTree(k.epoch),
    locked_vm: 0,
    rss_anon: 0,
    rss_file: 0,
    rss_shmem: 0,
    swapents: 0,
    def_flags: 0,
  }));
  if (child.exe !== 0) k.inodes.edit(child.exe).executing++;
  let pages = 0;
  parent.vmas.walk((vma) => {
    if ((vma.vm_flags & VM_DONTCOPY) !== 0) vm_stat_account(child, vma.vm_flags, -vma_pages(vma));
    else pages += dupVma(k, parent, child, vma);
    return true;
  });
  child.hiwater_rss = child.rss_anon + child.rss_file + child.rss_shmem;
  child.hiwater_vm = child.total_vm;
  k.tlb.flushAll();
  return { mm: child, pages };
}
