/** The simulated machine behind the border of abi.ts: declarations, steps, queries, reports, snapshots. */

import type {
  Backend,
  CallResult,
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
  StringArg,
} from './abi.ts';
import { Declarations } from './declarations.ts';
import type { KernelEvent } from './events.ts';
import { utf8 } from './fs/utf8.ts';
import { fetch, load, raise, store } from './kernel/cpu.ts';
import { do_execve } from './kernel/exec.ts';
import { do_exit, do_group_exit, out_of_memory } from './kernel/exit.ts';
import { tooMuchHeld } from './kernel/host-limit.ts';
import { KERNEL_OPERATIONS } from './kernel/kernel-calls.ts';
import { dropRemoved } from './kernel/shm-control.ts';
import { FILE_CALLS } from './kernel/sys-file.ts';
import { FORK_CALLS, set_child_tid } from './kernel/sys-fork.ts';
import { MM_CALLS } from './kernel/sys-mm.ts';
import { PROCESS_CALLS } from './kernel/sys-process.ts';
import { SIGNAL_CALLS } from './kernel/sys-signal.ts';
import { WAIT_CALLS } from './kernel/sys-wait.ts';
import { type Child, SysCall, type SysHandler, type SysResult } from './kernel/syscall.ts';
import { current_mm, new_task, process_faults, run_as, switch_to, threads_of } from './kernel/task.ts';
import { WORD_END } from './machine/address.ts';
import { bytesContent, setFrame } from './machine/content.ts';
import { cpu_access, OOM_KILLED } from './mm/access.ts';
import type { Future, UseRecorder } from './mm/future.ts';
import { begin_opt_step } from './mm/opt.ts';
import { kswapd, try_to_free_pages } from './mm/vmscan.ts';
import { end_due_writes } from './mm/writeback.ts';
import { inOneGo, isParts, type Parts } from './parts.ts';
import { proc_maps } from './proc/maps.ts';
import { pagemap_report } from './proc/pagemap.ts';
import { smaps_report } from './proc/smaps.ts';
import { status_report } from './proc/status.ts';
import { answer_query } from './queries.ts';
import { Kernel, type Snapshot } from './state/kernel.ts';
import type { Task } from './state/records.ts';

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

const SYSCALLS: Readonly<Record<string, SysHandler>> = {
  ...MM_CALLS,
  ...FILE_CALLS,
  ...FORK_CALLS,
  ...WAIT_CALLS,
  ...SIGNAL_CALLS,
  ...PROCESS_CALLS,
};

const WORDS = 2n ** 64n;

function toWord(value: number): bigint {
  return value > WORD_END / 2 ? WORDS - BigInt(WORD_END - value) : BigInt(value);
}

/** What a step of a process came to, without its faults. */
type Performed = Pick<StepOutcome, 'result' | 'child' | 'substeps' | 'becomes'>;

function* performed(access: Parts<CallResult>): Parts<Performed> {
  return { result: yield* access };
}

/** How a process ended, for the message that its further steps are not made; empty where nobody knows. */
function endWords({ end }: Task): string {
  if (end === null) return '';
  if (end.kind === 'exit') return `: it ended with exit status ${end.status}`;
  return end.signal === 'SIGKILL' && end.code === 'SI_KERNEL'
    ? ': it was killed for want of memory'
    : `: ${end.signal} ended it`;
}

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
    const outcome = yield* this.listened(this.dispatch(request, faults));
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

  private *dispatch(request: Request, faults: FaultRecord[]): Parts<StepOutcome> {
    if (request.op === 'spawn') {
      const held = tooMuchHeld(this.kernel, request);
      return held === null ? this.spawn(request.path, request.argv, faults) : this.skipped(held);
    }
    if (request.op === 'kernel') {
      const operation = KERNEL_OPERATIONS[request.name];
      const result =
        operation === undefined ? { skip: `unknown call ${request.name}` } : operation(this.kernel, request.args);
      this.finishOom(0);
      return { result: this.toResult(result), faults, minflt: 0, majflt: 0 };
    }
    const task = this.kernel.tasks.find(request.pid);
    if (task === undefined) return this.skipped('there is no such process');
    if (task.state !== 'alive') {
      const message = `process ${task.pid} is dead${endWords(task)}`;
      return { ...this.skipped(message), result: { kind: 'skipped', message, dead: true } };
    }
    const trouble = this.cannotRun(task) ?? tooMuchHeld(this.kernel, request);
    if (trouble !== null) return this.skipped(trouble);
    const minflt = task.min_flt;
    const majflt = task.maj_flt;
    switch_to(this.kernel, task);
    const performed = this.perform(request, task.pid);
    const done = isParts(performed) ? yield* performed : performed;
    const { becomes = task.pid } = done;
    const killed = this.finishOom(becomes);
    const after = this.kernel.tasks.get(becomes);
    const born = done.child === undefined ? undefined : this.kernel.tasks.get(done.child);
    // What a new thread did counts for its process.
    const thread = born?.tgid === after.tgid ? born : undefined;
    return {
      faults: [...faults],
      minflt: after.min_flt + (thread?.min_flt ?? 0) - minflt,
      majflt: after.maj_flt + (thread?.maj_flt ?? 0) - majflt,
      ...done,
      ...(killed === null ? {} : { result: killed }),
    };
  }

  private cannotRun(task: Task): string | null {
    if (this.kernel.tasks.get(task.tgid).job.stopped) {
      return `process ${task.pid} is stopped: it goes on when another process sends it SIGCONT`;
    }
    if (task.vforkChild !== 0) return `process ${task.pid} waits for its vfork child, process ${task.vforkChild}`;
    return null;
  }

  private skipped(message: string): StepOutcome {
    return { result: { kind: 'skipped', message }, faults: [], minflt: 0, majflt: 0 };
  }

  /**
   * The OOM killer chose a process while it was on the CPU: it dies here. The signal, where it is `pid`, whose step this
   * is; a child that was just forked, or somebody for whom the kernel worked, dies alone.
   */
  private finishOom(pid: number): CallResult | null {
    const k = this.kernel;
    if (k.scalars.oomVictim === 0) return null;
    const victim = k.tasks.get(k.scalars.oomVictim);
    k.scalars.oomVictim = 0;
    if (victim.pid !== pid) {
      do_group_exit(k, victim.pid, { kind: 'signal', signal: OOM_KILLED.signal, code: OOM_KILLED.code });
      return null;
    }
    if (victim.state === 'alive') return raise(k, OOM_KILLED, 0n);
    return { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL', addr: 0n };
  }

  private perform(request: Request, pid: number): Performed | Parts<Performed> {
    const k = this.kernel;
    switch (request.op) {
      case 'load':
        return performed(load(k, request.addr, request.length));
      case 'store':
        return performed(store(k, request.addr, request.value, request.length));
      case 'fetch':
        return { result: fetch(k, request.addr) };
      case 'signal':
        return { result: this.setHandler(pid, request.signal, request.handler) };
      case 'syscall':
        return this.syscall(request.name, new SysCall(k, k.tasks.edit(pid), request.args));
      default:
        throw new Error(`Simulator.perform: ${request.op} is no step of a process`);
    }
  }

  private setHandler(pid: number, signal: string, handler: boolean): CallResult {
    const handlers = new Set(this.kernel.tasks.get(pid).handlers);
    if (handler) handlers.add(signal);
    else handlers.delete(signal);
    for (const task of threads_of(this.kernel, this.kernel.tasks.get(pid).tgid)) {
      this.kernel.tasks.edit(task.pid).handlers = handlers;
    }
    return { kind: 'value', value: 0n };
  }

  private *syscall(name: string, call: SysCall): Parts<Performed> {
    const handler = SYSCALLS[name];
    if (handler === undefined) return { result: { kind: 'errno', errno: 'ENOSYS' } };
    const answer = handler(call);
    const result = isParts(answer) ? yield* answer : answer;
    if (typeof result === 'object' && 'child' in result) {
      this.firstInstruction(result, call.task.pid);
      return { result: { kind: 'value', value: BigInt(result.child) }, child: result.child };
    }
    dropRemoved(this.kernel);
    const { current } = this.kernel.scalars;
    const renamed = name === 'execve' && current !== call.task.pid ? { becomes: current } : {};
    return { result: this.toResult(result), ...this.loaderCalls(), ...renamed };
  }

  /**
   * A child stores its pid where clone() was told to, and executes one instruction of its text page before the step ends;
   * these faults are its own.
   */
  private firstInstruction({ child, set_child_tid: address }: Child, parent: number): void {
    const k = this.kernel;
    const task = k.tasks.get(child);
    run_as(k, task, () => {
      if (address !== undefined) set_child_tid(k, address, child);
      if (task.mm !== k.tasks.get(parent).mm) cpu_access(k, current_mm(k), k.mms.get(task.mm).entry, 'exec');
    });
  }

  private spawn(path: string, argv: readonly StringArg[], faults: FaultRecord[]): StepOutcome {
    const k = this.kernel;
    const task = new_task(k, path);
    const from = k.scalars.current;
    k.scalars.current = task.pid;
    const list = argv.map((string) => string.bytes);
    const executed = do_execve(k, task.pid, path, () => ({ path: utf8(path), argv: list, envp: [] }), from);
    if (typeof executed === 'string') do_exit(k, task.pid, { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL' });
    const killed = this.finishOom(task.pid);
    const { min_flt: minflt, maj_flt: majflt } = k.tasks.get(task.pid);
    const result = killed ?? this.toResult(executed === 0 ? task.pid : executed);
    return { result, faults, minflt, majflt, child: task.pid, ...this.loaderCalls() };
  }

  /** What the dynamic loader did in this step. */
  private loaderCalls(): Pick<StepOutcome, 'substeps'> {
    return this.kernel.substeps.length === 0 ? {} : { substeps: this.kernel.substeps };
  }

  private toResult(result: SysResult): CallResult {
    if (typeof result === 'number') return { kind: 'value', value: toWord(result) };
    if (typeof result === 'bigint') return { kind: 'value', value: result };
    if (typeof result === 'string') return { kind: 'errno', errno: result };
    if ('skip' in result) return { kind: 'skipped', message: result.skip };
    if ('signal' in result)
      return { kind: 'signal', signal: result.signal, code: result.code, addr: result.addr ?? 0n };
    return { kind: 'value', value: BigInt(result.child) };
  }

  query(query: Query): QueryResult {
    this.start();
    return answer_query(this.kernel, query);
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
