/** Who maps each frame and who waits for each swap slot: one pass over the page tables of all address spaces. */

import { PTE_ACCESSED, PTE_DIRTY, PTE_MAPPED, PTE_SWAP, type PteTable, type UpperTable } from '../machine/pagetable.ts';
import { cache_for_each } from '../mm/page-cache.ts';
import type { Kernel } from '../state/kernel.ts';
import { ownersOfMms } from './place.ts';
import type { SharedSlotView, SharedUse } from './types.ts';

/** What an owner is that is no pid; pids are greater. */
export const SHARED_USES: readonly SharedUse[] = ['nobody', 'several', 'cache', 'kernel', 'somebody'];
export const NOBODY = 0;
export const SEVERAL = 1;
export const CACHE = 2;
export const KERNEL = 3;
export const SOMEBODY = 4;

/** Bits of a frame's state: see FrameMapView.states in types.ts. */
export const STATE_REFERENCED = 8;
export const STATE_DIRTY = 16;
export const STATE_WRITEBACK = 32;
export const STATE_ACCESSED = 64;

/** What a pass over the page tables fills in. Of frames it changes what is known already; `[0]` is PFN 1. */
export interface PageOwners {
  /** Bits are added to what the frames say of themselves. */
  readonly states: Uint8Array;
  /** {@link SOMEBODY} for mapped frames at first; then a pid, or an index into {@link SHARED_USES}. */
  readonly owners: Uint16Array;
  /** As `owners`, by slot; zeros at first. */
  readonly slots: Uint16Array;
  /** Who waits for slots that several wait for, by slot. */
  readonly sharers: Map<number, Set<number>>;
}

/** Page tables that are read at most for one picture: a quarter of a million pages, about a millisecond. */
const MAX_TABLES = 512;
/** Pids behind it do not fit into 16 bits. */
const MAX_PID = 0xffff;

/** What the accessed and dirty bits of an entry add to the state of its frame. */
function stateBits(flags: number): number {
  return ((flags & PTE_ACCESSED) === 0 ? 0 : STATE_ACCESSED) | ((flags & PTE_DIRTY) === 0 ? 0 : STATE_DIRTY);
}

function seeTable(pass: PageOwners, words: Uint32Array, pid: number): void {
  const { states, owners } = pass;
  for (let at = 0; at < words.length; at += 2) {
    const flags = words[at] as number;
    if (flags === 0) continue;
    const value = words[at + 1] as number;
    if ((flags & PTE_MAPPED) === 0) {
      if ((flags & PTE_SWAP) !== 0) seeSlot(pass, value, pid);
      continue;
    }
    const i = value - 1;
    if (i >= owners.length) continue;
    if (owners[i] !== pid) owners[i] = owners[i] === SOMEBODY ? pid : SEVERAL;
    states[i] = (states[i] as number) | stateBits(flags);
  }
}

function seeSlot({ slots, sharers }: PageOwners, slot: number, owner: number): void {
  const known = slots[slot] as number;
  if (known === owner) return;
  if (known === NOBODY) {
    slots[slot] = owner;
    return;
  }
  const sharing = sharers.get(slot) ?? new Set([known]);
  sharers.set(slot, sharing.add(owner));
  slots[slot] = SEVERAL;
}

function seeTables(pass: PageOwners, table: UpperTable, pid: number): void {
  for (const kid of table.kids) {
    if (kid === undefined) continue;
    if (table.level > 1) seeTables(pass, kid as UpperTable, pid);
    else seeTable(pass, (kid as PteTable).words, pid);
  }
}

/**
 * Reads all page tables. False, and nothing is filled in, where there are more than {@link MAX_TABLES}: a step in a large
 * scenario must stay quick, and views have to do with what the kernel notes about each frame.
 */
export function seePages(k: Kernel, pass: PageOwners): boolean {
  let tables = 0;
  for (const mm of k.mms.values()) tables += mm.pt.tables;
  if (tables > MAX_TABLES) return false;
  const pids = ownersOfMms(k);
  for (const mm of k.mms.values()) {
    const pid = pids.get(mm.id) ?? SOMEBODY;
    seeTables(pass, mm.pt.top, pid > MAX_PID ? SOMEBODY : pid);
  }
  for (const inode of k.inodes.values()) {
    if (inode.swapped === 0) continue;
    cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (_, entry) => {
      if (entry < 0) seeSlot(pass, -entry - 1, CACHE);
    });
  }
  return true;
}

/** Slots told by name at most. */
const MAX_SHARED_SLOTS = 1024;

/** The slots that several wait for, the first of them. */
export function sharedSlots({ sharers }: PageOwners): SharedSlotView[] {
  const slots = [...sharers.keys()].sort((a, b) => a - b).slice(0, MAX_SHARED_SLOTS);
  return slots.map((slot) => ({ slot, owners: [...(sharers.get(slot) ?? [])] }));
}
