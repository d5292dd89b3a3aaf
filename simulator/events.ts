/**
 * What happened during a step, as typed data and in order; explain.ts turns it into sentences. Nothing is recorded when
 * nobody listens.
 */

import type { AccessKind, FaultKind, MachineConfig } from './abi.ts';
import type { Pfn, VirtAddr } from './machine/address.ts';

/** Words of a PTE as machine/pagetable.ts keeps them. */
export interface PteWords {
  readonly flags: number;
  readonly pfn: number;
}

/** How a hardware page walk ended. */
export type WalkEnd = 'present' | 'no-table' | 'not-present' | 'no-permission' | 'non-canonical';

/** Bounds and permissions of a VMA, enough to name it. */
export interface VmaRef {
  readonly start: VirtAddr;
  readonly end: VirtAddr;
  readonly flags: number;
  readonly name: string;
}

/** Policies of `machine replacement=` that are not Linux's. */
export type TextbookPolicy = Exclude<MachineConfig['replacement'], 'linux'>;

/**
 * The next use of a page: the line of the scenario, and how many uses of pages lie before it. `not foreseen`: none in
 * the part of the run that was foreseen. `no future`: nobody foresaw the run.
 */
export type NextUse = { readonly line: number; readonly uses: number } | 'never' | 'not foreseen' | 'no future';

/** Who reclaims frames. */
export type ReclaimedBy = 'kswapd' | 'direct reclaim' | 'asked for';

/** Why reclaim left a page. `mm/shrink-page.ts` says more of each. */
export type SparedBecause =
  | 'referenced'
  | 'referenced again'
  | 'executed'
  | 'mlocked'
  | 'SHM_LOCK'
  | 'busy'
  | 'dirty'
  | 'under writeback'
  | 'no swap slot'
  | 'written again';

/** Where it went: round the inactive list once more, to the active list, to the unevictable list. */
export type SparedFate = 'kept' | 'activated' | 'culled';

/** Who has a dirty page of a file written: `asked for` is `kernel: writeback()`, `flusher` the thread that reclaim wakes. */
export type WrittenBecause = 'fsync' | 'sync' | 'msync' | 'sync write' | 'asked for' | 'reclaim' | 'flusher';

/** Who waited for the end of a write. */
export type WaitedBecause =
  | 'nobody'
  | 'fsync'
  | 'sync'
  | 'msync'
  | 'sync write'
  | 'truncation'
  | 'reclaim'
  | 'swapoff'
  | 'shmem';

export type EventData =
  /** The CPU loaded CR3 of another address space and dropped its TLB. */
  | { readonly type: 'context-switch'; readonly from: number; readonly to: number; readonly cr3: Pfn }
  | { readonly type: 'tlb-hit'; readonly va: VirtAddr; readonly pfn: Pfn; readonly access: AccessKind }
  | {
      readonly type: 'page-walk';
      readonly va: VirtAddr;
      readonly access: AccessKind;
      readonly end: WalkEnd;
      /** PFN of each table on the path, from the top; the walk stopped behind the last one. */
      readonly tables: readonly Pfn[];
      readonly indexes: readonly number[];
      readonly pte: PteWords;
    }
  | { readonly type: 'tlb-flush'; readonly start: VirtAddr; readonly end: VirtAddr }
  /** A page fault reached the kernel; everything deeper until its end belongs to it. */
  | { readonly type: 'fault'; readonly va: VirtAddr; readonly access: AccessKind; readonly byKernel: boolean }
  | { readonly type: 'find-vma'; readonly va: VirtAddr; readonly vma: VmaRef | null }
  | { readonly type: 'access-error'; readonly vma: VmaRef; readonly access: AccessKind }
  | { readonly type: 'expand-stack'; readonly from: VirtAddr; readonly to: VirtAddr; readonly error: string | null }
  /** The kernel function that serves the fault. */
  | { readonly type: 'handler'; readonly name: string; readonly why: string }
  | { readonly type: 'fault-done'; readonly va: VirtAddr; readonly kind: FaultKind; readonly major: boolean }
  | { readonly type: 'frame-alloc'; readonly pfn: Pfn; readonly use: 'anon' | 'file' | 'shmem' }
  | { readonly type: 'frame-free'; readonly pfn: Pfn }
  | { readonly type: 'frame-copy'; readonly from: Pfn; readonly to: Pfn }
  | {
      readonly type: 'pte';
      readonly mm: number;
      readonly va: VirtAddr;
      readonly before: PteWords;
      readonly after: PteWords;
    }
  | { readonly type: 'map-around'; readonly start: VirtAddr; readonly end: VirtAddr; readonly mapped: number }
  | {
      readonly type: 'readahead';
      readonly path: string;
      readonly first: number;
      readonly pages: number;
      readonly marker: number;
      readonly async: boolean;
    }
  /** The disk takes a dirty page of a file; without a waiter it is done `steps` steps later. */
  | {
      readonly type: 'writeback-start';
      readonly path: string;
      readonly index: number;
      readonly pfn: Pfn;
      readonly why: WrittenBecause;
      readonly steps: number;
    }
  /** The disk has the page. `dirty`: it was dirtied meanwhile. `rotated`: reclaim looks at it next. */
  | {
      readonly type: 'writeback-end';
      readonly path: string;
      readonly index: number;
      readonly pfn: Pfn;
      readonly waiter: WaitedBecause;
      readonly dirty: boolean;
      readonly rotated: boolean;
    }
  /** A swap slot has the page that was on its way there. */
  | {
      readonly type: 'swap-written';
      readonly slot: number;
      readonly pfn: Pfn;
      readonly waiter: WaitedBecause;
      readonly dirty: boolean;
      readonly rotated: boolean;
    }
  /** Reclaim found nothing to take but what is under writeback, so many pages, and waits for the disk. */
  | { readonly type: 'throttled'; readonly pages: number }
  | { readonly type: 'cache-drop'; readonly path: string; readonly index: number; readonly pfn: Pfn }
  /** A page given up with MADV_FREE, or of MAP_DROPPABLE memory, goes without a write. */
  | { readonly type: 'lazyfree-drop'; readonly pfn: Pfn; readonly droppable: boolean }
  /** `written`: the slot did not have these bytes. `pending`: the write takes time, and the page is in RAM till it ends. */
  | {
      readonly type: 'swap-out';
      readonly pfn: Pfn;
      readonly slot: number;
      readonly written: boolean;
      readonly pending: boolean;
    }
  /** A page that nobody maps leaves RAM: its slot has it. */
  | { readonly type: 'swap-cache-drop'; readonly pfn: Pfn; readonly slot: number }
  | { readonly type: 'swap-in'; readonly slot: number; readonly pfn: Pfn; readonly cached: boolean }
  /** Reclaim begins; what it does until its end is deeper. `min`, `low` and `high` are the watermarks, in frames. */
  | {
      readonly type: 'reclaim-start';
      readonly by: ReclaimedBy;
      readonly wanted: number;
      readonly free: number;
      readonly min: number;
      readonly low: number;
      readonly high: number;
      /** Swap slots: without a free one anonymous pages stay. */
      readonly slots: number;
      readonly freeSlots: number;
    }
  | {
      readonly type: 'reclaim';
      readonly wanted: number;
      readonly got: number;
      readonly scanned: number;
      readonly spared: number;
      /** So many of those spared have no event of their own. */
      readonly untold: number;
      /** Pages whose write it began; they come free later. */
      readonly writing: number;
      readonly why: ReclaimedBy;
    }
  /** Reclaim looked at a page and left it: why, and the list that it went to. Of one reclaim some are told. */
  | {
      readonly type: 'spared';
      readonly pfn: Pfn;
      readonly why: SparedBecause;
      readonly fate: SparedFate | 'passed over' | 'passed by the hand' | 'stays active';
    }
  /** A textbook policy chose a frame. `next`: when OPT expects the next use of its page; null for other policies. */
  | { readonly type: 'victim'; readonly pfn: Pfn; readonly by: TextbookPolicy; readonly next: NextUse | null }
  /** An active page became inactive. */
  | { readonly type: 'deactivated'; readonly pfn: Pfn }
  /**
   * A process is weighed by the OOM killer: pages of its kinds, and oom_score_adj times `unit`, a thousandth of RAM and
   * swap. `badness` is null where the process may not be killed.
   */
  | {
      readonly type: 'oom-badness';
      readonly pid: number;
      readonly rss: number;
      readonly swapents: number;
      readonly pgtables: number;
      readonly adj: number;
      readonly unit: number;
      readonly badness: number | null;
    }
  | { readonly type: 'oom-kill'; readonly pid: number; readonly badness: number }
  /** The OOM killer found nobody. */
  | { readonly type: 'oom-nobody' }
  | {
      readonly type: 'vma-insert' | 'vma-remove';
      readonly mm: number;
      readonly vma: VmaRef;
    }
  | {
      readonly type: 'vma-change';
      readonly mm: number;
      readonly before: VmaRef;
      readonly after: VmaRef;
      /** What became of its anon_vma; null where it stays as it was. */
      readonly anonVma: 'gained' | 'lost' | 'exchanged' | null;
    }
  | { readonly type: 'vma-split'; readonly mm: number; readonly vma: VmaRef; readonly at: VirtAddr }
  | {
      readonly type: 'vma-merge';
      readonly mm: number;
      readonly vma: VmaRef;
      readonly sides: 'previous' | 'next' | 'both';
    }
  | {
      /** The first rule that kept a new range from joining the neighbour that it touches. */
      readonly type: 'vma-apart';
      readonly mm: number;
      readonly side: 'below' | 'above';
      readonly neighbour: VmaRef;
      readonly rule: string;
    }
  | { readonly type: 'placement'; readonly addr: VirtAddr; readonly length: number; readonly why: string }
  | { readonly type: 'refused'; readonly errno: string; readonly why: string }
  | {
      readonly type: 'fork';
      readonly parent: number;
      readonly child: number;
      readonly pages: number;
      readonly vmas: number;
    }
  | { readonly type: 'exec'; readonly path: string; readonly stage: string }
  /** The dynamic loader makes a system call; what comes of it is deeper. */
  | { readonly type: 'loader-call'; readonly text: string }
  /** What it shares with others goes on without it: its descriptor table, its address space. */
  | {
      readonly type: 'exit';
      readonly pid: number;
      readonly why: string;
      readonly sharesFiles: boolean;
      readonly sharesMemory: boolean;
    }
  | {
      readonly type: 'signal';
      readonly signal: string;
      readonly code: string;
      readonly addr: number;
      readonly handled: boolean;
    };

/** An event with its place: `depth` grows inside faults and sub-steps; `pid` is the process on the CPU, or the one that the event is about. */
export type KernelEvent = EventData & { readonly depth: number; readonly pid: number };
