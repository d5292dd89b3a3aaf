/** A machine on which scenarios run for real: the driver program, its files and the processes under its control. */
import { type ChildProcessWithoutNullStreams, spawn as startProgram } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface, type Interface } from 'node:readline';
import { compileDriver, missing } from './compile.ts';
import {
  errnoName,
  type ProcessDump,
  type Reply,
  readDump,
  readStep,
  type SpawnResult,
  type StepResult,
} from './protocol.ts';
import { SYSCALL_NUMBERS } from './syscalls.ts';

export type { PageEntry, ProcessDump, SpawnResult, StepResult } from './protocol.ts';

export interface MachineOptions {
  /** What the scenario's files lie on. Default ext4, an image of the machine's own. */
  readonly filesystem?: 'ext4' | 'tmpfs';
  /** Whether ext4 may read ahead in folios of several pages. Default single pages, as the scenario language says. */
  readonly folios?: 'single' | 'large';
  /** Waits until no other machine runs and keeps others out: needed for swapoff, swapon, `set` and swapBytes. */
  readonly exclusive?: boolean;
  /** How long to wait for machines that cannot run beside this one, in milliseconds. Default 300000. */
  readonly waitMs?: number;
  /** Size of the swap device in bytes. Default 1G. */
  readonly swapBytes?: number;
  /** What the processes may use together, in bytes. Default 1G. */
  readonly memoryBytes?: number;
  /** Readahead of the file system's device in KiB. Default 128. */
  readonly readaheadKilobytes?: number;
  /** How long one step may take, in milliseconds, before its process is killed. Default 5000. */
  readonly stepLimitMs?: number;
  /** How long a run (from start or reset) may take, in milliseconds, before the whole machine is killed. Default 20000. */
  readonly runLimitMs?: number;
  /** Where the machine makes its temporary directory. Default /tmp. */
  readonly directory?: string;
  /** The processor that driver and processes are bound to. Default: any one. */
  readonly cpu?: number;
}

/** Sizes of an ELF image's segments in bytes; those not given are empty. */
export interface ImageShape {
  readonly text: number;
  readonly rodata?: number;
  readonly data?: number;
  readonly bss?: number;
}

export interface ProgramShape extends ImageShape {
  readonly type?: 'static' | 'pie';
  readonly interp?: string;
}

/** A value that lies in memory, followed by a NUL: a string or bytes, or a NULL-ended vector of them. */
export type Constant = string | Uint8Array | readonly (string | Uint8Array)[];
export type SyscallArgument = bigint | Constant;

export type KernelOperation =
  | { readonly op: 'drop_caches' | 'writeback' | 'swapoff' | 'swapon' }
  | { readonly op: 'truncate'; readonly path: string; readonly size: bigint }
  /** Writes a file below /proc/sys or /sys until the machine is closed, such as `proc/sys/vm/swappiness`. */
  | { readonly op: 'set'; readonly path: string; readonly value: string };

export interface DumpParts {
  readonly maps?: boolean;
  readonly smaps?: boolean;
  readonly status?: boolean;
  readonly pages?: boolean;
}

function hex(content: Uint8Array | string): string {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return `x:${bytes.toString('hex')}`;
}

function address(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function keyOf(constant: Constant): string {
  if (typeof constant === 'string' || constant instanceof Uint8Array) return hex(constant);
  return `v${constant.map(hex).join()}`;
}

function driverArguments(options: MachineOptions): string[] {
  const given: Record<string, string | number | undefined> = {
    fs: options.filesystem,
    folios: options.folios,
    exclusive: options.exclusive === true ? 1 : undefined,
    swap: options.swapBytes,
    memory: options.memoryBytes,
    readahead: options.readaheadKilobytes,
    'step-timeout': options.stepLimitMs,
    cpu: options.cpu,
    dir: options.directory,
    wait: options.waitMs,
  };
  return Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}

/**
 * Throws unless the kernel judges promises as scenarios expect it without `machine overcommit=`. A machine sets the mode when it
 * starts; who changes it afterwards changes VM_NORESERVE of every MAP_NORESERVE.
 */
export function checkOvercommit(file = '/proc/sys/vm/overcommit_memory'): void {
  const mode = readFileSync(file, 'utf8').trim();
  if (mode !== '0') throw new Error(`vm.overcommit_memory of this kernel is ${mode}, and the comparison needs 0`);
}

/**
 * One scenario at a time: declare files and constants, `spawn`, step, look, then `reset` for the next one or `close`.
 * Calls are answered in the order they are made. A method rejects when the driver cannot do what is asked, which is
 * not the same as a system call that fails.
 */
export class KernelMachine {
  /** What is missing on this machine to run scenarios for real, in words; undefined when all is there. */
  static available(): string | undefined {
    return missing();
  }

  /** Starts a machine. Rejects when something is missing or another exclusive machine does not end. */
  static async start(options: MachineOptions = {}): Promise<KernelMachine> {
    const lacking = missing();
    if (lacking !== undefined) throw new Error(`KernelMachine.start: ${lacking}`);
    const beside = KernelMachine.#up > 0 && options.exclusive !== true ? ['beside=1'] : [];
    const machine = new KernelMachine(
      startProgram(compileDriver(), [...driverArguments(options), ...beside]),
      options.runLimitMs ?? 20000,
    );
    try {
      const ready = await machine.#next();
      if (ready['ready'] !== true) throw new Error(`KernelMachine.start: ${String(ready['error'])}`);
      machine.#swap = ready['swap'] !== null;
      checkOvercommit();
    } catch (error) {
      await machine.close();
      throw error;
    }
    KernelMachine.#up++;
    void machine.#ended.then(() => KernelMachine.#up--);
    machine.#restartClock();
    return machine;
  }

  /** Machines of this process that are up. */
  static #up = 0;

  readonly #program: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  readonly #ended: Promise<void>;
  readonly #runLimitMs: number;
  readonly #constants = new Map<string, number>();
  #over: string | undefined;
  #clock: NodeJS.Timeout | undefined;
  #settled = false;
  #swap = false;
  #pageCache: 'cold' | 'warm' = 'cold';

  private constructor(program: ChildProcessWithoutNullStreams, runLimitMs: number) {
    this.#program = program;
    this.#runLimitMs = runLimitMs;
    this.#lines = createInterface({ input: program.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line) as Reply));
    program.stderr.resume();
    program.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      program.on('close', () => {
        clearTimeout(this.#clock);
        this.#over ??= 'the driver has ended';
        for (const { reject } of this.#waiting.splice(0)) reject(new Error(`KernelMachine: ${this.#over}`));
        resolve();
      });
    });
  }

  /** Whether there is a synchronous swap device; without one MADV_PAGEOUT leaves anonymous pages alone. */
  get hasSwap(): boolean {
    return this.#swap;
  }

  /** Why the machine can no longer be used; undefined while it can. */
  get over(): string | undefined {
    return this.#over;
  }

  /**
   * Declares strings, bytes and vectors that system calls will be given. They lie in the first text page of the programs
   * (about 3900 bytes in all), so this comes before `program` and `library`. Directories above a path are made.
   */
  async constants(list: Iterable<Constant>): Promise<void> {
    for (const constant of list) await this.#constant(constant);
  }

  /** Makes a regular file of a size (byte i is i / 4096 + 1 modulo 256) or with the given bytes; mode 0644. */
  async file(path: string, content: number | Uint8Array | string): Promise<void> {
    if (typeof content === 'number') await this.#ask(`pattern ${hex(path)} ${content}`);
    else await this.#ask(`file ${hex(path)} ${hex(content)}`);
    this.#settled = false;
  }

  /** Makes an executable of a shape; mode 0755. */
  async program(path: string, shape: ProgramShape): Promise<void> {
    const interp = shape.interp === undefined ? '' : ` ${hex(shape.interp)}`;
    await this.#ask(`program ${hex(path)} ${shape.type ?? 'static'} ${this.#sizes(shape)}${interp}`);
    this.#settled = false;
  }

  /** Makes a shared object of a shape, which can be an interpreter; mode 0755. */
  async library(path: string, shape: ImageShape): Promise<void> {
    await this.#ask(`library ${hex(path)} ${this.#sizes(shape)}`);
    this.#settled = false;
  }

  /** Sets what is in the page cache when the first process starts: nothing of the declared files, or all of them. */
  pageCache(state: 'cold' | 'warm'): void {
    this.#pageCache = state;
    this.#settled = false;
  }

  /** Makes a process that has executed its first instruction. Pids count from 1000. Rejects when execve fails. */
  async spawn(path: string, argv: readonly string[] = [path], envp: readonly string[] = []): Promise<SpawnResult> {
    await this.#settle();
    const words = [...argv, ...envp].map(hex).join(' ');
    const reply = await this.#ask(`spawn ${hex(path)} ${argv.length} ${words}`);
    if (typeof reply['errno'] === 'number') throw new Error(`spawn ${path}: ${errnoName(reply['errno'])}`);
    const { minflt, majflt, signal } = readStep(reply);
    const ended = signal === undefined ? {} : { signal };
    return { pid: Number(reply['pid']), minflt, majflt, ...ended };
  }

  /** Makes the process make a system call. Strings, bytes and vectors must have been declared with `constants`. */
  async syscall(pid: number, name: string, args: readonly SyscallArgument[] = []): Promise<StepResult> {
    const number = SYSCALL_NUMBERS[name];
    if (number === undefined) throw new Error(`syscall: ${name} is not one that scenarios make`);
    const words = args.map((argument) => this.#argument(argument));
    return readStep(await this.#ask(`syscall ${pid} ${number} ${words.join(' ')}`));
  }

  /** setrlimit, with the process's own rights; the hard limit stays when it is not given. */
  async setrlimit(pid: number, resource: number, soft: bigint, hard?: bigint): Promise<StepResult> {
    const words = hard === undefined ? address(soft) : `${address(soft)} ${address(hard)}`;
    return readStep(await this.#ask(`limit ${pid} ${resource} ${words}`));
  }

  /** Reads the first byte of each page of a range, then its first 256 bytes. */
  async load(pid: number, addr: bigint, length = 1n): Promise<StepResult> {
    return readStep(await this.#ask(`load ${pid} ${address(addr)} ${length}`));
  }

  /** Writes bytes in ascending order. */
  async store(pid: number, addr: bigint, bytes: Uint8Array | string): Promise<StepResult> {
    return readStep(await this.#ask(`store ${pid} ${address(addr)} ${hex(bytes)}`));
  }

  /** Fills a range with one byte, page after page. */
  async fill(pid: number, addr: bigint, value: number, length = 1n): Promise<StepResult> {
    return readStep(await this.#ask(`fill ${pid} ${address(addr)} ${value & 255} ${length}`));
  }

  /** Fetches an instruction. */
  async fetch(pid: number, addr: bigint): Promise<StepResult> {
    return readStep(await this.#ask(`fetch ${pid} ${address(addr)}`));
  }

  /** Whether SIGSEGV or SIGBUS ends the process, or leaves it as it is for its next step. */
  async signal(pid: number, name: 'SIGSEGV' | 'SIGBUS', action: 'handler' | 'default'): Promise<void> {
    await this.#ask(`signal ${pid} ${constants.signals[name]} ${action}`);
  }

  /** Looks at a process; without `parts`, at everything. Touches nothing. A dead process has counters only. */
  async dump(
    pid: number,
    parts: DumpParts = { maps: true, smaps: true, status: true, pages: true },
  ): Promise<ProcessDump> {
    const bits = (parts.maps ? 1 : 0) | (parts.smaps ? 2 : 0) | (parts.status ? 4 : 0) | (parts.pages ? 8 : 0);
    return readDump(await this.#ask(`dump ${pid} ${bits}`));
  }

  /** What nobody's process asked for. */
  async kernel(operation: KernelOperation): Promise<void> {
    await this.#settle();
    if (operation.op === 'truncate') await this.#ask(`truncate ${hex(operation.path)} ${operation.size}`);
    else if (operation.op === 'set') await this.#ask(`set ${hex(operation.path)} ${hex(operation.value)}`);
    else await this.#ask(operation.op);
  }

  /** Which pages of a file are in the page cache, from its first to its last. */
  async cached(path: string): Promise<boolean[]> {
    await this.#settle();
    return [...String((await this.#ask(`cached ${hex(path)}`))['cached'])].map((bit) => bit === '1');
  }

  /**
   * Ends all processes and removes all files and constants: as good as a new machine, and much faster. True when somebody
   * waits for this machine to be closed, since the two cannot run at once.
   */
  async reset(): Promise<boolean> {
    this.#restartClock();
    const { wanted } = await this.#ask('reset');
    this.#constants.clear();
    this.#pageCache = 'cold';
    this.#settled = false;
    return wanted === true;
  }

  /** Ends everything and waits until the machine is as it was before. */
  async close(): Promise<void> {
    clearTimeout(this.#clock);
    this.#over ??= 'closed';
    this.#program.stdin.end('quit\n');
    const force = setTimeout(() => this.#program.kill('SIGTERM'), 3000);
    await this.#ended;
    clearTimeout(force);
  }

  #restartClock(): void {
    clearTimeout(this.#clock);
    this.#clock = setTimeout(() => {
      this.#over = `the run took longer than ${this.#runLimitMs} ms`;
      this.#program.kill('SIGTERM');
    }, this.#runLimitMs);
    this.#clock.unref();
  }

  #next(): Promise<Reply> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async #ask(line: string): Promise<Reply> {
    if (this.#over !== undefined) throw new Error(`KernelMachine: ${this.#over}`);
    const answer = this.#next();
    this.#program.stdin.write(`${line}\n`);
    const reply = await answer;
    if (typeof reply['error'] === 'string') throw new Error(`KernelMachine: ${reply['error']}`);
    return reply;
  }

  async #settle(): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    await this.#ask(`settle ${this.#pageCache}`);
  }

  async #constant(constant: Constant): Promise<number> {
    const known = this.#constants.get(keyOf(constant));
    if (known !== undefined) return known;
    let line = '';
    if (typeof constant === 'string' || constant instanceof Uint8Array) line = `constant ${hex(constant)}00`;
    else {
      const items: number[] = [];
      for (const item of constant) items.push(await this.#constant(item));
      line = `vector ${items.join(' ')}`;
    }
    const index = Number((await this.#ask(line))['constant']);
    this.#constants.set(keyOf(constant), index);
    return index;
  }

  #argument(argument: SyscallArgument): string {
    if (typeof argument === 'bigint') return address(argument);
    const index = this.#constants.get(keyOf(argument));
    if (index === undefined) throw new Error(`syscall: constant ${JSON.stringify(argument)} was not declared`);
    return `@${index}`;
  }

  #sizes(shape: ImageShape): string {
    return `${shape.text} ${shape.rodata ?? 0} ${shape.data ?? 0} ${shape.bss ?? 0}`;
  }
}
