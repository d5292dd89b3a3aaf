/**
 * The border between those who ask (scenario interpreter, runner, extension) and those who answer (the simulated
 * kernel, or the real one behind a driver): requests, results and declarations as plain data.
 */

import type { Future } from './mm/future.ts';
import type { Parts } from './parts.ts';

/** A 64-bit word of the x86-64 system call interface: 0 … 2^64-1. */
export type Word = bigint;

/** A string of the scenario: its text, and the bytes it stands for (UTF-8 and escapes resolved, no closing NUL). */
export interface StringArg {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** One argument of a call. A process stands as its pid. */
export type Arg = Word | StringArg | readonly StringArg[];

export type SignalName = 'SIGSEGV' | 'SIGBUS' | 'SIGKILL' | 'SIGTERM' | (string & {});

/**
 * What a call came to. `skipped`: the step could not be made (a dead process, a wait that would block); `because`: where
 * other steps cannot be made for the same reason.
 */
export type CallResult =
  | { readonly kind: 'value'; readonly value: Word }
  | { readonly kind: 'errno'; readonly errno: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'signal'; readonly signal: SignalName; readonly code: string; readonly addr: Word }
  | { readonly kind: 'skipped'; readonly message: string; readonly because?: Because };

/** What keeps a process from making steps. */
export type Standstill = 'is dead' | 'is stopped' | 'waits for its vfork child';

/** What keeps several steps from being made: the state of a process, or a file or device that is not there. */
export type Because =
  | { readonly pid: number; readonly state: Standstill }
  | { readonly path: string; readonly wanted?: 'device' };

export type AccessKind = 'read' | 'write' | 'exec';

/** The kinds of page faults of the runner's JSON. */
export type FaultKind =
  | 'anon-zero-page'
  | 'anon'
  | 'file-read'
  | 'file-cow'
  | 'file-shared'
  | 'cow'
  | 'reuse'
  | 'swap-in'
  | 'stack-growth'
  | 'device'
  | 'spurious';

/** One page fault that was served. `addr` is the faulting byte address. */
export interface FaultRecord {
  readonly addr: number;
  readonly access: AccessKind;
  readonly kind: FaultKind;
  readonly major: boolean;
}

/** A process as the OOM killer weighs it; pages, and page tables. `badness` is null where it may not be killed. */
export interface OomCandidate {
  readonly pid: number;
  readonly resident: number;
  readonly swapped: number;
  readonly tables: number;
  /** oom_score_adj; it counts so many times `unit`, a thousandth of RAM and swap in pages. */
  readonly adj: number;
  readonly unit: number;
  readonly badness: number | null;
}

/** One choice of the OOM killer. */
export interface OomKill {
  /** Null where nobody may be killed. */
  readonly victim: OomCandidate | null;
  /** Pids that die by it: the victim, its threads, and who else uses its address space. */
  readonly killed: readonly number[];
  /** The other processes, highest badness first. Of very many the first ones. */
  readonly others: readonly OomCandidate[];
  /** Processes that `others` leaves out. */
  readonly more: number;
}

/** A call that the dynamic loader made before the program's first instruction; part of the step that executed the program. */
export interface Substep {
  /** Its name: `mmap`, `mprotect` or `munmap`. */
  readonly call: string;
  /** With its arguments, as `strace -y` writes it. */
  readonly text: string;
  readonly result: CallResult;
}

/** What one step did to its process. */
export interface StepOutcome {
  readonly result: CallResult;
  readonly faults: readonly FaultRecord[];
  /** How many faults of each kind `faults` has no room for; absent where it lists them all. */
  readonly unlistedFaults?: ReadonlyMap<FaultKind, number>;
  /** What the step added to the process's own counters. */
  readonly minflt: number;
  readonly majflt: number;
  /** Whom the OOM killer chose meanwhile; absent where memory sufficed. */
  readonly oom?: readonly OomKill[];
  /** The process that spawn, fork, vfork or clone made. */
  readonly child?: number;
  /** Of a step that executed a program with a dynamic loader: the loader's calls, in order. */
  readonly substeps?: readonly Substep[];
  /** The pid that the calling thread has from now on: execve gives it the leader's. */
  readonly becomes?: number;
}

/** Keys of `machine key=value`. Sizes in bytes. */
export interface MachineConfig {
  ram: number;
  swap: number;
  levels: 4 | 5;
  /** Seed of address space randomisation; null is off. */
  aslr: number | null;
  overcommit: 0 | 1 | 2;
  swappiness: number;
  max_map_count: number;
  fault_around: number;
  readahead: number;
  stack_limit: number;
  stack_guard_gap: number;
  thp: 'always' | 'madvise' | 'never';
  replacement: 'linux' | 'fifo' | 'clock' | 'lru' | 'opt' | 'random';
  tlb: number;
  filesystem: 'ext4' | 'tmpfs';
  page_cache: 'cold' | 'warm';
  /** Steps that the disk takes to finish a write that nobody waits for. */
  writeback: number;
}

/** Shape of a declared ELF file; sizes in bytes. Absent sizes are 0. */
export interface ElfShape {
  readonly path: string;
  readonly type: 'static' | 'pie' | 'shared';
  readonly text: number;
  readonly rodata: number;
  readonly data: number;
  readonly bss: number;
  readonly interp?: string;
  readonly needs: readonly string[];
}

/** A PT_LOAD segment of a real ELF file; bytes. `flags`: PF_X 1, PF_W 2, PF_R 4. */
export interface ElfSegment {
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly flags: number;
  /** p_align, a power of two; absent: a page. */
  readonly align?: number;
}

/** What was read from a real ELF file (`program "PATH" host`), its interpreter and needed libraries included by path. */
export interface HostElf {
  readonly path: string;
  /** The symbolic link to it that the scenario names; absent: it names the path itself. */
  readonly link?: string;
  readonly type: 'static' | 'pie' | 'shared';
  readonly entry: number;
  readonly size: number;
  readonly segments: readonly ElfSegment[];
  /** PT_GNU_RELRO, when there is one. */
  readonly relro?: { readonly vaddr: number; readonly memsz: number };
  readonly interp?: string;
  readonly needs: readonly string[];
  /** The file's bytes at [offset, offset+length), shorter at its end; absent: zeros are shown. */
  readonly read?: (offset: number, length: number) => Uint8Array;
}

/** A real file that is no program. */
export interface HostFile {
  readonly path: string;
  readonly size: number;
  readonly read: (offset: number, length: number) => Uint8Array;
}

/** A declaration, lowered. Several `machine` statements arrive as one, merged. */
export type Declaration =
  | { readonly kind: 'machine'; readonly config: MachineConfig }
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly bytes?: Uint8Array }
  | { readonly kind: 'elf'; readonly shape: ElfShape }
  | { readonly kind: 'host'; readonly elf: HostElf; readonly closure: readonly HostElf[]; readonly cache?: HostFile }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly pages: number;
      readonly mmap: 'remap' | 'insert' | 'fault';
    };

/** A step as the answering side gets it, all expressions evaluated. Processes are pids of that side. */
export type Request =
  | { readonly op: 'spawn'; readonly path: string; readonly argv: readonly StringArg[] }
  | { readonly op: 'syscall'; readonly pid: number; readonly name: string; readonly args: readonly Arg[] }
  | { readonly op: 'load'; readonly pid: number; readonly addr: Word; readonly length?: Word }
  | {
      readonly op: 'store';
      readonly pid: number;
      readonly addr: Word;
      readonly value: number | Uint8Array;
      readonly length?: Word;
    }
  | { readonly op: 'fetch'; readonly pid: number; readonly addr: Word }
  | { readonly op: 'signal'; readonly pid: number; readonly signal: string; readonly handler: boolean }
  /** `kernel: NAME(ARGS)`. */
  | { readonly op: 'kernel'; readonly name: string; readonly args: readonly Arg[] };

/** A function of `assert`, arguments evaluated. */
export interface Query {
  readonly name: string;
  readonly args: readonly Arg[];
}

/** Answer of a query; `error` when it cannot be answered (page not mapped, a process that is dead). */
export type QueryResult =
  | { readonly kind: 'int'; readonly value: Word }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'error'; readonly message: string; readonly because?: Because };

/** One page in a process report; `swap` is the slot or null. */
export interface PageReport {
  readonly va: string;
  readonly present: boolean;
  readonly pfn: string | null;
  readonly file: boolean;
  readonly exclusive: boolean;
  readonly writable: boolean;
  readonly dirty: boolean;
  readonly zero: boolean;
  readonly swap: string | null;
}

/** The per-process part of `vas run --json`. */
export interface ProcessReport {
  readonly pid: number;
  readonly state: 'alive' | 'zombie' | 'dead';
  readonly maps: string;
  readonly minflt: number;
  readonly majflt: number;
  readonly pages: readonly PageReport[];
  readonly smaps: readonly (Readonly<Record<string, string | number>> & {
    readonly start: string;
    readonly end: string;
  })[];
  readonly status: Readonly<Record<string, number>>;
}

export interface MachineReport {
  readonly frames: number;
  readonly free: number;
  readonly swapSlots: number;
  readonly swapUsed: number;
}

/** Whoever can answer: the simulator implements it directly, the real kernel behind promises. */
export interface Backend {
  /** Returns what is wrong with the declaration, or null. */
  declare(declaration: Declaration): string | null;
  /** `step`: number of the step in its scenario, from 0; absent when it is none of its steps. */
  execute(request: Request, step?: number): StepOutcome;
  /** The same in parts, where a request can take long. Given up, it leaves the machine in its midst: restore it. */
  executeParts?(request: Request, step?: number): Parts<StepOutcome>;
  /** Tells it which pages the scenario will use, before the first step and where the machine evicts by OPT. */
  foresee?(future: Future): void;
  query(query: Query): QueryResult;
  reportProcess(pid: number): ProcessReport;
  /** Every process that there was, by pid; absent where nobody can tell those that the scenario does not name. */
  everyProcess?(): Iterable<{ readonly pid: number; readonly alive: boolean }>;
  reportMachine(): MachineReport;
}
