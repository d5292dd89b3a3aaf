/**
 * A run of neighbouring VMAs. What a search compares lies together in typed arrays; a VMA of plain anonymous memory
 * becomes an object only when somebody asks for it. The run lies in the middle of its room, so that it grows at both ends.
 */

import type { VirtAddr } from '../machine/address.ts';
import { type AnonVmaChain, type Vma, vmaWithFlags } from './vma.ts';

/** VMAs that a chunk has room for; a power of two. */
export const CHUNK_VMAS = 128;

/** More slots than this are moved faster by a call of the library. */
const MANY = 24;

export class VmaChunk {
  /** Epoch in which it may be changed. */
  readonly owner: number;
  /** First slot in use, and the one behind the last. */
  first: number;
  end: number;
  /** vm_start and vm_end of each slot. */
  private readonly bounds: Float64Array;
  /** vm_flags of each slot, then 1 if its VMA is plain (see {@link isPlain}). */
  private readonly ints: Int32Array;
  /** The VMAs as objects: those that are not plain, and those that were asked for. Null while there is none. */
  private made: (Vma | null)[] | null;

  /** An empty chunk that begins at slot `first`, or the copy of another for a new owner. */
  constructor(owner: number, first: number, from?: VmaChunk) {
    this.owner = owner;
    this.first = from?.first ?? first;
    this.end = from?.end ?? first;
    this.bounds = from?.bounds.slice() ?? new Float64Array(2 * CHUNK_VMAS);
    this.ints = from?.ints.slice() ?? new Int32Array(2 * CHUNK_VMAS);
    this.made = from?.made?.slice() ?? null;
  }

  get size(): number {
    return this.end - this.first;
  }

  start(slot: number): VirtAddr {
    return this.bounds[2 * slot] as number;
  }

  stop(slot: number): VirtAddr {
    return this.bounds[2 * slot + 1] as number;
  }

  flags(slot: number): number {
    return this.ints[2 * slot] as number;
  }

  /** No file, no anon_vma and no operations belong to the VMA, and its vm_pgoff is that of its address. */
  isPlain(slot: number): boolean {
    return this.ints[2 * slot + 1] === 1;
  }

  file(slot: number): number {
    return this.made?.[slot]?.vm_file ?? 0;
  }

  anon(slot: number): AnonVmaChain | null {
    return this.made?.[slot]?.anon ?? null;
  }

  /** The VMA as an object: the same one until it changes. */
  vma(slot: number): Vma {
    return this.made?.[slot] ?? this.make(slot);
  }

  private make(slot: number): Vma {
    const vm_start = this.start(slot);
    const vma: Vma = {
      vm_start,
      vm_end: this.stop(slot),
      vm_flags: this.flags(slot),
      vm_pgoff: vm_start / 4096,
      vm_file: 0,
      inode: 0,
      anon: null,
      vm_ops: 'none',
      special: null,
    };
    this.keep(slot, vma);
    return vma;
  }

  /** First slot whose VMA ends behind `addr`; `end` when there is none. */
  slotFor(addr: VirtAddr): number {
    const { bounds } = this;
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((bounds[2 * mid + 1] as number) > addr) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  setFlags(slot: number, flags: number): void {
    this.ints[2 * slot] = flags;
    if (this.made === null) return;
    const vma = this.made[slot] ?? null;
    this.made[slot] = vma === null || this.isPlain(slot) ? null : vmaWithFlags(vma, flags);
  }

  set(slot: number, vma: Vma): void {
    this.setPlain(slot, vma.vm_start, vma.vm_end, vma.vm_flags);
    if (isPlainVma(vma)) return;
    this.ints[2 * slot + 1] = 0;
    this.keep(slot, vma);
  }

  /** Puts private anonymous memory that nobody touched yet into a slot. */
  setPlain(slot: number, start: VirtAddr, end: VirtAddr, flags: number): void {
    const { bounds, ints } = this;
    bounds[2 * slot] = start;
    bounds[2 * slot + 1] = end;
    ints[2 * slot] = flags;
    ints[2 * slot + 1] = 1;
    this.forget(slot);
  }

  /** Makes room before the VMA at `slot` (or at the end) and returns the slot to fill; there must be room. */
  open(slot: number): number {
    const { first, end } = this;
    if (first > 0 && (slot - first < end - slot || end === CHUNK_VMAS)) {
      this.shift(first, slot, -1);
      this.first--;
      return slot - 1;
    }
    this.shift(slot, end, 1);
    this.end++;
    return slot;
  }

  /** Closes a slot. Returns the slot that the VMA behind it has now. */
  close(slot: number): number {
    const { first, end } = this;
    if (slot - first < end - 1 - slot) {
      this.shift(first, slot, 1);
      this.forget(this.first++);
      return slot + 1;
    }
    this.shift(slot + 1, end, -1);
    this.forget(--this.end);
    return slot;
  }

  /** Moves the VMAs from `slot` on to a chunk of their own. */
  splitOff(slot: number): VmaChunk {
    const count = this.end - slot;
    const right = new VmaChunk(this.owner, (CHUNK_VMAS - count) >> 1);
    right.end = right.first + count;
    right.bounds.set(this.bounds.subarray(2 * slot, 2 * this.end), 2 * right.first);
    right.ints.set(this.ints.subarray(2 * slot, 2 * this.end), 2 * right.first);
    this.made?.slice(slot, this.end).forEach((vma, i) => {
      if (vma !== null) right.keep(right.first + i, vma);
    });
    while (this.end > slot) this.forget(--this.end);
    return right;
  }

  /** Largest hole between two of its VMAs, bytes. */
  largestHole(): number {
    let hole = 0;
    for (let i = this.first + 1; i < this.end; i++) hole = Math.max(hole, this.start(i) - this.stop(i - 1));
    return hole;
  }

  private keep(slot: number, vma: Vma): void {
    this.made ??= new Array<null>(CHUNK_VMAS).fill(null);
    this.made[slot] = vma;
  }

  private forget(slot: number): void {
    if (this.made !== null) this.made[slot] = null;
  }

  /** Moves the slots [from, end) by one, up (1) or down (-1). */
  private shift(from: number, end: number, by: 1 | -1): void {
    if (end - from > MANY) {
      this.bounds.copyWithin(2 * (from + by), 2 * from, 2 * end);
      this.ints.copyWithin(2 * (from + by), 2 * from, 2 * end);
      if (this.made !== null) shiftObjects(this.made, from, end, by);
    } else if (by < 0) for (let i = from; i < end; i++) this.moveOne(i, i - 1);
    else for (let i = end - 1; i >= from; i--) this.moveOne(i, i + 1);
  }

  private moveOne(from: number, to: number): void {
    const { bounds, ints, made } = this;
    bounds[2 * to] = bounds[2 * from] as number;
    bounds[2 * to + 1] = bounds[2 * from + 1] as number;
    ints[2 * to] = ints[2 * from] as number;
    ints[2 * to + 1] = ints[2 * from + 1] as number;
    if (made !== null) made[to] = made[from] as Vma | null;
  }
}

function shiftObjects(made: (Vma | null)[], from: number, end: number, by: 1 | -1): void {
  if (by < 0) for (let i = from; i < end; i++) made[i - 1] = made[i] as Vma | null;
  else for (let i = end; i > from; i--) made[i] = made[i - 1] as Vma | null;
}

function isPlainVma(vma: Vma): boolean {
  return (
    vma.vm_ops === 'none' &&
    vma.vm_file === 0 &&
    vma.inode === 0 &&
    vma.anon === null &&
    vma.special === null &&
    vma.vm_pgoff === vma.vm_start / 4096
  );
}
