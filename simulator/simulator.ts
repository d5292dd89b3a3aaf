/** The simulated machine behind the border of abi.ts: declarations, steps, queries, reports, snapshots. */

import type {
  Backend,
  Declaration,
  FaultKind,
  FaultRecord,
  MachineConfig,
  MachineReport,
  OomKill,
  ProcessReport,
  Query,
  QueryResult,
  Request,
  StepOutcome,
} from './abi.ts';
import { Declarations } from './declarations.ts';
import type { KernelEvent } from './events.ts';
import { out_of_memory } from './kernel/exit.ts';
import { stateBytes } from './kernel/host-limit.ts';
import { process_faults } from './kernel/task.ts';
import { bytesContent, setFrame } from './machine/content.ts';
import type { Future, UseRecorder } from './mm/future.ts';
import { begin_opt_step } from './mm/opt.ts';
import { kswapd, try_to_free_pages } from './mm/vmscan.ts';
import { end_due_writes } from './mm/writeback.ts';
import { inOneGo, type Parts } from './parts.ts';
import { performRequest } from './perform.ts';
import { proc_maps } from './proc/maps.ts';
import { pagemap_report } from './proc/pagemap.ts';
import { smaps_report } from './proc/smaps.ts';
import { status_report } from './proc/status.ts';
import { answer_query } from './queries.ts';
import { Kernel, type Snapshot } from './state/kernel.ts';

export type { Snapshot } from './state/kernel.ts';

/** The machine of a scenario that says nothing of it. */
export const DEFAULT_MACHINE: MachineConfig = {
  ram: 2 ** 30,
  swap: 2 ** 30,
  levels: 4,
  aslr: null,
  overcommit: 0,
  swappiness: 60,
  max_map_count: 65530,
  fault_around: 65536,
  readahead: 131072,
  stack_limit: 8 * 2 ** 20,
  stack_guard_gap: 2 ** 20,
  thp: 'never',
  replacement: 'linux',
  tlb: 64,
  filesystem: 'ext4',
  page_cache: 'cold',
  writeback: 0,
};

export class Simulator implements Backend {
  private kernel: Kernel;
  private started = false;
  private declarations: Declarations;
  private listening = false;
  private heard: KernelEvent[] = [];

  constructor() {
    this.kernel = Simulator.boot(DEFAULT_MACHINE);
    this.declarations = new Declarations(this.kernel);
  }

  private static boot(config: MachineConfig): Kernel {
    const kernel = new Kernel(config);
    kernel.reclaimer = try_to_free_pages;
    kernel.oomKiller = out_of_memory;
    // The vdso is an ELF image: its first bytes say so.
    setFrame(kernel.frames, kernel.frames.deviceBase, bytesContent(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1)));
    return kernel;
  }

  /** The state, to be read only. */
  get state(): Kernel {
    return this.kernel;
  }

  get made(): number {
    return this.kernel.epoch.made;
  }

  get held(): number {
    return stateBytes(this.kernel);
  }

  /** Events of the last step, when listening. */
  get events(): readonly KernelEvent[] {
    return this.heard;
  }

  /** Between the parts of a step that is listened to: more of its events are not kept. */
  get hasHeardEnough(): boolean {
    return this.listening && this.kernel.sink === null;
  }

  /** Records the events of each step from now on, or stops to. */
  listen(on: boolean): void {
    this.listening = on;
    if (!on) this.heard = [];
  }

  snapshot(): Snapshot {
    this.start();
    return this.kernel.snapshot();
  }

  restore(snapshot: Snapshot): void {
    this.kernel.restore(snapshot);
    this.kernel.sink = null;
    this.kernel.faults = null;
    this.kernel.oomKills = null;
    this.heard = [];
  }

  /** Declarations come before the first step, the machine before the files. */
  declare(declaration: Declaration): string | null {
    if (this.started) return 'declarations come before the first step';
    if (declaration.kind !== 'machine') return this.declarations.add(declaration);
    if (this.declarations.count > 0) return 'the machine is declared before files, programs and devices';
    this.kernel = Simulator.boot(declaration.config);
    this.declarations = new Declarations(this.kernel);
    return null;
  }

  /** Before the first step. */
  private start(): void {
    if (this.started) return;
    this.started = true;
    this.declarations.finish();
  }

  /** Tells a machine with replacement=opt which pages its scenario will use. Declarations come before. */
  foresee(future: Future): void {
    this.start();
    this.kernel.future = future;
  }

  /** Notes the uses of pages from now on. Declarations come before. */
  record(recorder: UseRecorder): void {
    this.kernel.recorder = recorder;
  }

  execute(request: Request, step = -1): StepOutcome {
    return inOneGo(this.executeParts(request, step));
  }

  /**
   * The same in parts. Between two of them the machine may be looked at, also by trial (it must be put back), and the whole
   * may be given up: then a snapshot of before has to be restored.
   */
  *executeParts(request: Request, step = -1): Parts<StepOutcome> {
    this.start();
    const k = this.kernel;
    if (k.nextUses !== null) begin_opt_step(k, step);
    const faults: FaultRecord[] = [];
    k.faults = faults;
    const unlistedFaults = new Map<FaultKind, number>();
    k.unlistedFaults = unlistedFaults;
    const oom: OomKill[] = [];
    k.oomKills = oom;
    k.substeps = [];
    this.heard = [];
    k.sink = this.listening ? this.heard : null;
    k.depth = 0;
    k.writes.tick();
    const outcome = yield* this.listened(performRequest(this.kernel, request, faults));
    end_due_writes(k);
    kswapd(k);
    k.faults = null;
    k.oomKills = null;
    k.sink = null;
    if (oom.length === 0 && unlistedFaults.size === 0) return outcome;
    return { ...outcome, ...(oom.length > 0 && { oom }), ...(unlistedFaults.size > 0 && { unlistedFaults }) };
  }

  /** Goes through `parts`, and takes up again after each pause what is noted of the step. */
  private *listened<T>(parts: Parts<T>): Parts<T> {
    const k = this.kernel;
    for (;;) {
      const next = parts.next();
      if (next.done === true) return next.value;
      const { heard } = this;
      const { sink, faults, unlistedFaults, oomKills, depth } = k;
      yield next.value;
      this.heard = heard;
      k.sink = sink;
      k.faults = faults;
      k.unlistedFaults = unlistedFaults;
      k.oomKills = oomKills;
      k.depth = depth;
    }
  }

  query(query: Query): QueryResult {
    this.start();
    return answer_query(this.kernel, query);
  }

  *everyProcess(): IterableIterator<{ readonly pid: number; readonly alive: boolean }> {
    for (const { pid, mm } of this.kernel.tasks.values()) yield { pid, alive: mm !== 0 };
  }

  reportProcess(pid: number): ProcessReport {
    const k = this.kernel;
    const task = k.tasks.get(pid);
    const head = { pid, ...process_faults(k, task) };
    if (task.mm === 0) return { ...head, state: 'dead', maps: '', pages: [], smaps: [], status: {} };
    const mm = k.mms.get(task.mm);
    return {
      ...head,
      state: 'alive',
      maps: proc_maps(k, mm),
      pages: pagemap_report(k, mm),
      smaps: smaps_report(k, mm).map((entry) => ({ ...entry })),
      status: status_report(mm),
    };
  }

  reportMachine(): MachineReport {
    const k = this.kernel;
    return {
      frames: k.frames.total,
      free: k.frames.counters.free,
      swapSlots: k.swap.total,
      swapUsed: k.swap.used,
    };
  }
}
