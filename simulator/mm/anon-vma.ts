/** anon_vma: the names that anonymous pages carry, shared by VMAs that were split, merged or forked (mm/rmap.c). */

import { Counts } from '../state/counts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { AnonVma, Mm } from '../state/records.ts';
import type { AnonVmaChain, Vma } from './vma.ts';
import { VM_ACCESS_FLAGS, VM_MAYBE_GUARD } from './vma.ts';
import { NOWHERE, type VmaPlace } from './vma-tree.ts';

/** What one count more may take of the host's memory; about. */
const COUNT_BYTES = 200;

/** An anon_vma, to be changed. Where all kinds of records come by, as in Table.edit(), reading `owner` takes a search. */
function edit(k: Kernel, id: number): AnonVma {
  const member = k.anonVmas.get(id);
  return member.owner === k.epoch.now ? member : k.anonVmas.edit(id);
}

/** `delta` VMAs more, or less, have the chain; the chain stays. */
export function anon_chain_count(k: Kernel, mmId: number, anon: AnonVmaChain, delta: number): void {
  const { chain } = anon;
  for (let i = 0; i < chain.length; i++) edit(k, chain[i] as number).chains += delta;
  const own = edit(k, anon.anon_vma);
  own.num_active_vmas += delta;
  const family = anon.root === anon.anon_vma ? own : edit(k, anon.root);
  family.mms = family.mms.plus(mmId, delta, k.epoch.now);
  k.epoch.made += COUNT_BYTES;
}

/** A VMA takes the chain over (anon_vma_clone() of a split or merge). */
export function anon_chain_get(k: Kernel, mmId: number, anon: AnonVmaChain): void {
  anon_chain_count(k, mmId, anon, 1);
}

/** unlink_anon_vmas(): a VMA gives its chain up. An anon_vma goes with its last chain. */
export function anon_chain_put(k: Kernel, mmId: number, anon: AnonVmaChain): void {
  const { chain } = anon;
  // The last VMA of a family: nothing of it is to be counted any more.
  if (chain.length === 1 && k.anonVmas.get(anon.root).chains === 1) {
    k.anonVmas.delete(anon.root);
    return;
  }
  anon_chain_count(k, mmId, anon, -1);
  // From the newest to the root: a parent outlives its children.
  for (let i = chain.length - 1; i >= 0; i--) {
    const id = chain[i] as number;
    const member = k.anonVmas.get(id);
    if (member.chains > 0) continue;
    if (member.parent !== id) k.anonVmas.edit(member.parent).num_children--;
    k.anonVmas.delete(id);
  }
}

/** A family of its own for a VMA that has no anonymous page yet. The VMA has the chain already. */
function newFamily(k: Kernel, mmId: number): AnonVmaChain {
  const id = k.anonVmas.nextId;
  const owner = k.epoch.now;
  const mms = Counts.of(owner, mmId, 1);
  // A root counts itself as its child, as Linux's does.
  k.anonVmas.append({ id, owner, root: id, parent: id, num_children: 1, num_active_vmas: 1, chains: 1, mms });
  return { anon_vma: id, chain: [id], root: id };
}

/** An anon_vma for the copies of pages that a forked child makes; no VMA has it yet. Returns its id. */
function newChild(k: Kernel, root: number, parent: number): number {
  const id = k.anonVmas.nextId;
  const owner = k.epoch.now;
  const mms = Counts.empty(owner);
  k.anonVmas.append({ id, owner, root, parent, num_children: 0, num_active_vmas: 0, chains: 0, mms });
  k.anonVmas.edit(parent).num_children++;
  return id;
}

/** mm/vma.c: anon_vma_compatible(): `a` ends where `b` starts and they differ in permissions at most. */
function anon_vma_compatible(a: Vma, b: Vma): boolean {
  return (
    a.vm_end === b.vm_start &&
    a.vm_file === b.vm_file &&
    ((a.vm_flags ^ b.vm_flags) & ~(VM_ACCESS_FLAGS | VM_MAYBE_GUARD)) === 0 &&
    b.vm_pgoff === a.vm_pgoff + (b.vm_start - a.vm_start) / 4096
  );
}

/** The chain of a neighbour, when new pages of the VMA at `place` may carry its name (reusable_anon_vma()). */
function reusable(mm: Mm, place: VmaPlace, neighbour: VmaPlace): AnonVmaChain | null {
  const { vmas } = mm;
  const anon = neighbour === NOWHERE ? null : vmas.anon(neighbour);
  if (anon === null || anon.chain.length !== 1) return null;
  const [low, high] = neighbour < place ? [neighbour, place] : [place, neighbour];
  return anon_vma_compatible(vmas.vma(low), vmas.vma(high)) ? anon : null;
}

/**
 * The VMA at `place` gets what its first anonymous page brings (__anon_vma_prepare()): the chain of a neighbour that could
 * merge but for its permissions, else a new one.
 */
export function anon_vma_prepare(k: Kernel, mm: Mm, place: VmaPlace): AnonVmaChain {
  const { vmas } = mm;
  const shared = reusable(mm, place, vmas.next(place)) ?? reusable(mm, place, vmas.previous(place));
  if (shared !== null) anon_chain_get(k, mm.id, shared);
  const anon = shared ?? newFamily(k, mm.id);
  vmas.setChain(place, anon);
  return anon;
}

/**
 * The chain of the copy of a VMA in a forked child (anon_vma_fork()): the parent's chain, and an anon_vma of its own
 * unless one of the chain serves nobody any more.
 */
export function anon_vma_fork(k: Kernel, parent: AnonVmaChain): AnonVmaChain {
  // anon_vma_clone() walks the chain from the newest anon_vma to the oldest.
  for (let i = parent.chain.length - 1; i >= 0; i--) {
    const id = parent.chain[i] as number;
    const member = k.anonVmas.get(id);
    if (member.num_children < 2 && member.num_active_vmas === 0) {
      return { anon_vma: id, chain: parent.chain, root: parent.root };
    }
  }
  const id = newChild(k, parent.root, parent.anon_vma);
  return { anon_vma: id, chain: [...parent.chain, id], root: parent.root };
}
