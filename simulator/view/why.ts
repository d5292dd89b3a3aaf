/**
 * Why a VMA ends where it ends: for both of its borders the first rule that keeps it from merging with its neighbour,
 * by the name of the kernel function that asks it.
 */

import { isVsyscall } from '../kernel/cpu.ts';
import { hex, type VirtAddr, WORD_END } from '../machine/address.ts';
import { VM_FLAG_NAMES, VM_SPECIAL, type Vma, vma_pages } from '../mm/vma.ts';
import { can_vma_merge_after, flagDifference } from '../mm/vma-merge.ts';
import { maps_line, VSYSCALL_LINE, VSYSCALL_START } from '../proc/maps.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { mmOf, type Place, processName } from './place.ts';
import type { BoundaryView, WhyView } from './types.ts';
import { whyPlaced } from './why-placed.ts';

/** A rule and what it means for these two. */
interface Reason {
  readonly rule: string;
  readonly cause: string;
}

function pages(n: number): string {
  return n === 1 ? '1 page' : `${n.toLocaleString('en-US')} pages`;
}

function names(flags: number): string {
  return flagDifference(flags, 0);
}

/** `only the lower one has VM_WRITE`: who has the flags that just one of them has. */
function flagCause(lower: Vma, upper: Vma, differing: number): string {
  const sides = [
    ['lower', lower.vm_flags & differing],
    ['upper', upper.vm_flags & differing],
  ] as const;
  return sides
    .filter(([, flags]) => flags !== 0)
    .map(([side, flags]) => `only the ${side} one has ${names(flags)}`)
    .join(', ');
}

function fileCause(k: Kernel, lower: Vma, upper: Vma): string {
  if (lower.inode === 0 || upper.inode === 0) {
    return `only the ${lower.inode === 0 ? 'upper' : 'lower'} one has a file`;
  }
  const [a, b] = [k.inodes.get(lower.inode), k.inodes.get(upper.inode)];
  if (a.id === b.id) return `the same file, but opened twice: each open has a struct file of its own`;
  const nameless = a.deleted && b.deleted && a.path === '/dev/zero' && b.path === a.path;
  if (nameless) return 'each shared anonymous mapping has a nameless file of its own';
  return `${a.path} and ${b.path}`;
}

const INHERITED = 'was faulted before the fork and inherited the anon_vmas of the parent';

function isInherited(vma: Vma): boolean {
  return vma.anon !== null && vma.anon.chain.length > 1;
}

function anonCause(lower: Vma, upper: Vma): string {
  if (isInherited(lower) && isInherited(upper)) return 'both were faulted before the fork, apart from each other';
  const [side, other, heir] = isInherited(lower) ? ['lower', 'upper', upper] : ['upper', 'lower', lower];
  if (isInherited(lower) || isInherited(upper)) {
    const rest = heir.anon === null ? `the ${other} one has none yet` : `the ${other} one was first written later`;
    return `the ${side} one ${INHERITED}, ${rest}`;
  }
  return 'each was first written when it could not share the anon_vma of the other';
}

function offsetCause(lower: Vma, upper: Vma): string {
  const wanted = lower.vm_pgoff + vma_pages(lower);
  const figures = `${hex(lower.vm_pgoff)} + ${pages(vma_pages(lower))} is ${hex(wanted)}, not ${hex(upper.vm_pgoff)}`;
  if (lower.vm_ops !== 'none') return figures;
  return `${figures}: anonymous memory that was written keeps the offset of the address where it was made`;
}

/** What the rules compare of a VMA that is looked at as a range. */
function asRange(vma: Vma) {
  const { vm_start, vm_end, vm_flags, vm_pgoff, vm_file, anon } = vma;
  return { vm_start, vm_end, vm_flags, vm_pgoff, vm_file, anon };
}

/** The causes of the rules, by the beginning of their names. */
const CAUSES: readonly (readonly [rule: string, cause: (k: Kernel, lower: Vma, upper: Vma) => string])[] = [
  ['is_mergeable_vma: vm_file', fileCause],
  ['is_mergeable_anon_vma', (_k, lower, upper) => anonCause(lower, upper)],
  ['can_vma_merge_after: vm_pgoff', (_k, lower, upper) => offsetCause(lower, upper)],
];

/** The first rule that forbids `upper` to merge with `lower` right below it; null when none does. */
function reasonOf(k: Kernel, lower: Vma, upper: Vma): Reason | null {
  const special = [upper, lower].find((vma) => (vma.vm_flags & VM_SPECIAL) !== 0);
  if (special !== undefined && lower.vm_end === upper.vm_start) {
    const side = special === upper ? 'upper' : 'lower';
    const flags = names(special.vm_flags & VM_SPECIAL);
    return { rule: `vma_merge_new_range: VM_SPECIAL: ${flags}`, cause: `the ${side} one is never merged` };
  }
  const rule = can_vma_merge_after(asRange(upper), lower);
  if (rule === null) return closeReason(lower);
  if (rule === 'not adjacent') {
    const gap = pages((upper.vm_start - lower.vm_end) / 4096);
    return { rule, cause: `${gap} between them ${gap === '1 page' ? 'is' : 'are'} not mapped` };
  }
  if (rule === 'is_mergeable_vma: vm_flags differ') {
    const differing = mergeDifference(lower, upper);
    return { rule: `${rule}: ${names(differing)}`, cause: flagCause(lower, upper, differing) };
  }
  const cause = CAUSES.find(([name]) => rule.startsWith(name))?.[1];
  return { rule, cause: cause?.(k, lower, upper) ?? '' };
}

/** The flags that keep two VMAs apart: those that differ, and that the rule does not say yes to. */
function mergeDifference(lower: Vma, upper: Vma): number {
  const bits = VM_FLAG_NAMES.map(([bit]) => bit).filter((bit) => ((lower.vm_flags ^ upper.vm_flags) & bit) !== 0);
  const keepsApart = (bit: number) => {
    const other = { ...asRange(upper), vm_flags: lower.vm_flags ^ bit };
    return can_vma_merge_after(other, lower) === 'is_mergeable_vma: vm_flags differ';
  };
  return bits.filter(keepsApart).reduce((all, bit) => all | bit, 0);
}

/** can_merge_remove_vma(): a merge makes one of the two go, which a VMA with a close operation may not. */
function closeReason(lower: Vma): Reason | null {
  if (lower.vm_ops !== 'shm') return null;
  const cause = 'one of the two would have to go, and shm_close() would count its attachment away';
  return { rule: 'can_merge_remove_vma: vm_ops->close', cause };
}

/** Why two VMAs stand apart that no rule keeps apart. */
function chance(mm: Mm, lower: Vma, upper: Vma): string {
  if (upper.vm_start === mm.start_brk && lower.vm_end === mm.start_brk) {
    return 'no rule forbids it, but brk() extends only a VMA that reaches above start_brk, and start_brk is where they meet';
  }
  return 'no rule forbids it now, but only a call that makes, moves or changes a mapping tries, and none has tried these two';
}

function boundary(k: Kernel, mm: Mm, lower: Vma | undefined, upper: Vma | undefined): BoundaryView | null {
  if (lower === undefined || upper === undefined) return null;
  const reason = reasonOf(k, lower, upper);
  const sentence = reason === null ? chance(mm, lower, upper) : [reason.rule, reason.cause].filter(Boolean).join('; ');
  return {
    at: hex(upper.vm_start),
    lower: maps_line(k, mm, lower).trimEnd(),
    upper: maps_line(k, mm, upper).trimEnd(),
    rule: reason?.rule ?? null,
    text: sentence,
  };
}

/** Both borders of the VMA at `address`, or of the hole there: then both are the one boundary across the hole. */
function bordersAt(k: Kernel, mm: Mm, address: VirtAddr): Pick<WhyView, 'vma' | 'below' | 'above'> {
  const vma = mm.vmas.lookup(address);
  if (vma === undefined) {
    const across = boundary(k, mm, mm.vmas.before(address), mm.vmas.find(address));
    return { vma: null, below: across, above: null };
  }
  return {
    vma: maps_line(k, mm, vma).trimEnd(),
    below: boundary(k, mm, mm.vmas.before(vma.vm_start), vma),
    above: boundary(k, mm, vma, mm.vmas.find(vma.vm_end)),
  };
}

/** [vsyscall], which is the same in every process and in no process's tree (arch/x86/entry/vsyscall: gate_vma). */
function vsyscallBorders(k: Kernel, mm: Mm): Pick<WhyView, 'vma' | 'below' | 'above'> {
  const last = mm.vmas.before(WORD_END);
  const text = 'gate_vma: the kernel shows it in every maps, but it is in no address space, so nothing merges with it';
  const below = {
    at: `0x${VSYSCALL_START}`,
    lower: last === undefined ? '' : maps_line(k, mm, last).trimEnd(),
    upper: VSYSCALL_LINE,
    rule: null,
    text,
  };
  return { vma: VSYSCALL_LINE, below: last === undefined ? null : below, above: null };
}

/**
 * Why the VMA at an address stands apart from its neighbours. In a hole, `below` tells of the VMAs on both sides of it.
 * A process without memory has neither.
 */
export function whyBoundary(
  place: Pick<Place, 'simulator' | 'names'>,
  pid: number,
  address: bigint,
): Omit<WhyView, 'placed'> {
  const k = place.simulator.state;
  const mm = mmOf(k, pid);
  const borders =
    mm === undefined
      ? { vma: null, below: null, above: null }
      : isVsyscall(address)
        ? vsyscallBorders(k, mm)
        : bordersAt(k, mm, Number(address));
  return { pid, process: processName(place.names, pid), address: `0x${address.toString(16)}`, ...borders };
}

/** Why the VMA at an address stands apart from its neighbours, and why the mapping of that address is there. */
export function why(place: Place, pid: number, address: bigint): WhyView {
  const borders = whyBoundary(place, pid, address);
  const isGate = borders.vma === VSYSCALL_LINE;
  const placed = isGate ? { line: null, text: 'the kernel has fixed its place' } : null;
  return { ...borders, placed: placed ?? whyPlaced(place, pid, Number(address)) };
}
