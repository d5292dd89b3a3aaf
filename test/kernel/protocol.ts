/** What the driver's lines say, as types, and the functions that read them. */
import { constants } from 'node:os';

/** What a step did to its process. Faults are those of /proc/PID/stat. */
export interface StepResult {
  /** Return value of a call that succeeded; 0 for store, fetch and exit. */
  readonly value?: bigint;
  /** Name of the error, such as `ENOMEM`. */
  readonly errno?: string;
  /** The signal the step raised: its name, `si_code` by name and `si_addr`. */
  readonly signal?: { readonly name: string; readonly code: string; readonly addr: bigint };
  /** What a load read: the first min(length, 256) bytes. */
  readonly bytes?: Uint8Array;
  /** The call would have slept for ever; it was interrupted and changed nothing. */
  readonly blocked?: true;
  readonly minflt: number;
  readonly majflt: number;
  /** Faults that the process's own text cost before the step, because its page had been taken away; not in the above. */
  readonly own?: { readonly minflt: number; readonly majflt: number };
  /** A process or thread that the call made, with the faults of its first instruction. */
  readonly child?: { readonly pid: number; readonly minflt: number; readonly majflt: number };
  /** Processes that lived before the step and do not any more. */
  readonly dead: readonly number[];
  /** The stepped process itself is gone. */
  readonly died: boolean;
  /** How it ended, when it is gone: the signal that killed it, or its exit status. */
  readonly ended?: { readonly signal: string } | { readonly status: number };
}

export interface SpawnResult {
  readonly pid: number;
  readonly minflt: number;
  readonly majflt: number;
  /** The signal that its first instruction raised; the process is gone then. */
  readonly signal?: NonNullable<StepResult['signal']>;
}

/** One page that is present or swapped out. */
export interface PageEntry {
  readonly va: bigint;
  readonly present: boolean;
  readonly swapped: boolean;
  /** Bit 61: a page of a file or of shared memory. */
  readonly file: boolean;
  /** Bit 56: mapped exactly once. */
  readonly exclusive: boolean;
  /** The shared page of zeros. */
  readonly zero: boolean;
  /** Frame number; 0n when not present. */
  readonly pfn: bigint;
  /** Swap slot as pagemap encodes it (type and offset), when swapped. */
  readonly swap: bigint | undefined;
  /** /proc/kpagecount: how many page table entries map the frame. */
  readonly mapCount: number;
  /** /proc/kpageflags. */
  readonly flags: bigint;
}

/** A process as /proc shows it; the text fields that were not asked for are empty. */
export interface ProcessDump {
  readonly alive: boolean;
  readonly minflt: number;
  readonly majflt: number;
  readonly maps: string;
  readonly smaps: string;
  readonly status: string;
  readonly pages: readonly PageEntry[];
}

const ERRNO_NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, code]) => [code, name]));
ERRNO_NAMES.set(11, 'EAGAIN');
ERRNO_NAMES.set(80, 'ELIBBAD');
ERRNO_NAMES.set(95, 'EOPNOTSUPP');

const SIGNAL_NAMES = new Map<number, string>(Object.entries(constants.signals).map(([name, code]) => [code, name]));
SIGNAL_NAMES.set(6, 'SIGABRT');

const SIGNAL_CODES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  SIGSEGV: { 1: 'SEGV_MAPERR', 2: 'SEGV_ACCERR', 3: 'SEGV_BNDERR', 4: 'SEGV_PKUERR', 128: 'SI_KERNEL' },
  SIGBUS: { 1: 'BUS_ADRALN', 2: 'BUS_ADRERR', 3: 'BUS_OBJERR', 4: 'BUS_MCEERR_AR', 128: 'SI_KERNEL' },
};

/** A line of the driver before it is given a type. */
export type Reply = Readonly<Record<string, unknown>>;

function text(reply: Reply, key: string): string {
  const value = reply[key];
  return typeof value === 'string' ? value : '';
}

function count(reply: Reply, key: string): number {
  const value = reply[key];
  return typeof value === 'number' ? value : 0;
}

function nested(value: unknown): Reply | undefined {
  return typeof value === 'object' && value !== null ? (value as Reply) : undefined;
}

/** The name of an error number, such as `ENOMEM`. */
export function errnoName(code: number): string {
  return ERRNO_NAMES.get(code) ?? `errno ${code}`;
}

function signalOf(reply: Reply): NonNullable<StepResult['signal']> {
  const name = SIGNAL_NAMES.get(count(reply, 'signal')) ?? `signal ${count(reply, 'signal')}`;
  const code = count(reply, 'code');
  return {
    name,
    code: SIGNAL_CODES[name]?.[code] ?? (code === 0 ? 'SI_USER' : String(code)),
    addr: BigInt(text(reply, 'addr')),
  };
}

/** Splits a wait status. */
function endOf(status: number): NonNullable<StepResult['ended']> {
  const signal = status & 127;
  if (signal === 0) return { status: status >> 8 };
  return { signal: SIGNAL_NAMES.get(signal) ?? `signal ${signal}` };
}

/** Reads the reply to a step. */
export function readStep(reply: Reply): StepResult {
  const own = reply['own'];
  const child = nested(reply['child']);
  return {
    ...(reply['value'] !== undefined && { value: BigInt(text(reply, 'value')) }),
    ...(reply['errno'] !== undefined && { errno: errnoName(count(reply, 'errno')) }),
    ...(reply['signal'] !== undefined && { signal: signalOf(reply) }),
    ...(reply['bytes'] !== undefined && { bytes: Uint8Array.from(Buffer.from(text(reply, 'bytes'), 'hex')) }),
    ...(reply['blocked'] === true && { blocked: true as const }),
    minflt: count(reply, 'minflt'),
    majflt: count(reply, 'majflt'),
    ...(Array.isArray(own) && { own: { minflt: Number(own[0]), majflt: Number(own[1]) } }),
    ...(child && {
      child: { pid: count(child, 'pid'), minflt: count(child, 'minflt'), majflt: count(child, 'majflt') },
    }),
    dead: Array.isArray(reply['dead']) ? reply['dead'].map(Number) : [],
    died: reply['died'] === true,
    ...(reply['died'] === true && { ended: endOf(count(reply, 'status')) }),
  };
}

const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const FILE = 1n << 61n;
const EXCLUSIVE = 1n << 56n;
const PFN = (1n << 55n) - 1n;
/** kpageflags: ZERO_PAGE. */
const ZERO_PAGE = 1n << 24n;

function readPage(row: unknown): PageEntry {
  const [va, entryHex, flagsHex, mapCount] = row as [string, string, string, number];
  const entry = BigInt(`0x${entryHex}`);
  const flags = BigInt(`0x${flagsHex}`);
  const present = (entry & PRESENT) !== 0n;
  const swapped = (entry & SWAPPED) !== 0n;
  return {
    va: BigInt(`0x${va}`),
    present,
    swapped,
    file: (entry & FILE) !== 0n,
    exclusive: (entry & EXCLUSIVE) !== 0n,
    zero: present && (flags & ZERO_PAGE) !== 0n,
    pfn: present ? entry & PFN : 0n,
    swap: swapped ? entry & PFN : undefined,
    mapCount,
    flags,
  };
}

/** Reads the reply to a dump. */
export function readDump(reply: Reply): ProcessDump {
  return {
    alive: reply['alive'] === true,
    minflt: count(reply, 'minflt'),
    majflt: count(reply, 'majflt'),
    maps: text(reply, 'maps'),
    smaps: text(reply, 'smaps'),
    status: text(reply, 'status'),
    pages: Array.isArray(reply['pages']) ? reply['pages'].map(readPage) : [],
  };
}
