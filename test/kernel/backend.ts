/** The real kernel as a backend of the scenario interpreter: requests become steps of a {@link KernelMachine}. */
import type {
  Arg,
  CallResult,
  Declaration,
  MachineConfig,
  Request,
  StepOutcome,
  StringArg,
} from '../../simulator/abi.ts';
import type { Scenario } from '../../simulator/scenario/index.ts';
import type { Constant, KernelMachine, StepResult, SyscallArgument } from './driver.ts';

/** What the harness cannot do for real: the scenario is left out of a comparison. */
export class Unsupported extends Error {}

function text(arg: StringArg): string {
  return arg.text;
}

/** A string as the process has it in memory: what is no text as its bytes. */
function inMemory(arg: StringArg): string | Uint8Array {
  return Buffer.from(arg.text).equals(arg.bytes) ? arg.text : arg.bytes;
}

function constantOf(arg: Arg): Constant | null {
  if (typeof arg === 'bigint') return null;
  return 'text' in arg ? inMemory(arg) : (arg as readonly StringArg[]).map(text);
}

/** Paths and vectors that the system calls of a scenario name, wherever they stand. */
export function constantsOf(scenario: Scenario): Constant[] {
  const found: Constant[] = [];
  for (const code of scenario.code) {
    if (code.kind !== 'step' || code.signature.family === 'CPU') continue;
    for (const arg of code.args) {
      if (arg?.kind === 'string') found.push(inMemory(arg.value));
      else if (arg?.kind === 'array')
        found.push(arg.items.flatMap((item) => (item.kind === 'string' ? [item.value.text] : [])));
    }
    if (code.signature.name === 'execve') {
      const path = code.args[0];
      if (path?.kind === 'string') found.push([path.value.text], []);
    }
  }
  return found;
}

/** Declares files, programs and libraries on the machine, and the state of its page cache. */
export async function declare(machine: KernelMachine, declarations: readonly Declaration[]): Promise<void> {
  let puppet = false;
  for (const declaration of declarations) {
    switch (declaration.kind) {
      case 'machine':
        checkConfig(declaration.config);
        machine.pageCache(declaration.config.page_cache);
        break;
      case 'file':
        await machine.file(declaration.path, declaration.bytes ?? declaration.size);
        break;
      case 'elf': {
        const { path, type, text: code, rodata, data, bss, interp, needs } = declaration.shape;
        if (needs.length > 0) throw new Unsupported('needs=');
        if (path === '/bin/puppet') puppet = true;
        const sizes = { text: code, rodata, data, bss };
        if (type === 'shared') await machine.library(path, sizes);
        else await machine.program(path, { type, ...sizes, ...(interp === undefined ? {} : { interp }) });
        break;
      }
      default:
        throw new Unsupported(`${declaration.kind} declarations`);
    }
  }
  if (!puppet) await machine.program('/bin/puppet', { type: 'static', text: 4096 });
}

function checkConfig(config: MachineConfig): void {
  const kernels: Partial<MachineConfig> = {
    levels: 4,
    aslr: null,
    overcommit: 0,
    fault_around: 65536,
    readahead: 131072,
    stack_limit: 8388608,
    stack_guard_gap: 1048576,
    thp: 'never',
    max_map_count: 65530,
    writeback: 0,
  };
  for (const [key, value] of Object.entries(kernels)) {
    if (config[key as keyof MachineConfig] !== value) throw new Unsupported(`machine ${key}=`);
  }
}

function resultOf(step: StepResult, request: Request): CallResult {
  if (step.blocked === true) return { kind: 'skipped', message: 'would block' };
  if (step.signal !== undefined) {
    const { name, code, addr } = step.signal;
    // SIGKILL is seen by its effect only: who sent it is not known.
    return { kind: 'signal', signal: name, code: name === 'SIGKILL' ? 'SI_USER' : code, addr };
  }
  if (step.errno !== undefined) return { kind: 'errno', errno: step.errno };
  if (step.died && step.ended !== undefined && 'signal' in step.ended) {
    return { kind: 'signal', signal: step.ended.signal, code: 'SI_USER', addr: 0n };
  }
  if (request.op === 'load' && step.bytes !== undefined) {
    return request.length === undefined
      ? { kind: 'value', value: BigInt(step.bytes[0] ?? 0) }
      : { kind: 'bytes', bytes: step.bytes };
  }
  return { kind: 'value', value: step.value ?? 0n };
}

/** A step as the interpreter wants it, and the faults of a child that it made. */
export interface RealOutcome extends StepOutcome {
  readonly childMinflt?: number;
  /** The process's text had been taken from its memory, and came back before the step: the two sides are apart now. */
  readonly textReturned?: true;
}

function outcomeOf(step: StepResult, request: Request): RealOutcome {
  const base = {
    result: resultOf(step, request),
    faults: [],
    minflt: step.minflt,
    majflt: step.majflt,
    ...(step.own !== undefined && { textReturned: true as const }),
  };
  return step.child === undefined ? base : { ...base, child: step.child.pid, childMinflt: step.child.minflt };
}

const NOTHING: RealOutcome = { result: { kind: 'value', value: 0n }, faults: [], minflt: 0, majflt: 0 };

const READS = new Set(['read', 'pread', 'pread64', 'mincore']);
const WRITES = new Set(['write', 'pwrite', 'pwrite64']);

/** Bytes of a string that go to the driver in one line. */
const MAX_STRING = 1 << 16;

/** A string cut to a length, or with zeros up to it, as strncpy() does. */
function sized(bytes: Uint8Array, length: bigint | undefined): Uint8Array {
  if (length === undefined) return bytes;
  if (length > MAX_STRING) throw new Unsupported('a string of that length');
  const all = new Uint8Array(Number(length));
  all.set(bytes.subarray(0, all.length));
  return all;
}

/** What a line shows in place of a buffer: bytes to be written lie in the text page, whatever would be stored nowhere. */
function checkBuffer(name: string, args: readonly Arg[]): void {
  const shown = args[name === 'mincore' ? 2 : 1];
  if (typeof shown !== 'object' || !('text' in shown)) return;
  if (READS.has(name)) throw new Unsupported('a buffer that is shown');
  const count = args[2];
  if (WRITES.has(name) && typeof count === 'bigint' && count > BigInt(shown.bytes.length)) {
    throw new Unsupported('a buffer that is shown in part');
  }
}

/** execve gets the path as argv and an empty environment unless they are given; a new file the usual mode. */
function syscallArgs(name: string, args: readonly Arg[]): SyscallArgument[] {
  checkBuffer(name, args);
  const words = args.map((arg): SyscallArgument => constantOf(arg) ?? (arg as bigint));
  if (name === 'execve') {
    if (words.length < 2) words.push(typeof words[0] === 'string' ? [words[0]] : 0n);
    if (words.length < 3) words.push([]);
  }
  if (name === 'open' && words.length < 3) words.push(0o644n);
  if (name === 'openat' && words.length < 4) words.push(0o644n);
  if (name === 'creat' && words.length < 2) words.push(0o644n);
  return words;
}

async function kernelStep(machine: KernelMachine, request: Request & { op: 'kernel' }): Promise<RealOutcome> {
  const { name, args } = request;
  if (name === 'drop_caches' || name === 'writeback' || name === 'swapoff' || name === 'swapon') {
    try {
      await machine.kernel({ op: name });
    } catch (error) {
      // Swap that is off already, or on.
      if (/swapo.*Invalid argument/.test(String(error)))
        return { ...NOTHING, result: { kind: 'errno', errno: 'EINVAL' } };
      if (/swapo.*busy/.test(String(error))) return { ...NOTHING, result: { kind: 'errno', errno: 'EBUSY' } };
      throw error;
    }
    return NOTHING;
  }
  const [path, size] = args;
  if (name === 'truncate' && typeof path === 'object' && 'text' in path && typeof size === 'bigint') {
    try {
      await machine.kernel({ op: 'truncate', path: path.text, size });
    } catch (error) {
      if (!/No such file/.test(String(error))) throw error;
      // As for every file that is not there, the simulator does not make the step.
      return { ...NOTHING, result: { kind: 'skipped', message: 'there is no such file' } };
    }
    return NOTHING;
  }
  throw new Unsupported(`kernel: ${name}`);
}

/** Makes one request on the real kernel. */
export async function execute(machine: KernelMachine, request: Request): Promise<RealOutcome> {
  switch (request.op) {
    case 'spawn': {
      const made = await machine.spawn(request.path, request.argv.map(text));
      return {
        ...NOTHING,
        result:
          made.signal === undefined
            ? { kind: 'value', value: BigInt(made.pid) }
            : { kind: 'signal', signal: made.signal.name, code: made.signal.code, addr: made.signal.addr },
        minflt: made.minflt,
        majflt: made.majflt,
        child: made.pid,
      };
    }
    case 'kernel':
      return kernelStep(machine, request);
    case 'signal':
      await machine.signal(
        request.pid,
        request.signal as 'SIGSEGV' | 'SIGBUS',
        request.handler ? 'handler' : 'default',
      );
      return NOTHING;
    case 'load':
      return outcomeOf(await machine.load(request.pid, request.addr, request.length), request);
    case 'store': {
      const { pid, addr, value, length } = request;
      const step =
        typeof value === 'number'
          ? machine.fill(pid, addr, value, length)
          : machine.store(pid, addr, sized(value, length));
      return outcomeOf(await step, request);
    }
    case 'fetch':
      return outcomeOf(await machine.fetch(request.pid, request.addr), request);
    case 'syscall': {
      const { pid, name, args } = request;
      if (name === 'setrlimit') {
        const [resource, soft, hard] = args as bigint[];
        return outcomeOf(await machine.setrlimit(pid, Number(resource), soft ?? 0n, hard), request);
      }
      return outcomeOf(await machine.syscall(pid, name, syscallArgs(name, args)), request);
    }
  }
}
