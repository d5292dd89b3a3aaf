/**
 * The VMAs of an address space in address order: chunks of neighbours under one directory, which snapshots share (an
 * owner epoch a chunk). Places are numbers: a walk over VMAs makes no object.
 */

import { MMAP_MIN_ADDR, nextPmd, type VirtAddr } from '../machine/address.ts';
import type { Epoch } from '../state/cow.ts';
import { type AnonVmaChain, VM_GROWSDOWN, VM_IGNORE_MERGE, type Vma } from './vma.ts';
import { CHUNK_VMAS, VmaChunk } from './vma-chunk.ts';
import { VmaDirectory } from './vma-directory.ts';

/**
 * A VMA's place: good until a VMA comes, goes or moves. Places of higher addresses are greater. {@link NOWHERE} is
 * before the first and behind the last.
 */
export type VmaPlace = number;
export const NOWHERE: VmaPlace = -1;

/** From this many VMAs on a tree keeps hints; how many (512 KiB would not stay in a CPU's cache). */
const HINTED = 1024;
const HINTS = 1 << 15;

const SHIFT = 31 - Math.clz32(CHUNK_VMAS);
const SLOT = CHUNK_VMAS - 1;

/** Whether the flags of two VMAs let them merge, if nothing else forbids it. */
function isLike(a: number, b: number): boolean {
  return ((a ^ b) & ~VM_IGNORE_MERGE) === 0;
}

export class VmaTree {
  private readonly epoch: Epoch;
  private dir: VmaDirectory;
  private dirOwner: number;
  private count = 0;
  /** No hole lies in [fullFrom, fullTo): what the last search for a page found out. To be read only. */
  fullFrom = 0;
  fullTo = 0;
  /** What the last search found: the steps of one system call ask for the same place again and again. */
  private finger: VmaPlace = 0;
  /** Places by page number, once there are many VMAs. They may be of another time: whoever takes one looks whether it holds. */
  private hints: Int32Array | null = null;

  constructor(epoch: Epoch, from?: VmaTree) {
    this.epoch = epoch;
    if (from === undefined) {
      this.dir = new VmaDirectory();
      this.dirOwner = epoch.now;
    } else {
      this.dir = from.dir;
      this.dirOwner = -1;
      this.count = from.count;
      this.fullFrom = from.fullFrom;
      this.fullTo = from.fullTo;
      this.hints = from.hints;
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

  /** Place of the first VMA that ends behind `addr`. */
  seek(addr: VirtAddr): VmaPlace {
    const hint = this.hint(addr);
    if (this.isFirstBehind(hint, addr)) {
      this.finger = hint;
      return hint;
    }
    if (this.isNear(addr)) return this.finger;
    const found = this.search(addr);
    if (found === NOWHERE) return found;
    this.finger = found;
    this.setHint(addr, found);
    return found;
  }

  /** Place of the VMA before `place`; of the last one when that is NOWHERE. */
  previous(place: VmaPlace): VmaPlace {
    let index = place === NOWHERE ? this.dir.chunks.length : place >> SHIFT;
    const chunk = this.dir.chunks[index];
    if (chunk !== undefined && (place & SLOT) > chunk.first) return place - 1;
    const below = this.dir.chunks[--index];
    return below === undefined ? NOWHERE : (index << SHIFT) | (below.end - 1);
  }

  /** Place of the VMA behind `place`. */
  next(place: VmaPlace): VmaPlace {
    const index = place >> SHIFT;
    const slot = (place & SLOT) + 1;
    if (slot < (this.dir.chunks[index] as VmaChunk).end) return place + 1;
    const above = this.dir.chunks[index + 1];
    return above === undefined ? NOWHERE : ((index + 1) << SHIFT) | above.first;
  }

  vm_start(place: VmaPlace): VirtAddr {
    return this.at(place).start(place & SLOT);
  }

  vm_end(place: VmaPlace): VirtAddr {
    return this.at(place).stop(place & SLOT);
  }

  vm_flags(place: VmaPlace): number {
    return this.at(place).flags(place & SLOT);
  }

  vm_file(place: VmaPlace): number {
    return this.at(place).file(place & SLOT);
  }

  /** Private anonymous memory without an anon_vma: nothing beside the tree knows of it. */
  isPlain(place: VmaPlace): boolean {
    return this.at(place).isPlain(place & SLOT);
  }

  anon(place: VmaPlace): AnonVmaChain | null {
    return this.at(place).anon(place & SLOT);
  }

  vma(place: VmaPlace): Vma {
    return this.at(place).vma(place & SLOT);
  }

  /** find_vma(): the first VMA that ends behind `addr`. */
  find(addr: VirtAddr): Vma | undefined {
    const place = this.seek(addr);
    return place === NOWHERE ? undefined : this.vma(place);
  }

  /** vma_lookup(): the VMA that holds `addr`. */
  lookup(addr: VirtAddr): Vma | undefined {
    const place = this.seek(addr);
    return place !== NOWHERE && this.vm_start(place) <= addr ? this.vma(place) : undefined;
  }

  /** The last VMA that starts before `addr`. */
  before(addr: VirtAddr): Vma | undefined {
    let place = this.seek(addr);
    if (place === NOWHERE || this.vm_start(place) >= addr) place = this.previous(place);
    return place === NOWHERE ? undefined : this.vma(place);
  }

  /** Adds a VMA that overlaps none. */
  insert(vma: Vma): void {
    const index = this.openFor(vma.vm_start, this.seek(vma.vm_start));
    const chunk = this.dir.chunks[index] as VmaChunk;
    chunk.set(this.finger & SLOT, vma);
    this.dir.bound(index, chunk, this.finger & SLOT);
    if (vma.vm_end === this.fullFrom) this.fullFrom = vma.vm_start;
  }

  /**
   * Place of the VMA that is [start, start + length), the length rounded up to pages, when it is private anonymous
   * memory without an anon_vma under one PTE table; NOWHERE when there is none.
   */
  wholePlain(start: VirtAddr, length: number): VmaPlace {
    let place = this.hint(start);
    if (!this.startsAt(place, start)) {
      place = this.seek(start);
      if (!this.startsAt(place, start)) return NOWHERE;
    }
    const chunk = this.dir.chunks[place >> SHIFT] as VmaChunk;
    const slot = place & SLOT;
    const end = chunk.stop(slot);
    const over = end - start - length;
    return over >= 0 && over < 4096 && end <= nextPmd(start) && chunk.isPlain(slot) ? place : NOWHERE;
  }

  /**
   * Place of the VMA above the hole that ends at {@link fullFrom}, when `pages` with `flags` fit there and would be like
   * no VMA that they touch; NOWHERE when it takes a search to know.
   */
  placeInTopHole(pages: number, flags: number): VmaPlace {
    const end = this.fullFrom;
    const place = this.isFirstBehind(this.finger, end) ? this.finger : this.seek(end);
    if (place === NOWHERE) return NOWHERE;
    const index = place >> SHIFT;
    const slot = place & SLOT;
    const chunk = this.dir.chunks[index] as VmaChunk;
    // The guard gap of a stack, and what starts below the hole's end, are for the search.
    if ((chunk.flags(slot) & VM_GROWSDOWN) !== 0 || chunk.start(slot) < end) return NOWHERE;
    const start = end - pages * 4096;
    const below = slot > chunk.first ? chunk.stop(slot - 1) : index > 0 ? (this.dir.lasts[index - 1] as number) : 0;
    if (start < below || start < MMAP_MIN_ADDR) return NOWHERE;
    if (chunk.start(slot) === end && isLike(chunk.flags(slot), flags)) return NOWHERE;
    if (start > below) return place;
    const previous = this.previous(place);
    return previous !== NOWHERE && isLike(this.vm_flags(previous), flags) ? NOWHERE : place;
  }

  /** Adds private anonymous memory that nobody touched yet in the hole below `above`, which {@link placeInTopHole} found. */
  fillTopHole(above: VmaPlace, pages: number, flags: number): void {
    const end = this.fullFrom;
    const start = end - pages * 4096;
    this.ownDirectory();
    let index = above >> SHIFT;
    let chunk = this.ownChunk(index);
    if (chunk.size === CHUNK_VMAS) {
      index = this.openFor(start, above);
      chunk = this.dir.chunks[index] as VmaChunk;
    } else this.openSlot(index, chunk, above & SLOT, start);
    const slot = this.finger & SLOT;
    chunk.setPlain(slot, start, end, flags);
    this.dir.bound(index, chunk, slot);
    this.fullFrom = start;
  }

  /** Gives the VMA at `place` other flags, unless a neighbour has the like (which may also lie apart from it). */
  setFlagsApart(place: VmaPlace, flags: number): boolean {
    const index = place >> SHIFT;
    const slot = place & SLOT;
    let chunk = this.dir.chunks[index] as VmaChunk;
    if (slot > chunk.first) {
      if (isLike(chunk.flags(slot - 1), flags)) return false;
    } else if (index > 0 && isLike(this.vm_flags(this.previous(place)), flags)) return false;
    if (slot + 1 < chunk.end) {
      if (isLike(chunk.flags(slot + 1), flags)) return false;
    } else if (index + 1 < this.dir.chunks.length && isLike(this.vm_flags(this.next(place)), flags)) return false;
    if (chunk.owner !== this.epoch.now) {
      this.ownDirectory();
      chunk = this.ownChunk(index);
    }
    chunk.setFlags(slot, flags);
    return true;
  }

  /** Opens a slot for a VMA that starts at `start`, where the finger points then; the caller fills it. Returns its chunk. */
  private openFor(start: VirtAddr, next: VmaPlace): number {
    const dir = this.ownDirectory();
    let index = next === NOWHERE ? dir.chunks.length - 1 : next >> SHIFT;
    if (index < 0) dir.addChunk(++index, new VmaChunk(this.epoch.now, CHUNK_VMAS >> 1));
    let chunk = this.ownChunk(index);
    let slot = next === NOWHERE ? chunk.end : next & SLOT;
    if (chunk.size === CHUNK_VMAS) {
      // Growth at an end leaves a full chunk behind; elsewhere both halves get room.
      if (slot === chunk.first) chunk = dir.addChunk(index, new VmaChunk(this.epoch.now, CHUNK_VMAS));
      else if (slot === chunk.end) chunk = dir.addChunk(++index, new VmaChunk(this.epoch.now, 0));
      else {
        const right = chunk.splitOff(chunk.first + (CHUNK_VMAS >> 1));
        dir.addChunk(index + 1, right);
        dir.summarize(index);
        dir.summarize(index + 1);
        if (start >= right.start(right.first)) chunk = this.ownChunk(++index);
      }
      slot = chunk.slotFor(start);
    }
    this.openSlot(index, chunk, slot, start);
    return index;
  }

  private openSlot(index: number, chunk: VmaChunk, before: number, start: VirtAddr): void {
    this.finger = (index << SHIFT) | chunk.open(before);
    this.setHint(start, this.finger);
    this.count++;
  }

  /** Removes the VMA that holds `addr`. Throws when there is none. */
  remove(addr: VirtAddr): void {
    this.removeAt(this.holder(addr, 'remove'));
  }

  removeAt(place: VmaPlace): void {
    const dir = this.ownDirectory();
    const index = place >> SHIFT;
    const chunk = this.ownChunk(index);
    this.forgetFull(chunk.stop(place & SLOT));
    const next = chunk.close(place & SLOT);
    if (chunk.size > 0) {
      const near = next < chunk.end ? next : next - 1;
      dir.bound(index, chunk, near);
      this.finger = (index << SHIFT) | near;
    } else dir.dropChunk(index);
    this.count--;
  }

  /** Puts `vma` in the place of the VMA that holds `addr`; the order must stay. */
  replace(addr: VirtAddr, vma: Vma): void {
    const place = this.holder(addr, 'replace');
    const dir = this.ownDirectory();
    const slot = place & SLOT;
    const chunk = this.ownChunk(place >> SHIFT);
    const start = chunk.start(slot);
    const end = chunk.stop(slot);
    chunk.set(slot, vma);
    if (vma.vm_start === start && vma.vm_end === end) return;
    this.forgetFull(end);
    dir.bound(place >> SHIFT, chunk, slot);
  }

  /** Calls `visit` for the VMAs that end behind `from`, in order, until it returns false. */
  walk(visit: (vma: Vma) => boolean | undefined, from: VirtAddr = 0): void {
    for (let place = this.seek(from); place !== NOWHERE; place = this.next(place)) {
      if (visit(this.vma(place)) === false) return;
    }
  }

  /** All VMAs in order. */
  toArray(): Vma[] {
    const all: Vma[] = [];
    for (let place = this.seek(0); place !== NOWHERE; place = this.next(place)) all.push(this.vma(place));
    return all;
  }

  /**
   * Upper end of the highest hole of at least `length` bytes inside [low, high), cut to those bounds; -1 for none
   * (mas_empty_area_rev()).
   */
  highestHole(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    const from = high === this.fullTo ? this.fullFrom : high;
    const above = this.seek(from);
    const end =
      above === NOWHERE
        ? this.dir.highestHole(this.dir.chunks.length, 0, low, from, length)
        : this.dir.highestHole(above >> SHIFT, above & SLOT, low, from, length);
    if (length === 4096 && end >= 0) {
      this.fullFrom = end;
      this.fullTo = high;
    }
    return end;
  }

  /** Lower end of the lowest hole of at least `length` bytes inside [low, high); -1 for none (mas_empty_area()). */
  lowestHole(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    let at = low;
    for (let place = this.seek(low); place !== NOWHERE && at < high; place = this.next(place)) {
      if (Math.min(this.vm_start(place), high) - at >= length) return at;
      at = Math.max(at, this.vm_end(place));
    }
    return high - at >= length ? at : -1;
  }

  /** Moves the finger to the first VMA that ends behind `addr`, when that is where it points or beside it. */
  private isNear(addr: VirtAddr): boolean {
    const index = this.finger >> SHIFT;
    const chunk = this.dir.chunks[index];
    if (chunk === undefined) return false;
    const slot = this.finger & SLOT;
    if (slot < chunk.first || slot >= chunk.end) return false;
    if (chunk.stop(slot) <= addr) {
      if (slot + 1 >= chunk.end || chunk.stop(slot + 1) <= addr) return false;
      this.finger++;
      return true;
    }
    if (slot === chunk.first) return index === 0 || (this.dir.lasts[index - 1] as number) <= addr;
    if (chunk.stop(slot - 1) <= addr) return true;
    if (slot - 1 === chunk.first || chunk.stop(slot - 2) > addr) return false;
    this.finger--;
    return true;
  }

  /** Whether a place that may be of another time holds the first VMA that ends behind `addr`. */
  private isFirstBehind(place: VmaPlace, addr: VirtAddr): boolean {
    if (place < 0) return false;
    const index = place >> SHIFT;
    const slot = place & SLOT;
    const chunk = this.dir.chunks[index];
    if (chunk === undefined || slot < chunk.first || slot >= chunk.end || chunk.stop(slot) <= addr) return false;
    if (slot > chunk.first) return chunk.stop(slot - 1) <= addr;
    return index === 0 || (this.dir.lasts[index - 1] as number) <= addr;
  }

  /** Whether a place that may be of another time holds a VMA that starts at `addr`. */
  private startsAt(place: VmaPlace, addr: VirtAddr): boolean {
    if (place < 0) return false;
    const slot = place & SLOT;
    const chunk = this.dir.chunks[place >> SHIFT];
    return chunk !== undefined && slot >= chunk.first && slot < chunk.end && chunk.start(slot) === addr;
  }

  private at(place: VmaPlace): VmaChunk {
    return this.dir.chunks[place >> SHIFT] as VmaChunk;
  }

  private hint(addr: VirtAddr): VmaPlace {
    if (this.hints === null) return NOWHERE;
    return (this.dir.chunks.length << SHIFT) - (this.hints[(addr / 4096) & (HINTS - 1)] as number);
  }

  /** Counts from the last chunk: those that mmap adds, from the top down, come below. */
  private setHint(addr: VirtAddr, place: VmaPlace): void {
    if (this.hints === null) {
      if (this.count < HINTED) return;
      this.hints = new Int32Array(HINTS);
    }
    this.hints[(addr / 4096) & (HINTS - 1)] = (this.dir.chunks.length << SHIFT) - place;
  }

  private search(addr: VirtAddr): VmaPlace {
    const index = this.dir.chunkFor(addr);
    const chunk = this.dir.chunks[index];
    return chunk === undefined ? NOWHERE : (index << SHIFT) | chunk.slotFor(addr);
  }

  private holder(addr: VirtAddr, act: string): VmaPlace {
    const place = this.seek(addr);
    if (place === NOWHERE || this.vm_start(place) > addr) {
      throw new Error(`VmaTree.${act}: nothing at 0x${addr.toString(16)}`);
    }
    return place;
  }

  private ownDirectory(): VmaDirectory {
    if (this.dirOwner !== this.epoch.now) {
      this.dir = new VmaDirectory(this.dir);
      this.dirOwner = this.epoch.now;
    }
    return this.dir;
  }

  /** The chunk, owned by the epoch; the directory must be. */
  private ownChunk(index: number): VmaChunk {
    const chunk = this.dir.chunks[index] as VmaChunk;
    if (chunk.owner === this.epoch.now) return chunk;
    const mine = new VmaChunk(this.epoch.now, 0, chunk);
    this.dir.chunks[index] = mine;
    return mine;
  }

  /** A VMA that ended at `end` went or shrank: there may be a hole below. */
  private forgetFull(end: VirtAddr): void {
    if (end > this.fullFrom) this.fullFrom = Math.min(end, this.fullTo);
  }
}
