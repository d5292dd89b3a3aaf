/**
 * The CPU's translation cache: set-associative, first in first out in a set. A hit needs no page walk; what the kernel
 * changes it must flush, as on the real machine.
 */

import type { Epoch } from '../state/cow.ts';
import type { Pfn, VirtAddr } from './address.ts';

const WAYS = 4;

/** The frozen content of a {@link Tlb}. */
export interface TlbRoot {
  readonly pages: Float64Array;
  readonly frames: Float64Array;
  readonly flags: Uint32Array;
  readonly turn: Uint8Array;
}

export class Tlb {
  private readonly epoch: Epoch;
  private readonly sets: number;
  /** Bits that choose a set, where their number is a power of two; -1 otherwise. */
  private readonly mask: number;
  /** Virtual page number plus one; 0 is empty. */
  private pages: Float64Array;
  private frames: Float64Array;
  private flags: Uint32Array;
  private turn: Uint8Array;
  private owner: number;
  private dirty = false;

  /** @param entries number of translations kept, 0 … 65536; 0 switches the cache off */
  constructor(epoch: Epoch, entries: number) {
    this.epoch = epoch;
    this.sets = Math.floor(entries / WAYS);
    this.mask = (this.sets & (this.sets - 1)) === 0 ? this.sets - 1 : -1;
    const n = this.sets * WAYS;
    this.pages = new Float64Array(n);
    this.frames = new Float64Array(n);
    this.flags = new Uint32Array(n);
    this.turn = new Uint8Array(this.sets);
    this.owner = epoch.now;
  }

  /** Index of the entry for the page, or -1. */
  find(addr: VirtAddr): number {
    if (this.sets === 0) return -1;
    const page = Math.floor(addr / 4096);
    const first = this.setOf(page) * WAYS;
    for (let i = first; i < first + WAYS; i++) if (this.pages[i] === page + 1) return i;
    return -1;
  }

  /** The low bits of the page number choose, as in a real one; a remainder of doubles would cost more than the search. */
  private setOf(page: number): number {
    return this.mask >= 0 ? page & this.mask : (page & 0x3fffffff) % this.sets;
  }

  flagsAt(index: number): number {
    return this.flags[index] as number;
  }

  pfnAt(index: number): Pfn {
    return this.frames[index] as number;
  }

  fill(addr: VirtAddr, pfn: Pfn, flags: number): void {
    if (this.sets === 0) return;
    this.own();
    const page = Math.floor(addr / 4096);
    const set = this.setOf(page);
    let at = this.find(addr);
    if (at < 0) {
      const way = this.turn[set] as number;
      this.turn[set] = (way + 1) % WAYS;
      at = set * WAYS + way;
    }
    this.pages[at] = page + 1;
    this.frames[at] = pfn;
    this.flags[at] = flags;
    this.dirty = true;
  }

  /** INVLPG. */
  flushPage(addr: VirtAddr): void {
    const at = this.find(addr);
    if (at < 0) return;
    this.own();
    this.pages[at] = 0;
  }

  /** A write to CR3, or a flush of a range too long to go page by page. */
  flushAll(): void {
    if (!this.dirty) return;
    this.own();
    this.pages.fill(0);
    this.dirty = false;
  }

  /** Entries that hold a translation, as [virtual page number, PFN, flags]. */
  entries(): (readonly [number, Pfn, number])[] {
    const found: (readonly [number, Pfn, number])[] = [];
    for (let i = 0; i < this.pages.length; i++) {
      const page = this.pages[i] as number;
      if (page !== 0) found.push([page - 1, this.frames[i] as number, this.flags[i] as number]);
    }
    return found;
  }

  freeze(): TlbRoot {
    return { pages: this.pages, frames: this.frames, flags: this.flags, turn: this.turn };
  }

  thaw(root: TlbRoot): void {
    this.pages = root.pages;
    this.frames = root.frames;
    this.flags = root.flags;
    this.turn = root.turn;
    this.owner = -1;
    this.dirty = true;
  }

  private own(): void {
    if (this.owner === this.epoch.now) return;
    this.pages = this.pages.slice();
    this.frames = this.frames.slice();
    this.flags = this.flags.slice();
    this.turn = this.turn.slice();
    this.epoch.made += this.pages.byteLength + this.frames.byteLength + this.flags.byteLength;
    this.owner = this.epoch.now;
  }
}
