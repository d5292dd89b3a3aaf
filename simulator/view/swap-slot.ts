/** One swap slot: which page is there, and which entries wait for it. */

import { hex, type VirtAddr } from '../machine/address.ts';
import { PTE_SWAP, type PteTable, type UpperTable } from '../machine/pagetable.ts';
import { cache_for_each } from '../mm/page-cache.ts';
import type { Kernel } from '../state/kernel.ts';
import { holders } from './frames.ts';
import { momentOf, ownersOfMms, type Place, processName } from './place.ts';
import type { SlotView, WaiterView } from './types.ts';

const MAX_WAITERS = 256;

/** Calls `found` with the address of each entry that refers to the slot, until it answers false. */
function seek(
  table: UpperTable | PteTable,
  span: number,
  base: VirtAddr,
  slot: number,
  found: (addr: VirtAddr) => boolean,
): boolean {
  for (let i = 0; i < 512; i++) {
    if ('words' in table) {
      const isThere = ((table.words[2 * i] as number) & PTE_SWAP) !== 0 && table.words[2 * i + 1] === slot;
      if (isThere && !found(base + i * span)) return false;
      continue;
    }
    const kid = table.kids[i];
    if (kid !== undefined && !seek(kid, span / 512, base + i * span, slot, found)) return false;
  }
  return true;
}

/** There is no list of who waits for a slot, in Linux neither (swapoff() looks through all page tables): so does this. */
function waitersOf(k: Kernel, names: ReadonlyMap<number, string>, slot: number, count: number): WaiterView[] {
  const waiters: WaiterView[] = [];
  const most = Math.min(count, MAX_WAITERS);
  const pids = ownersOfMms(k);
  for (const mm of k.mms.values()) {
    if (waiters.length >= most) break;
    const pid = pids.get(mm.id) ?? 0;
    seek(mm.pt.top, 2 ** (12 + 9 * (mm.pt.levels - 1)), 0, slot, (addr) => {
      waiters.push({ pid, process: processName(names, pid), va: hex(addr) });
      return waiters.length < most;
    });
  }
  return waiters;
}

function fileOf(k: Kernel, slot: number): SlotView['file'] {
  let file: SlotView['file'] = null;
  for (const inode of k.inodes.values()) {
    if (inode.swapped === 0 || file !== null) continue;
    cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (index, entry) => {
      if (-entry - 1 === slot) file = { path: inode.path, index };
    });
  }
  return file;
}

function slotText(view: Omit<SlotView, 'text'>): string {
  const { count, cached, file, waiters } = view;
  if (count === 0 && cached === null) return 'Free.';
  const page =
    file !== null
      ? `Page ${file.index} of ${file.path}.`
      : waiters.length === 0
        ? 'Nobody waits for it any more.'
        : `Anonymous memory of ${holders(waiters, count)}.`;
  return cached === null ? page : `${page} Frame ${cached} in the swap cache has it too.`;
}

/** Slot number `slot`; null when swap has none of that number. Looks through all page tables. */
export function slotView(place: Place, slot: number): SlotView | null {
  const { k, names } = momentOf(place);
  if (!Number.isInteger(slot) || slot < 0 || slot >= k.swap.total) return null;
  const inUse = slot < k.swap.highWater;
  const count = inUse ? k.swap.count(slot) : 0;
  const pfn = inUse ? k.swap.cached(slot) : 0;
  const view = {
    slot,
    count,
    cached: pfn === 0 ? null : hex(pfn),
    file: count === 0 ? null : fileOf(k, slot),
    waiters: count === 0 ? [] : waitersOf(k, names, slot, count),
  };
  return { ...view, text: slotText(view) };
}
