// Resident pages in an order of which both ends and any member can be had at once.

const ABSENT = -1;

/** A doubly linked list of pages, through typed arrays; the sentinel is the number behind the last page. */
export class PageOrder {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #sentinel: number;
  size = 0;

  /** @param pages how many pages there are; the list starts empty */
  constructor(pages: number) {
    this.#sentinel = pages;
    this.#next = new Int32Array(pages + 1).fill(ABSENT);
    this.#previous = new Int32Array(pages + 1).fill(ABSENT);
    this.#next[pages] = pages;
    this.#previous[pages] = pages;
  }

  has(page: number): boolean {
    return this.#next[page] !== ABSENT;
  }

  /** The page at the old end. The list is not empty. */
  get oldest(): number {
    return this.#next[this.#sentinel] as number;
  }

  /** The page at the young end. The list is not empty. */
  get newest(): number {
    return this.#previous[this.#sentinel] as number;
  }

  /** Puts a page that is not in the list at its young end. */
  append(page: number): void {
    const last = this.newest;
    this.#next[last] = page;
    this.#previous[page] = last;
    this.#next[page] = this.#sentinel;
    this.#previous[this.#sentinel] = page;
    this.size++;
  }

  remove(page: number): void {
    const next = this.#next[page] as number;
    const previous = this.#previous[page] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#next[page] = ABSENT;
    this.size--;
  }

  /** From the oldest to the newest. */
  toArray(): number[] {
    const pages: number[] = [];
    for (let page = this.oldest; page !== this.#sentinel; page = this.#next[page] as number) pages.push(page);
    return pages;
  }
}
