// An immutable array with cheap changed copies: a tree of nodes with 32 children, of which a change copies one path.

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

type Node<T> = readonly (Node<T> | T | undefined)[];

/** A sparse array over indices from 0; those never set are undefined. */
export class PersistentArray<T> {
  readonly #root: Node<T>;
  readonly #shift: number;

  private constructor(root: Node<T>, shift: number) {
    this.#root = root;
    this.#shift = shift;
  }

  static empty<T>(): PersistentArray<T> {
    return new PersistentArray<T>([], 0);
  }

  get(index: number): T | undefined {
    if (index >>> this.#shift >= WIDTH) return undefined;
    let node: Node<T> = this.#root;
    for (let shift = this.#shift; shift > 0; shift -= BITS) {
      const child = node[(index >>> shift) & MASK];
      if (child === undefined) return undefined;
      // Above the lowest level, all children are nodes.
      node = child as Node<T>;
    }
    return node[index & MASK] as T | undefined;
  }

  /** A copy with `value` at `index`, 0 … 2^30-1. */
  set(index: number, value: T): PersistentArray<T> {
    let root = this.#root;
    let shift = this.#shift;
    while (index >>> shift >= WIDTH) {
      root = root.length === 0 ? [] : [root];
      shift += BITS;
    }
    return new PersistentArray(replaced(root, shift, index, value), shift);
  }

  /** The entries that were set, by index. */
  *entries(): IterableIterator<[number, T]> {
    yield* entriesOf<T>(this.#root, this.#shift, 0);
  }
}

function replaced<T>(node: Node<T>, shift: number, index: number, value: T): Node<T> {
  const copy = node.slice();
  const at = (index >>> shift) & MASK;
  copy[at] = shift === 0 ? value : replaced((node[at] ?? []) as Node<T>, shift - BITS, index, value);
  return copy;
}

function* entriesOf<T>(node: Node<T>, shift: number, base: number): IterableIterator<[number, T]> {
  for (let i = 0; i < node.length; i++) {
    const child = node[i];
    if (child === undefined) continue;
    const index = base + i * 2 ** shift;
    if (shift === 0) yield [index, child as T];
    else yield* entriesOf<T>(child as Node<T>, shift - BITS, index);
  }
}
