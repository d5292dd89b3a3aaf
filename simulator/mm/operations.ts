/**
 * The operation tables by name, and the two that are neither files nor shmem: special mappings ([vdso], [vvar]) and
 * devices (vm_special_mapping, a driver's vm_operations_struct).
 */

import type { Kernel } from '../state/kernel.ts';
import { VM_FAULT_NOPAGE, VM_FAULT_SIGBUS, type VmFault, type VmOperations } from './fault.ts';
import { generic_file_vm_ops } from './filemap.ts';
import { insert_pfn } from './map-page.ts';
import { shm_vm_ops, shmem_vm_ops } from './shmem.ts';
import { VM_PFNMAP, type Vma, type VmOps } from './vma.ts';

/** Where the pages of each special mapping begin among the kernel's own. */
const FIRST_PAGE: Readonly<Record<string, number>> = { '[vdso]': 0, '[vvar]': 16, '[vvar_vclock]': 32 };

/** [vdso] has pages of its own; [vvar] maps kernel data by PFN, which is not counted as resident. */
function special_mapping_fault(vmf: VmFault, index: number): number {
  const first = FIRST_PAGE[vmf.vma.special ?? ''] ?? 0;
  const pfn = vmf.k.frames.deviceBase + first + index - vmf.vma.vm_pgoff;
  if ((vmf.vma.vm_flags & VM_PFNMAP) !== 0) {
    insert_pfn(vmf, pfn, true);
    return VM_FAULT_NOPAGE;
  }
  vmf.k.frames.edit(pfn);
  vmf.page = pfn;
  return 0;
}

const special_mapping_vmops: VmOperations = {
  name: 'special_mapping_vmops',
  functions: {
    close: 'special_mapping_close',
    fault: 'special_mapping_fault',
    mremap: 'special_mapping_mremap',
    name: 'special_mapping_name',
    may_split: 'special_mapping_split',
  },
  fault: special_mapping_fault,
};

/** A driver hands out its page, if the device has that many. */
function device_fault(vmf: VmFault, index: number): number {
  const device = vmf.k.inodes.get(vmf.vma.inode).device;
  if (device === null || index >= device.pages) return VM_FAULT_SIGBUS;
  vmf.kind = 'device';
  vmf.page = device.firstPfn + index;
  return 0;
}

/** Whether the VMA's table has a fault operation: of drivers, only those that hand pages out on demand have one. */
export function has_fault(k: Kernel, vma: Vma): boolean {
  return vma.vm_ops !== 'device' || k.inodes.get(vma.inode).device?.mmap === 'fault';
}

const device_vm_ops: VmOperations = {
  name: 'device_vm_ops',
  functions: { open: 'device_vma_open', close: 'device_vma_close', fault: 'device_vma_fault' },
  fault: device_fault,
};

const TABLES: Readonly<Record<Exclude<VmOps, 'none'>, VmOperations>> = {
  generic_file: generic_file_vm_ops,
  shmem: shmem_vm_ops,
  shm: shm_vm_ops,
  special_mapping: special_mapping_vmops,
  device: device_vm_ops,
};

/** The table of a VMA that has one. Throws for anonymous memory. */
export function operations(ops: VmOps): VmOperations {
  if (ops === 'none') throw new Error('operations: anonymous memory has no table');
  return TABLES[ops];
}
