// Which snapshots of a run are kept: all of them near the current place, ever fewer with the distance, so that a jump
// replays little compared with how far it goes, and a long run keeps a bounded number and a bounded weight.

interface Entry<S> {
  readonly position: number;
  readonly snapshot: S;
  /** Bytes that it has and the entry before it has not; about, and never too few. */
  weight: number;
}

/** What a snapshot takes of the host's memory; bytes, about. */
export interface Weight {
  /** What was made on the way there, from the snapshot before. */
  readonly made: number;
  /** All that there is: it shares no more with others. */
  readonly whole: number;
}

const NOTHING: Weight = { made: 0, whole: 0 };

/** Bytes that the kept snapshots may weigh together, beside one whole state. */
const MAX_WEIGHT = 3 * 2 ** 28;

/** Steps around the current place of which every snapshot is kept. */
const DENSE = 1024;
/** Farther away, neighbours lie at most 1/SPREAD of their distance apart. */
const SPREAD = 256;

export class SnapshotStore<S> {
  /** Ascending by position. */
  #entries: Entry<S>[] = [];
  #limit = 4 * DENSE;
  #weight = 0;
  readonly #maxWeight: number;

  constructor(maxWeight: number = MAX_WEIGHT) {
    this.#maxWeight = maxWeight;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Bytes that the kept snapshots take, about. */
  get weight(): number {
    return this.#weight;
  }

  /**
   * Keeps `snapshot` for `position`, and thins out what is far from there; where snapshots are heavy, what is near, too.
   * Position 0 and this one stay in any case.
   */
  put(position: number, snapshot: S, { made, whole }: Weight = NOTHING): void {
    const at = this.#indexAtOrBefore(position);
    if (this.#entries[at]?.position === position) return;
    const weight = Math.min(made, whole);
    this.#entries.splice(at + 1, 0, { position, snapshot, weight });
    this.#weight += weight;
    if (this.#entries.length > this.#limit) {
      this.#thin(position, DENSE, SPREAD, whole);
      this.#limit = Math.max(4 * DENSE, 2 * this.#entries.length);
    }
    // The state of this place takes its memory with and without snapshots.
    if (this.#weight <= whole + this.#maxWeight) return;
    for (let part = 2; this.#entries.length > 2 && this.#weight > whole + this.#maxWeight / 2; part *= 2) {
      this.#thin(position, DENSE / part, SPREAD / part, whole);
    }
  }

  /** The kept snapshot with the greatest position up to `position`. Position 0 has to be put first. */
  atOrBefore(position: number): Entry<S> {
    const entry = this.#entries[this.#indexAtOrBefore(position)];
    if (entry === undefined) throw new Error('SnapshotStore.atOrBefore: nothing is kept so early');
    return entry;
  }

  #indexAtOrBefore(position: number): number {
    let low = -1;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#entries[middle]?.position ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Who goes leaves what it weighs to the next, which has as much as a whole state at most. */
  #thin(center: number, dense: number, spread: number, whole: number): void {
    const kept: Entry<S>[] = [];
    let last = Number.NEGATIVE_INFINITY;
    let left = 0;
    this.#weight = 0;
    for (const entry of this.#entries) {
      const { position } = entry;
      const distance = Math.abs(position - center);
      const spacing = distance <= dense ? 0 : Math.ceil((distance - dense) / spread);
      if (position !== 0 && position - last < spacing) {
        left += entry.weight;
        continue;
      }
      if (left > 0) entry.weight = Math.max(entry.weight, Math.min(entry.weight + left, whole));
      left = 0;
      this.#weight += entry.weight;
      kept.push(entry);
      last = position;
    }
    this.#entries = kept;
  }
}
