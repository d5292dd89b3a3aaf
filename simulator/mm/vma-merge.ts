/**
 * Merging VMAs (mm/vma.c: vma_merge_new_range(), vma_merge_existing_range(), vma_modify()). Each rule that forbids a
 * merge has a name, so that the same code answers `why`.
 */

import type { VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { anon_chain_get, anon_chain_put } from './anon-vma.ts';
import { refuse } from './refuse.ts';
import {
  type AnonVmaChain,
  VM_FLAG_NAMES,
  VM_IGNORE_MERGE,
  VM_MAYBE_GUARD,
  VM_SPECIAL,
  type Vma,
  vmaLike,
  vmaSlice,
  vmaWithFlags,
} from './vma.ts';
import { vma_replace, vma_split, vma_unlink, vmaRef } from './vma-link.ts';
import { NOWHERE, type VmaPlace } from './vma-tree.ts';

/** The merged VMA has it if one had. */
const VM_STICKY = VM_MAYBE_GUARD;

/** The fields that a merge of a proposed or changed range compares (struct vma_merge_struct). */
export interface MergeRange {
  readonly vm_start: VirtAddr;
  readonly vm_end: VirtAddr;
  readonly vm_flags: number;
  readonly vm_pgoff: number;
  readonly vm_file: number;
  readonly anon: AnonVmaChain | null;
}

/** Names of the flags in which two masks differ: `VM_ACCOUNT|VM_LOCKED`. */
export function flagDifference(a: number, b: number): string {
  const names = VM_FLAG_NAMES.filter(([bit]) => ((a ^ b) & bit) !== 0).map(([, , name]) => name);
  return names.join('|');
}

function is_fork_child(anon: AnonVmaChain | null): boolean {
  return anon !== null && anon.chain.length > 1;
}

/** is_mergeable_vma(): null, or the rule that forbids it; {@link flagDifference} tells which flags. */
function is_mergeable_vma(range: MergeRange, vma: Vma): string | null {
  const diff = (range.vm_flags ^ vma.vm_flags) & ~VM_IGNORE_MERGE;
  if (diff !== 0) return 'is_mergeable_vma: vm_flags differ';
  if (range.vm_file !== vma.vm_file) return 'is_mergeable_vma: vm_file differs';
  return null;
}

/**
 * is_mergeable_anon_vma(): `source` is the chain of the VMA that the range comes from, when it exists already.
 */
function is_mergeable_anon_vma(range: MergeRange, target: Vma): string | null {
  if (target.anon === null && range.anon !== null) {
    return is_fork_child(range.anon) ? 'is_mergeable_anon_vma: anon_vma inherited by fork' : null;
  }
  if (target.anon !== null && range.anon === null) {
    return is_fork_child(target.anon) ? 'is_mergeable_anon_vma: anon_vma inherited by fork' : null;
  }
  return range.anon?.anon_vma === target.anon?.anon_vma ? null : 'is_mergeable_anon_vma: anon_vma differs';
}

/** can_vma_merge_after(): `range` directly behind `prev`. Null, or the first rule that forbids it. */
export function can_vma_merge_after(range: MergeRange, prev: Vma): string | null {
  if (prev.vm_end !== range.vm_start) return 'not adjacent';
  const rule = is_mergeable_vma(range, prev) ?? is_mergeable_anon_vma(range, prev);
  if (rule !== null) return rule;
  const continues = prev.vm_pgoff + (prev.vm_end - prev.vm_start) / 4096 === range.vm_pgoff;
  return continues ? null : 'can_vma_merge_after: vm_pgoff not contiguous';
}

/** can_vma_merge_before(): `range` directly below `next`. */
export function can_vma_merge_before(range: MergeRange, next: Vma): string | null {
  if (next.vm_start !== range.vm_end) return 'not adjacent';
  const rule = is_mergeable_vma(range, next) ?? is_mergeable_anon_vma(range, next);
  if (rule !== null) return rule;
  const continues = next.vm_pgoff === range.vm_pgoff + (range.vm_end - range.vm_start) / 4096;
  return continues ? null : 'can_vma_merge_before: vm_pgoff not contiguous';
}

/** The neighbours agree with each other as well (can_vma_merge_right()). */
function sidesAgree(prev: Vma, next: Vma): boolean {
  return prev.anon === null || next.anon === null || prev.anon.anon_vma === next.anon.anon_vma;
}

/** can_merge_remove_vma(): a VMA with a `close` operation must not disappear. */
function removable(vma: Vma): boolean {
  return vma.vm_ops !== 'special_mapping' && vma.vm_ops !== 'device' && vma.vm_ops !== 'shm';
}

/** The VMA at a place, when its flags and its file (the commonest reasons why not) let it merge with the range. */
function alike(mm: Mm, place: VmaPlace, range: MergeRange): Vma | null {
  if (place === NOWHERE) return null;
  if (((mm.vmas.vm_flags(place) ^ range.vm_flags) & ~VM_IGNORE_MERGE) !== 0) return null;
  return mm.vmas.vm_file(place) === range.vm_file ? mm.vmas.vma(place) : null;
}

function emitMerge(k: Kernel, mm: Mm, vma: Vma, sides: 'previous' | 'next' | 'both'): void {
  if (k.sink !== null) k.emit({ type: 'vma-merge', mm: mm.id, vma: vmaRef(k, vma), sides });
}

/** Tells whoever listens which rule keeps a range from joining the neighbours that it touches. */
export function emitApart(k: Kernel, mm: Mm, range: MergeRange, side: 'any' | 'previous' = 'any'): void {
  if (k.sink === null) return;
  const below = mm.vmas.before(range.vm_start);
  const above = side === 'any' ? mm.vmas.find(range.vm_start) : undefined;
  const tell = (where: 'below' | 'above', neighbour: Vma, forbids: typeof can_vma_merge_after): void => {
    const special = (range.vm_flags | neighbour.vm_flags) & VM_SPECIAL;
    let rule = special === 0 ? forbids(range, neighbour) : 'vma_merge_new_range: VM_SPECIAL';
    if (rule === null) return;
    const flags = flagDifference(range.vm_flags & ~VM_IGNORE_MERGE, neighbour.vm_flags & ~VM_IGNORE_MERGE);
    if (special !== 0) rule += `: ${flagDifference(special, 0)}`;
    else if (rule === 'is_mergeable_vma: vm_flags differ') rule += `: ${flags}`;
    k.emit({ type: 'vma-apart', mm: mm.id, side: where, neighbour: vmaRef(k, neighbour), rule });
  };
  if (below?.vm_end === range.vm_start) tell('below', below, can_vma_merge_after);
  if (above?.vm_start === range.vm_end) tell('above', above, can_vma_merge_before);
}

/** Removes `gone` (their range is covered by `to`) and puts `to` in the place of `target`, with `chain` kept alive. */
function commit(k: Kernel, mm: Mm, target: Vma, to: Vma, gone: readonly Vma[]): Vma {
  if (to.anon !== null) anon_chain_get(k, mm.id, to.anon);
  for (const vma of gone) vma_unlink(k, mm, vma);
  vma_replace(k, mm, target, to);
  if (to.anon !== null) anon_chain_put(k, mm.id, to.anon);
  return to;
}

/**
 * vma_merge_new_range(): grows a neighbour over a new range instead of making a VMA. `side` 'previous' is the
 * just_expand of brk.
 */
export function vma_merge_new_range(
  k: Kernel,
  mm: Mm,
  range: MergeRange,
  side: 'any' | 'previous' = 'any',
): Vma | null {
  emitApart(k, mm, range, side);
  if ((range.vm_flags & VM_SPECIAL) !== 0) return null;
  const above = mm.vmas.seek(range.vm_start);
  const prev = alike(mm, mm.vmas.previous(above), range);
  const next = side === 'any' ? alike(mm, above, range) : null;
  if (prev === null && next === null) return null;
  const left = prev !== null && can_vma_merge_after(range, prev) === null ? prev : null;
  let right = next !== null && can_vma_merge_before(range, next) === null ? next : null;
  if (left !== null && right !== null && (!sidesAgree(left, right) || !removable(right))) right = null;
  const sticky = range.vm_flags & VM_STICKY;
  if (left !== null && right !== null) {
    emitMerge(k, mm, left, 'both');
    const flags = left.vm_flags | ((right.vm_flags | range.vm_flags) & VM_STICKY);
    const anon = left.anon ?? right.anon ?? range.anon;
    return commit(k, mm, left, vmaLike(left, left.vm_start, right.vm_end, flags, anon), [right]);
  }
  if (left !== null) {
    emitMerge(k, mm, left, 'previous');
    const anon = left.anon ?? range.anon;
    return commit(k, mm, left, vmaLike(left, left.vm_start, range.vm_end, left.vm_flags | sticky, anon), []);
  }
  if (right === null) return null;
  emitMerge(k, mm, right, 'next');
  const anon = right.anon ?? range.anon;
  return commit(k, mm, right, vmaLike(right, range.vm_start, right.vm_end, right.vm_flags | sticky, anon), []);
}

/** What a change of flags of [start, end) inside `middle` proposes. */
function changedRange(middle: Vma, start: VirtAddr, end: VirtAddr, flags: number): MergeRange {
  return {
    vm_start: start,
    vm_end: end,
    vm_flags: flags,
    vm_pgoff: middle.vm_pgoff + (start - middle.vm_start) / 4096,
    vm_file: middle.vm_file,
    anon: middle.anon,
  };
}

/** vma_merge_existing_range(): the changed part of `middle` joins its neighbours. Null when it cannot. */
function vma_merge_existing_range(
  k: Kernel,
  mm: Mm,
  middle: Vma,
  start: VirtAddr,
  end: VirtAddr,
  flags: number,
): Vma | null {
  const leftSide = start === middle.vm_start;
  const rightSide = end === middle.vm_end;
  if ((flags & VM_SPECIAL) !== 0 || (!leftSide && !rightSide)) return null;
  const range = changedRange(middle, start, end, flags);
  const place = mm.vmas.seek(start);
  const prev = leftSide ? alike(mm, mm.vmas.previous(place), range) : null;
  const next = rightSide ? alike(mm, mm.vmas.next(place), range) : null;
  if (prev === null && next === null) return null;
  const left = prev !== null && can_vma_merge_after(range, prev) === null ? prev : null;
  let right = next !== null && can_vma_merge_before(range, next) === null ? next : null;
  if (left !== null && right !== null && !sidesAgree(left, right)) right = null;
  if (left === null && right === null) return null;
  const whole = leftSide && rightSide;
  if (whole && !removable(middle)) return null;
  if (left !== null && right !== null && !removable(right)) right = null;
  const sticky = (flags | (left?.vm_flags ?? 0) | (right?.vm_flags ?? 0)) & VM_STICKY;
  if (left !== null && right !== null) {
    emitMerge(k, mm, middle, 'both');
    const anon = left.anon ?? right.anon ?? middle.anon;
    const to = vmaLike(left, left.vm_start, right.vm_end, left.vm_flags | sticky, anon);
    return commit(k, mm, left, to, [middle, right]);
  }
  if (left !== null) {
    emitMerge(k, mm, middle, 'previous');
    const to = vmaLike(left, left.vm_start, end, left.vm_flags | sticky, left.anon ?? middle.anon);
    if (whole) return commit(k, mm, left, to, [middle]);
    vma_replace(k, mm, middle, vmaSlice(middle, end, middle.vm_end));
    return commit(k, mm, left, to, []);
  }
  const target = right as Vma;
  emitMerge(k, mm, middle, 'next');
  const to = vmaLike(target, start, target.vm_end, target.vm_flags | sticky, target.anon ?? middle.anon);
  if (whole) return commit(k, mm, target, to, [middle]);
  vma_replace(k, mm, middle, vmaSlice(middle, middle.vm_start, start));
  return commit(k, mm, target, to, []);
}

/**
 * vma_modify_flags(): gives [start, end) of `vma` other flags, merging or splitting as needed. Returns the VMA that
 * holds the range now, or ENOMEM when a split would exceed max_map_count, EINVAL when the VMA must not be split.
 */
export function vma_modify_flags(
  k: Kernel,
  mm: Mm,
  vma: Vma,
  start: VirtAddr,
  end: VirtAddr,
  flags: number,
): Vma | 'ENOMEM' | 'EINVAL' {
  const merged = vma_merge_existing_range(k, mm, vma, start, end, flags);
  if (merged !== null) return merged;
  let part = vma;
  if (part.vm_start < start) {
    const split = split_vma(k, mm, part, start);
    if (typeof split === 'string') return split;
    part = split[1];
  }
  if (part.vm_end > end) {
    const split = split_vma(k, mm, part, end);
    if (typeof split === 'string') return split;
    part = split[0];
  }
  if (part.vm_flags === flags) return part;
  const changed = vmaWithFlags(part, flags);
  vma_replace(k, mm, part, changed);
  return changed;
}

/** split_vma(): splits unless there are too many VMAs or the mapping is special. */
export function split_vma(k: Kernel, mm: Mm, vma: Vma, addr: VirtAddr): readonly [Vma, Vma] | 'ENOMEM' | 'EINVAL' {
  if (mm.vmas.size >= k.config.max_map_count) {
    return refuse(k, 'ENOMEM', 'split_vma(): one VMA more, and max_map_count is reached');
  }
  return split_vma_unchecked(k, mm, vma, addr);
}

/** __split_vma(): for callers that checked the number of VMAs. */
export function split_vma_unchecked(k: Kernel, mm: Mm, vma: Vma, addr: VirtAddr): readonly [Vma, Vma] | 'EINVAL' {
  if (vma.vm_ops === 'special_mapping') return refuse(k, 'EINVAL', `split_vma(): ${vma.special} must not be split`);
  return vma_split(k, mm, vma, addr);
}
