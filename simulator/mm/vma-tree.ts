/**
 * The VMAs of an address space: chunks that snapshots share (an owner epoch a chunk), how they change, and the holes
 * between them.
 */

import { MMAP_MIN_ADDR, type VirtAddr } from '../machine/address.ts';
import type { Epoch } from '../state/cow.ts';
import { type AnonVmaChain, VM_GROWSDOWN, VM_IGNORE_MERGE, type Vma } from './vma.ts';
import { CHUNK_VMAS, VmaChunk } from './vma-chunk.ts';
import { NOWHERE, SHIFT, SLOT, VMA_BYTES, VmaIndex, type VmaPlace } from './vma-index.ts';

export { NOWHERE, type VmaPlace };

/** Whether the flags of two VMAs let them merge, if nothing else forbids it. */
function isLike(a: number, b: number): boolean {
  return ((a ^ b) & ~VM_IGNORE_MERGE) === 0;
}

/** Whether two VMAs merge. `unclear`: it takes more than their numbers to say. */
export type Joins = 'yes' | 'no' | 'unclear';

export class VmaTree extends VmaIndex {
  /** No hole of `fullFor` bytes or more lies in [fullFrom, fullTo): what a search found out. To be read only. */
  fullFrom = 0;
  fullTo = 0;
  fullFor = 0;

  constructor(epoch: Epoch, from?: VmaTree) {
    super(epoch, from);
    if (from === undefined) return;
    this.fullFrom = from.fullFrom;
    this.fullTo = from.fullTo;
    this.fullFor = from.fullFor;
  }

  /** The same tree for a new epoch. */
  share(): VmaTree {
    return new VmaTree(this.epoch, this);
  }

  /** Adds a VMA that overlaps none. */
  insert(vma: Vma): void {
    const index = this.openFor(vma.vm_start, this.seek(vma.vm_start));
    this.epoch.made += VMA_BYTES;
    const chunk = this.dir.chunks[index] as VmaChunk;
    chunk.set(this.finger & SLOT, vma);
    this.dir.bound(index, chunk, this.finger & SLOT);
    if (vma.vm_end === this.fullFrom) this.fullFrom = vma.vm_start;
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

  /**
   * Place of the VMA above the hole that ends at {@link fullFrom}, when `pages` with `flags` fit there and merge with it
   * alone; NOWHERE when it takes a search to know.
   */
  placeAboveToGrow(pages: number, flags: number): VmaPlace {
    const end = this.fullFrom;
    const place = this.isFirstBehind(this.finger, end) ? this.finger : this.seek(end);
    if (place === NOWHERE) return NOWHERE;
    const chunk = this.at(place);
    const slot = place & SLOT;
    if (chunk.start(slot) !== end || chunk.flags(slot) !== flags || !chunk.isAnonymous(slot)) return NOWHERE;
    const start = end - pages * 4096;
    const chain = chunk.anon(slot);
    if (start < MMAP_MIN_ADDR || chunk.shiftOf(slot) !== 0) return NOWHERE;
    if (chain !== null && chain.chain.length > 1) return NOWHERE;
    const below = this.previous(place);
    if (below === NOWHERE) return place;
    const free = start - this.vm_end(below);
    return free > 0 || (free === 0 && !isLike(this.vm_flags(below), flags)) ? place : NOWHERE;
  }

  /** The VMA that {@link placeAboveToGrow} found takes `pages` of the hole below it. */
  growDown(place: VmaPlace, pages: number): void {
    const start = this.fullFrom - pages * 4096;
    this.bound(place, start, this.vm_end(place));
    this.finger = place;
    this.fullFrom = start;
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

  /** Whether the anonymous VMA at `place` would merge with its neighbour below (-1) or above (1), had it `flags`. */
  joins(place: VmaPlace, flags: number, side: -1 | 1): Joins {
    const neighbour = side < 0 ? this.previous(place) : this.next(place);
    if (neighbour === NOWHERE) return 'no';
    const beside = this.at(neighbour);
    const has = beside.flags(neighbour & SLOT);
    if (!isLike(has, flags)) return 'no';
    const own = this.at(place);
    const apart =
      side < 0
        ? own.start(place & SLOT) - beside.stop(neighbour & SLOT)
        : beside.start(neighbour & SLOT) - own.stop(place & SLOT);
    if (apart > 0) return 'no';
    if (has !== flags || !beside.isAnonymous(neighbour & SLOT)) return 'unclear';
    if (own.shiftOf(place & SLOT) !== beside.shiftOf(neighbour & SLOT)) return 'no';
    return own.anon(place & SLOT) === beside.anon(neighbour & SLOT) ? 'yes' : 'unclear';
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
    if (chunk.owner !== this.epoch.now) chunk = this.edit(place);
    chunk.setFlags(slot, flags);
    return true;
  }

  /** Gives the VMA at `place` other flags. */
  setFlags(place: VmaPlace, flags: number): void {
    this.edit(place).setFlags(place & SLOT, flags);
  }

  /** Gives the VMA at `place` its anon_vmas. */
  setChain(place: VmaPlace, chain: AnonVmaChain): void {
    this.edit(place).setChain(place & SLOT, chain);
  }

  /**
   * Splits the anonymous VMA at `place` at `addr`, and with `second`, which is behind `addr`, there as well. Returns the
   * place of the lowest part.
   */
  splitAt(place: VmaPlace, addr: VirtAddr, second: VirtAddr | null): VmaPlace {
    const more = second === null ? 1 : 2;
    let chunk = this.edit(place);
    let index = place >> SHIFT;
    let slot = place & SLOT;
    if (!chunk.hasRoom(more)) {
      const middle = this.halve(index, chunk);
      if (slot >= middle) {
        chunk = this.ownChunk(++index);
        slot += chunk.first - middle;
      }
    }
    const opened = chunk.open(slot + 1, more);
    chunk.splitInto(opened, opened - 1, addr);
    if (second !== null) chunk.splitInto(opened + 1, opened, second);
    this.counted(more);
    this.finger = (index << SHIFT) | opened;
    this.setHint(addr, this.finger);
    return this.finger - 1;
  }

  /** The anonymous VMA at `place` joins the one below, which then ends where it did. */
  joinBelow(place: VmaPlace): void {
    const below = this.previous(place);
    this.bound(below, this.vm_start(below), this.vm_end(place));
    this.drop(place, 1);
  }

  /** The anonymous VMA at `place` and the one above join the one below. */
  joinBoth(place: VmaPlace): void {
    const below = this.previous(place);
    const above = this.next(place);
    this.bound(below, this.vm_start(below), this.vm_end(above));
    if (above >> SHIFT === place >> SHIFT) this.drop(place, 2);
    else {
      this.drop(above, 1);
      this.drop(place, 1);
    }
  }

  /** The anonymous VMA at `place` joins the one above, which then starts where it did. */
  joinAbove(place: VmaPlace): void {
    const above = this.next(place);
    this.bound(above, this.vm_start(place), this.vm_end(above));
    this.drop(place, 1);
  }

  /** Moves the border between the anonymous VMA at `place` and the one above to `addr`, which lies in one of them. */
  moveBorder(place: VmaPlace, addr: VirtAddr): void {
    const above = this.next(place);
    const shrinks = addr < this.vm_end(place);
    // The one that grows first: no hole is between them at any time.
    if (!shrinks) this.bound(place, this.vm_start(place), addr);
    this.bound(above, addr, this.vm_end(above));
    if (shrinks) this.bound(place, this.vm_start(place), addr);
  }

  private bound(place: VmaPlace, start: VirtAddr, end: VirtAddr): void {
    const chunk = this.edit(place);
    chunk.setBounds(place & SLOT, start, end);
    this.dir.bound(place >> SHIFT, chunk, place & SLOT);
  }

  /** The chunk of a place, to be changed. */
  private edit(place: VmaPlace): VmaChunk {
    const chunk = this.dir.chunks[place >> SHIFT] as VmaChunk;
    if (chunk.owner === this.epoch.now) return chunk;
    this.ownDirectory();
    return this.ownChunk(place >> SHIFT);
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
      else if (slot >= this.halve(index, chunk)) chunk = this.ownChunk(++index);
      slot = chunk.slotFor(start);
    }
    this.openSlot(index, chunk, slot, start);
    return index;
  }

  /** Moves the upper half of a chunk to a new one behind it. Returns the first slot that went. */
  private halve(index: number, chunk: VmaChunk): number {
    const dir = this.ownDirectory();
    const middle = chunk.first + (CHUNK_VMAS >> 1);
    dir.addChunk(index + 1, chunk.splitOff(middle));
    dir.summarize(index);
    dir.summarize(index + 1);
    return middle;
  }

  private openSlot(index: number, chunk: VmaChunk, before: number, start: VirtAddr): void {
    this.finger = (index << SHIFT) | chunk.open(before, 1);
    this.setHint(start, this.finger);
    this.counted(1);
  }

  /** Removes the VMA that holds `addr`. Throws when there is none. */
  remove(addr: VirtAddr): void {
    this.removeAt(this.holder(addr, 'remove'));
  }

  removeAt(place: VmaPlace): void {
    this.forgetFull(this.vm_end(place));
    this.drop(place, 1);
  }

  /** Takes [start, end), a part of the anonymous VMA at `place`, out of it. */
  cut(place: VmaPlace, start: VirtAddr, end: VirtAddr): void {
    const low = this.vm_start(place);
    const high = this.vm_end(place);
    if (low === start) this.bound(place, end, high);
    else this.bound(high === end ? place : this.splitAt(place, end, null), low, start);
    this.forgetFull(end);
  }

  /** Takes `count` VMAs out, from `place` on in one chunk. */
  private drop(place: VmaPlace, count: number): void {
    const chunk = this.edit(place);
    const dir = this.ownDirectory();
    const index = place >> SHIFT;
    const next = chunk.close(place & SLOT, count);
    this.counted(-count);
    if (chunk.size === 0) dir.dropChunk(index);
    else {
      const near = next < chunk.end ? next : next - 1;
      dir.bound(index, chunk, near);
      this.finger = (index << SHIFT) | near;
    }
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

  /**
   * Upper end of the highest hole of at least `length` bytes inside [low, high), cut to those bounds; -1 for none
   * (mas_empty_area_rev()).
   */
  highestHole(low: VirtAddr, high: VirtAddr, length: number): VirtAddr {
    const known = high === this.fullTo && length >= this.fullFor;
    const from = known ? this.fullFrom : high;
    const above = this.seek(from);
    const end =
      above === NOWHERE
        ? this.dir.highestHole(this.dir.chunks.length, 0, low, from, length)
        : this.dir.highestHole(above >> SHIFT, above & SLOT, low, from, length);
    // What is known stays so where a larger hole was found at once.
    if (end >= 0 && !(known && end === from)) {
      this.fullFrom = end;
      this.fullTo = high;
      this.fullFor = length;
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

  /** A VMA that ended at `end` went or shrank: there may be a hole below, and it reaches up to the next VMA. */
  private forgetFull(end: VirtAddr): void {
    if (end <= this.fullFrom) return;
    let reach = end;
    if (this.fullFor > 4096) {
      // Holes too small for what was searched may lie above, and make this one larger.
      const above = this.seek(end);
      reach = above === NOWHERE ? this.fullTo : Math.max(end, this.vm_start(above));
    }
    this.fullFrom = Math.min(reach, this.fullTo);
  }
}
