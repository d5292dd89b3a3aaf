/**
 * A run of neighbouring VMAs, field by field in typed arrays: what a search compares lies together, and a VMA becomes
 * an object only when somebody asks for it. The run lies in the middle of its room, so that it grows at both ends.
 */

import type { VirtAddr } from '../machine/address.ts';
import { type AnonVmaChain, SPECIAL_NAMES, VM_OPS, type Vma } from './vma.ts';

/** VMAs that a chunk has room for; a power of two. */
export const CHUNK_VMAS = 128;
/** The fields of a slot in {@link VmaChunk.words}, side by side: vm_start, vm_end, vm_pgoff. */
const WORDS = 3;
const END = 1;
const PGOFF = 2;
/** Those in {@link VmaChunk.ints}: vm_flags, vm_file, inode, and vm_ops with the special name and {@link HAS_ANON}. */
const INTS = 4;
const FILE = 1;
const INODE = 2;
const KIND = 3;
/** Bit of the kind: the VMA has an anon_vma. */
const HAS_ANON = 0x8000;

export class VmaChunk {
  /** Epoch in which it may be changed. */
  readonly owner: number;
  /** First slot in use, and the one behind the last. */
  first: number;
  end: number;
  private readonly words: Float64Array;
  private readonly ints: Int32Array;
  /** Null until a VMA of the chunk has one: most runs of many VMAs never do. */
  private anons: (AnonVmaChain | null)[] | null;
  /** VMAs that were asked for, as objects; null until one was. */
  private made: (Vma | null)[] | null;

  /** An empty chunk that begins at slot `first`, or the copy of another for a new owner. */
  constructor(owner: number, first: number, from?: VmaChunk) {
    this.owner = owner;
    this.first = from?.first ?? first;
    this.end = from?.end ?? first;
    this.words = from?.words.slice() ?? new Float64Array(WORDS * CHUNK_VMAS);
    this.ints = from?.ints.slice() ?? new Int32Array(INTS * CHUNK_VMAS);
    this.anons = from?.anons?.slice() ?? null;
    this.made = from?.made?.slice() ?? null;
  }

  get size(): number {
    return this.end - this.first;
  }

  start(slot: number): VirtAddr {
    return this.words[WORDS * slot] as number;
  }

  stop(slot: number): VirtAddr {
    return this.words[WORDS * slot + END] as number;
  }

  pgoff(slot: number): number {
    return this.words[WORDS * slot + PGOFF] as number;
  }

  flags(slot: number): number {
    return this.ints[INTS * slot] as number;
  }

  file(slot: number): number {
    return this.ints[INTS * slot + FILE] as number;
  }

  inode(slot: number): number {
    return this.ints[INTS * slot + INODE] as number;
  }

  anon(slot: number): AnonVmaChain | null {
    return this.anons === null ? null : (this.anons[slot] as AnonVmaChain | null);
  }

  /** The VMA as an object: the same one until it changes. */
  vma(slot: number): Vma {
    this.made ??= emptySlots();
    const made = this.made[slot];
    if (made !== null && made !== undefined) return made;
    const kind = (this.ints[INTS * slot + KIND] as number) & ~HAS_ANON;
    const vma: Vma = {
      vm_start: this.start(slot),
      vm_end: this.stop(slot),
      vm_flags: this.flags(slot),
      vm_pgoff: this.pgoff(slot),
      vm_file: this.file(slot),
      inode: this.inode(slot),
      anon: this.anon(slot),
      vm_ops: VM_OPS[kind & 15] as Vma['vm_ops'],
      special: SPECIAL_NAMES[kind >> 4] ?? null,
    };
    this.made[slot] = vma;
    return vma;
  }

  /** First slot whose VMA ends behind `addr`; `end` when there is none. */
  slotFor(addr: VirtAddr): number {
    const words = this.words;
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((words[WORDS * mid + END] as number) > addr) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  setFlags(slot: number, flags: number): void {
    this.ints[INTS * slot] = flags;
    if (this.made !== null) this.made[slot] = null;
  }

  /** Puts the fields of a VMA into a slot. */
  set(slot: number, vma: Vma): void {
    const { words, ints } = this;
    const word = WORDS * slot;
    words[word] = vma.vm_start;
    words[word + END] = vma.vm_end;
    words[word + PGOFF] = vma.vm_pgoff;
    const int = INTS * slot;
    ints[int] = vma.vm_flags;
    ints[int + FILE] = vma.vm_file;
    ints[int + INODE] = vma.inode;
    ints[int + KIND] = kindOf(vma);
    this.forget(slot);
    if (vma.anon === null) return;
    this.anons ??= emptySlots();
    this.anons[slot] = vma.anon;
  }

  /** Puts private anonymous memory that nobody touched yet into a slot. */
  setPlain(slot: number, start: VirtAddr, end: VirtAddr, flags: number): void {
    const { words, ints } = this;
    const word = WORDS * slot;
    words[word] = start;
    words[word + END] = end;
    words[word + PGOFF] = start / 4096;
    const int = INTS * slot;
    ints[int] = flags;
    ints[int + FILE] = 0;
    ints[int + INODE] = 0;
    ints[int + KIND] = 0;
    this.forget(slot);
  }

  /** Neither a file nor an anon_vma belongs to the VMA, and it is no special mapping. */
  isPlain(slot: number): boolean {
    return this.ints[INTS * slot + KIND] === 0 && this.ints[INTS * slot + FILE] === 0;
  }

  /** Makes room before the VMA at `slot` (or at the end) and returns the slot to fill; there must be room. */
  open(slot: number): number {
    const down = this.first > 0 && (slot - this.first < this.end - slot || this.end === CHUNK_VMAS);
    if (down) {
      for (let i = this.first; i < slot; i++) this.move(i, i - 1);
      this.first--;
      return slot - 1;
    }
    for (let i = this.end - 1; i >= slot; i--) this.move(i, i + 1);
    this.end++;
    return slot;
  }

  /** Closes a slot. Returns the slot that the VMA behind it has now. */
  close(slot: number): number {
    if (slot - this.first < this.end - 1 - slot) {
      for (let i = slot; i > this.first; i--) this.move(i - 1, i);
      this.forget(this.first++);
      return slot + 1;
    }
    for (let i = slot + 1; i < this.end; i++) this.move(i, i - 1);
    this.forget(--this.end);
    return slot;
  }

  /** Moves the VMAs from `slot` on to a chunk of their own. */
  splitOff(slot: number): VmaChunk {
    const count = this.end - slot;
    const right = new VmaChunk(this.owner, (CHUNK_VMAS - count) >> 1);
    right.end = right.first + count;
    for (let i = 0; i < count; i++) this.moveTo(right, slot + i, right.first + i);
    while (this.end > slot) this.forget(--this.end);
    return right;
  }

  /** Largest hole between two of its VMAs, bytes. */
  largestHole(): number {
    let hole = 0;
    for (let i = this.first + 1; i < this.end; i++) hole = Math.max(hole, this.start(i) - this.stop(i - 1));
    return hole;
  }

  /** Drops the objects of a slot. */
  private forget(slot: number): void {
    if (this.anons !== null) this.anons[slot] = null;
    if (this.made !== null) this.made[slot] = null;
  }

  private move(from: number, to: number): void {
    this.moveTo(this, from, to);
  }

  private moveTo(other: VmaChunk, from: number, to: number): void {
    const { words, ints } = other;
    for (let i = 0; i < WORDS; i++) words[WORDS * to + i] = this.words[WORDS * from + i] as number;
    for (let i = 0; i < INTS; i++) ints[INTS * to + i] = this.ints[INTS * from + i] as number;
    if (this.anons !== null) {
      other.anons ??= emptySlots();
      other.anons[to] = this.anons[from] as AnonVmaChain | null;
    } else if (other.anons !== null) other.anons[to] = null;
    if (this.made !== null) {
      other.made ??= emptySlots();
      other.made[to] = this.made[from] as Vma | null;
    } else if (other.made !== null) other.made[to] = null;
  }
}

function emptySlots(): null[] {
  return new Array<null>(CHUNK_VMAS).fill(null);
}

/** vm_ops, the special name and whether there is an anon_vma in one number. */
function kindOf(vma: Vma): number {
  const anon = vma.anon === null ? 0 : HAS_ANON;
  if (vma.vm_ops === 'none') return anon;
  const special = vma.special === null ? 0 : SPECIAL_NAMES.indexOf(vma.special);
  return VM_OPS.indexOf(vma.vm_ops) | (special << 4) | anon;
}
