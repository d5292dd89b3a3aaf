/**
 * The building blocks of the copy-on-write state: a node belongs to the epoch that made it, is changed in place during
 * that epoch and copied on its first change after a snapshot. A snapshot therefore costs nothing but a new epoch.
 */

/** The number of the current epoch; each snapshot and each restore starts a new one, and none comes back. */
export interface Epoch {
  now: number;
}

/** A record that a {@link Table} can hold. `owner` is the epoch in which it may be changed in place. */
export interface CowRecord {
  owner: number;
}

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

interface TableNode<T> {
  readonly owner: number;
  readonly items: (T | undefined)[];
}

/** The frozen content of a {@link Table}. */
export interface TableRoot<T> {
  readonly dir: readonly TableNode<T>[];
  readonly nextId: number;
  readonly size: number;
}

/** Records by small integer ids, given out in ascending order from 1 (or `firstId`) and never reused. */
export class Table<T extends CowRecord> {
  private readonly epoch: Epoch;
  private readonly copy: (record: T, owner: number) => T;
  private dir: TableNode<T>[] = [];
  private dirOwner = 0;
  private next: number;
  private readonly base: number;
  private count = 0;

  constructor(epoch: Epoch, copy: (record: T, owner: number) => T, firstId = 1) {
    this.epoch = epoch;
    this.copy = copy;
    this.base = firstId;
    this.next = firstId;
    this.dirOwner = epoch.now;
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
    const at = id - this.base;
    return this.dir[at >> BITS]?.items[at & MASK];
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
    const at = id - this.base;
    this.node(at >> BITS).items[at & MASK] = mine;
    return mine;
  }

  /** Adds the record that `make` returns for the new id. */
  add(make: (id: number, owner: number) => T): T {
    const id = this.next++;
    const record = make(id, this.epoch.now);
    const at = id - this.base;
    this.node(at >> BITS).items[at & MASK] = record;
    this.count++;
    return record;
  }

  delete(id: number): void {
    const at = id - this.base;
    if (this.find(id) === undefined) throw new Error(`Table.delete: no record ${id}`);
    this.node(at >> BITS).items[at & MASK] = undefined;
    this.count--;
  }

  *values(): IterableIterator<T> {
    for (const node of this.dir) {
      for (const item of node.items) if (item !== undefined) yield item;
    }
  }

  freeze(): TableRoot<T> {
    return { dir: this.dir, nextId: this.next, size: this.count };
  }

  thaw(root: TableRoot<T>): void {
    this.dir = root.dir as TableNode<T>[];
    this.dirOwner = -1;
    this.next = root.nextId;
    this.count = root.size;
  }

  private node(index: number): TableNode<T> {
    if (this.dirOwner !== this.epoch.now) {
      this.dir = this.dir.slice();
      this.dirOwner = this.epoch.now;
    }
    while (this.dir.length <= index) this.dir.push({ owner: this.epoch.now, items: new Array<T | undefined>(WIDTH) });
    const node = this.dir[index] as TableNode<T>;
    if (node.owner === this.epoch.now) return node;
    const mine = { owner: this.epoch.now, items: node.items.slice() };
    this.dir[index] = mine;
    return mine;
  }
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
      this.owner = this.epoch.now;
    }
    return this.map;
  }
}
