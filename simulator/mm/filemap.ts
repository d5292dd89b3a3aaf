/** Mapped regular files: filemap_fault(), fault-around and page_mkwrite (mm/filemap.c, fs/ext4). */

import type { Pfn, VirtAddr } from '../machine/address.ts';
import { PG_DIRTY, PG_NOT_UPTODATE, PG_READAHEAD } from '../machine/frames.ts';
import { PTE_DIRTY, PTE_RW } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import {
  handler,
  pteWord,
  VM_FAULT_MAJOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  type VmFault,
  type VmOperations,
} from './fault.ts';
import { hold_page, map_file_page } from './map-page.ts';
import { cache_for_each, file_pages, find_get_page, read_page } from './page-cache.ts';
import { flush_tlb_range, set_pte } from './pte.ts';
import { do_sync_mmap_readahead, page_cache_async_ra, ra_pages } from './readahead.ts';
import { rmap_walk } from './rmap.ts';
import { linear_page_index, VM_RAND_READ, VM_SHARED } from './vma.ts';
import { folio_test_writeback, folio_wait_writeback, start_writepage, writepage } from './writeback.ts';

/**
 * filemap_map_pages(): maps what the page cache has of [start, end). Pages that carry the readahead marker are left
 * for a fault of their own, which must see it.
 */
export function filemap_map_pages(vmf: VmFault, start: VirtAddr, end: VirtAddr): boolean {
  const { k, vma } = vmf;
  const inode = k.inodes.get(vma.inode);
  const size = file_pages(inode);
  let index = linear_page_index(vma, start);
  // Where there is no table yet, only filemap_map_pmd() puts one in, and it is not asked when the first page is the file's last.
  if (inode.kind === 'file' && !vmf.hadTable) {
    if (firstUptodate(k, inode, index, index + (end - start) / 4096) >= size - 1) return false;
  }
  let mapped = 0;
  let found = false;
  for (let addr = start; addr < end && index < size; addr += 4096, index++) {
    const pfn = find_get_page(inode, index);
    if (pfn === 0 || vmf.table.words[pteWord(addr)] !== 0) continue;
    if ((k.frames.flagsOf(pfn) & (PG_READAHEAD | PG_NOT_UPTODATE)) !== 0) continue;
    map_file_page(vmf, addr, pfn, false);
    mapped++;
    if (addr === vmf.addr) found = true;
  }
  if (mapped > 0 && vma.vm_file !== 0) {
    const file = k.files.edit(vma.vm_file);
    file.mmap_miss = Math.max(0, file.mmap_miss - mapped);
  }
  if (k.sink !== null && mapped > 0) k.emit({ type: 'map-around', start, end, mapped });
  return found;
}

/** next_uptodate_folio(): index of the first page in [first, end) that fault-around could map; Infinity without one. */
function firstUptodate(k: Kernel, inode: Inode, first: number, end: number): number {
  for (let index = first; index < end; index++) {
    const pfn = find_get_page(inode, index);
    if (pfn !== 0 && (k.frames.flagsOf(pfn) & (PG_READAHEAD | PG_NOT_UPTODATE)) === 0) return index;
  }
  return Number.POSITIVE_INFINITY;
}

/** filemap_fault(): the page from the cache; a missing one is read, with its neighbours, and the fault retried. */
function filemap_fault(vmf: VmFault, index: number): number {
  const { k, vma } = vmf;
  const inode = k.inodes.edit(vma.inode);
  if (index >= file_pages(inode)) return VM_FAULT_SIGBUS;
  const file = k.files.edit(vma.vm_file);
  const pfn = find_get_page(inode, index);
  if (pfn !== 0) {
    vmf.page = pfn;
    if ((k.frames.flagsOf(pfn) & PG_NOT_UPTODATE) !== 0) {
      k.frames.clearFlags(pfn, PG_NOT_UPTODATE);
      return VM_FAULT_RETRY;
    }
    if ((vma.vm_flags & VM_RAND_READ) !== 0) return 0;
    if (!vmf.tried && file.mmap_miss > 0) file.mmap_miss--;
    if (vmf.tried || (k.frames.flagsOf(pfn) & PG_READAHEAD) === 0) return 0;
    // The lock was dropped for the read: the fault starts anew, and finds what came in, the page itself too, which is
    // held meanwhile. A page under writeback keeps its marker, which is reclaim's.
    hold_page(k, pfn, 1);
    page_cache_async_ra(k, inode, file, index, ra_pages(k));
    hold_page(k, pfn, -1);
    vmf.tried = vmf.tried || folio_test_writeback(k, pfn);
    return VM_FAULT_RETRY;
  }
  handler(vmf, 'filemap_fault', 'read');
  do_sync_mmap_readahead(k, inode, file, index, vma);
  if (find_get_page(inode, index) === 0 && read_page(k, inode, index) === 0) return VM_FAULT_OOM;
  return VM_FAULT_RETRY | VM_FAULT_MAJOR;
}

/** ext4_page_mkwrite(): the page leaves the clean state; beyond the end of file nothing can become writable. */
function page_mkwrite(vmf: VmFault, inode: Inode, page: Pfn): number {
  if (linear_page_index(vmf.vma, vmf.addr) >= file_pages(inode)) return VM_FAULT_SIGBUS;
  vmf.k.frames.markDirty(page);
  return 0;
}

export const generic_file_vm_ops: VmOperations = {
  name: 'ext4_file_vm_ops',
  functions: { fault: 'filemap_fault', map_pages: 'filemap_map_pages', page_mkwrite: 'ext4_page_mkwrite' },
  fault: filemap_fault,
  map_pages: filemap_map_pages,
  page_mkwrite,
};

/** folio_mkclean(): every shared PTE of the page becomes clean and write-protected. */
export function page_mkclean(k: Kernel, pfn: Pfn): void {
  rmap_walk(k, pfn, (readOnly, vma, addr) => {
    if ((vma.vm_flags & VM_SHARED) === 0) return true;
    const mm = k.mms.edit(readOnly.id);
    const table = mm.pt.edit(addr);
    const at = pteWord(addr);
    const flags = table.words[at] as number;
    if ((flags & (PTE_DIRTY | PTE_RW)) === 0) return true;
    set_pte(k, mm, table, addr, flags & ~(PTE_DIRTY | PTE_RW), pfn);
    flush_tlb_range(k, mm, addr, addr + 4096);
    return true;
  });
}

/** True when the page or a PTE that maps it is dirty. */
export function page_is_dirty(k: Kernel, pfn: Pfn): boolean {
  if ((k.frames.flagsOf(pfn) & PG_DIRTY) !== 0) return true;
  let dirty = false;
  rmap_walk(k, pfn, (mm, _vma, addr) => {
    dirty = ((mm.pt.find(addr)?.words[pteWord(addr)] ?? 0) & PTE_DIRTY) !== 0;
    return !dirty;
  });
  return dirty;
}

/**
 * filemap_write_and_wait_range(): writes the dirty pages [first, end) of a disk file, those too that are under writeback
 * and were dirtied since, and goes on when the disk has them all.
 */
export function filemap_write_and_wait_range(
  k: Kernel,
  inodeId: number,
  first: number,
  end: number,
  why: 'fsync' | 'sync' | 'msync' | 'sync write',
): void {
  const inode = k.inodes.edit(inodeId);
  if (inode.kind !== 'file') return;
  const written: Pfn[] = [];
  cache_for_each(inode, first, end, (index, pfn) => {
    const dirty = page_is_dirty(k, pfn);
    if (!dirty && !folio_test_writeback(k, pfn)) return;
    written.push(pfn);
    if (!dirty) return;
    folio_wait_writeback(k, pfn, why);
    page_mkclean(k, pfn);
    start_writepage(k, inode, index, pfn, why);
  });
  for (const pfn of written) folio_wait_writeback(k, pfn, why);
}

/**
 * wakeup_flusher_threads(): begins to write all dirty pages of disk files, and waits for none (WB_SYNC_NONE): those that are
 * under writeback stay as they are. Returns how many it began to write.
 */
export function wakeup_flusher_threads(k: Kernel, why: 'asked for' | 'flusher'): number {
  let count = 0;
  for (const { id, kind } of [...k.inodes.values()]) {
    if (kind !== 'file') continue;
    const inode = k.inodes.edit(id);
    cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (index, pfn) => {
      if (folio_test_writeback(k, pfn) || !page_is_dirty(k, pfn)) return;
      page_mkclean(k, pfn);
      writepage(k, inode, index, pfn, why);
      count++;
    });
  }
  return count;
}
