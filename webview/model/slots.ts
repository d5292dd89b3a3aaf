/** The slots of the swap device summed up. */
import type { SwapMapView } from '../../simulator/view/types.ts';
import { type Names, ownerText } from './frames.ts';

/** A slot by the number of its users: none, one, several. */
export type SlotUse = 'slot-free' | 'slot-used' | 'slot-shared';

export function slotUse(map: SwapMapView, slot: number): SlotUse {
  const count = map.counts[slot] ?? 0;
  return count === 0 ? 'slot-free' : count === 1 ? 'slot-used' : 'slot-shared';
}

/** Whether the page of a slot is in the swap cache as well. */
export function slotCached(map: SwapMapView, slot: number): boolean {
  return (map.cached[slot] ?? 0) !== 0;
}

/** Who waits for a slot: `of bash`, `of bash and kid`; empty when nobody does, or it is not known. */
function slotOwners(map: SwapMapView, slot: number, names: Names): string {
  const owner = map.owners[slot] ?? 0;
  const use = map.sharedUses[owner];
  if (use === 'nobody' || use === 'somebody') return '';
  if (use === 'cache') return 'of shared memory';
  const shared = use === 'several' ? map.shared.find((one) => one.slot === slot) : undefined;
  if (shared === undefined) return ownerText(map.sharedUses, owner, names);
  const each = shared.owners.map((one) => names.get(one) ?? (map.sharedUses[one] === undefined ? `${one}` : 'others'));
  return `of ${each.join(' and ')}`;
}

/** `slot 3: 2 users, of bash, in the swap cache`. */
export function slotText(map: SwapMapView, slot: number, names: Names): string {
  const count = map.counts[slot] ?? 0;
  if (count === 0) return `slot ${slot}: free`;
  const users = `${count} ${count === 1 ? 'user' : 'users'}`;
  const parts = [users, slotOwners(map, slot, names), slotCached(map, slot) ? 'in the swap cache' : ''];
  return `slot ${slot}: ${parts.filter((part) => part !== '').join(', ')}`;
}

/** Slots with more than one user. */
export function sharedSlots(map: SwapMapView): number {
  return map.counts.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0);
}

/** The share of each cell of `perCell` slots that is in use, 0 to 1. */
export function slotShares(map: SwapMapView, perCell: number): number[] {
  const shares: number[] = [];
  for (let from = 0; from < map.counts.length; from += perCell) {
    const to = Math.min(from + perCell, map.counts.length);
    let used = 0;
    for (let slot = from; slot < to; slot++) if ((map.counts[slot] ?? 0) > 0) used++;
    shares.push(used / (to - from));
  }
  return shares;
}

/** Slots in use whose pages are in the swap cache as well. */
export function cachedSlots(map: SwapMapView): number {
  return map.cached.reduce((sum, cached) => sum + cached, 0);
}

/** A run of slots in use. */
export interface SlotRun {
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

/** Slots in use as runs of which the same is told, the first `limit` of them. */
export function slotRuns(map: SwapMapView, names: Names, limit: number): SlotRun[] {
  const runs: SlotRun[] = [];
  const alike = (a: number, b: number) =>
    map.counts[a] === map.counts[b] &&
    slotCached(map, a) === slotCached(map, b) &&
    map.owners[a] === map.owners[b] &&
    map.sharedUses[map.owners[a] ?? 0] !== 'several';
  for (let from = 0; from < map.counts.length && runs.length < limit; ) {
    let to = from + 1;
    while (to < map.counts.length && alike(from, to)) to++;
    if ((map.counts[from] ?? 0) > 0) {
      runs.push({ first: from, last: to - 1, text: slotText(map, from, names).replace(/^slot \d+: /, '') });
    }
    from = to;
  }
  return runs;
}
