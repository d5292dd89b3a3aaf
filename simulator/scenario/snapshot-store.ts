// Which snapshots of a run are kept: all of them near the current place, ever fewer with the distance, so that a jump
// replays little compared with how far it goes, and a long run keeps a bounded number.

interface Entry<S> {
  readonly position: number;
  readonly snapshot: S;
}

/** Steps around the current place of which every snapshot is kept. */
const DENSE = 1024;
/** Farther away, neighbours lie at most 1/SPREAD of their distance apart. */
const SPREAD = 256;

export class SnapshotStore<S> {
  /** Ascending by position. */
  #entries: Entry<S>[] = [];
  #limit = 4 * DENSE;

  get size(): number {
    return this.#entries.length;
  }

  /** Keeps `snapshot` for `position`, and thins out what is far from there. */
  put(position: number, snapshot: S): void {
    const at = this.#indexAtOrBefore(position);
    if (this.#entries[at]?.position === position) return;
    this.#entries.splice(at + 1, 0, { position, snapshot });
    if (this.#entries.length > this.#limit) this.#thin(position);
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

  #thin(center: number): void {
    const kept: Entry<S>[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const entry of this.#entries) {
      const distance = Math.abs(entry.position - center);
      const spacing = distance <= DENSE ? 0 : Math.ceil((distance - DENSE) / SPREAD);
      if (entry.position !== 0 && entry.position - last < spacing) continue;
      kept.push(entry);
      last = entry.position;
    }
    this.#entries = kept;
    this.#limit = Math.max(4 * DENSE, 2 * kept.length);
  }
}
