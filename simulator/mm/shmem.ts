/** Shared memory without a disk: tmpfs, memfd, shared anonymous and SysV memory (mm/shmem.c). */

import type { Pfn } from '../machine/address.ts';
import { PG_DIRTY, PG_FILE, PG_SHMEM } from '../machine/frames.ts';
import { lru_del } from '../machine/lru.ts';
import { Counts } from '../state/counts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { DiskImage, Inode } from '../state/records.ts';
import { commit_refusal, vm_enough_memory, vm_unacct_memory } from './accounting.ts';
import { handler, VM_FAULT_MAJOR, VM_FAULT_OOM, VM_FAULT_SIGBUS, type VmFault, type VmOperations } from './fault.ts';
import { filemap_map_pages } from './filemap.ts';
import { hold_page } from './map-page.ts';
import { alloc_page } from './page-alloc.ts';
import { cache_entry, cache_insert, cache_store, file_pages } from './page-cache.ts';
import { refuse } from './refuse.ts';
import { delete_from_swap_cache, swap_read } from './swap-cache.ts';
import { folio_wait_writeback } from './writeback.ts';

/** In place of a frame: overcommit does not promise another page (ENOSPC, in a fault SIGBUS). */
export const NO_SPACE = -1;

export interface ShmemPage {
  /** 0: no frame was to be had; or {@link NO_SPACE}. */
  readonly pfn: Pfn;
  /** It came from swap. */
  readonly major: boolean;
}

/** shmem_inode_acct_blocks(): may a page be made? Memory that was promised as a whole need not be asked for. */
function may_add_block(k: Kernel, inode: Inode): boolean {
  if (k.config.overcommit !== 2 || inode.accounted > 0) return true;
  const mm = k.mms.find(k.tasks.find(k.scalars.current)?.mm ?? 0);
  if (mm === undefined) return true;
  if (!vm_enough_memory(k, mm, 1)) {
    refuse(k, 'ENOSPC', commit_refusal(k, mm, 1));
    return false;
  }
  // The page is counted where it enters the file.
  vm_unacct_memory(k, 1);
  return true;
}

/** shmem_get_folio(): the page at `index`; made when there is none, brought back when it is in swap. */
export function shmem_get_page(k: Kernel, inodeId: number, index: number): ShmemPage {
  const inode = k.inodes.edit(inodeId);
  const entry = cache_entry(inode, index);
  if (entry > 0) return { pfn: entry, major: false };
  if (entry === 0) {
    if (!may_add_block(k, inode)) return { pfn: NO_SPACE, major: false };
    const pfn = alloc_page(k, 'shmem');
    if (pfn !== 0) cache_insert(k, k.inodes.edit(inodeId), index, pfn);
    return { pfn, major: false };
  }
  const slot = -entry - 1;
  const cached = k.swap.cached(slot);
  if (cached !== 0) return { pfn: from_swap_cache(k, inodeId, index, slot, cached), major: false };
  const pfn = swap_read(k, slot, 'shmem');
  if (pfn === 0) return { pfn, major: true };
  if (k.sink !== null) k.emit({ type: 'swap-in', slot, pfn, cached: false });
  const again = k.inodes.edit(inodeId);
  cache_store(k, again, index, 0);
  k.swap.drop(slot);
  cache_insert(k, again, index, pfn);
  k.frames.setFlags(pfn, PG_DIRTY | PG_FILE | PG_SHMEM);
  return { pfn, major: true };
}

/** A page that MADV_WILLNEED brought, or that is on its way out, moves from the swap cache to the file. */
function from_swap_cache(k: Kernel, inodeId: number, index: number, slot: number, pfn: Pfn): Pfn {
  folio_wait_writeback(k, pfn, 'shmem');
  lru_del(k.frames, pfn);
  hold_page(k, pfn, 1);
  delete_from_swap_cache(k, pfn);
  hold_page(k, pfn, -1);
  const inode = k.inodes.edit(inodeId);
  cache_store(k, inode, index, 0);
  k.swap.drop(slot);
  cache_insert(k, inode, index, pfn);
  k.frames.markDirty(pfn);
  return pfn;
}

function shmem_fault(vmf: VmFault, index: number): number {
  const { k, vma } = vmf;
  if (index >= file_pages(k.inodes.get(vma.inode))) return VM_FAULT_SIGBUS;
  const { pfn, major } = shmem_get_page(k, vma.inode, index);
  if (pfn <= 0) return pfn === NO_SPACE ? VM_FAULT_SIGBUS : VM_FAULT_OOM;
  if (major) {
    handler(vmf, 'shmem_swapin_folio', 'swap-device');
    vmf.kind = 'swap-in';
  }
  vmf.page = pfn;
  return major ? VM_FAULT_MAJOR : 0;
}

export const shmem_vm_ops: VmOperations = {
  name: 'shmem_vm_ops',
  functions: { fault: 'shmem_fault', map_pages: 'filemap_map_pages' },
  fault: shmem_fault,
  map_pages: filemap_map_pages,
};

/** SysV segments (ipc/shm.c): no fault-around. */
export const shm_vm_ops: VmOperations = {
  name: 'shm_vm_ops',
  functions: { open: 'shm_open', close: 'shm_close', fault: 'shm_fault', may_split: 'shm_may_split' },
  fault: shmem_fault,
};

/** A new inode. `accounted`: pages reserved against the commit limit. */
export function new_inode(
  k: Kernel,
  fields: {
    readonly kind: Inode['kind'];
    readonly path: string;
    readonly size: number;
    readonly deleted: boolean;
    readonly image?: DiskImage;
    readonly accounted?: number;
    /** As {@link Inode.access}; a file's owner may read and write it. */
    readonly access?: number;
    readonly device?: Inode['device'];
    readonly sysv?: boolean;
  },
): Inode {
  return k.inodes.add((id, owner) => ({
    id,
    owner,
    kind: fields.kind,
    path: fields.path,
    access: fields.access ?? 6,
    deleted: fields.deleted,
    size: fields.size,
    image: fields.image ?? { kind: 'zeros' },
    imageEnd: fields.size,
    holes: [],
    written: new Map(),
    writtenOwner: owner,
    cache: new Map(),
    cacheOwner: owner,
    nrpages: 0,
    swapped: 0,
    mms: Counts.empty(owner),
    users: 0,
    executing: 0,
    accounted: fields.accounted ?? 0,
    device: fields.device ?? null,
    sysv: fields.sysv ?? false,
    unevictable: false,
    seals: 0,
  }));
}
