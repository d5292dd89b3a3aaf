// The string of page references that a policy runs on: pages by dense numbers, with the names that people know them by.

/** More accesses than this are refused: each costs memory before the first is made. */
export const MAX_ACCESSES = 100_000_000;

/** How page numbers are written for people: as given in a list, or in hexadecimal where they come from addresses. */
export type Notation = 'decimal' | 'hexadecimal';

/** Pages in order of access. `names[page]` is what the input calls a page: a number, or a text such as `p:0x401`. */
export interface References {
  readonly accesses: Int32Array;
  readonly names: readonly (number | string)[];
  readonly notation: Notation;
}

/** A page's name for people. */
export function pageText(references: References, page: number): string {
  const name = references.names[page] as number | string;
  return typeof name === 'number' && references.notation === 'hexadecimal' ? `0x${name.toString(16)}` : String(name);
}

/** Collects accesses one after the other. */
export class ReferenceBuilder<Name extends number | string> {
  #accesses = new Int32Array(1024);
  #length = 0;
  readonly #names: Name[] = [];
  readonly #pages = new Map<Name, number>();

  /** Another access, to the page with that name; false when there are more than {@link MAX_ACCESSES}. */
  add(name: Name): boolean {
    let page = this.#pages.get(name);
    if (page === undefined) {
      page = this.#names.length;
      this.#names.push(name);
      this.#pages.set(name, page);
    }
    if (this.#length === this.#accesses.length) {
      if (this.#length >= MAX_ACCESSES) return false;
      const larger = new Int32Array(Math.min(2 * this.#length, MAX_ACCESSES));
      larger.set(this.#accesses);
      this.#accesses = larger;
    }
    this.#accesses[this.#length++] = page;
    return true;
  }

  get length(): number {
    return this.#length;
  }

  finish(notation: Notation): References {
    return { accesses: this.#accesses.slice(0, this.#length), names: this.#names, notation };
  }
}
