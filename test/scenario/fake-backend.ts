// A kernel of a few lines for tests of the language: flat memory a process, pages made on first touch.

import type {
  Arg,
  Backend,
  Declaration,
  MachineReport,
  ProcessReport,
  Query,
  QueryResult,
  Request,
  StepOutcome,
} from '../../simulator/abi.ts';

interface FakeProcess {
  readonly memory: Map<bigint, number>;
  readonly pages: Set<bigint>;
  readonly unmapped: Set<bigint>;
  alive: boolean;
}

const value = (word: bigint): StepOutcome => ({
  result: { kind: 'value', value: word },
  faults: [],
  minflt: 0,
  majflt: 0,
});

/** Remembers what it was asked. */
export class FakeBackend implements Backend {
  readonly declared: Declaration[] = [];
  readonly requests: Request[] = [];
  readonly processes = new Map<number, FakeProcess>();
  #nextPid = 1000;
  #nextMap = 0x7ffff7ff7000n;
  /** Answers of calls by name, in place of 0. */
  readonly answers = new Map<string, StepOutcome>();

  declare(declaration: Declaration): string | null {
    this.declared.push(declaration);
    return null;
  }

  execute(request: Request): StepOutcome {
    this.requests.push(request);
    if (request.op === 'spawn') return this.#make();
    if (request.op === 'kernel') return value(0n);
    const process = this.processes.get(request.pid);
    if (process?.alive !== true) {
      return {
        ...value(0n),
        result: {
          kind: 'skipped',
          message: `process ${request.pid} is dead`,
          because: { pid: request.pid, state: 'is dead' },
        },
      };
    }
    switch (request.op) {
      case 'load':
        return this.#access(process, request.addr, (addr) => this.#load(process, addr, request.length));
      case 'store':
        return this.#access(process, request.addr, (addr) => this.#store(process, addr, request.value));
      case 'syscall':
        return this.#syscall(process, request.name, request.args);
      default:
        return value(0n);
    }
  }

  #make(): StepOutcome {
    const pid = this.#nextPid++;
    this.processes.set(pid, { memory: new Map(), pages: new Set(), unmapped: new Set(), alive: true });
    return { ...value(BigInt(pid)), minflt: 2, child: pid };
  }

  #access(process: FakeProcess, addr: bigint, serve: (addr: bigint) => StepOutcome): StepOutcome {
    const page = addr >> 12n;
    if (page === 0n || process.unmapped.has(page)) {
      process.alive = false;
      return { ...value(0n), result: { kind: 'signal', signal: 'SIGSEGV', code: 'SEGV_MAPERR', addr } };
    }
    const touched = process.pages.has(page);
    process.pages.add(page);
    const outcome = serve(addr);
    if (touched) return outcome;
    const fault = { addr: Number(addr), access: 'write', kind: 'anon', major: false } as const;
    return { ...outcome, minflt: 1, faults: [fault] };
  }

  #load(process: FakeProcess, addr: bigint, length: bigint | undefined): StepOutcome {
    const count = Number(length ?? 1n);
    const bytes = Uint8Array.from(
      { length: Math.min(count, 256) },
      (_, i) => process.memory.get(addr + BigInt(i)) ?? 0,
    );
    return { ...value(0n), result: { kind: 'bytes', bytes } };
  }

  #store(process: FakeProcess, addr: bigint, what: number | Uint8Array): StepOutcome {
    const bytes = typeof what === 'number' ? Uint8Array.of(what) : what;
    bytes.forEach((byte, i) => {
      process.memory.set(addr + BigInt(i), byte);
    });
    return value(0n);
  }

  #syscall(process: FakeProcess, name: string, args: readonly Arg[]): StepOutcome {
    const given = this.answers.get(name);
    if (given !== undefined) return given;
    if (name === 'fork' || name === 'clone' || name === 'vfork') {
      const outcome = this.#make();
      for (const [addr, byte] of process.memory) this.processes.get(outcome.child ?? 0)?.memory.set(addr, byte);
      return { ...outcome, minflt: 0 };
    }
    if (name === 'exit') process.alive = false;
    if (name === 'mmap') {
      this.#nextMap -= args[1] as bigint;
      return value(this.#nextMap);
    }
    if (name === 'munmap') process.unmapped.add((args[0] as bigint) >> 12n);
    return value(0n);
  }

  query({ name, args }: Query): QueryResult {
    const process = this.processes.get(Number(args[0]));
    if (process === undefined) return { kind: 'error', message: 'no such process' };
    if (name === 'byte') return { kind: 'int', value: BigInt(process.memory.get(args[1] as bigint) ?? 0) };
    if (name === 'perm') return { kind: 'string', value: 'rw-p' };
    if (name === 'present') return { kind: 'bool', value: process.pages.has((args[1] as bigint) >> 12n) };
    return { kind: 'int', value: 1n };
  }

  *everyProcess(): IterableIterator<{ readonly pid: number; readonly alive: boolean }> {
    for (const [pid, { alive }] of this.processes) yield { pid, alive };
  }

  reportProcess(pid: number): ProcessReport {
    const alive = this.processes.get(pid)?.alive === true;
    return { pid, state: alive ? 'alive' : 'dead', maps: '', minflt: 0, majflt: 0, pages: [], smaps: [], status: {} };
  }

  reportMachine(): MachineReport {
    return { frames: 16, free: 9, swapSlots: 8, swapUsed: 0 };
  }
}
