/**
 * The VMAs of an address space in address order: a B+tree that snapshots share (an owner epoch a node), which also
 * knows the largest hole under each node, as the maple tree of Linux does for mmap's search. The bounds that a search
 * compares stand side by side in one typed array a node.
 */

import type { VirtAddr } from '../machine/address.ts';
import type { Epoch } from '../state/cow.ts';
import type { Vma } from './vma.ts';

/** Items of a node; one more fits in while it is split. */
const FANOUT = 24;
const ROOM = FANOUT + 1;
/** Where the ends begin in {@link TreeNode.bounds}, and the holes. */
const ENDS = ROOM;
const HOLES = 2 * ROOM;

/** A node: a leaf holds VMAs, another one nodes. */
class TreeNode {
  readonly owner: number;
  readonly leaf: boolean;
  readonly vmas: Vma[];
  readonly kids: TreeNode[];
  /** Starts of the items, from ENDS on their ends, from HOLES on the largest hole under each. */
  readonly bounds: Float64Array;
  /** Items. */
  size: number;
  /** Largest hole between two VMAs under this node, bytes. */
  hole: number;

  constructor(owner: number, leaf: boolean, vmas: Vma[], kids: TreeNode[], bounds: Float64Array, size: number) {
    this.owner = owner;
    this.leaf = leaf;
    this.vmas = vmas;
    this.kids = kids;
    this.bounds = bounds;
    this.size = size;
    this.hole = 0;
  }

  get start(): VirtAddr {
    return this.bounds[0] as number;
  }

  /** End of the last item; 0 when there is none. */
  get end(): VirtAddr {
    return this.size === 0 ? 0 : (this.bounds[ENDS + this.size - 1] as number);
  }

  copy(owner: number): TreeNode {
    const { leaf, vmas, kids } = this;
    const mine = new TreeNode(
      owner,
      leaf,
      leaf ? vmas.slice() : vmas,
      leaf ? kids : kids.slice(),
      this.bounds.slice(),
      this.size,
    );
    mine.hole = this.hole;
    return mine;
  }
}

const NO_VMAS: Vma[] = [];
const NO_KIDS: TreeNode[] = [];

function newLeaf(owner: number): TreeNode {
  return new TreeNode(owner, true, [], NO_KIDS, new Float64Array(2 * ROOM), 0);
}

function newInner(owner: number): TreeNode {
  return new TreeNode(owner, false, NO_VMAS, [], new Float64Array(3 * ROOM), 0);
}

/** Makes room at `index`; the caller fills it. */
function open<T>(items: T[], item: T, index: number): void {
  items.push(item);
  for (let i = items.length - 1; i > index; i--) items[i] = items[i - 1] as T;
  items[index] = item;
}

function close<T>(items: T[], index: number): void {
  for (let i = index + 1; i < items.length; i++) items[i - 1] = items[i] as T;
  items.pop();
}

function openBounds(node: TreeNode, index: number): void {
  const { bounds, size } = node;
  for (let i = size; i > index; i--) {
    bounds[i] = bounds[i - 1] as number;
    bounds[ENDS + i] = bounds[ENDS + i - 1] as number;
    if (!node.leaf) bounds[HOLES + i] = bounds[HOLES + i - 1] as number;
  }
  node.size = size + 1;
}

function closeBounds(node: TreeNode, index: number): void {
  const { bounds, size } = node;
  for (let i = index + 1; i < size; i++) {
    bounds[i - 1] = bounds[i] as number;
    bounds[ENDS + i - 1] = bounds[ENDS + i] as number;
    if (!node.leaf) bounds[HOLES + i - 1] = bounds[HOLES + i] as number;
  }
  node.size = size - 1;
}

function setVma(node: TreeNode, index: number, vma: Vma): void {
  node.vmas[index] = vma;
  node.bounds[index] = vma.vm_start;
  node.bounds[ENDS + index] = vma.vm_end;
}

function setKid(node: TreeNode, index: number, kid: TreeNode): void {
  node.kids[index] = kid;
  node.bounds[index] = kid.start;
  node.bounds[ENDS + index] = kid.end;
  node.bounds[HOLES + index] = kid.hole;
}

/** Finds the largest hole again. */
function summarize(node: TreeNode): void {
  const { bounds, size } = node;
  let hole = 0;
  for (let i = 1; i < size; i++) {
    const between = (bounds[i] as number) - (bounds[ENDS + i - 1] as number);
    if (between > hole) hole = between;
  }
  if (!node.leaf) {
    for (let i = HOLES; i < HOLES + size; i++) {
      const under = bounds[i] as number;
      if (under > hole) hole = under;
    }
  }
  node.hole = hole;
}

/** Index of the first item that ends behind `addr`; the size when there is none. */
function slotFor(node: TreeNode, addr: VirtAddr): number {
  const { bounds } = node;
  let low = 0;
  let high = node.size;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if ((bounds[ENDS + mid] as number) > addr) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** As {@link slotFor}, the last kid when none ends behind `addr`. */
function kidFor(node: TreeNode, addr: VirtAddr): number {
  const slot = slotFor(node, addr);
  return slot < node.size ? slot : node.size - 1;
}

/** Index of the last item that starts before `addr`; -1 when there is none. */
function slotBefore(node: TreeNode, addr: VirtAddr): number {
  const { bounds } = node;
  let low = 0;
  let high = node.size;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if ((bounds[mid] as number) < addr) low = mid + 1;
    else high = mid;
  }
  return low - 1;
}

export class VmaTree {
  private readonly epoch: Epoch;
  private root: TreeNode;
  private count = 0;
  /** No hole lies in [fullFrom, fullTo): what the last search for a page found out. */
  private fullFrom = 0;
  private fullTo = 0;

  constructor(epoch: Epoch, from?: VmaTree) {
    this.epoch = epoch;
    if (from === undefined) this.root = newLeaf(epoch.now);
    else {
      this.root = from.root;
      this.count = from.count;
      this.fullFrom = from.fullFrom;
      this.fullTo = from.fullTo;
    }
  }

  /** The same tree for a new epoch. */
  share(): VmaTree {
    return new VmaTree(this.epoch, this);
  }

  /** Number of VMAs. */
  get size(): number {
    return this.count;
  }

  /** find_vma(): the first VMA that ends behind `addr`. */
  find(addr: VirtAddr): Vma | undefined {
    let node = this.root;
    for (;;) {
      const slot = slotFor(node, addr);
      if (slot === node.size) return undefined;
      if (node.leaf) return node.vmas[slot];
      node = node.kids[slot] as TreeNode;
    }
  }

  /** vma_lookup(): the VMA that holds `addr`. */
  lookup(addr: VirtAddr): Vma | undefined {
    const vma = this.find(addr);
    return vma !== undefined && vma.vm_start <= addr ? vma : undefined;
  }

  /** The last VMA that starts before `addr`. */
  before(addr: VirtAddr): Vma | undefined {
    let node = this.root;
    for (;;) {
      const slot = slotBefore(node, addr);
      if (slot < 0) return undefined;
      if (node.leaf) return node.vmas[slot];
      node = node.kids[slot] as TreeNode;
    }
  }

  /** Adds a VMA that overlaps none. */
  insert(vma: Vma): void {
    const root = this.own(this.root);
    this.root = root;
    const split = this.insertInto(root, vma);
    if (split !== undefined) {
      const top = newInner(this.epoch.now);
      top.size = 2;
      setKid(top, 0, root);
      setKid(top, 1, split);
      summarize(top);
      this.root = top;
    }
    this.count++;
  }

  /** Removes the VMA that holds `addr`. Throws when there is none. */
  remove(addr: VirtAddr): void {
    let root = this.own(this.root);
    this.removeFrom(root, addr);
    while (!root.leaf && root.size === 1) root = this.own(root.kids[0] as TreeNode);
    if (!root.leaf && root.size === 0) root = newLeaf(this.epoch.now);
    this.root = root;
    this.count--;
  }

  /** Puts `vma` in the place of the VMA that holds `addr`; the order must stay. */
  replace(addr: VirtAddr, vma: Vma): void {
    this.root = this.own(this.root);
    this.replaceIn(this.root, addr, vma);
  }

  /** Calls `visit` for the VMAs that end behind `from`, in order, until it returns false. */
  walk(visit: (vma: Vma) => boolean | undefined, from: VirtAddr = 0): void {
    eachFrom(this.root, from, visit);
  }

  /** All VMAs in order. */
  toArray(): Vma[] {
    const all: Vma[] = [];
    this.walk((vma) => {
      all.push(vma);
      return true;
    });
    return all;
  }

  /**
   * Upper end of the highest hole of at least `length` bytes inside [low, high), cut to those bounds; -1 for none
   * (mas_empty_area_rev()).
   */
  highestHole(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    const from = high === this.fullTo ? this.fullFrom : high;
    const end = this.searchDown(low, from, length);
    if (length === 4096 && end >= 0) {
      this.fullFrom = end;
      this.fullTo = high;
    }
    return end;
  }

  /** Lower end of the lowest hole of at least `length` bytes inside [low, high); -1 for none (mas_empty_area()). */
  lowestHole(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    let at = low;
    let found = -1;
    this.walk((vma) => {
      if (Math.min(vma.vm_start, high) - at >= length) {
        found = at;
        return false;
      }
      at = Math.max(at, vma.vm_end);
      return at < high;
    }, low);
    if (found >= 0) return found;
    return high - at >= length ? at : -1;
  }

  private searchDown(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    if (this.count === 0) return high - low >= length ? high : -1;
    if (high - Math.max(low, this.root.end) >= length) return high;
    const inside = highestIn(this.root, low, high, length);
    if (inside >= 0) return inside;
    const first = Math.min(high, this.root.start);
    return first - low >= length ? first : -1;
  }

  /** A VMA that ended at `end` went or shrank: there may be a hole below. */
  private forgetFull(end: VirtAddr): void {
    if (end > this.fullFrom) this.fullFrom = Math.min(end, this.fullTo);
  }

  private own(node: TreeNode): TreeNode {
    return node.owner === this.epoch.now ? node : node.copy(this.epoch.now);
  }

  private ownKid(node: TreeNode, index: number): TreeNode {
    const kid = this.own(node.kids[index] as TreeNode);
    node.kids[index] = kid;
    return kid;
  }

  /** Returns the upper half of a node that had to be split. */
  private insertInto(node: TreeNode, vma: Vma): TreeNode | undefined {
    if (node.leaf) {
      const index = slotFor(node, vma.vm_start);
      open(node.vmas, vma, index);
      openBounds(node, index);
      setVma(node, index, vma);
    } else {
      const index = kidFor(node, vma.vm_start);
      const kid = this.ownKid(node, index);
      const split = this.insertInto(kid, vma);
      setKid(node, index, kid);
      if (split !== undefined) {
        open(node.kids, split, index + 1);
        openBounds(node, index + 1);
        setKid(node, index + 1, split);
      }
    }
    const right = node.size > FANOUT ? this.splitOff(node) : undefined;
    summarize(node);
    return right;
  }

  /** Moves the upper half to a node of its own. */
  private splitOff(node: TreeNode): TreeNode {
    const half = node.size >>> 1;
    const right = node.leaf ? newLeaf(this.epoch.now) : newInner(this.epoch.now);
    right.size = node.size - half;
    for (let i = 0; i < right.size; i++) {
      if (node.leaf) setVma(right, i, node.vmas[half + i] as Vma);
      else setKid(right, i, node.kids[half + i] as TreeNode);
    }
    if (node.leaf) node.vmas.length = half;
    else node.kids.length = half;
    node.size = half;
    summarize(right);
    return right;
  }

  private removeFrom(node: TreeNode, addr: VirtAddr): void {
    if (node.leaf) {
      const index = slotFor(node, addr);
      const vma = node.vmas[index];
      if (vma === undefined || vma.vm_start > addr)
        throw new Error(`VmaTree.remove: nothing at 0x${addr.toString(16)}`);
      close(node.vmas, index);
      closeBounds(node, index);
      this.forgetFull(vma.vm_end);
    } else {
      const index = kidFor(node, addr);
      const kid = this.ownKid(node, index);
      this.removeFrom(kid, addr);
      if (kid.size > 0) setKid(node, index, kid);
      else {
        close(node.kids, index);
        closeBounds(node, index);
      }
    }
    summarize(node);
  }

  /** True when the bounds changed, and so what the nodes above know of them. */
  private replaceIn(node: TreeNode, addr: VirtAddr, vma: Vma): boolean {
    if (node.leaf) {
      const index = slotFor(node, addr);
      const old = node.vmas[index];
      if (old === undefined || old.vm_start > addr)
        throw new Error(`VmaTree.replace: nothing at 0x${addr.toString(16)}`);
      setVma(node, index, vma);
      if (vma.vm_start === old.vm_start && vma.vm_end === old.vm_end) return false;
      this.forgetFull(old.vm_end);
    } else {
      const index = kidFor(node, addr);
      const kid = this.ownKid(node, index);
      if (!this.replaceIn(kid, addr, vma)) return false;
      setKid(node, index, kid);
    }
    summarize(node);
    return true;
  }
}

function eachFrom(node: TreeNode, from: VirtAddr, visit: (vma: Vma) => boolean | undefined): boolean {
  for (let i = slotFor(node, from); i < node.size; i++) {
    if (node.leaf) {
      if (visit(node.vmas[i] as Vma) === false) return false;
    } else if (!eachFrom(node.kids[i] as TreeNode, from, visit)) return false;
  }
  return true;
}

/** Upper end of the highest fitting hole between two VMAs under the node; -1 for none. */
function highestIn(node: TreeNode, low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
  if (node.hole < length) return -1;
  const { bounds } = node;
  for (let i = kidFor(node, high); i >= 0; i--) {
    if (!node.leaf && (bounds[HOLES + i] as number) >= length) {
      const found = highestIn(node.kids[i] as TreeNode, low, high, length);
      if (found >= 0) return found;
    }
    const start = bounds[i] as number;
    if (i === 0 || start <= low) break;
    const top = Math.min(high, start);
    if (top - Math.max(low, bounds[ENDS + i - 1] as number) >= length) return top;
  }
  return -1;
}
