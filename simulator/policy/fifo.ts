// First in, first out: who has been in memory longest goes.

import { PageOrder } from './page-order.ts';
import { FREE_FRAME, HIT, type Policy } from './policy.ts';

/** O(1) an access. {@link resident} is in order of arrival. */
export class Fifo implements Policy {
  readonly ordersByUse = false;
  readonly #frames: number;
  readonly #arrivals: PageOrder;

  constructor(frames: number, pages: number) {
    this.#frames = frames;
    this.#arrivals = new PageOrder(pages);
  }

  access(page: number): number {
    const order = this.#arrivals;
    if (order.has(page)) return HIT;
    let victim = FREE_FRAME;
    if (order.size === this.#frames) {
      victim = order.oldest;
      order.remove(victim);
    }
    order.append(page);
    return victim;
  }

  resident(): number[] {
    return this.#arrivals.toArray();
  }
}
