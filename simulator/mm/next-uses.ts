/**
 * When the page in each frame is used next, for replacement=opt: part of the state, copied on write in chunks of
 * neighbouring frames. The best candidate of each chunk is remembered beside it, so that a search looks at few frames.
 */

import type { Pfn } from '../machine/address.ts';
import { CHUNK_BITS, CHUNK_FRAMES, CHUNK_MASK } from '../machine/frames.ts';
import type { Epoch } from '../state/cow.ts';

/** Nobody has asked yet when the page is used next. */
export const UNKNOWN = -1;

interface Chunk {
  readonly owner: number;
  /** By frame: the number of the next use. */
  readonly next: Int32Array;
  /** By frame: its place in the order of arrival, from 1. */
  readonly arrived: Float64Array;
}

/** Found by a search of a chunk, and good until the chunk changes or one of its pages is used. */
interface Found {
  /** The frame that goes first; 0 for none. */
  readonly best: Pfn;
  /** The least `next` of its candidates. */
  readonly soonest: number;
}

/** The frozen content of {@link NextUses}. */
export interface NextUsesRoot {
  readonly dir: readonly (Chunk | undefined)[];
  readonly arrivals: number;
}

/** What a search asks of a frame's page. */
export interface Candidates {
  /** `no`: never; `later`: it may become one without being told here, so that it must be looked at each time. */
  readonly evictable: (pfn: Pfn) => 'yes' | 'no' | 'later';
  /** The next use of its page. */
  readonly nextUse: (pfn: Pfn) => number;
}

export class NextUses {
  private readonly epoch: Epoch;
  private dir: (Chunk | undefined)[] = [];
  private dirOwner: number;
  private arrivals = 0;
  /** By chunk; derived from the state, and forgotten when another one is restored. */
  private found: (Found | undefined)[] = [];

  constructor(epoch: Epoch) {
    this.epoch = epoch;
    this.dirOwner = epoch.now;
  }

  /** A page came into the frame. */
  arrive(pfn: Pfn): void {
    const chunk = this.edit(pfn);
    chunk.next[pfn & CHUNK_MASK] = UNKNOWN;
    chunk.arrived[pfn & CHUNK_MASK] = ++this.arrivals;
    this.found[pfn >> CHUNK_BITS] = undefined;
  }

  /** The page in the frame was used; `next` is its next use. */
  set(pfn: Pfn, next: number): void {
    const chunk = this.edit(pfn);
    chunk.next[pfn & CHUNK_MASK] = next;
    this.found[pfn >> CHUNK_BITS] = undefined;
  }

  nextOf(pfn: Pfn): number {
    return this.dir[pfn >> CHUNK_BITS]?.next[pfn & CHUNK_MASK] ?? UNKNOWN;
  }

  /** True when `a` goes before `b`: its page is used later, or equally late and came in after it. */
  goesFirst(a: Pfn, b: Pfn): boolean {
    const later = this.nextOf(a) - this.nextOf(b);
    return later === 0 ? this.arrivedOf(a) > this.arrivedOf(b) : later > 0;
  }

  /** The frame that goes first; 0 when there is none. `now` is the number of the use under way. */
  farthest(now: number, candidates: Candidates): Pfn {
    let best = 0;
    for (let at = 0; at < this.dir.length; at++) {
      const pfn = this.bestOf(at, now, candidates);
      if (pfn !== 0 && (best === 0 || this.goesFirst(pfn, best))) best = pfn;
    }
    return best;
  }

  /** All candidates, who goes first in front. */
  inOrder(now: number, candidates: Candidates): Pfn[] {
    const found: Pfn[] = [];
    for (let at = 0; at < this.dir.length; at++) {
      for (let i = 0; i < CHUNK_FRAMES; i++) {
        const pfn = (at << CHUNK_BITS) | i;
        if (this.arrivedOf(pfn) === 0 || candidates.evictable(pfn) !== 'yes') continue;
        this.refresh(pfn, now, candidates);
        found.push(pfn);
      }
    }
    return found.sort((a, b) => (this.goesFirst(a, b) ? -1 : 1));
  }

  private bestOf(at: number, now: number, candidates: Candidates): Pfn {
    const chunk = this.dir[at];
    if (chunk === undefined) return 0;
    const known = this.found[at];
    if (known !== undefined && known.soonest >= now) {
      if (known.best === 0 || candidates.evictable(known.best) === 'yes') return known.best;
    }
    let best = 0;
    let soonest = Number.POSITIVE_INFINITY;
    let settled = true;
    for (let i = 0; i < CHUNK_FRAMES; i++) {
      if (chunk.arrived[i] === 0) continue;
      const pfn = (at << CHUNK_BITS) | i;
      const evictable = candidates.evictable(pfn);
      if (evictable === 'later') settled = false;
      if (evictable !== 'yes') continue;
      this.refresh(pfn, now, candidates);
      soonest = Math.min(soonest, this.nextOf(pfn));
      if (best === 0 || this.goesFirst(pfn, best)) best = pfn;
    }
    this.found[at] = settled ? { best, soonest } : undefined;
    return best;
  }

  /** A use that is over without having been told, or was never asked for, is looked up. */
  private refresh(pfn: Pfn, now: number, candidates: Candidates): void {
    if (this.nextOf(pfn) < now) this.edit(pfn).next[pfn & CHUNK_MASK] = candidates.nextUse(pfn);
  }

  /** The frame's place in the order of arrival, from 1; 0: no page ever came. */
  arrivedOf(pfn: Pfn): number {
    return this.dir[pfn >> CHUNK_BITS]?.arrived[pfn & CHUNK_MASK] ?? 0;
  }

  private edit(pfn: Pfn): Chunk {
    if (this.dirOwner !== this.epoch.now) {
      this.dir = this.dir.slice();
      this.epoch.made += 8 * this.dir.length;
      this.dirOwner = this.epoch.now;
    }
    const at = pfn >> CHUNK_BITS;
    while (this.dir.length <= at) this.dir.push(undefined);
    const chunk = this.dir[at];
    if (chunk !== undefined && chunk.owner === this.epoch.now) return chunk;
    this.epoch.made += 12 * CHUNK_FRAMES + 300;
    const mine: Chunk = {
      owner: this.epoch.now,
      next: chunk?.next.slice() ?? new Int32Array(CHUNK_FRAMES),
      arrived: chunk?.arrived.slice() ?? new Float64Array(CHUNK_FRAMES),
    };
    this.dir[at] = mine;
    return mine;
  }

  freeze(): NextUsesRoot {
    return { dir: this.dir, arrivals: this.arrivals };
  }

  thaw(root: NextUsesRoot): void {
    this.dir = root.dir as (Chunk | undefined)[];
    this.dirOwner = -1;
    this.arrivals = root.arrivals;
    this.found = [];
  }
}
