/** Invariants of one address space's VMAs: their order, their tree, and the numbers that are kept of them. */

import { hex, PAGE_SIZE, type VirtAddr } from '../machine/address.ts';
import { task_size } from '../mm/unmapped-area.ts';
import * as vm from '../mm/vma.ts';
import type { VmaTree } from '../mm/vma-tree.ts';
import type { Mm } from '../state/records.ts';
import { hold, same, type Tally } from './tally.ts';

/** So many places of a large tree are asked for. */
const PROBES = 48;

/** Checks the VMAs of `mm`. */
export function checkSpace(t: Tally, mm: Mm): void {
  const vmas = mm.vmas.toArray();
  const end = task_size(t.k);
  let previous = 0;
  for (const vma of vmas) {
    const where = `mm ${mm.id}: VMA at ${hex(vma.vm_start)}`;
    hold(t, vma.vm_start >= previous, () => `${where} overlaps the one before`);
    hold(t, vma.vm_end > vma.vm_start, () => `${where} is empty`);
    hold(t, vma.vm_start % PAGE_SIZE === 0 && vma.vm_end % PAGE_SIZE === 0, () => `${where} is not page aligned`);
    hold(t, vma.vm_end <= end, () => `${where} leaves user space`);
    hold(t, Number.isInteger(vma.vm_pgoff) && vma.vm_pgoff >= 0, () => `${where} has vm_pgoff ${vma.vm_pgoff}`);
    same(t, `${where}: has a file`, vma.vm_file !== 0, vma.inode !== 0);
    const chained = vma.anon === null || vma.anon.chain.includes(vma.anon.anon_vma);
    hold(t, chained, () => `${where}: its anon_vma is not in its chain`);
    previous = vma.vm_end;
  }
  checkTree(t, `mm ${mm.id}`, mm.vmas, vmas, end);
  checkNumbers(t, mm, vmas);
}

/** The sizes of /proc/PID/status. */
function checkNumbers(t: Tally, mm: Mm, vmas: readonly vm.Vma[]): void {
  const sum = (counts: (flags: number) => boolean): number =>
    vmas.reduce((pages, vma) => pages + (counts(vma.vm_flags) ? vm.vma_pages(vma) : 0), 0);
  const stack = vm.is_stack_mapping;
  const exec = vm.is_exec_mapping;
  same(t, `mm ${mm.id}: map_count`, mm.vmas.size, vmas.length);
  same(
    t,
    `mm ${mm.id}: total_vm`,
    mm.total_vm,
    sum(() => true),
  );
  same(t, `mm ${mm.id}: exec_vm`, mm.exec_vm, sum(exec));
  same(t, `mm ${mm.id}: stack_vm`, mm.stack_vm, sum(stack));
  same(t, `mm ${mm.id}: data_vm`, mm.data_vm, sum(vm.is_data_mapping));
  const locked = sum((flags) => (flags & vm.VM_LOCKED) !== 0);
  // mremap(MREMAP_DONTUNMAP) of a locked mapping counts it twice, in Linux too (vrm_stat_account()).
  hold(t, mm.locked_vm >= locked, () => `mm ${mm.id}: locked_vm: ${mm.locked_vm}, should be ${locked} or more`);
  hold(t, mm.hiwater_vm >= mm.total_vm, () => `mm ${mm.id}: hiwater_vm below total_vm`);
}

/** Up to {@link PROBES} of the VMAs, spread evenly. */
function probes(vmas: readonly vm.Vma[]): readonly vm.Vma[] {
  if (vmas.length <= PROBES) return vmas;
  return Array.from({ length: PROBES }, (_, i) => vmas[Math.floor((i * vmas.length) / PROBES)] as vm.Vma);
}

/** The tree's answers against a search from the first VMA to the last. */
export function checkTree(t: Tally, name: string, tree: VmaTree, vmas: readonly vm.Vma[], end: VirtAddr): void {
  for (const probe of probes(vmas)) {
    for (const addr of [probe.vm_start - 1, probe.vm_start, probe.vm_end - 1, probe.vm_end]) {
      const found = vmas.find((vma) => vma.vm_end > addr);
      const holds = found !== undefined && found.vm_start <= addr ? found : undefined;
      const before = vmas.findLast((vma) => vma.vm_start < addr);
      hold(t, vm.sameVma(tree.find(addr), found), () => `${name}: find(${hex(addr)}) gives another VMA`);
      hold(t, vm.sameVma(tree.lookup(addr), holds), () => `${name}: lookup(${hex(addr)}) gives another VMA`);
      hold(t, vm.sameVma(tree.before(addr), before), () => `${name}: before(${hex(addr)}) gives another VMA`);
    }
  }
  const holes = holesOf(vmas, end).sort((a, b) => a - b);
  const middle = holes[holes.length >>> 1] ?? 0;
  for (const length of new Set([PAGE_SIZE, middle, middle + PAGE_SIZE])) {
    if (length === 0) continue;
    same(t, `${name}: highest hole of ${length}`, tree.highestHole(0, end, length), highestHole(vmas, end, length));
    same(t, `${name}: lowest hole of ${length}`, tree.lowestHole(0, end, length), lowestHole(vmas, end, length));
  }
}

function holesOf(vmas: readonly vm.Vma[], end: VirtAddr): number[] {
  let at = 0;
  const sizes: number[] = [];
  for (const vma of vmas) {
    if (vma.vm_start > at) sizes.push(vma.vm_start - at);
    at = vma.vm_end;
  }
  if (end > at) sizes.push(end - at);
  return sizes;
}

function highestHole(vmas: readonly vm.Vma[], end: VirtAddr, length: number): VirtAddr {
  let top = end;
  for (let i = vmas.length - 1; i >= 0; i--) {
    const vma = vmas[i] as vm.Vma;
    if (top - vma.vm_end >= length) return top;
    top = vma.vm_start;
  }
  return top >= length ? top : -1;
}

function lowestHole(vmas: readonly vm.Vma[], end: VirtAddr, length: number): VirtAddr {
  let at = 0;
  for (const vma of vmas) {
    if (vma.vm_start - at >= length) return at;
    at = vma.vm_end;
  }
  return end - at >= length ? at : -1;
}
