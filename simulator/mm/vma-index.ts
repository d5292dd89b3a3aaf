/**
 * Finding VMAs: chunks of neighbours in address order under one directory. Places are numbers: a walk over VMAs makes
 * no object. What changes the tree is in vma-tree.ts.
 */

import { nextPmd, type VirtAddr } from '../machine/address.ts';
import type { Epoch } from '../state/cow.ts';
import type { AnonVmaChain, Vma } from './vma.ts';
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

/** A place is the chunk's index above these bits and the slot in them. */
export const SHIFT = 31 - Math.clz32(CHUNK_VMAS);
export const SLOT = CHUNK_VMAS - 1;

/** Which hint is that of a page: neighbours have neighbouring ones, and mappings of a power of two do not all share theirs. */
function hintOf(addr: VirtAddr): number {
  const page = (addr / 4096) | 0;
  return (page ^ (page >>> 15)) & (HINTS - 1);
}

/** What a chunk, its line in the directory and a VMA that is an object take of the host's memory; about. */
const CHUNK_BYTES = 32 * CHUNK_VMAS + 400;
const DIRECTORY_BYTES = 40;
export const VMA_BYTES = 160;

export class VmaIndex {
  protected readonly epoch: Epoch;
  protected dir: VmaDirectory;
  private dirOwner: number;
  protected count = 0;
  /** What the last search found: the steps of one system call ask for the same place again and again. */
  protected finger: VmaPlace = 0;
  /** Places by page number, once there are many VMAs. They may be of another time: whoever takes one looks whether it holds. */
  private hints: Int32Array | null = null;

  constructor(epoch: Epoch, from?: VmaIndex) {
    this.epoch = epoch;
    if (from === undefined) {
      this.dir = new VmaDirectory();
      this.dirOwner = epoch.now;
    } else {
      this.dir = from.dir;
      this.dirOwner = -1;
      this.count = from.count;
      this.hints = from.hints;
    }
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
    const found = this.searchFrom(hint, addr);
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

  /** vma_pages() of the VMA at a place. */
  pages(place: VmaPlace): number {
    const chunk = this.at(place);
    return (chunk.stop(place & SLOT) - chunk.start(place & SLOT)) / 4096;
  }

  vm_flags(place: VmaPlace): number {
    return this.at(place).flags(place & SLOT);
  }

  vm_file(place: VmaPlace): number {
    return this.at(place).file(place & SLOT);
  }

  /** linear_page_index() of an address in the anonymous VMA at a place. */
  pageIndex(place: VmaPlace, addr: VirtAddr): number {
    return Math.floor(addr / 4096) + this.at(place).shiftOf(place & SLOT);
  }

  /** Private anonymous memory. */
  isAnonymous(place: VmaPlace): boolean {
    return this.at(place).isAnonymous(place & SLOT);
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

  /**
   * Place of the VMA that holds [start, start + length), the length rounded up to pages, when it is private anonymous
   * memory and the range lies under one PTE table; NOWHERE when it is not so.
   */
  anonymousAround(start: VirtAddr, length: number): VmaPlace {
    let place = this.hint(start);
    if (!this.startsAt(place, start)) {
      place = this.seek(start);
      if (place === NOWHERE || Math.floor(start / 4096) * 4096 !== start) return NOWHERE;
    }
    const chunk = this.dir.chunks[place >> SHIFT] as VmaChunk;
    const slot = place & SLOT;
    const end = start + Math.ceil(length / 4096) * 4096;
    const inside = chunk.start(slot) <= start && end <= chunk.stop(slot) && end <= nextPmd(start);
    return inside && chunk.isAnonymous(slot) ? place : NOWHERE;
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
  protected isFirstBehind(place: VmaPlace, addr: VirtAddr): boolean {
    if (place < 0) return false;
    const index = place >> SHIFT;
    const slot = place & SLOT;
    const chunk = this.dir.chunks[index];
    if (chunk === undefined || slot < chunk.first || slot >= chunk.end || chunk.stop(slot) <= addr) return false;
    if (slot > chunk.first) return chunk.stop(slot - 1) <= addr;
    return index === 0 || (this.dir.lasts[index - 1] as number) <= addr;
  }

  /** Whether a place that may be of another time holds a VMA that starts at `addr`. */
  protected startsAt(place: VmaPlace, addr: VirtAddr): boolean {
    if (place < 0) return false;
    const slot = place & SLOT;
    const chunk = this.dir.chunks[place >> SHIFT];
    return chunk !== undefined && slot >= chunk.first && slot < chunk.end && chunk.start(slot) === addr;
  }

  protected at(place: VmaPlace): VmaChunk {
    return this.dir.chunks[place >> SHIFT] as VmaChunk;
  }

  private hint(addr: VirtAddr): VmaPlace {
    if (this.hints === null) return NOWHERE;
    return (this.dir.chunks.length << SHIFT) - (this.hints[hintOf(addr)] as number);
  }

  /** Counts from the last chunk: those that mmap adds, from the top down, come below. */
  protected setHint(addr: VirtAddr, place: VmaPlace): void {
    if (this.hints === null) {
      if (this.count < HINTED) return;
      this.hints = new Int32Array(HINTS);
    }
    this.hints[hintOf(addr)] = (this.dir.chunks.length << SHIFT) - place;
  }

  /** Looks into the chunk of a hint first: places shift inside a chunk more often than from one to another. */
  private searchFrom(hint: VmaPlace, addr: VirtAddr): VmaPlace {
    const index = hint >> SHIFT;
    const chunk = hint < 0 ? undefined : this.dir.chunks[index];
    if (chunk !== undefined && chunk.start(chunk.first) <= addr && chunk.stop(chunk.end - 1) > addr)
      return (index << SHIFT) | chunk.slotFor(addr);
    return this.search(addr);
  }

  private search(addr: VirtAddr): VmaPlace {
    const index = this.dir.chunkFor(addr);
    const chunk = this.dir.chunks[index];
    return chunk === undefined ? NOWHERE : (index << SHIFT) | chunk.slotFor(addr);
  }

  protected holder(addr: VirtAddr, act: string): VmaPlace {
    const place = this.seek(addr);
    if (place === NOWHERE || this.vm_start(place) > addr) {
      throw new Error(`VmaTree.${act}: nothing at 0x${addr.toString(16)}`);
    }
    return place;
  }

  /** So many VMAs more. */
  protected counted(more: number): void {
    this.count += more;
    this.epoch.held.vmas += more;
  }

  protected ownDirectory(): VmaDirectory {
    if (this.dirOwner !== this.epoch.now) {
      this.dir = new VmaDirectory(this.dir);
      this.epoch.made += DIRECTORY_BYTES * this.dir.chunks.length;
      this.dirOwner = this.epoch.now;
    }
    return this.dir;
  }

  /** The chunk, owned by the epoch; the directory must be. */
  protected ownChunk(index: number): VmaChunk {
    const chunk = this.dir.chunks[index] as VmaChunk;
    if (chunk.owner === this.epoch.now) return chunk;
    const mine = new VmaChunk(this.epoch.now, 0, chunk);
    this.epoch.made += CHUNK_BYTES;
    this.dir.chunks[index] = mine;
    return mine;
  }
}
