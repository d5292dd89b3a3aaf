/** The stack of a new program: its strings, and the tables below them (fs/exec.c, fs/binfmt_elf.c: create_elf_tables()). */

import { PAGE_SIZE, pageDown, type VirtAddr } from '../machine/address.ts';
import { writeFrame } from '../machine/content.ts';
import { mark_accessed } from '../machine/lru.ts';
import { cpu_access } from '../mm/access.ts';
import { may_expand_vm, rlimit, vm_enough_memory, vm_stat_account } from '../mm/accounting.ts';
import { count_fault } from '../mm/fault-count.ts';
import { refuse } from '../mm/refuse.ts';
import { expand_stack, grow_down } from '../mm/stack.ts';
import { DEFAULT_MAP_WINDOW } from '../mm/unmapped-area.ts';
import * as vm from '../mm/vma.ts';
import { vma_link } from '../mm/vma-link.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { aslrOffset } from './aslr.ts';
import { type AuxiliaryFacts, auxiliary_vector, platformString, randomBytes } from './auxv.ts';

/** setup_arg_pages() makes the stack this much larger than what the arguments need. */
const STACK_EXPAND = 131072;
const STACK_FLAGS =
  vm.VM_READ | vm.VM_WRITE | vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC | vm.VM_GROWSDOWN | vm.VM_ACCOUNT;
/** Bytes of one string, its end included (MAX_ARG_STRLEN). */
export const MAX_ARG_STRLEN = 131072;
const ARG_MAX = 131072;
/** Three quarters of _STK_LIM. */
export const MAX_ARGUMENTS = 6 * 1024 * 1024;

/** What execve passes on; strings without their closing NUL. */
export interface Arguments {
  readonly path: Uint8Array;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
}

/** The pages of the new stack that were taken for `bytes` of strings count as faults even if execve fails then. */
function countPages(k: Kernel, bytes: number): void {
  const start = DEFAULT_MAP_WINDOW - 8 - bytes;
  for (let page = DEFAULT_MAP_WINDOW - PAGE_SIZE; bytes > 0 && page >= pageDown(start); page -= PAGE_SIZE) {
    count_fault(k, Math.max(page, start), 'write', 0, 'kernel', 'anon');
  }
}

/** What {@link setup_arg_pages} would have counted. */
export function count_argument_pages(k: Kernel, { path, argv, envp }: Arguments): void {
  countPages(k, lengthOf([path, ...argv, ...envp]));
}

/** Why strings of `bytes` in all find no room: their own limit, or those of the new stack that grows under them. */
function roomError(k: Kernel, bytes: number, limit: number): string | null {
  if (bytes > limit) return 'arguments may take a quarter of RLIMIT_STACK, 128 KiB at least and 6 MiB at most';
  const stack = pageCount(bytes + 8) * PAGE_SIZE;
  // The first page is there.
  if (stack === PAGE_SIZE) return null;
  if (stack > rlimit(k, 'STACK')) return 'RLIMIT_STACK';
  return stack > rlimit(k, 'AS') ? 'RLIMIT_AS' : null;
}

/** bprm_stack_limits(), copy_strings(): E2BIG, or null when all strings find room. Nothing is copied yet. */
export function argument_error(k: Kernel, { path, argv, envp }: Arguments): 'E2BIG' | null {
  const quarter = Math.floor(rlimit(k, 'STACK') / 4);
  const limit = Math.max(Math.min(MAX_ARGUMENTS, quarter), ARG_MAX) - 8 * (Math.max(argv.length, 1) + envp.length);
  if (limit <= 0) return refuse(k, 'E2BIG', 'the pointers to the arguments alone are too many');
  let bytes = 0;
  for (const string of [path, ...envp.toReversed(), ...argv.toReversed()]) {
    const length = string.length + 1;
    const why = length > MAX_ARG_STRLEN ? 'one string is longer than 128 KiB' : roomError(k, bytes + length, limit);
    if (why !== null) {
      countPages(k, bytes);
      return refuse(k, 'E2BIG', why);
    }
    bytes += length;
  }
  return null;
}

function pageCount(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

/** Writes to the new program's memory; false when a page cannot be had. */
export function write_user(k: Kernel, mm: Mm, addr: VirtAddr, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    const at = addr + done;
    const part = Math.min(bytes.length - done, PAGE_SIZE - (at % PAGE_SIZE));
    const pfn = cpu_access(k, mm, at, 'write', 'kernel');
    if (pfn < 0) return false;
    writeFrame(k.frames, k.epoch, pfn, at % PAGE_SIZE, bytes.subarray(done, done + part));
    done += part;
  }
  return true;
}

/** get_arg_page(): each copy looks its page up anew, which counts as a use of it. */
function touchArguments(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, copies: number): void {
  if (pageDown(start) + PAGE_SIZE !== end) return;
  const pfn = cpu_access(k, mm, start, 'write', 'kernel');
  if (pfn < 0) return;
  for (let copy = 0; copy < copies; copy++) mark_accessed(k.frames, pfn);
}

/** The arguments, the environment and the path, one behind the other, with their ends; eight bytes of nothing at the top. */
function strings({ path, argv, envp }: Arguments): Uint8Array {
  const all = [...argv, ...envp, path];
  const bytes = new Uint8Array(all.reduce((sum, s) => sum + s.length + 1, 8));
  let at = 0;
  for (const s of all) {
    bytes.set(s, at);
    at += s.length + 1;
  }
  return bytes;
}

function lengthOf(list: readonly Uint8Array[]): number {
  return list.reduce((sum, s) => sum + s.length + 1, 0);
}

/** setup_arg_pages(): the stack VMA at the top, the strings on its last pages, and room to grow below. */
export function setup_arg_pages(k: Kernel, mm: Mm, args: Arguments, executable: boolean): string | null {
  const top = DEFAULT_MAP_WINDOW - aslrOffset(k, 'stack');
  const bytes = strings(args);
  const start = top - bytes.length;
  const first = pageDown(start);
  const pages = (top - first) / PAGE_SIZE;
  if (!vm_enough_memory(k, mm, pages)) return 'ENOMEM';
  const flags = executable ? STACK_FLAGS | vm.VM_EXEC : STACK_FLAGS;
  vma_link(k, mm, {
    vm_start: first,
    vm_end: top,
    vm_flags: flags,
    vm_pgoff: first / PAGE_SIZE,
    vm_file: 0,
    inode: 0,
    anon: null,
    vm_ops: 'none',
    special: null,
  });
  vm_stat_account(mm, flags, pages);
  if (!write_user(k, mm, start, bytes)) return 'E2BIG';
  touchArguments(k, mm, start, top, args.envp.length > 0 ? 3 : 2);
  const stack = mm.vmas.lookup(first) as vm.Vma;
  const limit = rlimit(k, 'STACK');
  const base = Math.max(first - STACK_EXPAND, Number.isFinite(limit) ? top - pageDown(limit) : 0);
  if (base < first) {
    const grow = (first - base) / PAGE_SIZE;
    if (may_expand_vm(k, mm, stack.vm_flags, grow) !== null) return 'EFAULT';
    // A machine smaller than a stack can be: its first 128 KiB are promised without asking.
    k.scalars.committed += grow;
    grow_down(k, mm, stack, base);
  }
  mm.arg_start = start;
  mm.arg_end = start + lengthOf(args.argv);
  mm.env_start = mm.arg_end;
  mm.env_end = mm.arg_end + lengthOf(args.envp);
  return null;
}

/** The addresses of strings that lie one behind the other from `start` on, and a closing NULL. */
function pointers(start: VirtAddr, list: readonly Uint8Array[]): number[] {
  const words: number[] = [];
  let at = start;
  for (const string of list) {
    words.push(at);
    at += string.length + 1;
  }
  return [...words, 0];
}

/**
 * create_elf_tables(): below the strings the platform's name and 16 bytes of chance, and below those, at the stack pointer,
 * argc, the pointers to arguments and environment, and the auxiliary vector.
 */
export function create_elf_tables(k: Kernel, mm: Mm, args: Arguments, facts: AuxiliaryFacts): string | null {
  const aligned = mm.arg_start - (mm.arg_start % 16);
  const platform = aligned - platformString.length;
  const random = platform - 16;
  if (!write_user(k, mm, platform, platformString) || !write_user(k, mm, random, randomBytes(k))) return 'EFAULT';
  const auxv = auxiliary_vector(facts, { platform, random, execfn: mm.env_end, vdso: mm.vdso });
  const words = [args.argv.length, ...pointers(mm.arg_start, args.argv), ...pointers(mm.env_start, args.envp), ...auxv];
  const sp = Math.floor((random - 8 * words.length) / 16) * 16;
  const stack = mm.vmas.find(sp);
  if (stack !== undefined && stack.vm_start > sp && typeof expand_stack(k, mm, stack, sp) === 'string') return 'EFAULT';
  const bytes = new Uint8Array(8 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setBigUint64(8 * i, BigInt(word), true);
  mm.start_stack = sp;
  return write_user(k, mm, sp, bytes) ? null : 'EFAULT';
}
