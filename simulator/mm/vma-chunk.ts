/**
 * A run of neighbouring VMAs, field by field in typed arrays: what a search compares lies together, and a VMA becomes
 * an object only when somebody asks for it. The run lies in the middle of its room, so that it grows at both ends.
 */

import type { VirtAddr } from '../machine/address.ts';
import { type AnonVmaChain, SPECIAL_NAMES, VM_OPS, type Vma } from './vma.ts';

/** VMAs that a chunk has room for; a power of two. */
export const CHUNK_VMAS = 128;
/** Where the other fields begin in {@link VmaChunk.words} and {@link VmaChunk.ints}. */
const ENDS = CHUNK_VMAS;
const PGOFFS = 2 * CHUNK_VMAS;
const FILES = CHUNK_VMAS;
const INODES = 2 * CHUNK_VMAS;
const KINDS = 3 * CHUNK_VMAS;

export class VmaChunk {
  /** Epoch in which it may be changed. */
  readonly owner: number;
  /** First slot in use, and the one behind the last. */
  first: number;
  end: number;
  /** vm_start, vm_end and vm_pgoff of each slot. */
  private readonly words: Float64Array;
  /** vm_flags, vm_file, inode, and vm_ops with the special name. */
  private readonly ints: Int32Array;
  private readonly anons: (AnonVmaChain | null)[];
  /** VMAs that were asked for, as objects. */
  private readonly made: (Vma | null)[];

  /** An empty chunk that begins at slot `first`, or the copy of another for a new owner. */
  constructor(owner: number, first: number, from?: VmaChunk) {
    this.owner = owner;
    this.first = from?.first ?? first;
    this.end = from?.end ?? first;
    this.words = from?.words.slice() ?? new Float64Array(3 * CHUNK_VMAS);
    this.ints = from?.ints.slice() ?? new Int32Array(4 * CHUNK_VMAS);
    this.anons = from?.anons.slice() ?? new Array<null>(CHUNK_VMAS).fill(null);
    this.made = from?.made.slice() ?? new Array<null>(CHUNK_VMAS).fill(null);
  }

  get size(): number {
    return this.end - this.first;
  }

  start(slot: number): VirtAddr {
    return this.words[slot] as number;
  }

  stop(slot: number): VirtAddr {
    return this.words[ENDS + slot] as number;
  }

  pgoff(slot: number): number {
    return this.words[PGOFFS + slot] as number;
  }

  flags(slot: number): number {
    return this.ints[slot] as number;
  }

  file(slot: number): number {
    return this.ints[FILES + slot] as number;
  }

  inode(slot: number): number {
    return this.ints[INODES + slot] as number;
  }

  anon(slot: number): AnonVmaChain | null {
    return this.anons[slot] as AnonVmaChain | null;
  }

  /** The VMA as an object: the same one until it changes. */
  vma(slot: number): Vma {
    const made = this.made[slot];
    if (made !== null && made !== undefined) return made;
    const kind = this.ints[KINDS + slot] as number;
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
      if ((words[ENDS + mid] as number) > addr) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  setFlags(slot: number, flags: number): void {
    this.ints[slot] = flags;
    if (this.made[slot] !== null) this.made[slot] = null;
  }

  /** Puts the fields of a VMA into a slot. */
  set(slot: number, vma: Vma): void {
    const { words, ints } = this;
    words[slot] = vma.vm_start;
    words[ENDS + slot] = vma.vm_end;
    words[PGOFFS + slot] = vma.vm_pgoff;
    ints[slot] = vma.vm_flags;
    ints[FILES + slot] = vma.vm_file;
    ints[INODES + slot] = vma.inode;
    ints[KINDS + slot] = kindOf(vma);
    if (this.anons[slot] !== vma.anon) this.anons[slot] = vma.anon;
    if (this.made[slot] !== null) this.made[slot] = null;
  }

  /** Puts private anonymous memory that nobody touched yet into a slot. */
  setPlain(slot: number, start: VirtAddr, end: VirtAddr, flags: number): void {
    const { words, ints } = this;
    words[slot] = start;
    words[ENDS + slot] = end;
    words[PGOFFS + slot] = start / 4096;
    ints[slot] = flags;
    ints[FILES + slot] = 0;
    ints[INODES + slot] = 0;
    ints[KINDS + slot] = 0;
    if (this.anons[slot] !== null) this.anons[slot] = null;
    if (this.made[slot] !== null) this.made[slot] = null;
  }

  /** Neither a file nor an anon_vma belongs to the VMA, and it is no special mapping. */
  isPlain(slot: number): boolean {
    return this.ints[KINDS + slot] === 0 && this.ints[FILES + slot] === 0 && this.anons[slot] === null;
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
      this.clear(this.first++);
      return slot + 1;
    }
    for (let i = slot + 1; i < this.end; i++) this.move(i, i - 1);
    this.clear(--this.end);
    return slot;
  }

  /** Moves the VMAs from `slot` on to a chunk of their own. */
  splitOff(slot: number): VmaChunk {
    const count = this.end - slot;
    const right = new VmaChunk(this.owner, (CHUNK_VMAS - count) >> 1);
    right.end = right.first + count;
    for (let i = 0; i < count; i++) this.moveTo(right, slot + i, right.first + i);
    while (this.end > slot) this.clear(--this.end);
    return right;
  }

  /** Largest hole between two of its VMAs, bytes. */
  largestHole(): number {
    let hole = 0;
    for (let i = this.first + 1; i < this.end; i++) hole = Math.max(hole, this.start(i) - this.stop(i - 1));
    return hole;
  }

  private clear(slot: number): void {
    if (this.anons[slot] !== null) this.anons[slot] = null;
    if (this.made[slot] !== null) this.made[slot] = null;
  }

  private move(from: number, to: number): void {
    this.moveTo(this, from, to);
  }

  private moveTo(other: VmaChunk, from: number, to: number): void {
    const { words, ints, anons, made } = other;
    words[to] = this.words[from] as number;
    words[ENDS + to] = this.words[ENDS + from] as number;
    words[PGOFFS + to] = this.words[PGOFFS + from] as number;
    ints[to] = this.ints[from] as number;
    ints[FILES + to] = this.ints[FILES + from] as number;
    ints[INODES + to] = this.ints[INODES + from] as number;
    ints[KINDS + to] = this.ints[KINDS + from] as number;
    // A look costs less than a store that the garbage collector must hear of.
    const anon = this.anons[from] as AnonVmaChain | null;
    if (anons[to] !== anon) anons[to] = anon;
    const vma = this.made[from] as Vma | null;
    if (made[to] !== vma) made[to] = vma;
  }
}

/** vm_ops and the special name in one number. */
function kindOf(vma: Vma): number {
  if (vma.vm_ops === 'none') return 0;
  const special = vma.special === null ? 0 : SPECIAL_NAMES.indexOf(vma.special);
  return VM_OPS.indexOf(vma.vm_ops) | (special << 4);
}
