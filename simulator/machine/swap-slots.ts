/**
 * The swap device: slots of one page with their reference counts, contents and place in the swap cache, in chunks that
 * snapshots share.
 */

import type { Epoch } from '../state/cow.ts';
import { type PageContent, WORD_BLOB, ZERO_CONTENT } from './content.ts';
import { BLOB_BYTES } from './frames.ts';

const BITS = 8;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;
/** Slots that are kept, and shared by snapshots, together. */
export const SLOT_CHUNK = WIDTH;
/** What a chunk takes of the host's memory, its objects included; about. */
const CHUNK_BYTES = 20 * WIDTH + 900;

interface SlotChunk {
  readonly owner: number;
  /** PTEs and shmem entries that name the slot (swap_map). */
  readonly counts: Int32Array;
  /** PFN of the page in the swap cache, 0 for none. */
  readonly cached: Int32Array;
  /** Next free slot plus one. */
  readonly next: Int32Array;
  /** Shadow entries of pages that reclaim took (mm/workingset.ts), 0 for none. */
  readonly shadows: Int32Array;
  /** Contents as machine/content.ts keeps them. */
  readonly words: Int32Array;
  /** Contents that need bytes; null until one does. */
  blobs: (Uint8Array | undefined)[] | null;
}

/** The frozen content of {@link SwapSlots}. */
export interface SwapRoot {
  readonly dir: (SlotChunk | undefined)[];
  readonly freeHead: number;
  readonly fresh: number;
  readonly used: number;
  readonly on: boolean;
  readonly cachedPages: number;
  readonly cacheOnly: number;
}

export class SwapSlots {
  readonly total: number;
  private readonly epoch: Epoch;
  private dir: (SlotChunk | undefined)[] = [];
  private dirOwner: number;
  private freeHead = 0;
  private fresh = 0;
  /** Slots in use: named by a PTE or shmem, or held by the swap cache. */
  used = 0;
  /** Slots whose page is in the swap cache. */
  cachedPages = 0;
  /** Slots that nothing but the swap cache holds: their pages are back in RAM for good. */
  cacheOnly = 0;
  /** swapon() is in force. */
  on = true;

  constructor(epoch: Epoch, total: number) {
    this.epoch = epoch;
    this.total = total;
    this.dirOwner = epoch.now;
  }

  get free(): number {
    return this.on ? this.total - this.used : 0;
  }

  /** Takes a slot with count 0 (get_swap_page()); -1 when the device is full or off. */
  take(): number {
    if (!this.on) return -1;
    if (this.freeHead !== 0) {
      const slot = this.freeHead - 1;
      this.freeHead = this.edit(slot).next[slot & MASK] as number;
      this.used++;
      return slot;
    }
    if (this.fresh >= this.total) return -1;
    this.used++;
    return this.fresh++;
  }

  /** Whether the slots of {@link SLOT_CHUNK} around `slot` are the same object as those of `other`: none of them differs. */
  sharesChunk(other: SwapSlots, slot: number): boolean {
    return this.dir[slot >> BITS] === other.dir[slot >> BITS];
  }

  /** References by PTEs and shmem. */
  count(slot: number): number {
    return this.dir[slot >> BITS]?.counts[slot & MASK] ?? 0;
  }

  /** PFN of the slot's page in the swap cache, 0 for none. */
  cached(slot: number): number {
    return this.dir[slot >> BITS]?.cached[slot & MASK] ?? 0;
  }

  content(slot: number): PageContent {
    const chunk = this.dir[slot >> BITS];
    if (chunk === undefined) return ZERO_CONTENT;
    const word = chunk.words[slot & MASK] as number;
    return { word, bytes: word === WORD_BLOB ? chunk.blobs?.[slot & MASK] : undefined };
  }

  /** Word of the content; {@link content} tells the bytes where it is WORD_BLOB. */
  word(slot: number): number {
    return this.dir[slot >> BITS]?.words[slot & MASK] ?? 0;
  }

  /** Writes a page: its word, and its bytes where the word is WORD_BLOB. The bytes are never changed afterwards. */
  write(slot: number, word: number, bytes: Uint8Array | undefined): void {
    const chunk = this.edit(slot);
    chunk.words[slot & MASK] = word;
    this.setBlob(chunk, slot & MASK, bytes);
  }

  private setBlob(chunk: SlotChunk, i: number, bytes: Uint8Array | undefined): void {
    if (bytes !== undefined) {
      chunk.blobs ??= new Array<Uint8Array | undefined>(WIDTH);
      this.epoch.made += BLOB_BYTES;
    } else if (chunk.blobs === null) return;
    this.epoch.held.contents += (bytes === undefined ? 0 : 1) - (chunk.blobs[i] === undefined ? 0 : 1);
    chunk.blobs[i] = bytes;
  }

  /** Shadow entry of the page that went to the slot, 0 for none. */
  shadow(slot: number): number {
    return this.dir[slot >> BITS]?.shadows[slot & MASK] ?? 0;
  }

  setShadow(slot: number, shadow: number): void {
    this.edit(slot).shadows[slot & MASK] = shadow;
  }

  setCached(slot: number, pfn: number): void {
    const { cached, counts } = this.edit(slot);
    const more = (pfn === 0 ? 0 : 1) - (cached[slot & MASK] === 0 ? 0 : 1);
    this.cachedPages += more;
    if (counts[slot & MASK] === 0) this.cacheOnly += more;
    cached[slot & MASK] = pfn;
    this.releaseIfUnused(slot);
  }

  /** swap_duplicate(): one more reference. */
  duplicate(slot: number): void {
    const chunk = this.edit(slot);
    const i = slot & MASK;
    if (chunk.counts[i] === 0 && chunk.cached[i] !== 0) this.cacheOnly--;
    chunk.counts[i] = (chunk.counts[i] as number) + 1;
  }

  /** swap_free(): one reference less; the slot is free when neither PTE nor swap cache holds it. */
  drop(slot: number): void {
    const chunk = this.edit(slot);
    const i = slot & MASK;
    const count = chunk.counts[i] as number;
    if (count < 1) throw new Error(`SwapSlots.drop: slot ${slot} has no reference`);
    chunk.counts[i] = count - 1;
    if (count === 1 && chunk.cached[i] !== 0) this.cacheOnly++;
    this.releaseIfUnused(slot);
  }

  /** Highest slot ever taken, plus one. */
  get highWater(): number {
    return this.fresh;
  }

  freeze(): SwapRoot {
    const { dir, freeHead, fresh, used, on, cachedPages, cacheOnly } = this;
    return { dir, freeHead, fresh, used, on, cachedPages, cacheOnly };
  }

  thaw(root: SwapRoot): void {
    this.dir = root.dir;
    this.dirOwner = -1;
    this.freeHead = root.freeHead;
    this.fresh = root.fresh;
    this.used = root.used;
    this.on = root.on;
    this.cachedPages = root.cachedPages;
    this.cacheOnly = root.cacheOnly;
  }

  private releaseIfUnused(slot: number): void {
    const chunk = this.edit(slot);
    const i = slot & MASK;
    if (chunk.counts[i] !== 0 || chunk.cached[i] !== 0) return;
    chunk.words[i] = 0;
    chunk.shadows[i] = 0;
    this.setBlob(chunk, i, undefined);
    chunk.next[i] = this.freeHead;
    this.freeHead = slot + 1;
    this.used--;
  }

  private edit(slot: number): SlotChunk {
    const at = slot >> BITS;
    const chunk = this.dir[at];
    if (chunk !== undefined && chunk.owner === this.epoch.now) return chunk;
    if (this.dirOwner !== this.epoch.now) {
      this.dir = this.dir.slice();
      this.dirOwner = this.epoch.now;
      this.epoch.made += 8 * this.dir.length;
    }
    this.epoch.made += CHUNK_BYTES;
    const owner = this.epoch.now;
    const mine: SlotChunk =
      chunk === undefined
        ? {
            owner,
            counts: new Int32Array(WIDTH),
            cached: new Int32Array(WIDTH),
            next: new Int32Array(WIDTH),
            shadows: new Int32Array(WIDTH),
            words: new Int32Array(WIDTH),
            blobs: null,
          }
        : {
            owner,
            counts: chunk.counts.slice(),
            cached: chunk.cached.slice(),
            next: chunk.next.slice(),
            shadows: chunk.shadows.slice(),
            words: chunk.words.slice(),
            blobs: chunk.blobs === null ? null : chunk.blobs.slice(),
          };
    this.dir[at] = mine;
    return mine;
  }
}
