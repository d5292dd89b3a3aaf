/**
 * A run of neighbouring VMAs. What there is to know of private anonymous memory lies together in typed arrays; a VMA
 * becomes an object only when somebody asks for it. The run lies in the middle of its room, so that it grows at both ends.
 */

import type { VirtAddr } from '../machine/address.ts';
import { type AnonVmaChain, type Vma, vmaWithAnon, vmaWithFlags } from './vma.ts';

/** VMAs that a chunk has room for; a power of two. */
export const CHUNK_VMAS = 128;

/** Numbers that a slot has: vm_start, vm_end, and vm_flags as an unsigned number. */
const STRIDE = 3;
/** Added to vm_flags where the VMA is not anonymous, and kept as an object. */
const OTHER_KIND = 2 ** 32;

/** More slots than this are moved faster by a call of the library. */
const MANY = 8;

export class VmaChunk {
  /** Epoch in which it may be changed. */
  readonly owner: number;
  /** First slot in use, and the one behind the last. */
  first: number;
  end: number;
  private readonly cells: Float64Array;
  /** By how much vm_pgoff of anonymous VMAs differs from the page of vm_start, pages. Null while nowhere. */
  private shifts: Float64Array | null;
  /** Chains of anonymous VMAs. Null while none has one. */
  private chains: (AnonVmaChain | null)[] | null;
  /** The VMAs as objects: those that are not anonymous, and those that were asked for. Null while there is none. */
  private made: (Vma | null)[] | null;

  /** An empty chunk that begins at slot `first`, or the copy of another for a new owner. */
  constructor(owner: number, first: number, from?: VmaChunk) {
    this.owner = owner;
    this.first = from?.first ?? first;
    this.end = from?.end ?? first;
    this.cells = from?.cells.slice() ?? new Float64Array(STRIDE * CHUNK_VMAS);
    this.shifts = from?.shifts?.slice() ?? null;
    this.chains = from?.chains?.slice() ?? null;
    this.made = from?.made?.slice() ?? null;
  }

  get size(): number {
    return this.end - this.first;
  }

  start(slot: number): VirtAddr {
    return this.cells[STRIDE * slot] as number;
  }

  stop(slot: number): VirtAddr {
    return this.cells[STRIDE * slot + 1] as number;
  }

  flags(slot: number): number {
    return (this.cells[STRIDE * slot + 2] as number) | 0;
  }

  /** Private anonymous memory: no file and no operations belong to the VMA. */
  isAnonymous(slot: number): boolean {
    return (this.cells[STRIDE * slot + 2] as number) < OTHER_KIND;
  }

  file(slot: number): number {
    return this.isAnonymous(slot) ? 0 : (this.made?.[slot]?.vm_file ?? 0);
  }

  anon(slot: number): AnonVmaChain | null {
    if (!this.isAnonymous(slot)) return this.made?.[slot]?.anon ?? null;
    return this.chains === null ? null : (this.chains[slot] as AnonVmaChain | null);
  }

  /** vm_pgoff of an anonymous VMA less the page of its vm_start: the same for all its pages. */
  shiftOf(slot: number): number {
    return this.shifts === null ? 0 : (this.shifts[slot] as number);
  }

  /** The VMA as an object: the same one until it changes. */
  vma(slot: number): Vma {
    return this.made?.[slot] ?? this.make(slot);
  }

  private make(slot: number): Vma {
    const vma: Vma = {
      vm_start: this.start(slot),
      vm_end: this.stop(slot),
      vm_flags: this.flags(slot),
      vm_pgoff: this.start(slot) / 4096 + this.shiftOf(slot),
      vm_file: 0,
      inode: 0,
      anon: this.anon(slot),
      vm_ops: 'none',
      special: null,
    };
    this.keep(slot, vma);
    return vma;
  }

  /** First slot whose VMA ends behind `addr`; `end` when there is none. */
  slotFor(addr: VirtAddr): number {
    const { cells } = this;
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((cells[STRIDE * mid + 1] as number) > addr) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  setFlags(slot: number, flags: number): void {
    const anonymous = this.isAnonymous(slot);
    this.cells[STRIDE * slot + 2] = (flags >>> 0) + (anonymous ? 0 : OTHER_KIND);
    if (this.made === null) return;
    const vma = this.made[slot] ?? null;
    this.made[slot] = vma === null || anonymous ? null : vmaWithFlags(vma, flags);
  }

  set(slot: number, vma: Vma): void {
    const anonymous = isAnonymousVma(vma);
    this.fill(slot, vma.vm_start, vma.vm_end, vma.vm_flags, anonymous ? 0 : OTHER_KIND);
    this.putShift(slot, anonymous ? vma.vm_pgoff - vma.vm_start / 4096 : 0);
    this.putChain(slot, anonymous ? vma.anon : null);
    if (!anonymous) this.keep(slot, vma);
  }

  /** Puts anonymous memory without an anon_vma into a slot that was opened. */
  setPlain(slot: number, start: VirtAddr, end: VirtAddr, flags: number): void {
    this.fill(slot, start, end, flags, 0);
    if (this.shifts !== null) this.shifts[slot] = 0;
    if (this.chains !== null) this.chains[slot] = null;
  }

  /** Gives a VMA its anon_vmas. */
  setChain(slot: number, chain: AnonVmaChain): void {
    if (!this.isAnonymous(slot)) {
      this.keep(slot, vmaWithAnon(this.vma(slot), chain));
      return;
    }
    this.putChain(slot, chain);
    if (this.made !== null) this.made[slot] = null;
  }

  /** Other bounds for anonymous memory, vm_pgoff following the start. */
  setBounds(slot: number, start: VirtAddr, end: VirtAddr): void {
    const { cells } = this;
    cells[STRIDE * slot] = start;
    cells[STRIDE * slot + 1] = end;
    if (this.made !== null) this.made[slot] = null;
  }

  /** Fills a slot that was opened with what lies behind `addr` in the anonymous VMA at `from`, which ends there then. */
  splitInto(slot: number, from: number, addr: VirtAddr): void {
    const { cells } = this;
    const at = STRIDE * from;
    const to = STRIDE * slot;
    cells[to] = addr;
    cells[to + 1] = cells[at + 1] as number;
    cells[to + 2] = cells[at + 2] as number;
    cells[at + 1] = addr;
    if (this.shifts !== null) this.shifts[slot] = this.shifts[from] as number;
    if (this.chains !== null) this.chains[slot] = this.chains[from] as AnonVmaChain | null;
    if (this.made === null) return;
    this.made[slot] = null;
    this.made[from] = null;
  }

  private fill(slot: number, start: VirtAddr, end: VirtAddr, flags: number, kind: number): void {
    const { cells } = this;
    const at = STRIDE * slot;
    cells[at] = start;
    cells[at + 1] = end;
    cells[at + 2] = (flags >>> 0) + kind;
    if (this.made !== null) this.made[slot] = null;
  }

  private putShift(slot: number, pages: number): void {
    if (this.shifts === null) {
      if (pages === 0) return;
      this.shifts = new Float64Array(CHUNK_VMAS);
    }
    this.shifts[slot] = pages;
  }

  private putChain(slot: number, chain: AnonVmaChain | null): void {
    if (this.chains === null) {
      if (chain === null) return;
      this.chains = new Array<null>(CHUNK_VMAS).fill(null);
    }
    this.chains[slot] = chain;
  }

  /** Whether {@link open} can make room for `count` VMAs. If not, the chunk is all but full. */
  hasRoom(count: number): boolean {
    return this.first >= count || this.end + count <= CHUNK_VMAS;
  }

  /** Makes room for `count` VMAs before the one at `slot` (or at the end); returns the first slot to fill. There must be room. */
  open(slot: number, count: number): number {
    const { first, end } = this;
    if (first >= count && (slot - first < end - slot || end + count > CHUNK_VMAS)) {
      this.shift(first, slot, -count);
      this.first -= count;
      return slot - count;
    }
    this.shift(slot, end, count);
    this.end += count;
    return slot;
  }

  /** Closes `count` slots. Returns the slot that the VMA behind them has now. */
  close(slot: number, count: number): number {
    const { first, end } = this;
    if (slot - first < end - count - slot) {
      this.shift(first, slot, count);
      for (let i = 0; i < count; i++) this.forget(this.first++);
      return slot + count;
    }
    this.shift(slot + count, end, -count);
    for (let i = 0; i < count; i++) this.forget(--this.end);
    return slot;
  }

  /** Moves the VMAs from `slot` on to a chunk of their own. */
  splitOff(slot: number): VmaChunk {
    const count = this.end - slot;
    const right = new VmaChunk(this.owner, (CHUNK_VMAS - count) >> 1);
    right.end = right.first + count;
    right.cells.set(this.cells.subarray(STRIDE * slot, STRIDE * this.end), STRIDE * right.first);
    for (let i = 0; i < count; i++) {
      const from = slot + i;
      right.putShift(right.first + i, this.shiftOf(from));
      right.putChain(right.first + i, this.chains?.[from] ?? null);
      const vma = this.made?.[from] ?? null;
      if (vma !== null) right.keep(right.first + i, vma);
    }
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

  /** Lets go of the objects of a slot that is no longer in use. */
  private forget(slot: number): void {
    if (this.made !== null) this.made[slot] = null;
    if (this.chains !== null) this.chains[slot] = null;
  }

  /** Moves the slots [from, end) by some, up (> 0) or down (< 0). */
  private shift(from: number, end: number, by: number): void {
    const { cells } = this;
    const first = STRIDE * from;
    const last = STRIDE * end;
    const far = STRIDE * by;
    if (end - from > MANY) cells.copyWithin(first + far, first, last);
    else if (by < 0) for (let i = first; i < last; i++) cells[i + far] = cells[i] as number;
    else for (let i = last - 1; i >= first; i--) cells[i + far] = cells[i] as number;
    this.shifts?.copyWithin(from + by, from, end);
    if (this.made !== null) shiftObjects(this.made, from, end, by);
    if (this.chains !== null) shiftObjects(this.chains, from, end, by);
  }
}

function shiftObjects<T>(objects: T[], from: number, end: number, by: number): void {
  if (by < 0) for (let i = from; i < end; i++) objects[i + by] = objects[i] as T;
  else for (let i = end - 1; i >= from; i--) objects[i + by] = objects[i] as T;
}

function isAnonymousVma(vma: Vma): boolean {
  return vma.vm_ops === 'none' && vma.vm_file === 0 && vma.inode === 0 && vma.special === null;
}
