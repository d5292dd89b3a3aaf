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
      /** Whether the page tables were read: see FrameMapView.exact. */
      readonly exact: boolean;
      readonly hand: number | null;
      /** New length of the arrays. */
      readonly length: number;
      /** Indices into the arrays (not PFNs), ascending, and the new values of each. */
      readonly indices: Uint32Array;
      readonly uses: Uint8Array;
      readonly states: Uint8Array;
      readonly owners: Uint16Array;
    };

/** Above this share of differing frames the whole map is hardly the larger message (8 bytes a difference against 4). */
const FULL_FRACTION = 2;

/**
 * The update that turns `before`, the map the view has (null: none), into `after`. Neither map may be changed
 * in place afterwards: `before` of the next call is `after` of this one.
 */
export function frameMapUpdate(before: FrameMapView | null, after: FrameMapView): FrameMapUpdate {
  if (before === null || !sameShape(before, after)) return { kind: 'full', map: after };
  const indices = differences(before, after, Math.floor(after.uses.length / FULL_FRACTION));
  if (indices === null) return { kind: 'full', map: after };
  return {
    kind: 'delta',
    free: after.free,
    exact: after.exact,
    hand: after.hand,
    changed: after.changed,
    length: after.uses.length,
    indices: Uint32Array.from(indices),
    uses: Uint8Array.from(indices, (i) => after.uses[i] ?? 0),
    states: Uint8Array.from(indices, (i) => after.states[i] ?? 0),
    owners: Uint16Array.from(indices, (i) => after.owners[i] ?? 0),
  };
}

/** Indices of frames that differ; null when there are more than `limit`. */
function differences(before: FrameMapView, after: FrameMapView, limit: number): number[] | null {
  const indices: number[] = [];
  for (const group of differingGroups(before, after)) {
    const end = Math.min(after.uses.length, (group + 1) * GROUP);
    for (let i = group * GROUP; i < end; i++) {
      if (sameFrame(before, after, i)) continue;
      if (indices.length >= limit) return null;
      indices.push(i);
    }
  }
  return indices;
}

/** Frames that are compared at once, by words of 32 bits. */
const GROUP = 4;

/** Groups of neighbours of `b` that may differ, ascending; those that are not full in both are always among them. */
function differingGroups(a: FrameMapView, b: FrameMapView): number[] {
  const full = Math.floor(Math.min(a.uses.length, b.uses.length) / GROUP);
  const [usesA, usesB] = [words(a.uses, full), words(b.uses, full)];
  const [statesA, statesB] = [words(a.states, full), words(b.states, full)];
  const [ownersA, ownersB] = [words(a.owners, 2 * full), words(b.owners, 2 * full)];
  const groups: number[] = [];
  for (let i = 0; i < full; i++) {
    if (
      usesA[i] !== usesB[i] ||
      statesA[i] !== statesB[i] ||
      ownersA[2 * i] !== ownersB[2 * i] ||
      ownersA[2 * i + 1] !== ownersB[2 * i + 1]
    )
      groups.push(i);
  }
  for (let i = full; i * GROUP < b.uses.length; i++) groups.push(i);
  return groups;
}

function sameFrame(a: FrameMapView, b: FrameMapView, i: number): boolean {
  return (
    (a.uses[i] ?? 0) === (b.uses[i] ?? 0) &&
    (a.states[i] ?? 0) === (b.states[i] ?? 0) &&
    (a.owners[i] ?? 0) === (b.owners[i] ?? 0)
  );
}

/** The first `count` 32-bit words of an array, in place where it begins at one. */
function words(array: Uint8Array | Uint16Array, count: number): Uint32Array {
  const whole = array.byteOffset % 4 === 0 ? array : array.slice();
  return new Uint32Array(whole.buffer, whole.byteOffset, count);
}

/**
 * The map after `update`; null when a delta has nothing to apply to (the view must ask for the whole).
 * `before` is left as it was.
 */
export function applyFrameMapUpdate(before: FrameMapView | null, update: FrameMapUpdate): FrameMapView | null {
  if (update.kind === 'full') return update.map;
  if (before === null) return null;
  const { free, exact, hand, changed, length, indices } = update;
  if (indices.length === 0 && length === before.uses.length) return { ...before, free, exact, hand, changed };
  const uses = resized(before.uses, new Uint8Array(length));
  const states = resized(before.states, new Uint8Array(length));
  const owners = resized(before.owners, new Uint16Array(length));
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i] ?? 0;
    if (at >= length) return null;
    uses[at] = update.uses[i] ?? 0;
    states[at] = update.states[i] ?? 0;
    owners[at] = update.owners[i] ?? 0;
  }
  return { ...before, free, exact, hand, changed, uses, states, owners };
}

/** `to` with as much of `from` as it has room for. */
function resized<T extends Uint8Array | Uint16Array>(from: T, to: T): T {
  to.set(from.length <= to.length ? from : from.subarray(0, to.length));
  return to;
}

function sameShape(a: FrameMapView, b: FrameMapView): boolean {
  return a.first === b.first && a.total === b.total && sameNames(a.legend, b.legend) && sameNames(a.lists, b.lists);
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
