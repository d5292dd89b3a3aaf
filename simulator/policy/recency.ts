// LRU and MRU: pages in order of their last use, and one end of it goes.

import { PageOrder } from './page-order.ts';
import { FREE_FRAME, HIT, type Policy } from './policy.ts';

/** O(1) an access. {@link resident} is in order of last use, the latest at the end. */
export class Recency implements Policy {
  readonly ordersByUse = true;
  readonly #frames: number;
  readonly #uses: PageOrder;
  readonly #end: 'oldest' | 'newest';

  /** @param end the end that is replaced: the oldest use is LRU, the newest MRU */
  constructor(frames: number, pages: number, end: 'oldest' | 'newest') {
    this.#frames = frames;
    this.#uses = new PageOrder(pages);
    this.#end = end;
  }

  access(page: number): number {
    const order = this.#uses;
    let outcome = HIT;
    if (order.has(page)) order.remove(page);
    else if (order.size < this.#frames) outcome = FREE_FRAME;
    else {
      outcome = order[this.#end];
      order.remove(outcome);
    }
    order.append(page);
    return outcome;
  }

  resident(): number[] {
    return this.#uses.toArray();
  }
}
