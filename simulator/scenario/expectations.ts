// Whether a step came to what its line expects.

import type { CallResult, StepOutcome, Word } from '../abi.ts';
import { type Asking, query } from './asking.ts';
import type { AccessOutcome, Expectation, Expr } from './ast.ts';
import { quote, sameBytes } from './bytes.ts';
import type { Environment } from './environment.ts';
import { intOf, type StepProblem } from './requests.ts';

const MINUS_ONE = (1n << 64n) - 1n;

export type Verdict = { readonly met: true } | { readonly met: false; readonly message: string } | StepProblem;

/** The load that a value is expected of: who loads where, and whether it has a length. */
export interface LoadSite {
  readonly pid: number;
  readonly addr: Word;
  readonly sized: boolean;
}

/**
 * Compares an outcome with an expectation, all parts of which must hold.
 * `load` is the access when the step is one that gives a value byte by byte.
 */
export function* judge(
  expected: Expectation,
  outcome: StepOutcome,
  environment: Environment,
  load: LoadSite | null,
): Asking<Verdict> {
  const got = describeOutcome(outcome, expected.outcome !== null || load !== null);
  const miss = (wanted: string): Verdict => ({ met: false, message: `expected ${wanted}, got ${got}` });
  if (expected.outcome !== null && !hasOutcome(outcome, expected.outcome)) return miss(expected.outcome);
  if (expected.signal !== null && !hasSignal(outcome.result, expected.signal, expected.signalCode)) {
    return miss(expected.signalCode === null ? expected.signal : `${expected.signal} ${expected.signalCode}`);
  }
  if (expected.errno !== null && !hasErrno(outcome.result, expected.errno)) {
    return miss(expected.errno);
  }
  if (expected.value === null) return { met: true };
  if (expected.value.kind === 'string') {
    const wanted = expected.value.value.bytes;
    const met = yield* hasBytes(outcome.result, wanted, load);
    return met ? { met } : miss(quote(wanted));
  }
  return judgeInt(expected.value, outcome.result, environment, load !== null, miss);
}

function judgeInt(
  expr: Expr,
  result: CallResult,
  environment: Environment,
  isLoad: boolean,
  miss: (wanted: string) => Verdict,
): Verdict {
  const wanted = intOf(expr, environment);
  if (typeof wanted !== 'bigint') return wanted;
  const actual = isLoad && result.kind !== 'errno' ? firstByte(result) : resultWord(result);
  return actual === wanted ? { met: true } : miss(writeInt(wanted));
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

/** Compares a load with a string. A load without a length has one byte: those behind it are looked at, not touched. */
function* hasBytes(result: CallResult, wanted: Uint8Array, load: LoadSite | null): Asking<boolean> {
  const loaded = loadedBytes(result);
  if (loaded === null) return false;
  if (load === null || load.sized || wanted.length <= loaded.length) {
    const most = loaded.length === 256 ? Math.min(wanted.length, 256) : wanted.length;
    return sameBytes(loaded.slice(0, wanted.length), wanted.slice(0, most));
  }
  for (const [index, byte] of wanted.entries()) {
    const args = [BigInt(load.pid), BigInt.asUintN(64, load.addr + BigInt(index))];
    const answer = yield* query({ name: 'byte', args });
    if (answer.kind !== 'int' || answer.value !== BigInt(byte)) return false;
  }
  return true;
}

function loadedBytes(result: CallResult): Uint8Array | null {
  if (result.kind === 'bytes') return result.bytes;
  return result.kind === 'value' ? Uint8Array.of(Number(result.value & 0xffn)) : null;
}

/** What a step came to, in the words that an expectation would use. */
export function describeOutcome(outcome: StepOutcome, isAccess: boolean): string {
  const result = describeResult(outcome.result);
  const how = isAccess ? outcomeOf(outcome) : null;
  return how === null ? result : `${how} ${result}`;
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
