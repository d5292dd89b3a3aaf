/** The pages that the kernel gives every process (arch/x86/entry/vdso/vma.c). */

import { PAGE_SIZE } from '../machine/address.ts';
import { vm_stat_account } from '../mm/accounting.ts';
import { get_unmapped_area } from '../mm/unmapped-area.ts';
import * as vm from '../mm/vma.ts';
import { vma_link } from '../mm/vma-link.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';

/** map_vdso(): [vvar], [vvar_vclock] and [vdso], one behind the other, in the highest hole. */
export function map_vdso(k: Kernel, mm: Mm): void {
  const parts: readonly (readonly [vm.SpecialName, number, number])[] = [
    ['[vvar]', 4, vm.VM_READ | vm.VM_MAYREAD | vm.VM_IO | vm.VM_DONTDUMP | vm.VM_PFNMAP | vm.VM_DONTEXPAND],
    ['[vvar_vclock]', 2, vm.VM_READ | vm.VM_MAYREAD | vm.VM_IO | vm.VM_DONTDUMP | vm.VM_PFNMAP | vm.VM_DONTEXPAND],
    ['[vdso]', 2, vm.VM_READ | vm.VM_EXEC | vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC | vm.VM_DONTEXPAND],
  ];
  const area = get_unmapped_area(k, mm, { addr: 0, length: 8 * PAGE_SIZE, bits32: false, align: null });
  if (area === null) return;
  let start = area.addr;
  for (const [special, pages, vm_flags] of parts) {
    const vm_end = start + pages * PAGE_SIZE;
    vma_link(k, mm, {
      vm_start: start,
      vm_end,
      vm_flags,
      vm_pgoff: 0,
      vm_file: 0,
      inode: 0,
      anon: null,
      vm_ops: 'special_mapping',
      special,
    });
    vm_stat_account(mm, vm_flags, pages);
    if (special === '[vdso]') mm.vdso = start;
    start = vm_end;
  }
}
