/** Faults in memory that a file, shmem or a driver stands behind (mm/memory.c: do_fault() and what it calls). */

import { nextPmd, type Pfn, PMD_SIZE, pteIndex } from '../machine/address.ts';
import { copyFrame } from '../machine/content.ts';
import { PG_ANON } from '../machine/frames.ts';
import { PTE_SPECIAL } from '../machine/pagetable.ts';
import {
  handler,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  type VmFault,
} from './fault.ts';
import { hold_page, map_file_page, map_new_anon, vma_with_anon, wp_page_reuse } from './map-page.ts';
import { has_fault, operations } from './operations.ts';
import { alloc_page } from './page-alloc.ts';
import { note_use } from './page-use.ts';
import { linear_page_index, VM_SHARED, vma_pages } from './vma.ts';

/**
 * do_fault_around(): maps the pages around the fault that are in the page cache already. The window is `fault_around`
 * bytes from an aligned start, cut to the VMA and to the 2 MiB of one page table.
 */
function do_fault_around(vmf: VmFault): boolean {
  const { k, vma } = vmf;
  const around = Math.max(1, Math.floor(k.config.fault_around / 4096));
  const map_pages = operations(vma.vm_ops).map_pages;
  if (map_pages === undefined || around <= 1) return false;
  const pte_off = pteIndex(vmf.addr);
  const vma_off = (vmf.addr - vma.vm_start) / 4096;
  const from = Math.max(pte_off - (pte_off % around), pte_off - Math.min(pte_off, vma_off));
  const to = Math.min(from + around, 512, pte_off + vma_pages(vma) - vma_off);
  const base = nextPmd(vmf.addr) - PMD_SIZE;
  return map_pages(vmf, base + from * 4096, base + to * 4096);
}

/** The `fault` operation (nopage, in older kernels), tried again after a read from disk. */
function call_fault(vmf: VmFault): number {
  return operations(vmf.vma.vm_ops).fault(vmf, linear_page_index(vmf.vma, vmf.addr));
}

function do_read_fault(vmf: VmFault): number {
  vmf.kind = vmf.vma.vm_ops === 'device' ? 'device' : 'file-read';
  handler(vmf, 'do_read_fault', vmf.vma.vm_ops);
  let major = 0;
  for (;;) {
    if (do_fault_around(vmf)) return major;
    const result = call_fault(vmf);
    if ((result & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return result & ~VM_FAULT_NOPAGE;
    major |= result & (VM_FAULT_MAJOR | VM_FAULT_RETRY);
    if ((result & VM_FAULT_MAJOR) !== 0) vmf.tried = vmf.by !== 'populate';
    if ((result & VM_FAULT_RETRY) !== 0) continue;
    map_file_page(vmf, vmf.addr, vmf.page, false);
    return major;
  }
}

/** The page by `fault`, however often it must be retried; `vmf.page` is set when the answer has no error. */
function fault_page(vmf: VmFault): number {
  let major = 0;
  for (;;) {
    const result = call_fault(vmf);
    if ((result & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return result;
    major |= result & (VM_FAULT_MAJOR | VM_FAULT_RETRY);
    if ((result & VM_FAULT_MAJOR) !== 0) vmf.tried = vmf.by !== 'populate';
    if ((result & VM_FAULT_RETRY) === 0) return major;
  }
}

/** A write to private file memory: the page is copied at once. */
function do_cow_fault(vmf: VmFault): number {
  const { k } = vmf;
  vmf.kind = 'file-cow';
  handler(vmf, 'do_cow_fault', vmf.vma.vm_ops);
  vmf.vma = vma_with_anon(k, vmf.mm, vmf.vma);
  const result = fault_page(vmf);
  if ((result & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return result & ~VM_FAULT_NOPAGE;
  hold_page(k, vmf.page, 1);
  const pfn = alloc_page(k, 'anon');
  hold_page(k, vmf.page, -1);
  if (pfn === 0) return VM_FAULT_OOM;
  copyFrame(k.frames, pfn, vmf.page);
  if (k.frames.oneList) note_use(k, vmf.mm, vmf.addr, vmf.page);
  if (k.sink !== null) k.emit({ type: 'frame-copy', from: vmf.page, to: pfn });
  map_new_anon(vmf, pfn);
  return result;
}

/** A write to shared file memory: the file is told (page_mkwrite), the page is dirty. */
function do_shared_fault(vmf: VmFault): number {
  const { k } = vmf;
  vmf.kind = vmf.vma.vm_ops === 'device' ? 'device' : 'file-shared';
  handler(vmf, 'do_shared_fault', vmf.vma.vm_ops);
  const result = fault_page(vmf);
  if ((result & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return result & ~VM_FAULT_NOPAGE;
  const refused = do_page_mkwrite(vmf, vmf.page);
  if (refused !== 0) return refused;
  map_file_page(vmf, vmf.addr, vmf.page, true);
  k.frames.markDirty(vmf.page);
  return result;
}

function do_page_mkwrite(vmf: VmFault, page: Pfn): number {
  const mkwrite = operations(vmf.vma.vm_ops).page_mkwrite;
  if (mkwrite === undefined) return 0;
  return mkwrite(vmf, vmf.k.inodes.get(vmf.vma.inode), page);
}

/** do_fault(): no page is mapped and the VMA has operations. */
export function do_fault(vmf: VmFault): number {
  if (!has_fault(vmf.k, vmf.vma)) {
    handler(vmf, 'do_fault', vmf.vma.vm_ops);
    return VM_FAULT_SIGBUS;
  }
  if (!vmf.write) return do_read_fault(vmf);
  return (vmf.vma.vm_flags & VM_SHARED) === 0 ? do_cow_fault(vmf) : do_shared_fault(vmf);
}

/** wp_page_shared(), wp_pfn_shared(): a write to a shared page that was write-protected. */
export function wp_page_shared(vmf: VmFault, pfn: Pfn, flags: number): number {
  const { k } = vmf;
  if ((flags & PTE_SPECIAL) !== 0) {
    vmf.kind = 'device';
    handler(vmf, 'wp_pfn_shared', vmf.vma.vm_ops);
    wp_page_reuse(vmf);
    return 0;
  }
  if ((k.frames.flagsOf(pfn) & PG_ANON) !== 0) throw new Error('wp_page_shared: anonymous page in a shared mapping');
  vmf.kind = vmf.vma.vm_ops === 'device' ? 'device' : 'file-shared';
  handler(vmf, 'wp_page_shared', vmf.vma.vm_ops);
  const refused = do_page_mkwrite(vmf, pfn);
  if (refused !== 0) return refused;
  k.frames.markDirty(pfn);
  wp_page_reuse(vmf);
  return 0;
}
