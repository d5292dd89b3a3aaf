/**
 * Physical memory: one record a page frame (the `struct page` of this machine) in typed arrays, in chunks that
 * snapshots share. Frames that nobody ever took cost nothing.
 */

import { Counts } from '../state/counts.ts';
import type { Epoch } from '../state/cow.ts';
import type { Pfn } from './address.ts';
import { NR_DIRTIED, VM_EVENT_NAMES } from './vm-events.ts';

/** Flags of a frame; where Linux has the flag its name is kept. */
export const PG_ANON = 1;
/** In the page cache of an inode. */
export const PG_FILE = 2;
/** Page cache without a file on disk behind it: shmem, tmpfs, memfd. Counts as RssShmem and goes to swap. */
export const PG_SHMEM = 4;
export const PG_DIRTY = 8;
export const PG_REFERENCED = 0x10;
export const PG_ACTIVE = 0x20;
export const PG_LRU = 0x40;
export const PG_SWAPCACHE = 0x80;
/** PG_anon_exclusive: this anonymous page belongs to one process, a write fault may keep it. */
export const PG_ANON_EXCLUSIVE = 0x100;
/** Anonymous but not swap-backed: given up by MADV_FREE. */
export const PG_LAZYFREE = 0x200;
export const PG_MLOCKED = 0x400;
export const PG_READAHEAD = 0x800;
/** PG_reclaim: reclaim wants the page once it is written. The same bit as PG_readahead, in Linux too. */
export const PG_RECLAIM = PG_READAHEAD;
export const PG_DEVICE = 0x1000;
export const PG_UNEVICTABLE = 0x2000;
/** Only a block of the page was read, to zero its end (!PG_uptodate): a fault must complete it. */
export const PG_NOT_UPTODATE = 0x4000;
/** PG_workingset: the page was active once and was deactivated; its eviction is remembered as that of a page in use. */
export const PG_WORKINGSET = 0x8000;
/** The page is on its way to the disk, or to its swap slot: `writes` of state/kernel.ts knows until when. */
export const PG_WRITEBACK = 0x10000;

/** Number of a frame's chunk: `pfn >> CHUNK_BITS`. */
export const CHUNK_BITS = 8;
/** Frames in one chunk. */
export const CHUNK_FRAMES = 1 << CHUNK_BITS;
/** Index of a frame in its chunk: `pfn & CHUNK_MASK`. */
export const CHUNK_MASK = CHUNK_FRAMES - 1;
const FIELDS_BYTES = 40;
/** What a chunk takes of the host's memory, its objects included; about. */
const CHUNK_BYTES = FIELDS_BYTES * CHUNK_FRAMES + 1500;
/** The same for a frame. */
export const FRAME_BYTES = CHUNK_BYTES / CHUNK_FRAMES;

/** What a page with bytes of its own takes of the host's memory; about. */
export const BLOB_BYTES = 4096 + 300;

/** Bytes of a page that no single word can describe. */
export interface Blob {
  readonly owner: number;
  readonly bytes: Uint8Array;
}

/** The fields of {@link CHUNK_FRAMES} neighbouring frames. */
export class FrameChunk {
  readonly owner: number;
  private readonly buffer: ArrayBuffer;
  /** Page cache index, or for an anonymous page the vm_pgoff-based index of `page_add_anon_rmap`. */
  readonly index: Float64Array;
  /** PTEs that map the frame. */
  readonly mapcount: Int32Array;
  /** References beside the PTEs: page cache, swap cache. */
  readonly refs: Int32Array;
  readonly flags: Int32Array;
  /** Inode id of a page cache page, id of the anon_vma family of an anonymous page. */
  readonly mapping: Int32Array;
  /** Content, see machine/content.ts. */
  readonly word: Int32Array;
  /** Neighbours on the LRU list or the free list; 0 ends it. */
  readonly next: Int32Array;
  readonly prev: Int32Array;
  /** Swap slot of a swap cache page, plus one. */
  readonly slot: Int32Array;
  /** Contents that need bytes; null until one does. */
  blobs: (Blob | undefined)[] | null;

  constructor(owner: number, buffer: ArrayBuffer, blobs: (Blob | undefined)[] | null) {
    this.owner = owner;
    this.buffer = buffer;
    this.blobs = blobs;
    const n = CHUNK_FRAMES;
    this.index = new Float64Array(buffer, 0, n);
    this.mapcount = new Int32Array(buffer, 8 * n, n);
    this.refs = new Int32Array(buffer, 12 * n, n);
    this.flags = new Int32Array(buffer, 16 * n, n);
    this.mapping = new Int32Array(buffer, 20 * n, n);
    this.word = new Int32Array(buffer, 24 * n, n);
    this.next = new Int32Array(buffer, 28 * n, n);
    this.prev = new Int32Array(buffer, 32 * n, n);
    this.slot = new Int32Array(buffer, 36 * n, n);
  }

  static empty(owner: number): FrameChunk {
    return new FrameChunk(owner, new ArrayBuffer(FIELDS_BYTES * CHUNK_FRAMES), null);
  }

  copy(owner: number): FrameChunk {
    return new FrameChunk(owner, this.buffer.slice(0), this.blobs === null ? null : this.blobs.slice());
  }
}

/** Ids of the LRU lists, as in enum lru_list. */
export const LRU_INACTIVE_ANON = 0;
export const LRU_ACTIVE_ANON = 1;
export const LRU_INACTIVE_FILE = 2;
export const LRU_ACTIVE_FILE = 3;
export const LRU_UNEVICTABLE = 4;
export const LRU_LISTS = 5;

/** Scalars of physical memory: copied at each snapshot. */
export interface FrameCounters {
  /** Head of the list of freed frames. */
  freeHead: Pfn;
  /** The next frame that was never taken. */
  fresh: Pfn;
  free: number;
  /** Head, tail and length of each LRU list. */
  readonly head: Int32Array;
  readonly tail: Int32Array;
  readonly count: Int32Array;
  /** What happened since the start, by the indexes of machine/vm-events.ts. */
  readonly events: Float64Array;
  /** Frames whose number of locks is not what PG_mlocked alone says, one: by how much it is more. */
  mlocks: Counts;
  /** What reclaim remembers of the lists (struct lruvec and pg_data_t): indexes LRUVEC_…. */
  readonly lruvec: Float64Array;
}

/** Evictions and activations since the start: the clock of the shadow entries (lruvec.nonresident_age). */
export const LRUVEC_NONRESIDENT_AGE = 0;
/** Recent cost of reclaiming anonymous pages and pages of files. */
export const LRUVEC_ANON_COST = 1;
export const LRUVEC_FILE_COST = 2;
/** workingset_activate_anon and …_file when reclaim ended last. */
export const LRUVEC_REFAULTS_ANON = 3;
export const LRUVEC_REFAULTS_FILE = 4;
/** 1 while kswapd was woken and has not run yet. */
export const LRUVEC_KSWAPD_AWAKE = 5;
/** Runs of kswapd, one after the other, that freed nothing. */
export const LRUVEC_KSWAPD_FAILURES = 6;
const LRUVEC_FIELDS = 7;

/** What a frame that was never taken looks like. */
const UNTOUCHED = FrameChunk.empty(-1);

/** What a frame was is forgotten, but for {@link FrameChunk.blobs}; its place on a list and who maps it is the caller's. */
export function clear_frame(chunk: FrameChunk, i: number): void {
  chunk.flags[i] = 0;
  chunk.mapping[i] = 0;
  chunk.index[i] = 0;
  chunk.word[i] = 0;
  chunk.slot[i] = 0;
  chunk.prev[i] = 0;
}

type Dir = (FrameChunk | undefined)[];

/** The frozen content of {@link Frames}. */
export interface FramesRoot {
  readonly dir: Dir;
  readonly high: Dir;
  readonly counters: FrameCounters;
}

function copyCounters(c: FrameCounters): FrameCounters {
  return {
    ...c,
    head: c.head.slice(),
    tail: c.tail.slice(),
    count: c.count.slice(),
    events: c.events.slice(),
    lruvec: c.lruvec.slice(),
  };
}

/** Pages behind `deviceBase` that the kernel maps itself: [vdso] and its data, [vvar] and [vvar_vclock]. */
export const SPECIAL_PAGES = 64;

/**
 * All frames. PFNs 1 … `total` are RAM; the zero page, device pages and page tables have PFNs behind it and take
 * nothing of RAM.
 */
export class Frames {
  /** Frames of RAM. */
  readonly total: number;
  /** PFN of the shared page of zeros. */
  readonly zeroPfn: Pfn;
  /** First PFN of device pages; the first {@link SPECIAL_PAGES} are the kernel's own. */
  readonly deviceBase: Pfn;
  /** First PFN of page tables. */
  readonly tableBase: Pfn;
  counters: FrameCounters;
  /** A textbook policy keeps all frames on one list. */
  oneList = false;
  private readonly epoch: Epoch;
  private readonly base: Pfn;
  private dir: Dir = [];
  private high: Dir = [];
  private dirOwner: number;

  /** @param total frames of RAM, 1 … 2^30 */
  constructor(epoch: Epoch, total: number) {
    this.epoch = epoch;
    this.total = total;
    this.base = (Math.floor(total / CHUNK_FRAMES) + 1) * CHUNK_FRAMES;
    this.zeroPfn = this.base;
    this.deviceBase = this.base + CHUNK_FRAMES;
    this.tableBase = this.deviceBase + 0x100000;
    this.dirOwner = epoch.now;
    this.counters = {
      freeHead: 0,
      fresh: 1,
      free: total,
      head: new Int32Array(LRU_LISTS),
      tail: new Int32Array(LRU_LISTS),
      count: new Int32Array(LRU_LISTS),
      events: new Float64Array(VM_EVENT_NAMES.length),
      mlocks: Counts.empty(epoch.now),
      lruvec: new Float64Array(LRUVEC_FIELDS),
    };
  }

  /** The chunk of a frame, to be read only. */
  chunk(pfn: Pfn): FrameChunk {
    const chunk = pfn < this.base ? this.dir[pfn >> CHUNK_BITS] : this.high[(pfn - this.base) >> CHUNK_BITS];
    return chunk ?? UNTOUCHED;
  }

  /** The chunk of a frame, owned by the current epoch. */
  edit(pfn: Pfn): FrameChunk {
    const low = pfn < this.base;
    const at = (low ? pfn : pfn - this.base) >> CHUNK_BITS;
    const chunk = low ? this.dir[at] : this.high[at];
    if (chunk !== undefined && chunk.owner === this.epoch.now) return chunk;
    this.epoch.made += CHUNK_BYTES;
    if (this.dirOwner !== this.epoch.now) {
      this.dir = this.dir.slice();
      this.high = this.high.slice();
      this.dirOwner = this.epoch.now;
      this.epoch.made += 8 * (this.dir.length + this.high.length);
    }
    const mine = chunk === undefined ? FrameChunk.empty(this.epoch.now) : chunk.copy(this.epoch.now);
    (low ? this.dir : this.high)[at] = mine;
    return mine;
  }

  /** The content of frame `i` of an owned chunk needs these bytes from now on, or none. */
  setBlob(chunk: FrameChunk, i: number, blob: Blob | undefined): void {
    if (blob !== undefined) {
      chunk.blobs ??= new Array(CHUNK_FRAMES);
      this.epoch.made += BLOB_BYTES;
    } else if (chunk.blobs === null) return;
    this.epoch.held.contents += (blob === undefined ? 0 : 1) - (chunk.blobs[i] === undefined ? 0 : 1);
    chunk.blobs[i] = blob;
  }

  /** Frames `from` … `end - 1` of an owned chunk need no bytes any more. */
  dropBlobs(chunk: FrameChunk, from: number, end: number): void {
    if (chunk.blobs !== null) for (let i = from; i < end; i++) this.setBlob(chunk, i, undefined);
  }

  /** True when the frame was taken at some time. */
  known(pfn: Pfn): boolean {
    return (pfn < this.base ? this.dir[pfn >> CHUNK_BITS] : this.high[(pfn - this.base) >> CHUNK_BITS]) !== undefined;
  }

  /** count_vm_event(): one more (or `by` more) of an event of machine/vm-events.ts. */
  countEvent(event: number, by = 1): void {
    const { events } = this.counters;
    events[event] = (events[event] as number) + by;
  }

  flagsOf(pfn: Pfn): number {
    return this.chunk(pfn).flags[pfn & CHUNK_MASK] as number;
  }

  mapcountOf(pfn: Pfn): number {
    return this.chunk(pfn).mapcount[pfn & CHUNK_MASK] as number;
  }

  refsOf(pfn: Pfn): number {
    return this.chunk(pfn).refs[pfn & CHUNK_MASK] as number;
  }

  /** mlock_count: locks of a frame with PG_MLOCKED. */
  mlocksOf(pfn: Pfn): number {
    return this.counters.mlocks.get(pfn) + 1;
  }

  /** A frame that has not PG_MLOCKED is to have 1. */
  setMlocks(pfn: Pfn, locks: number): void {
    const c = this.counters;
    const delta = locks - 1 - c.mlocks.get(pfn);
    if (delta !== 0) c.mlocks = c.mlocks.plus(pfn, delta, this.epoch.now);
  }

  setFlags(pfn: Pfn, set: number): void {
    const chunk = this.edit(pfn);
    const i = pfn & CHUNK_MASK;
    chunk.flags[i] = (chunk.flags[i] as number) | set;
  }

  /** folio_mark_dirty(): the flag that Linux shares between readahead and reclaim goes. */
  markDirty(pfn: Pfn): void {
    this.markBlockDirty(pfn);
    this.clearFlags(pfn, PG_READAHEAD);
  }

  /** mark_buffer_dirty(): a block of the page changed; unlike {@link markDirty} it leaves the readahead marker. */
  markBlockDirty(pfn: Pfn): void {
    const chunk = this.edit(pfn);
    const i = pfn & CHUNK_MASK;
    const flags = chunk.flags[i] as number;
    // folio_account_dirtied(): of files on a disk.
    if ((flags & (PG_DIRTY | PG_FILE | PG_SHMEM)) === PG_FILE) this.countEvent(NR_DIRTIED);
    chunk.flags[i] = flags | PG_DIRTY;
  }

  clearFlags(pfn: Pfn, clear: number): void {
    const chunk = this.edit(pfn);
    const i = pfn & CHUNK_MASK;
    chunk.flags[i] = (chunk.flags[i] as number) & ~clear;
  }

  /** Takes a free frame, its fields and content zero; 0 when there is none. */
  take(): Pfn {
    const c = this.counters;
    const pfn = c.freeHead;
    if (pfn !== 0) {
      const chunk = this.edit(pfn);
      const i = pfn & CHUNK_MASK;
      c.freeHead = chunk.next[i] as number;
      chunk.next[i] = 0;
      c.free--;
      return pfn;
    }
    if (c.fresh > this.total) return 0;
    c.free--;
    return c.fresh++;
  }

  /** Gives a frame back; nothing may map or hold it. */
  give(pfn: Pfn): void {
    const chunk = this.edit(pfn);
    const i = pfn & CHUNK_MASK;
    if (chunk.mapcount[i] !== 0 || chunk.refs[i] !== 0 || ((chunk.flags[i] as number) & PG_WRITEBACK) !== 0) {
      throw new Error(`Frames.give: frame ${pfn} is in use`);
    }
    if (((chunk.flags[i] as number) & PG_MLOCKED) !== 0) this.setMlocks(pfn, 1);
    clear_frame(chunk, i);
    this.setBlob(chunk, i, undefined);
    chunk.next[i] = this.counters.freeHead;
    this.counters.freeHead = pfn;
    this.counters.free++;
  }

  freeze(): FramesRoot {
    const counters = this.counters;
    this.counters = copyCounters(counters);
    return { dir: this.dir, high: this.high, counters };
  }

  thaw(root: FramesRoot): void {
    this.dir = root.dir;
    this.high = root.high;
    this.dirOwner = -1;
    this.counters = copyCounters(root.counters);
  }
}
