// Whether a step came to what its line expects.

import type { CallResult, StepOutcome, Word } from '../abi.ts';
import { type Asking, query } from './asking.ts';
import type { AccessOutcome, Expectation, Expr } from './ast.ts';
import { quote, sameBytes } from './bytes.ts';
import { errnoText } from './constants.ts';
import type { Environment } from './environment.ts';
import { intOf, type StepProblem } from './requests.ts';

const MINUS_ONE = (1n << 64n) - 1n;

/** What of an outcome a failure has told: its value, errno or signal, or how the access went. */
export type Told = 'result' | 'faults';

export type Verdict =
  | { readonly met: true }
  | { readonly met: false; readonly message: string; readonly tells: readonly Told[] }
  | StepProblem;

/** A part of an expectation that is not met, and what is there in its place. */
interface Miss {
  readonly wanted: string;
  readonly got: string;
  readonly tells: Told;
}

/** The load that a value is expected of: who loads where, and whether it has a length. */
export interface LoadSite {
  readonly pid: number;
  readonly addr: Word;
  readonly sized: boolean;
}

/**
 * Compares an outcome with an expectation, all parts of which must hold. A miss says in the words of the expectation
 * what is there instead. `isAccess`: the step is one of the CPU's; `load`: it gives a value byte by byte.
 */
export function* judge(
  expected: Expectation,
  outcome: StepOutcome,
  environment: Environment,
  isAccess: boolean,
  load: LoadSite | null,
): Asking<Verdict> {
  const { result } = outcome;
  const misses: Miss[] = [];
  const miss = (wanted: string) => misses.push({ wanted, ...instead(outcome, isAccess) });
  if (expected.outcome !== null && !hasOutcome(outcome, expected.outcome)) {
    misses.push({ wanted: expected.outcome, ...instead(outcome, true) });
  }
  if (expected.signal !== null && !hasSignal(result, expected.signal, expected.signalCode)) {
    miss(expected.signalCode === null ? expected.signal : `${expected.signal} ${expected.signalCode}`);
  }
  if (expected.errno !== null && !hasErrno(result, expected.errno)) miss(expected.errno);
  const { value } = expected;
  if (value?.kind === 'string') {
    const bytes = yield* missingBytes(result, value.value.bytes, load);
    if (bytes !== null) misses.push(bytes);
  } else if (value !== null) {
    const wanted = intOf(value, environment);
    if (typeof wanted !== 'bigint') return wanted;
    const actual = load !== null && result.kind !== 'errno' ? firstByte(result) : resultWord(result);
    if (actual !== wanted) misses.push(missedInt(value, wanted, actual, result));
  }
  return misses.length === 0 ? { met: true } : { met: false, ...failureOf(misses) };
}

function failureOf(misses: readonly Miss[]): { readonly message: string; readonly tells: readonly Told[] } {
  const wanted = misses.map((miss) => miss.wanted).join(' and ');
  // A signal stands in the place of all.
  const got = [...new Set(misses.map((miss) => miss.got))].join(' and ');
  return { message: `expected ${wanted}, got ${got}`, tells: misses.map((miss) => miss.tells) };
}

const ACCESS_WORDS: Readonly<Record<AccessOutcome, string>> = {
  hit: 'hit',
  minor: 'minor fault',
  major: 'major fault',
  cow: 'cow',
};

/** What is there in the place of an outcome, a signal or an errno. */
function instead(outcome: StepOutcome, isAccess: boolean): Pick<Miss, 'got' | 'tells'> {
  const how = isAccess ? outcomeOf(outcome) : null;
  if (how !== null) return { got: ACCESS_WORDS[how], tells: 'faults' };
  return { got: resultWords(outcome.result), tells: 'result' };
}

/** A result as an expectation would name it, an errno with what it means. */
function resultWords(result: CallResult): string {
  return result.kind === 'errno' ? `${result.errno} (${errnoText(result.errno) ?? ''})` : describeResult(result);
}

function missedInt(expr: Expr, wanted: Word, actual: Word | null, result: CallResult): Miss {
  const isHex = expr.kind === 'int' && isHexadecimal(expr.text);
  const write = (value: Word) => (isHex ? `0x${value.toString(16)}` : writeInt(value));
  const got = actual === null || result.kind === 'errno' ? resultWords(result) : write(actual);
  return { wanted: expr.kind === 'int' ? expr.text : write(wanted), got, tells: 'result' };
}

/** Whether a number is written so. */
export function isHexadecimal(text: string): boolean {
  return /^0x/i.test(text);
}

/** What libc would return: -1 for a failed call; null when there is no value. */
export function resultWord(result: CallResult): Word | null {
  switch (result.kind) {
    case 'value':
      return result.value;
    case 'errno':
      return MINUS_ONE;
    case 'bytes':
      return result.bytes.slice(0, 8).reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n);
    default:
      return null;
  }
}

function firstByte(result: CallResult): Word | null {
  if (result.kind === 'value') return result.value & 0xffn;
  const byte = result.kind === 'bytes' ? result.bytes[0] : undefined;
  return byte === undefined ? null : BigInt(byte);
}

/** How an access went: its costliest fault, or `hit`. Null when it ended in a signal or an error. */
export function outcomeOf(outcome: StepOutcome): AccessOutcome | null {
  const { result, faults, minflt, majflt } = outcome;
  if (result.kind === 'signal' || result.kind === 'skipped') return null;
  if (majflt > 0 || faults.some((fault) => fault.major)) return 'major';
  if (faults.some((fault) => fault.kind === 'cow')) return 'cow';
  return minflt > 0 || faults.length > 0 ? 'minor' : 'hit';
}

function hasOutcome(outcome: StepOutcome, wanted: AccessOutcome): boolean {
  const actual = outcomeOf(outcome);
  return actual === wanted || (wanted === 'minor' && actual === 'cow');
}

/** strace shows what a call returns even to who is not to see it: the caller dies of the signal that came with the error. */
function hasErrno(result: CallResult, errno: string): boolean {
  if (result.kind === 'signal') return result.signal === 'SIGXFSZ' && errno === 'EFBIG';
  return result.kind === 'errno' && result.errno === errno;
}

function hasSignal(result: CallResult, signal: string, code: string | null): boolean {
  return result.kind === 'signal' && result.signal === signal && (code === null || result.code === code);
}

/** A string that a load did not give, or null when it did. */
function* missingBytes(result: CallResult, wanted: Uint8Array, load: LoadSite | null): Asking<Miss | null> {
  const loaded = loadedBytes(result);
  if (loaded === null) return { wanted: quote(wanted), got: resultWords(result), tells: 'result' };
  const isPeeked = load !== null && !load.sized && wanted.length > loaded.length;
  const there = isPeeked ? yield* peek(load, wanted.length) : loaded.slice(0, wanted.length);
  const most = !isPeeked && loaded.length === 256 ? wanted.slice(0, 256) : wanted;
  return sameBytes(there, most) ? null : { ...differingBytes(wanted, there), tells: 'result' };
}

/** The bytes behind a load of one byte, which are looked at, not touched; fewer where something else follows. */
function* peek({ pid, addr }: LoadSite, length: number): Asking<Uint8Array> {
  const bytes: number[] = [];
  while (bytes.length < length) {
    const args = [BigInt(pid), BigInt.asUintN(64, addr + BigInt(bytes.length))];
    const answer = yield* query({ name: 'byte', args });
    if (answer.kind !== 'int') break;
    bytes.push(Number(answer.value));
  }
  return Uint8Array.from(bytes);
}

/** So many bytes can be compared by eye; of more, those around the first difference are shown. */
const SHOWN_BYTES = 32;

function differingBytes(wanted: Uint8Array, there: Uint8Array): { readonly wanted: string; readonly got: string } {
  if (wanted.length <= SHOWN_BYTES) return { wanted: quote(wanted), got: quote(there) };
  const differs = wanted.findIndex((byte, at) => byte !== there[at]);
  const start = Math.max(0, differs - SHOWN_BYTES / 4);
  const end = start + SHOWN_BYTES;
  const show = (bytes: Uint8Array) =>
    `${start > 0 ? '…' : ''}${quote(bytes.slice(start, end))}${end < bytes.length ? '…' : ''}`;
  return { wanted: show(wanted), got: `${show(there)}: byte ${differs} differs` };
}

function loadedBytes(result: CallResult): Uint8Array | null {
  if (result.kind === 'bytes') return result.bytes;
  return result.kind === 'value' ? Uint8Array.of(Number(result.value & 0xffn)) : null;
}

/** A result as strace writes it: `0x7ffff7ff5000`, `-1 ENOMEM`, `"hello"`, `SIGSEGV SEGV_MAPERR at 0x10`. */
export function describeResult(result: CallResult): string {
  switch (result.kind) {
    case 'value':
      return writeInt(result.value);
    case 'errno':
      return `-1 ${result.errno}`;
    case 'bytes':
      return quote(result.bytes);
    case 'signal':
      if (result.signal === 'SIGKILL' && result.code === 'SI_KERNEL') return 'SIGKILL (out of memory)';
      return `${result.signal} ${result.code} at 0x${result.addr.toString(16)}`.replace(/ {2}/, ' ');
    case 'skipped':
      return `nothing: ${result.message}`;
  }
}

/** Addresses in hexadecimal, small numbers and -1 in decimal. */
export function writeInt(value: Word): string {
  if (value === MINUS_ONE) return '-1';
  return value < 65536n ? String(value) : `0x${value.toString(16)}`;
}
