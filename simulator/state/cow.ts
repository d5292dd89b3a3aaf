/**
 * The building blocks of the copy-on-write state: a node belongs to the epoch that made it, is changed in place during
 * that epoch and copied on its first change after a snapshot. A snapshot therefore costs nothing but a new epoch.
 */

/** How much there is of what takes the host's memory, counted where it comes and goes (kernel/host-limit.ts weighs it). */
export interface Held {
  /** VMAs of all address spaces. */
  vmas: number;
  /** Page tables, top ones included. */
  tables: number;
  /** Pages in RAM and in swap that need bytes of their own. */
  contents: number;
  /** Pages that were written to files' disks; those of them that need bytes count as contents, too. */
  written: number;
  /** Chunks of page caches. */
  cacheChunks: number;
  /** Open descriptors of all tasks, of tables that several share once for each. */
  descriptors: number;
}

/** The time of the state, and what it takes of the host's memory. */
export interface Epoch {
  /** The number of the current epoch; each snapshot and each restore starts a new one, and none comes back. */
  now: number;
  /** Bytes of the host's memory that were taken, copies included, about: it grows from a number that means nothing. */
  made: number;
  held: Held;
}

/** A field that holds small integers first and others later makes V8 compile anew whatever looks at an epoch. */
const NO_SMALL_INTEGER = 2 ** 40;

export function newEpoch(): Epoch {
  const held: Held = { vmas: 0, tables: 0, contents: 0, written: 0, cacheChunks: 0, descriptors: 0 };
  return { now: 1, made: NO_SMALL_INTEGER, held };
}

/** Bytes of a node of a {@link Table}, of a record in it, and of an entry of a map: about. */
const NODE_BYTES = 320;
const RECORD_BYTES = 400;
export const MAP_ENTRY_BYTES = 48;

/** A record that a {@link Table} can hold. `owner` is the epoch in which it may be changed in place. */
export interface CowRecord {
  owner: number;
}

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

interface TableNode<T> {
  readonly owner: number;
  /** How many of the items there are. */
  used: number;
  /** Records in the lowest level, nodes above it. */
  readonly items: (TableNode<T> | T | undefined)[];
}

/** The frozen content of a {@link Table}. */
export interface TableRoot<T> {
  readonly root: TableNode<T>;
  readonly shift: number;
  readonly nextId: number;
  readonly size: number;
}

/**
 * Records by small integer ids, given out in ascending order from 1 (or `firstId`) and never reused: a tree of nodes with
 * 32 items, of which a change after a snapshot copies one path.
 */
export class Table<T extends CowRecord> {
  private readonly epoch: Epoch;
  private readonly copy: (record: T, owner: number) => T;
  private readonly base: number;
  private root: TableNode<T>;
  /** Bits of an id below those that choose an item of the root. */
  private shift = 0;
  private next: number;
  private count = 0;

  constructor(epoch: Epoch, copy: (record: T, owner: number) => T, firstId = 1) {
    this.epoch = epoch;
    this.copy = copy;
    this.base = firstId;
    this.next = firstId;
    this.root = newNode(epoch.now);
  }

  /** Number of records. */
  get size(): number {
    return this.count;
  }

  /** The id that the next record will get. */
  get nextId(): number {
    return this.next;
  }

  find(id: number): T | undefined {
    if (id < this.base || id >= this.next) return undefined;
    const at = id - this.base;
    let node = this.root;
    for (let shift = this.shift; shift > 0; shift -= BITS) {
      const kid = node.items[(at >>> shift) & MASK];
      if (kid === undefined) return undefined;
      // Above the lowest level, all items are nodes.
      node = kid as TableNode<T>;
    }
    return node.items[at & MASK] as T | undefined;
  }

  /** The record, to be read only. Throws when there is none. */
  get(id: number): T {
    const record = this.find(id);
    if (record === undefined) throw new Error(`Table.get: no record ${id}`);
    return record;
  }

  /** The record, owned by the current epoch: may be changed until the next snapshot. */
  edit(id: number): T {
    const record = this.get(id);
    if (record.owner === this.epoch.now) return record;
    const mine = this.copy(record, this.epoch.now);
    this.epoch.made += RECORD_BYTES;
    const at = id - this.base;
    this.leaf(at).items[at & MASK] = mine;
    return mine;
  }

  /** Adds the record that `make` returns for the new id. */
  add(make: (id: number, owner: number) => T): T {
    const record = make(this.next, this.epoch.now);
    this.append(record);
    return record;
  }

  /** Adds a record that was made for {@link nextId}, and for the current epoch. */
  append(record: T): void {
    const id = this.next++;
    const at = id - this.base;
    while (at >>> this.shift >= WIDTH) this.grow();
    const leaf = this.leaf(at);
    this.epoch.made += RECORD_BYTES;
    leaf.items[at & MASK] = record;
    leaf.used++;
    this.count++;
  }

  delete(id: number): void {
    if (this.find(id) === undefined) throw new Error(`Table.delete: no record ${id}`);
    this.root = this.without(this.root, this.shift, id - this.base) ?? newNode(this.epoch.now);
    this.count--;
  }

  /** By id. */
  *values(): IterableIterator<T> {
    const leaves: TableNode<T>[] = [];
    collectLeaves(this.root, this.shift, leaves);
    for (const { items } of leaves) for (const item of items) if (item !== undefined) yield item as T;
  }

  freeze(): TableRoot<T> {
    return { root: this.root, shift: this.shift, nextId: this.next, size: this.count };
  }

  thaw(root: TableRoot<T>): void {
    this.root = root.root;
    this.shift = root.shift;
    this.next = root.nextId;
    this.count = root.size;
  }

  /** Another level: the root becomes the first item of the new one. */
  private grow(): void {
    const root = newNode<T>(this.epoch.now);
    if (this.root.used > 0) {
      root.items[0] = this.root;
      root.used = 1;
    }
    this.root = root;
    this.shift += BITS;
  }

  /** The node of the lowest level with the item of `at`; it and all above it belong to the epoch. */
  private leaf(at: number): TableNode<T> {
    const { now } = this.epoch;
    let node = this.own(this.root);
    this.root = node;
    for (let shift = this.shift; shift > 0; shift -= BITS) {
      const index = (at >>> shift) & MASK;
      const kid = node.items[index] as TableNode<T> | undefined;
      if (kid === undefined) node.used++;
      const mine = kid === undefined ? newNode<T>(now) : this.own(kid);
      node.items[index] = mine;
      node = mine;
    }
    return node;
  }

  private own(node: TableNode<T>): TableNode<T> {
    const { now } = this.epoch;
    if (node.owner === now) return node;
    this.epoch.made += NODE_BYTES;
    return { owner: now, used: node.used, items: node.items.slice() };
  }

  /** The node, the epoch's own, without the record at `at`; null when nothing is left of it. */
  private without(node: TableNode<T>, shift: number, at: number): TableNode<T> | null {
    const mine = this.own(node);
    const index = (at >>> shift) & MASK;
    const kid = shift === 0 ? null : this.without(mine.items[index] as TableNode<T>, shift - BITS, at);
    if (kid !== null) {
      mine.items[index] = kid;
      return mine;
    }
    mine.items[index] = undefined;
    mine.used--;
    return mine.used === 0 ? null : mine;
  }
}

function newNode<T>(owner: number): TableNode<T> {
  return { owner, used: 0, items: new Array<undefined>(WIDTH) };
}

function collectLeaves<T>(node: TableNode<T>, shift: number, leaves: TableNode<T>[]): void {
  if (shift === 0) leaves.push(node);
  else for (const kid of node.items) if (kid !== undefined) collectLeaves(kid as TableNode<T>, shift - BITS, leaves);
}

/** The frozen content of a {@link CowMap}. */
export interface CowMapRoot<K, V> {
  readonly map: ReadonlyMap<K, V>;
}

/** A small map whose values are immutable; copied whole on its first change in an epoch. */
export class CowMap<K, V> {
  private readonly epoch: Epoch;
  private map = new Map<K, V>();
  private owner: number;

  constructor(epoch: Epoch) {
    this.epoch = epoch;
    this.owner = epoch.now;
  }

  get(key: K): V | undefined {
    return this.map.get(key);
  }

  get size(): number {
    return this.map.size;
  }

  set(key: K, value: V): void {
    this.mine().set(key, value);
  }

  delete(key: K): void {
    if (this.map.has(key)) this.mine().delete(key);
  }

  entries(): IterableIterator<[K, V]> {
    return this.map.entries();
  }

  freeze(): CowMapRoot<K, V> {
    return { map: this.map };
  }

  thaw(root: CowMapRoot<K, V>): void {
    this.map = root.map as Map<K, V>;
    this.owner = -1;
  }

  private mine(): Map<K, V> {
    if (this.owner !== this.epoch.now) {
      this.map = new Map(this.map);
      this.epoch.made += MAP_ENTRY_BYTES * this.map.size;
      this.owner = this.epoch.now;
    }
    return this.map;
  }
}
