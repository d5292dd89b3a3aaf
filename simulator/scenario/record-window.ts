// The records of the steps around the current place, at most so many: a window over the run without gaps.

/** Records that are kept; twice as many may be held for a moment. */
const KEPT = 8192;

export class RecordWindow<R> {
  #first = 0;
  #items: R[] = [];

  /** Notes the record of step number `index`, from 0. One that does not touch the window begins a new one. */
  set(index: number, record: R): void {
    const at = index - this.#first;
    if (at >= 0 && at < this.#items.length) this.#items[at] = record;
    else if (at === this.#items.length) this.#items.push(record);
    else {
      this.#first = index;
      this.#items = [record];
    }
    if (this.#items.length > 2 * KEPT) {
      this.#items = this.#items.slice(-KEPT);
      this.#first = index + 1 - KEPT;
    }
  }

  get(index: number): R | undefined {
    return this.#items[index - this.#first];
  }

  /** The records of the steps before `position` that are kept, oldest first. */
  before(position: number): readonly R[] {
    return this.#items.slice(0, Math.max(0, position - this.#first));
  }
}
