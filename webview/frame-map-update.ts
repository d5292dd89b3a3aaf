/**
 * Brings a frame map up to date without sending all of it: a million frames are a million bytes, a step changes a few.
 * The host makes updates, the view applies them; both are pure.
 */
import type { FrameMapView } from '../simulator/view/types.ts';

/** The whole map, or what differs from the map sent before. */
export type FrameMapUpdate =
  | { readonly kind: 'full'; readonly map: FrameMapView }
  | {
      readonly kind: 'delta';
      readonly free: number;
      readonly changed: readonly number[];
      /** Indices into `uses` (not PFNs), ascending, and the new value of each. */
      readonly indices: Uint32Array;
      readonly values: Uint8Array;
    };

/** Above this share of differing frames the whole map is the smaller message (5 bytes a difference against 1). */
const FULL_FRACTION = 5;

/**
 * The update that turns `before`, the map the view has (null: none), into `after`. Neither map may be changed
 * in place afterwards: `before` of the next call is `after` of this one.
 */
export function frameMapUpdate(before: FrameMapView | null, after: FrameMapView): FrameMapUpdate {
  if (before === null || !sameShape(before, after)) return { kind: 'full', map: after };
  const limit = Math.floor(after.uses.length / FULL_FRACTION);
  const indices: number[] = [];
  for (let i = 0; i < after.uses.length; i++) {
    if (before.uses[i] === after.uses[i]) continue;
    if (indices.length >= limit) return { kind: 'full', map: after };
    indices.push(i);
  }
  const values = Uint8Array.from(indices, (i) => after.uses[i] ?? 0);
  return { kind: 'delta', free: after.free, changed: after.changed, indices: Uint32Array.from(indices), values };
}

/**
 * The map after `update`; null when a delta has nothing to apply to (the view must ask for the whole).
 * `before` is left as it was.
 */
export function applyFrameMapUpdate(before: FrameMapView | null, update: FrameMapUpdate): FrameMapView | null {
  if (update.kind === 'full') return update.map;
  if (before === null) return null;
  const uses = update.indices.length === 0 ? before.uses : before.uses.slice();
  for (let i = 0; i < update.indices.length; i++) {
    const at = update.indices[i] ?? 0;
    if (at >= uses.length) return null;
    uses[at] = update.values[i] ?? 0;
  }
  return { ...before, free: update.free, changed: update.changed, uses };
}

function sameShape(a: FrameMapView, b: FrameMapView): boolean {
  return (
    a.first === b.first &&
    a.total === b.total &&
    a.uses.length === b.uses.length &&
    a.legend.length === b.legend.length &&
    a.legend.every((use, i) => use === b.legend[i])
  );
}
