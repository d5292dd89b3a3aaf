/**
 * How much there is of what, by integer ids: a tree of short sorted nodes that snapshots share and of which a change
 * copies one path. Few ids take little memory, and with thousands a change costs hardly more.
 */

const WIDTH = 32;

interface Leaf {
  readonly owner: number;
  /** Ascending. */
  readonly ids: number[];
  readonly counts: number[];
  readonly kids: null;
}

interface Inner {
  readonly owner: number;
  /** Nothing in the kid beside it is smaller; ascending. */
  readonly ids: number[];
  readonly kids: Node[];
}

type Node = Leaf | Inner;

function newLeaf(owner: number): Leaf {
  return { owner, ids: [], counts: [], kids: null };
}

function owned(node: Node, owner: number): Node {
  if (node.owner === owner) return node;
  if (node.kids === null) return { owner, ids: node.ids.slice(), counts: node.counts.slice(), kids: null };
  return { owner, ids: node.ids.slice(), kids: node.kids.slice() };
}

/** Index of the first id of the node that is greater than `id`. */
function after(node: Node, id: number): number {
  const { ids } = node;
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] as number) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cuts the second half off a node. */
function split(node: Node): Node {
  const at = node.ids.length >> 1;
  const { owner } = node;
  const ids = node.ids.splice(at);
  if (node.kids === null) return { owner, ids, counts: node.counts.splice(at), kids: null };
  return { owner, ids, kids: node.kids.splice(at) };
}

/** Changes a leaf that may be changed; what comes to nothing leaves. Returns by how much its number of ids changed. */
function addToLeaf(leaf: Leaf, id: number, delta: number): number {
  const next = after(leaf, id);
  const at = next - 1;
  if (at < 0 || leaf.ids[at] !== id) {
    leaf.ids.splice(next, 0, id);
    leaf.counts.splice(next, 0, delta);
    return 1;
  }
  const count = (leaf.counts[at] as number) + delta;
  leaf.counts[at] = count;
  if (count !== 0) return 0;
  leaf.ids.splice(at, 1);
  leaf.counts.splice(at, 1);
  return -1;
}

function addToInner(inner: Inner, id: number, delta: number): number {
  const at = Math.max(0, after(inner, id) - 1);
  const kid = owned(inner.kids[at] as Node, inner.owner);
  inner.kids[at] = kid;
  if (id < (inner.ids[at] as number)) inner.ids[at] = id;
  const change = kid.kids === null ? addToLeaf(kid, id, delta) : addToInner(kid, id, delta);
  if (kid.ids.length === 0) {
    inner.ids.splice(at, 1);
    inner.kids.splice(at, 1);
  } else if (kid.ids.length > WIDTH) {
    const sibling = split(kid);
    inner.ids.splice(at + 1, 0, sibling.ids[0] as number);
    inner.kids.splice(at + 1, 0, sibling);
  }
  return change;
}

function* entriesOf(node: Node): Generator<[number, number]> {
  if (node.kids !== null) for (const kid of node.kids) yield* entriesOf(kid);
  else for (let i = 0; i < node.ids.length; i++) yield [node.ids[i] as number, node.counts[i] as number];
}

function collectIds(node: Node, ids: number[]): void {
  if (node.kids !== null) for (const kid of node.kids) collectIds(kid, ids);
  else for (const id of node.ids) ids.push(id);
}

/** Counts that are not 0, by id. Belongs to the epoch that made it, as the records do that hold it (state/cow.ts). */
export class Counts {
  private readonly owner: number;
  private ids = 0;
  /** The only id and its count: most have no more than one, and need no tree. */
  private onlyId = 0;
  private onlyCount = 0;
  /** Null while there is at most one id. */
  private root: Node | null = null;

  private constructor(owner: number) {
    this.owner = owner;
  }

  static empty(owner: number): Counts {
    return new Counts(owner);
  }

  /** `count`, not 0, of `id`. */
  static of(owner: number, id: number, count: number): Counts {
    const counts = new Counts(owner);
    counts.addNew(id, count);
    return counts;
  }

  /** Number of ids. */
  get size(): number {
    return this.ids;
  }

  get(id: number): number {
    if (this.root === null) return this.ids === 1 && this.onlyId === id ? this.onlyCount : 0;
    let node = this.root;
    while (node.kids !== null) node = node.kids[Math.max(0, after(node, id) - 1)] as Node;
    const at = after(node, id) - 1;
    return at >= 0 && node.ids[at] === id ? (node.counts[at] as number) : 0;
  }

  /** With `delta`, not 0, more of `id`: these counts, where they are of the epoch `owner`, else their changed copy. */
  plus(id: number, delta: number, owner: number): Counts {
    let mine: Counts = this;
    if (this.owner !== owner) {
      mine = new Counts(owner);
      mine.ids = this.ids;
      mine.onlyId = this.onlyId;
      mine.onlyCount = this.onlyCount;
      mine.root = this.root;
    }
    if (mine.root !== null) mine.addToTree(mine.root, id, delta);
    else if (mine.ids === 1 && mine.onlyId === id) {
      mine.onlyCount += delta;
      if (mine.onlyCount === 0) mine.ids = 0;
    } else mine.addNew(id, delta);
    return mine;
  }

  /** Ascending. */
  keys(): number[] {
    if (this.root === null) return this.ids === 0 ? [] : [this.onlyId];
    const ids: number[] = [];
    collectIds(this.root, ids);
    return ids;
  }

  /** Ascending by id. */
  *[Symbol.iterator](): Generator<[number, number]> {
    if (this.root !== null) yield* entriesOf(this.root);
    else if (this.ids === 1) yield [this.onlyId, this.onlyCount];
  }

  private addNew(id: number, delta: number): void {
    if (this.ids === 0) {
      this.onlyId = id;
      this.onlyCount = delta;
      this.ids = 1;
      return;
    }
    const leaf = newLeaf(this.owner);
    addToLeaf(leaf, this.onlyId, this.onlyCount);
    this.addToTree(leaf, id, delta);
  }

  private addToTree(tree: Node, id: number, delta: number): void {
    const { owner } = this;
    const root = owned(tree, owner);
    this.root = root;
    if (root.kids === null) this.ids += addToLeaf(root, id, delta);
    else this.ids += addToInner(root, id, delta);
    if (root.ids.length > WIDTH) {
      const sibling = split(root);
      this.root = { owner, ids: [root.ids[0] as number, sibling.ids[0] as number], kids: [root, sibling] };
    } else if (root.kids !== null && root.ids.length < 2) this.root = root.kids[0] ?? newLeaf(owner);
    else if (root.kids === null && this.ids === 1) {
      this.onlyId = root.ids[0] as number;
      this.onlyCount = root.counts[0] as number;
      this.root = null;
    }
  }
}
