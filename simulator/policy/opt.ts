// OPT (Belady's MIN): who is not needed for the longest time goes. It has to know the whole run.

import { PageOrder } from './page-order.ts';
import { FREE_FRAME, HIT, type Policy } from './policy.ts';

/** For each access, the position of the next one to its page; the run's length when there is none. */
function nextUses(accesses: Int32Array, pages: number): Int32Array {
  const next = new Int32Array(accesses.length);
  const seen = new Int32Array(pages).fill(accesses.length);
  for (let at = accesses.length - 1; at >= 0; at--) {
    const page = accesses[at] as number;
    next[at] = seen[page] as number;
    seen[page] = at;
  }
  return next;
}

/**
 * Among pages that are never used again, the one that came in last goes. O(log n) an access, by a heap of the resident
 * pages whose top is the next victim. {@link resident} is in order of arrival. The accesses must be those it was made for.
 */
export class Opt implements Policy {
  readonly ordersByUse = false;
  readonly #frames: number;
  readonly #nextUses: Int32Array;
  readonly #arrivals: PageOrder;
  /** By page: its next use, and the access that brought it in. */
  readonly #needed: Int32Array;
  readonly #arrived: Int32Array;
  readonly #heap: Int32Array;
  /** Place of each resident page in the heap. */
  readonly #place: Int32Array;
  #now = 0;

  constructor(frames: number, pages: number, accesses: Int32Array) {
    this.#frames = Math.min(frames, pages);
    this.#nextUses = nextUses(accesses, pages);
    this.#arrivals = new PageOrder(pages);
    this.#needed = new Int32Array(pages);
    this.#arrived = new Int32Array(pages);
    this.#heap = new Int32Array(this.#frames);
    this.#place = new Int32Array(pages);
  }

  access(page: number): number {
    const order = this.#arrivals;
    this.#needed[page] = this.#nextUses[this.#now] as number;
    if (order.has(page)) {
      this.#now++;
      // Its next use moved away, so it can only rise.
      this.#rise(page, this.#place[page] as number);
      return HIT;
    }
    this.#arrived[page] = this.#now++;
    const isFull = order.size === this.#frames;
    const victim = isFull ? (this.#heap[0] as number) : FREE_FRAME;
    if (isFull) {
      order.remove(victim);
      this.#sink(page, 0);
    } else this.#rise(page, order.size);
    order.append(page);
    return victim;
  }

  /** True when `a` goes before `b`. */
  #goesFirst(a: number, b: number): boolean {
    const later = (this.#needed[a] as number) - (this.#needed[b] as number);
    return later === 0 ? (this.#arrived[a] as number) > (this.#arrived[b] as number) : later > 0;
  }

  #put(page: number, place: number): void {
    this.#heap[place] = page;
    this.#place[page] = place;
  }

  #rise(page: number, from: number): void {
    let place = from;
    while (place > 0) {
      const up = (place - 1) >> 1;
      const parent = this.#heap[up] as number;
      if (!this.#goesFirst(page, parent)) break;
      this.#put(parent, place);
      place = up;
    }
    this.#put(page, place);
  }

  #sink(page: number, from: number): void {
    const end = this.#heap.length;
    let place = from;
    for (let child = 2 * place + 1; child < end; child = 2 * place + 1) {
      if (child + 1 < end && this.#goesFirst(this.#heap[child + 1] as number, this.#heap[child] as number)) child++;
      const below = this.#heap[child] as number;
      if (!this.#goesFirst(below, page)) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(page, place);
  }

  resident(): number[] {
    return this.#arrivals.toArray();
  }
}
