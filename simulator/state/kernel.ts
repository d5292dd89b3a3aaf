/**
 * The whole state of the machine in one place: its stores, their snapshot, and the sink for events. Modules take it as
 * their first argument, as kernel code takes `current` and its globals.
 */

import type { FaultKind, FaultRecord, MachineConfig, OomKill, Substep } from '../abi.ts';
import type { EventData, KernelEvent } from '../events.ts';
import { PAGE_SIZE } from '../machine/address.ts';
import { Frames, type FramesRoot } from '../machine/frames.ts';
import type { TablePages } from '../machine/pagetable.ts';
import { type SwapRoot, SwapSlots } from '../machine/swap-slots.ts';
import { Tlb, type TlbRoot } from '../machine/tlb.ts';
import { WriteQueue, type WriteQueueRoot } from '../machine/write-queue.ts';
import type { Future, UseRecorder } from '../mm/future.ts';
import { NextUses, type NextUsesRoot } from '../mm/next-uses.ts';
import { NO_WATERMARKS, setup_per_zone_wmarks, type Watermarks } from '../mm/watermarks.ts';
import { CowMap, type CowMapRoot, type Epoch, type Held, newEpoch, Table, type TableRoot } from './cow.ts';
import {
  type AnonVma,
  copyAnonVma,
  copyInode,
  copyMm,
  copyOpenFile,
  copyTask,
  type ElfFile,
  type Inode,
  type Mm,
  type OpenFile,
  type ShmSegment,
  type Task,
} from './records.ts';

/** Numbers of the machine as a whole. What /proc/vmstat counts is kept beside the frames ({@link Frames.countEvent}). */
export interface Scalars {
  /** Pages promised (vm_committed_as). */
  committed: number;
  /** Of them, pages whose promise nobody will give back (mm/stack.ts). */
  forgotten: number;
  /** Task that the CPU runs, 0 at first. */
  current: number;
  nextShmid: number;
  /** Tasks that hold a pid: those that are not dead. */
  nr_threads: number;
  /** Task that the OOM killer chose while it ran: it dies where its step ends; 0 for none. */
  oomVictim: number;
  nextTable: number;
  /** With replacement=opt: the step under way, -1 when it is none of the scenario's; and the use that comes next. */
  step: number;
  use: number;
}

/** Everything of one moment; immutable. */
export interface Snapshot {
  readonly frames: FramesRoot;
  readonly swap: SwapRoot;
  readonly tlb: TlbRoot;
  readonly writes: WriteQueueRoot;
  readonly tasks: TableRoot<Task>;
  readonly mms: TableRoot<Mm>;
  readonly inodes: TableRoot<Inode>;
  readonly files: TableRoot<OpenFile>;
  readonly anonVmas: TableRoot<AnonVma>;
  readonly paths: CowMapRoot<string, number>;
  readonly elves: CowMapRoot<string, ElfFile>;
  readonly shm: CowMapRoot<number, ShmSegment>;
  /** Null unless the machine evicts by OPT. */
  readonly nextUses: NextUsesRoot | null;
  readonly scalars: Scalars;
  readonly held: Held;
}

/** First pid that a scenario's process gets. */
const FIRST_PID = 1000;

/** Events that one step records: nobody reads more, and millions would fill the memory of the editor's process. */
export const MAX_EVENTS = 100_000;

/**
 * Brings frames back when they are short; registered by the composition root (mm/vmscan.ts), so that the allocator need
 * not know it. Returns how many it freed.
 */
export type Reclaimer = (k: Kernel, wanted: number) => number;

export class Kernel {
  readonly epoch: Epoch = newEpoch();
  readonly config: MachineConfig;
  readonly frames: Frames;
  readonly swap: SwapSlots;
  readonly tlb: Tlb;
  /** Pages under writeback. */
  readonly writes: WriteQueue;
  readonly tasks: Table<Task>;
  readonly mms: Table<Mm>;
  readonly inodes: Table<Inode>;
  readonly files: Table<OpenFile>;
  readonly anonVmas: Table<AnonVma>;
  /** Inode ids by path. */
  readonly paths: CowMap<string, number>;
  /** Program headers of executable files by path. */
  readonly elves: CowMap<string, ElfFile>;
  /** SysV shared memory by shmid. */
  readonly shm: CowMap<number, ShmSegment>;
  readonly nextUses: NextUses | null;
  scalars: Scalars;
  readonly tablePages: TablePages;
  readonly watermarks: Watermarks;
  reclaimer: Reclaimer = () => 0;
  /** Kills a process to free memory; true when frames may be free now. Registered like the reclaimer. */
  oomKiller: (k: Kernel) => boolean = () => false;
  /** Events of the step, null when nobody listens. */
  sink: KernelEvent[] | null = null;
  /** Faults of the step, null when only counters matter. */
  faults: FaultRecord[] | null = null;
  /** How many the step had besides, by kind, once `faults` was full. */
  unlistedFaults: Map<FaultKind, number> = new Map();
  /** Choices of the OOM killer in the step, null when nobody asks. */
  oomKills: OomKill[] | null = null;
  /** Calls that the dynamic loader made in the step. */
  substeps: readonly Substep[] = [];
  depth = 0;
  /** What replacement=opt knows of the run to come; null when nobody foresaw it. */
  future: Future | null = null;
  /** Notes the uses of pages, for a later run. */
  recorder: UseRecorder | null = null;

  constructor(config: MachineConfig) {
    this.config = config;
    const epoch = this.epoch;
    this.frames = new Frames(epoch, Math.max(1, Math.floor(config.ram / PAGE_SIZE)));
    this.frames.oneList = config.replacement !== 'linux';
    this.watermarks = this.frames.oneList ? NO_WATERMARKS : setup_per_zone_wmarks(this.frames.total);
    this.swap = new SwapSlots(epoch, Math.floor(config.swap / PAGE_SIZE));
    this.tlb = new Tlb(epoch, config.tlb);
    this.writes = new WriteQueue(epoch, config.writeback);
    this.tasks = new Table(epoch, copyTask, FIRST_PID);
    this.mms = new Table(epoch, copyMm);
    this.inodes = new Table(epoch, copyInode);
    this.files = new Table(epoch, copyOpenFile);
    this.anonVmas = new Table(epoch, copyAnonVma);
    this.paths = new CowMap(epoch);
    this.elves = new CowMap(epoch);
    this.shm = new CowMap(epoch);
    this.nextUses = config.replacement === 'opt' ? new NextUses(epoch) : null;
    this.tablePages = { next: this.frames.tableBase };
    this.scalars = {
      committed: 0,
      forgotten: 0,
      current: 0,
      nextShmid: 0,
      nr_threads: 0,
      oomVictim: 0,
      nextTable: 0,
      step: -1,
      use: 0,
    };
  }

  /** The state of this moment; O(1), shares everything with the running machine until one side changes. */
  snapshot(): Snapshot {
    const snapshot: Snapshot = {
      frames: this.frames.freeze(),
      swap: this.swap.freeze(),
      tlb: this.tlb.freeze(),
      writes: this.writes.freeze(),
      tasks: this.tasks.freeze(),
      mms: this.mms.freeze(),
      inodes: this.inodes.freeze(),
      files: this.files.freeze(),
      anonVmas: this.anonVmas.freeze(),
      paths: this.paths.freeze(),
      elves: this.elves.freeze(),
      shm: this.shm.freeze(),
      nextUses: this.nextUses?.freeze() ?? null,
      scalars: { ...this.scalars, nextTable: this.tablePages.next },
      held: { ...this.epoch.held },
    };
    this.epoch.now++;
    return snapshot;
  }

  /** Makes `snapshot` the present again. */
  restore(snapshot: Snapshot): void {
    this.epoch.now++;
    this.frames.thaw(snapshot.frames);
    this.swap.thaw(snapshot.swap);
    this.tlb.thaw(snapshot.tlb);
    this.writes.thaw(snapshot.writes);
    this.tasks.thaw(snapshot.tasks);
    this.mms.thaw(snapshot.mms);
    this.inodes.thaw(snapshot.inodes);
    this.files.thaw(snapshot.files);
    this.anonVmas.thaw(snapshot.anonVmas);
    this.paths.thaw(snapshot.paths);
    this.elves.thaw(snapshot.elves);
    this.shm.thaw(snapshot.shm);
    if (snapshot.nextUses !== null) this.nextUses?.thaw(snapshot.nextUses);
    this.scalars = { ...snapshot.scalars };
    this.epoch.held = { ...snapshot.held };
    this.tablePages.next = snapshot.scalars.nextTable;
  }

  /** Records an event. Callers test `k.sink !== null` first where the event costs something to make. */
  emit(event: EventData): void {
    if (this.sink === null) return;
    this.sink.push({ pid: this.scalars.current, ...event, depth: this.depth });
    if (this.sink.length >= MAX_EVENTS) this.sink = null;
  }
}
