/** load, store and fetch: what the CPU does between system calls, one page after the other. */

import type { AccessKind, CallResult } from '../abi.ts';
import { PAGE_SIZE, type Pfn, pageDown, userAddress, WORD_END } from '../machine/address.ts';
import { fillFrame, readFrameByte, writeFrame } from '../machine/content.ts';
import { cpu_access, lastTrap, OOM_KILLED, type Trap } from '../mm/access.ts';
import { PART_BYTES, type Parts, type Progress } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import { do_group_exit } from './exit.ts';
import { current_mm } from './task.ts';

/** A load's value holds at most so many bytes. */
const MAX_VALUE = 256;
const CANONICAL_END = 2n ** 63n;

/** Bytes that one step may touch: more is a mistake of the scenario, and would take minutes. */
export const MAX_TOUCHED = 2n ** 35n;

/** A file may not grow as far as a call would have it (RLIMIT_FSIZE); the kernel sends it in the name of the process. */
export const SIGXFSZ = { signal: 'SIGXFSZ', code: 'SI_USER' } as const;

/** The signal's effect on the running process, and the step's result. */
export function raise(k: Kernel, trap: Trap | typeof SIGXFSZ, addr: bigint): CallResult {
  const task = k.tasks.get(k.scalars.current);
  const handled = trap.signal !== 'SIGKILL' && task.handlers.has(trap.signal);
  if (k.sink !== null) k.emit({ type: 'signal', signal: trap.signal, code: trap.code, addr: Number(addr), handled });
  if (!handled) do_group_exit(k, task.pid, { kind: 'signal', signal: trap.signal, code: trap.code });
  return { kind: 'signal', signal: trap.signal, code: trap.code, addr: trap === OOM_KILLED ? 0n : addr };
}

/**
 * What comes of an access to an address that the MMU does not even walk, that is the kernel's, or where a double cannot
 * count bytes and nothing is mapped; null for any other user address.
 */
function hopeless(k: Kernel, addr: bigint, access: AccessKind): CallResult | null {
  const bits = k.config.levels === 5 ? 56n : 47n;
  if (addr >> bits === 0n) {
    if (addr < BigInt(WORD_END)) return null;
    if (cpu_access(k, current_mm(k), userAddress(addr), access) >= 0)
      throw new Error('hopeless: a page is mapped there');
    return raise(k, lastTrap, addr);
  }
  const canonical = addr >= CANONICAL_END && BigInt.asUintN(64, ~addr) >> bits === 0n;
  if (canonical) return raise(k, { signal: 'SIGSEGV', code: 'SEGV_MAPERR' }, addr);
  if (k.sink !== null) {
    const pte = { flags: 0, pfn: 0 };
    k.emit({ type: 'page-walk', va: Number(addr), access, end: 'non-canonical', tables: [], indexes: [], pte });
  }
  return raise(k, { signal: 'SIGSEGV', code: 'SI_KERNEL' }, 0n);
}

/** Why a step that would touch `length` bytes is not made. */
export function tooMuchText(length: bigint): string {
  return `${length} bytes are more than one step may touch (${MAX_TOUCHED})`;
}

function tooMuch(length: bigint): CallResult {
  return { kind: 'skipped', message: tooMuchText(length) };
}

/** load(addr[, len]): touches the first byte of each page; the value is the first bytes. */
export function* load(k: Kernel, addr: bigint, length: bigint | undefined): Parts<CallResult> {
  const bytes = length ?? 1n;
  if (bytes > MAX_TOUCHED) return tooMuch(bytes);
  if (bytes === 0n) return { kind: 'bytes', bytes: new Uint8Array(0) };
  const bad = hopeless(k, addr, 'read');
  if (bad !== null) return bad;
  const start = Number(addr);
  const value = new Uint8Array(Math.min(Number(bytes), MAX_VALUE));
  const end = start + Number(bytes);
  for (let from = start; from < end; from = partEnd(from)) {
    if (from > start) yield progress(start, from, end);
    const refused = loadPart(k, from, Math.min(end, partEnd(from)), start, value);
    if (refused !== null) return refused;
  }
  const first = value[0] ?? 0;
  return length === undefined ? { kind: 'value', value: BigInt(first) } : { kind: 'bytes', bytes: value };
}

/** Where the part ends that begins at `at`. */
function partEnd(at: number): number {
  return pageDown(at) + PART_BYTES;
}

function progress(start: number, at: number, end: number): Progress {
  return { done: Math.floor((at - start) / PAGE_SIZE), of: Math.ceil((end - start) / PAGE_SIZE) };
}

/** The pages of [from, end); the value of the load begins at `start`. */
function loadPart(k: Kernel, from: number, end: number, start: number, value: Uint8Array): CallResult | null {
  const mm = current_mm(k);
  for (let at = from; at < end; at = pageDown(at) + PAGE_SIZE) {
    const pfn = cpu_access(k, mm, at, 'read');
    if (pfn < 0) return raise(k, lastTrap, BigInt(at));
    copyOut(k, pfn, at, start, value);
  }
  return null;
}

function copyOut(k: Kernel, pfn: Pfn, at: number, start: number, value: Uint8Array): void {
  const end = pageDown(at) + PAGE_SIZE;
  for (let byte = at; byte < end && byte - start < value.length; byte++) {
    value[byte - start] = readFrameByte(k.frames, pfn, byte % PAGE_SIZE);
  }
}

/**
 * store(addr, value | bytes[, len]): page after page; what came before a fatal access stays written. A length cuts a string
 * or adds zeros to it.
 */
export function* store(
  k: Kernel,
  addr: bigint,
  value: number | Uint8Array,
  length: bigint | undefined,
): Parts<CallResult> {
  const bytes = length ?? (typeof value === 'number' ? 1n : BigInt(value.length));
  if (bytes > MAX_TOUCHED) return tooMuch(bytes);
  if (bytes === 0n) return { kind: 'value', value: 0n };
  const bad = hopeless(k, addr, 'write');
  if (bad !== null) return bad;
  const start = Number(addr);
  const end = start + Number(bytes);
  for (let from = start; from < end; from = partEnd(from)) {
    if (from > start) yield progress(start, from, end);
    const refused = storePart(k, from, Math.min(end, partEnd(from)), start, value);
    if (refused !== null) return refused;
  }
  return { kind: 'value', value: 0n };
}

/** The pages of [from, end); what is stored begins at `start`. */
function storePart(k: Kernel, from: number, end: number, start: number, value: number | Uint8Array): CallResult | null {
  const mm = current_mm(k);
  for (let at = from; at < end; ) {
    const stop = Math.min(end, pageDown(at) + PAGE_SIZE);
    const pfn = cpu_access(k, mm, at, 'write');
    if (pfn < 0) return raise(k, lastTrap, BigInt(at));
    if (typeof value === 'number') fillFrame(k.frames, k.epoch, pfn, at % PAGE_SIZE, stop - at, value);
    else storeString(k, pfn, at % PAGE_SIZE, value.subarray(at - start), stop - at);
    at = stop;
  }
  return null;
}

/** `count` bytes of one page: those of the string that are left, and zeros behind its end, as strncpy() writes them. */
function storeString(k: Kernel, pfn: Pfn, offset: number, rest: Uint8Array, count: number): void {
  const bytes = rest.subarray(0, count);
  if (bytes.length > 0) writeFrame(k.frames, k.epoch, pfn, offset, bytes);
  if (bytes.length < count) fillFrame(k.frames, k.epoch, pfn, offset + bytes.length, count - bytes.length, 0);
}

const VSYSCALL_ADDR = 0xffffffffff600000n;
/** True in the page [vsyscall], which lies at one place in every process. */
export function isVsyscall(addr: bigint): boolean {
  return addr >= VSYSCALL_ADDR && addr - VSYSCALL_ADDR < BigInt(PAGE_SIZE);
}

/** gettimeofday, time and getcpu, 1 KiB apart. */
const VSYSCALLS = 3n;

/**
 * emulate_vsyscall() (arch/x86/entry/vsyscall/vsyscall_64.c): a call of the page [vsyscall] is made by the kernel and returns;
 * no instruction of it runs. Any other address of the page is a SIGSEGV. Null: the address is not in that page.
 */
function emulate_vsyscall(k: Kernel, addr: bigint): CallResult | null {
  if (!isVsyscall(addr)) return null;
  const offset = addr - VSYSCALL_ADDR;
  if (offset % 1024n === 0n && offset / 1024n < VSYSCALLS) return { kind: 'value', value: 0n };
  return raise(k, { signal: 'SIGSEGV', code: 'SI_KERNEL' }, 0n);
}

/** fetch(addr): an instruction is fetched. */
export function fetch(k: Kernel, addr: bigint): CallResult {
  const emulated = emulate_vsyscall(k, addr);
  if (emulated !== null) return emulated;
  const bad = hopeless(k, addr, 'exec');
  if (bad !== null) return bad;
  const pfn = cpu_access(k, current_mm(k), Number(addr), 'exec');
  return pfn < 0 ? raise(k, lastTrap, addr) : { kind: 'value', value: 0n };
}
