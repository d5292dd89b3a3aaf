/**
 * The VMAs of an address space in address order: a B+tree that snapshots share (an owner epoch a node), which also
 * knows the largest hole under each node, as the maple tree of Linux does for mmap's search.
 */

import type { VirtAddr } from '../machine/address.ts';
import type { Epoch } from '../state/cow.ts';
import type { Vma } from './vma.ts';

const FANOUT = 24;

interface Leaf {
  readonly owner: number;
  readonly leaf: true;
  readonly vmas: Vma[];
  start: VirtAddr;
  end: VirtAddr;
  /** Largest hole between two VMAs under this node, bytes. */
  hole: number;
}

interface Inner {
  readonly owner: number;
  readonly leaf: false;
  readonly kids: Node[];
  start: VirtAddr;
  end: VirtAddr;
  hole: number;
}

type Node = Leaf | Inner;

function summarizeLeaf(node: Leaf): void {
  const vmas = node.vmas;
  let hole = 0;
  let end = 0;
  for (let i = 0; i < vmas.length; i++) {
    const vma = vmas[i] as Vma;
    if (i === 0) node.start = vma.vm_start;
    else if (vma.vm_start - end > hole) hole = vma.vm_start - end;
    end = vma.vm_end;
  }
  node.end = end;
  node.hole = hole;
}

function summarizeInner(node: Inner): void {
  const kids = node.kids;
  let hole = 0;
  let end = 0;
  for (let i = 0; i < kids.length; i++) {
    const kid = kids[i] as Node;
    if (i === 0) node.start = kid.start;
    else if (kid.start - end > hole) hole = kid.start - end;
    if (kid.hole > hole) hole = kid.hole;
    end = kid.end;
  }
  node.end = end;
  node.hole = hole;
}

function summarize(node: Node): void {
  if (node.leaf) summarizeLeaf(node);
  else summarizeInner(node);
}

/** Index of the kid whose range holds `addr`, or that is the first one ending behind it. */
function kidFor(kids: readonly Node[], addr: VirtAddr): number {
  let low = 0;
  let high = kids.length - 1;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if ((kids[mid] as Node).end > addr) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** Index of the first VMA that ends behind `addr`; the length when there is none. */
function slotFor(vmas: readonly Vma[], addr: VirtAddr): number {
  let low = 0;
  let high = vmas.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if ((vmas[mid] as Vma).vm_end > addr) high = mid;
    else low = mid + 1;
  }
  return low;
}

export class VmaTree {
  private readonly epoch: Epoch;
  private root: Node;
  private count = 0;
  /** No hole lies in [fullFrom, fullTo): what the last search for a page found out. */
  private fullFrom = 0;
  private fullTo = 0;

  constructor(epoch: Epoch, from?: VmaTree) {
    this.epoch = epoch;
    if (from === undefined) this.root = { owner: epoch.now, leaf: true, vmas: [], start: 0, end: 0, hole: 0 };
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
    if (node.end <= addr) return undefined;
    while (!node.leaf) node = node.kids[kidFor(node.kids, addr)] as Node;
    return node.vmas[slotFor(node.vmas, addr)];
  }

  /** vma_lookup(): the VMA that holds `addr`. */
  lookup(addr: VirtAddr): Vma | undefined {
    const vma = this.find(addr);
    return vma !== undefined && vma.vm_start <= addr ? vma : undefined;
  }

  /** The last VMA that starts before `addr`. */
  before(addr: VirtAddr): Vma | undefined {
    let node = this.root;
    let best: Node | undefined;
    for (;;) {
      if (node.leaf) {
        let found: Vma | undefined;
        for (const vma of node.vmas) {
          if (vma.vm_start >= addr) break;
          found = vma;
        }
        return found ?? (best === undefined ? undefined : lastOf(best));
      }
      const kids: readonly Node[] = node.kids;
      let i = kidFor(kids, addr - 1);
      if ((kids[i] as Node).start >= addr) i--;
      if (i < 0) return best === undefined ? undefined : lastOf(best);
      if (i > 0) best = kids[i - 1];
      node = kids[i] as Node;
    }
  }

  /** Adds a VMA that overlaps none. */
  insert(vma: Vma): void {
    const root = this.own(this.root);
    this.root = root;
    const split = this.insertInto(root, vma);
    if (split !== undefined) {
      const top: Inner = { owner: this.epoch.now, leaf: false, kids: [root, split], start: 0, end: 0, hole: 0 };
      summarizeInner(top);
      this.root = top;
    }
    this.count++;
  }

  /** Removes the VMA that holds `addr`. Throws when there is none. */
  remove(addr: VirtAddr): void {
    let root = this.own(this.root);
    this.removeFrom(root, addr);
    while (!root.leaf && root.kids.length === 1) root = this.own(root.kids[0] as Node);
    if (!root.leaf && root.kids.length === 0) {
      root = { owner: this.epoch.now, leaf: true, vmas: [], start: 0, end: 0, hole: 0 };
    }
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

  private searchDown(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    if (this.count === 0) return high - low >= length ? high : -1;
    const top = Math.max(low, this.root.end);
    if (high - top >= length) return high;
    const inside = highestIn(this.root, low, high, length);
    if (inside >= 0) return inside;
    const first = Math.min(high, this.root.start);
    return first - low >= length ? first : -1;
  }

  /** A VMA that ended at `end` went or shrank: there may be a hole below. */
  private forgetFull(end: VirtAddr): void {
    if (end > this.fullFrom) this.fullFrom = Math.min(end, this.fullTo);
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

  private own(node: Node): Node {
    if (node.owner === this.epoch.now) return node;
    return node.leaf
      ? { ...node, owner: this.epoch.now, vmas: node.vmas.slice() }
      : { ...node, owner: this.epoch.now, kids: node.kids.slice() };
  }

  private ownKid(node: Inner, index: number): Node {
    const kid = this.own(node.kids[index] as Node);
    node.kids[index] = kid;
    return kid;
  }

  private insertInto(node: Node, vma: Vma): Node | undefined {
    if (node.leaf) {
      node.vmas.splice(slotFor(node.vmas, vma.vm_start), 0, vma);
      if (node.vmas.length <= FANOUT) {
        summarizeLeaf(node);
        return undefined;
      }
      const right: Leaf = { owner: this.epoch.now, leaf: true, vmas: splitOff(node.vmas), start: 0, end: 0, hole: 0 };
      summarizeLeaf(node);
      summarizeLeaf(right);
      return right;
    }
    const index = kidFor(node.kids, vma.vm_start);
    const split = this.insertInto(this.ownKid(node, index), vma);
    if (split !== undefined) node.kids.splice(index + 1, 0, split);
    if (node.kids.length <= FANOUT) {
      summarizeInner(node);
      return undefined;
    }
    const right: Inner = { owner: this.epoch.now, leaf: false, kids: splitOff(node.kids), start: 0, end: 0, hole: 0 };
    summarizeInner(node);
    summarizeInner(right);
    return right;
  }

  private removeFrom(node: Node, addr: VirtAddr): void {
    if (node.leaf) {
      const index = slotFor(node.vmas, addr);
      const vma = node.vmas[index];
      if (vma === undefined || vma.vm_start > addr)
        throw new Error(`VmaTree.remove: nothing at 0x${addr.toString(16)}`);
      node.vmas.splice(index, 1);
      this.forgetFull(vma.vm_end);
    } else {
      const index = kidFor(node.kids, addr);
      const kid = this.ownKid(node, index);
      this.removeFrom(kid, addr);
      if ((kid.leaf ? kid.vmas : kid.kids).length === 0) node.kids.splice(index, 1);
    }
    summarize(node);
  }

  /** True when the bounds changed, and so what the nodes above know of them. */
  private replaceIn(node: Node, addr: VirtAddr, vma: Vma): boolean {
    if (node.leaf) {
      const index = slotFor(node.vmas, addr);
      const old = node.vmas[index];
      if (old === undefined || old.vm_start > addr)
        throw new Error(`VmaTree.replace: nothing at 0x${addr.toString(16)}`);
      node.vmas[index] = vma;
      if (vma.vm_start === old.vm_start && vma.vm_end === old.vm_end) return false;
      this.forgetFull(old.vm_end);
    } else if (!this.replaceIn(this.ownKid(node, kidFor(node.kids, addr)), addr, vma)) return false;
    summarize(node);
    return true;
  }
}

/** Moves the upper half out; at the right end little is moved, so that ascending insertion fills its nodes. */
function splitOff<T>(items: T[]): T[] {
  return items.splice(items.length >>> 1);
}

function lastOf(node: Node): Vma | undefined {
  let at = node;
  while (!at.leaf) at = at.kids[at.kids.length - 1] as Node;
  return at.vmas[at.vmas.length - 1];
}

function eachFrom(node: Node, from: VirtAddr, visit: (vma: Vma) => boolean | undefined): boolean {
  if (node.leaf) {
    for (let i = slotFor(node.vmas, from); i < node.vmas.length; i++) {
      if (visit(node.vmas[i] as Vma) === false) return false;
    }
    return true;
  }
  for (let i = kidFor(node.kids, from); i < node.kids.length; i++) {
    if (!eachFrom(node.kids[i] as Node, from, visit)) return false;
  }
  return true;
}

function highestIn(node: Node, low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
  if (node.hole < length || node.end <= low || node.start >= high) return -1;
  if (node.leaf) return highestInLeaf(node.vmas, low, high, length);
  const kids = node.kids;
  for (let i = kidFor(kids, high); i >= 0; i--) {
    const kid = kids[i] as Node;
    const found = highestIn(kid, low, high, length);
    if (found >= 0) return found;
    if (i === 0 || kid.start <= low) break;
    const top = Math.min(high, kid.start);
    if (top - Math.max(low, (kids[i - 1] as Node).end) >= length) return top;
  }
  return -1;
}

function highestInLeaf(vmas: readonly Vma[], low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
  for (let i = Math.min(slotFor(vmas, high), vmas.length - 1); i > 0; i--) {
    const start = (vmas[i] as Vma).vm_start;
    if (start <= low) break;
    const top = Math.min(high, start);
    if (top - Math.max(low, (vmas[i - 1] as Vma).vm_end) >= length) return top;
  }
  return -1;
}
