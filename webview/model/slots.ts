/** The slots of the swap device summed up. */
import type { SwapMapView } from '../../simulator/view/types.ts';

/** A slot by the number of its users: none, one, several. */
export type SlotUse = 'slot-free' | 'slot-used' | 'slot-shared';

export function slotUse(map: SwapMapView, slot: number): SlotUse {
  const count = map.counts[slot] ?? 0;
  return count === 0 ? 'slot-free' : count === 1 ? 'slot-used' : 'slot-shared';
}

/** `slot 3: 2 users`. */
export function slotText(map: SwapMapView, slot: number): string {
  const count = map.counts[slot] ?? 0;
  return `slot ${slot}: ${count === 0 ? 'free' : `${count} ${count === 1 ? 'user' : 'users'}`}`;
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

/** A run of slots in use. */
export interface SlotRun {
  readonly first: number;
  readonly last: number;
  readonly users: number;
}

/** Slots in use as runs with the same number of users, the first `limit` of them. */
export function slotRuns(map: SwapMapView, limit: number): SlotRun[] {
  const runs: SlotRun[] = [];
  for (let from = 0; from < map.counts.length && runs.length < limit; ) {
    const users = map.counts[from] ?? 0;
    let to = from + 1;
    while (to < map.counts.length && map.counts[to] === users) to++;
    if (users > 0) runs.push({ first: from, last: to - 1, users });
    from = to;
  }
  return runs;
}
