/**
 * Putting VMAs of any kind into an address space and taking them out, with what they hold: file references, i_mmap and
 * anon_vma chains.
 */

import type { VmaRef } from '../events.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { anon_chain_get, anon_chain_put } from './anon-vma.ts';
import { fput, get_file } from './file-refs.ts';
import { type AnonVmaChain, type Vma, vmaSlice } from './vma.ts';

/** What events say of a VMA. */
export function vmaRef(k: Kernel, vma: Vma): VmaRef {
  const name = vma.special ?? (vma.inode === 0 ? '' : (k.inodes.find(vma.inode)?.path ?? ''));
  return { start: vma.vm_start, end: vma.vm_end, flags: vma.vm_flags, name };
}

function countMapping(k: Kernel, inodeId: number, mmId: number, delta: number): void {
  const inode = k.inodes.edit(inodeId);
  inode.mms = inode.mms.plus(mmId, delta, k.epoch.now);
  if (inode.sysv) update_lprid(k, inodeId);
}

/** ipc/shm.c: shm_open(), shm_close(): a segment knows who attached or detached a part of it last. */
function update_lprid(k: Kernel, inodeId: number): void {
  const lpid = k.tasks.find(k.scalars.current)?.tgid;
  if (lpid === undefined) return;
  for (const [shmid, segment] of k.shm.entries()) {
    if (segment.inode === inodeId && segment.lpid !== lpid) k.shm.set(shmid, { ...segment, lpid });
  }
}

function hold(k: Kernel, mm: Mm, vma: Vma): void {
  if (vma.inode !== 0) {
    countMapping(k, vma.inode, mm.id, 1);
    get_file(k, vma.vm_file);
  }
  if (vma.anon !== null) anon_chain_get(k, mm.id, vma.anon);
}

function release(k: Kernel, mm: Mm, vma: Vma): void {
  if (vma.anon !== null) anon_chain_put(k, mm.id, vma.anon);
  if (vma.inode !== 0) {
    countMapping(k, vma.inode, mm.id, -1);
    fput(k, vma.vm_file);
  }
}

/** mm/vma.c: vma_link(). */
export function vma_link(k: Kernel, mm: Mm, vma: Vma): void {
  mm.vmas.insert(vma);
  hold(k, mm, vma);
  if (k.sink !== null) k.emit({ type: 'vma-insert', mm: mm.id, vma: vmaRef(k, vma) });
}

/** Takes a VMA out of the tree and gives up what it holds (remove_vma()). */
export function vma_unlink(k: Kernel, mm: Mm, vma: Vma): void {
  if (k.sink !== null) k.emit({ type: 'vma-remove', mm: mm.id, vma: vmaRef(k, vma) });
  mm.vmas.remove(vma.vm_start);
  release(k, mm, vma);
}

/** Puts `next` in the place of `old`: other bounds, flags or anon_vma; the file stays. */
export function vma_replace(k: Kernel, mm: Mm, old: Vma, next: Vma): void {
  if (old.vm_file !== next.vm_file) throw new Error('vma_replace: another file');
  mm.vmas.replace(old.vm_start, next);
  if (old.anon !== next.anon) moveChain(k, mm, old.anon, next.anon);
  if (k.sink !== null) emitChange(k, mm, old, next);
}

/** Tells a listener how a VMA changed, if it did. */
export function emitChange(k: Kernel, mm: Mm, old: Vma, next: Vma): void {
  const anonVma = anonVmaChange(old.anon, next.anon);
  const isSame = old.vm_start === next.vm_start && old.vm_end === next.vm_end && old.vm_flags === next.vm_flags;
  if (isSame && anonVma === null) return;
  k.emit({ type: 'vma-change', mm: mm.id, before: vmaRef(k, old), after: vmaRef(k, next), anonVma });
}

function anonVmaChange(old: AnonVmaChain | null, next: AnonVmaChain | null): 'gained' | 'lost' | 'exchanged' | null {
  if (old === next) return null;
  return old === null ? 'gained' : next === null ? 'lost' : 'exchanged';
}

function moveChain(k: Kernel, mm: Mm, old: AnonVmaChain | null, next: AnonVmaChain | null): void {
  if (next !== null) anon_chain_get(k, mm.id, next);
  if (old !== null) anon_chain_put(k, mm.id, old);
}

/**
 * Splits a VMA at `addr`, which lies inside it (mm/vma.c: __split_vma()). Returns the two parts.
 */
export function vma_split(k: Kernel, mm: Mm, vma: Vma, addr: number): readonly [Vma, Vma] {
  if (k.sink !== null) k.emit({ type: 'vma-split', mm: mm.id, vma: vmaRef(k, vma), at: addr });
  const low = vmaSlice(vma, vma.vm_start, addr);
  const high = vmaSlice(vma, addr, vma.vm_end);
  mm.vmas.replace(vma.vm_start, low);
  mm.vmas.insert(high);
  hold(k, mm, high);
  return [low, high];
}
