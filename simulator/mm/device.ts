/** Drivers that map their pages: remap_pfn_range() at once, vm_insert_page() one by one (mm/memory.c). */

import type { VirtAddr } from '../machine/address.ts';
import { isPageAligned, pageDown } from '../machine/address.ts';
import { PTE_ACCESSED, PTE_SPECIAL } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Mm } from '../state/records.ts';
import { pteWord } from './fault.ts';
import { get_mapping, set_pte, vm_page_prot } from './pte.ts';
import { refuse } from './refuse.ts';
import {
  is_cow_mapping,
  linear_page_index,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_IO,
  VM_MIXEDMAP,
  VM_PFNMAP,
  type Vma,
  vma_pages,
  vmaWithFlags,
} from './vma.ts';
import { vma_replace, vma_unlink } from './vma-link.ts';

const NO_VMA = 'no VMA holds the address';
const OTHER_VMA = 'the VMA is not one of this device';
const NO_DEVICE = 'what lies at this path is no declared device';
const BEYOND_DEVICE = 'the device has no such page';
const OCCUPIED = 'the page-table entry is occupied';

/** The driver's mmap(): 0, or the errno with which it refuses. The VMA is linked already. */
export function map_device(k: Kernel, mm: Mm, vma: Vma, inode: Inode): 0 | string {
  const device = inode.device;
  if (device === null) return 'ENODEV';
  const fits = vma.vm_pgoff + vma_pages(vma) <= device.pages;
  if (!fits && device.mmap === 'remap') {
    vma_unlink(k, mm, vma);
    return refuse(k, 'EINVAL', BEYOND_DEVICE);
  }
  if (device.mmap === 'remap') return remap_pfn_range(k, mm, vma.vm_start, vma.vm_pgoff, vma_pages(vma) * 4096, inode);
  const flags = vma.vm_flags | VM_DONTEXPAND | VM_DONTDUMP | (device.mmap === 'insert' ? VM_MIXEDMAP : 0);
  vma_replace(k, mm, vma, vmaWithFlags(vma, flags));
  return 0;
}

/**
 * remap_pfn_range(): maps `size` bytes of the device from page `index` on at `addr`. EINVAL when the range leaves the
 * VMA or the device, or would map a part of a copy-on-write VMA; EBUSY, where Linux crashes (BUG_ON() of
 * remap_pte_range()), when something is mapped there.
 */
export function remap_pfn_range(
  k: Kernel,
  mm: Mm,
  addr: VirtAddr,
  index: number,
  size: number,
  inode: Inode,
): 0 | string {
  const vma = mm.vmas.lookup(addr);
  const device = inode.device;
  const pages = Math.ceil(size / 4096);
  if (vma === undefined) return refuse(k, 'EFAULT', NO_VMA);
  if (device === null) return refuse(k, 'EINVAL', NO_DEVICE);
  if (vma.inode !== inode.id) return refuse(k, 'EINVAL', OTHER_VMA);
  if (!isPageAligned(addr) || pages === 0) return refuse(k, 'EINVAL', 'the range does not consist of whole pages');
  if (index + pages > device.pages) return refuse(k, 'EINVAL', BEYOND_DEVICE);
  if (addr + pages * 4096 > vma.vm_end) return refuse(k, 'EINVAL', 'the range reaches beyond its VMA');
  const whole = addr === vma.vm_start && addr + pages * 4096 === vma.vm_end;
  const cow = is_cow_mapping(vma.vm_flags);
  if (cow && !whole) {
    return refuse(k, 'EINVAL', 'a private writable VMA must be mapped as a whole');
  }
  for (let i = 0; i < pages; i++) {
    if ((mm.pt.find(addr + i * 4096)?.words[pteWord(addr + i * 4096)] ?? 0) !== 0) return refuse(k, 'EBUSY', OCCUPIED);
  }
  const flags = vma.vm_flags | VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
  // get_remap_pgoff(): by the frame's number the pages of a private VMA are told from their copies; `maps` shows it.
  const vm_pgoff = cow ? device.firstPfn + index : vma.vm_pgoff;
  const mapped = { ...vmaWithFlags(vma, flags), vm_pgoff };
  vma_replace(k, mm, vma, mapped);
  for (let i = 0; i < pages; i++) {
    const at = addr + i * 4096;
    const prot = vm_page_prot(mapped) | PTE_SPECIAL | PTE_ACCESSED;
    set_pte(k, mm, mm.pt.edit(at), at, prot, device.firstPfn + index + i);
  }
  return 0;
}

/** The page of its file that a VMA has at `addr`, also where remap_pfn_range() has put a frame's number into vm_pgoff. */
export function page_of_file(k: Kernel, vma: Vma, addr: VirtAddr): number {
  const index = linear_page_index(vma, addr);
  const first = k.inodes.find(vma.inode)?.device?.firstPfn ?? 0;
  return (vma.vm_flags & VM_PFNMAP) !== 0 && is_cow_mapping(vma.vm_flags) ? index - first : index;
}

/**
 * vm_insert_page(): maps page `index` of a device at `addr`. EFAULT outside every VMA, EINVAL for a page that the
 * device does not have or a VMA of another kind, EBUSY where a page is mapped.
 */
export function vm_insert_page(k: Kernel, mm: Mm, addr: VirtAddr, index: number, inode: Inode): 0 | string {
  const page = pageDown(addr);
  const vma = mm.vmas.lookup(page);
  if (vma === undefined) return refuse(k, 'EFAULT', NO_VMA);
  const device = inode.device;
  if (device === null) return refuse(k, 'EINVAL', NO_DEVICE);
  if (index < 0 || index >= device.pages) return refuse(k, 'EINVAL', BEYOND_DEVICE);
  if (vma.inode !== inode.id) return refuse(k, 'EINVAL', OTHER_VMA);
  if ((vma.vm_flags & VM_PFNMAP) !== 0) {
    return refuse(k, 'EINVAL', 'remap_pfn_range mapped this VMA: it holds no pages with a struct page');
  }
  if ((vma.vm_flags & VM_MIXEDMAP) === 0) vma_replace(k, mm, vma, vmaWithFlags(vma, vma.vm_flags | VM_MIXEDMAP));
  const table = mm.pt.edit(page);
  if (table.words[pteWord(page)] !== 0) return refuse(k, 'EBUSY', OCCUPIED);
  const pfn = device.firstPfn + index;
  get_mapping(k, mm, pfn);
  set_pte(k, mm, table, page, vm_page_prot(vma), pfn);
  return 0;
}
