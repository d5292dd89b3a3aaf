/**
 * Writes that the disk has taken and not finished: the pages under writeback, in the order in which they began. The disk's
 * time is counted in steps.
 */

import { type Epoch, MAP_ENTRY_BYTES } from '../state/cow.ts';
import type { Pfn } from './address.ts';
import type { PageContent } from './content.ts';

/** One write on its way. */
export interface PendingWrite {
  /** The step at whose end it is done. */
  readonly due: number;
  /** What goes to the disk, as the page was when the write began; null for a page that goes to its swap slot. */
  readonly content: PageContent | null;
}

/** The frozen content of {@link WriteQueue}. */
export interface WriteQueueRoot {
  readonly pending: ReadonlyMap<Pfn, PendingWrite>;
  readonly clock: number;
}

export class WriteQueue {
  /** Steps that a write takes: the `writeback` key of the machine. */
  readonly steps: number;
  private readonly epoch: Epoch;
  /** In the order in which they began, which is that of their ends. */
  private pending: Map<Pfn, PendingWrite> = new Map();
  private owner: number;
  private clock = 0;

  /** @param steps 0: nothing stays in the queue longer than the step that put it there */
  constructor(epoch: Epoch, steps: number) {
    this.epoch = epoch;
    this.owner = epoch.now;
    this.steps = steps;
  }

  /** Writes on their way. */
  get size(): number {
    return this.pending.size;
  }

  /** A step begins. */
  tick(): void {
    this.clock++;
  }

  /** The write of a page; undefined when it is not under writeback. */
  get(pfn: Pfn): PendingWrite | undefined {
    return this.pending.get(pfn);
  }

  /** Steps from now until a write is done; it ends with the last of them. */
  stepsLeft(write: PendingWrite): number {
    return write.due - this.clock;
  }

  /** The disk takes a page; it may not be on its way already. */
  add(pfn: Pfn, content: PageContent | null): void {
    if (this.pending.has(pfn)) throw new Error(`WriteQueue.add: frame ${pfn} is being written`);
    this.own().set(pfn, { due: this.clock + this.steps, content });
  }

  /** The write of a page is done; what it was. */
  take(pfn: Pfn): PendingWrite {
    const write = this.pending.get(pfn);
    if (write === undefined) throw new Error(`WriteQueue.take: frame ${pfn} is not being written`);
    this.own().delete(pfn);
    return write;
  }

  /** PFNs of the writes that are done by now, in order. */
  done(): Pfn[] {
    return this.until(this.clock);
  }

  /** PFNs of the writes that are done next, all those of one step; none when there are no writes. */
  next(): Pfn[] {
    for (const { due } of this.pending.values()) return this.until(due);
    return [];
  }

  /** All writes on their way. */
  entries(): Iterable<readonly [Pfn, PendingWrite]> {
    return this.pending;
  }

  freeze(): WriteQueueRoot {
    return { pending: this.pending, clock: this.clock };
  }

  thaw(root: WriteQueueRoot): void {
    // Copied before the first change: see own().
    this.pending = root.pending as Map<Pfn, PendingWrite>;
    this.owner = -1;
    this.clock = root.clock;
  }

  private until(clock: number): Pfn[] {
    const pfns: Pfn[] = [];
    for (const [pfn, { due }] of this.pending) {
      if (due > clock) break;
      pfns.push(pfn);
    }
    return pfns;
  }

  private own(): Map<Pfn, PendingWrite> {
    if (this.owner !== this.epoch.now) {
      this.pending = new Map(this.pending);
      this.epoch.made += MAP_ENTRY_BYTES * this.pending.size;
      this.owner = this.epoch.now;
    }
    return this.pending;
  }
}
