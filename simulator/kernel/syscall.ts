/** What a system call gets and gives: arguments as folded words, results as numbers or errno names. */

import type { Arg, Because, StringArg } from '../abi.ts';
import type { UserBuffer } from '../fs/read-write.ts';
import { foldWord } from '../machine/address.ts';
import type { Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, OpenFile, Task } from '../state/records.ts';
import { current_mm } from './task.ts';

/** The step cannot be made at all: it would block, or makes no sense here. */
export interface Skip {
  readonly skip: string;
  readonly because?: Because;
}

/** The process is gone behind this call. */
export interface Gone {
  readonly signal: string;
  readonly code: string;
  /** Absent: 0. */
  readonly addr?: bigint;
}

/** A new task; it stores its pid at `set_child_tid` before its first instruction. */
export interface Child {
  readonly child: number;
  readonly set_child_tid?: number;
}

/** A value (a bigint where a double is not exact), an errno name, an end, or a new task. */
export type SysResult = number | bigint | string | Skip | Gone | Child;

const S32 = 0x80000000;

/** Arguments of one call. Missing ones read as 0. */
export class SysCall {
  readonly k: Kernel;
  readonly task: Task;
  private readonly args: readonly Arg[];

  constructor(k: Kernel, task: Task, args: readonly Arg[]) {
    this.k = k;
    this.task = task;
    this.args = args;
  }

  /** The caller's address space, owned by the epoch. */
  get mm(): Mm {
    return current_mm(this.k);
  }

  /** A 64-bit word, folded (machine/address.ts). */
  word(index: number): number {
    const arg = this.args[index];
    return typeof arg === 'bigint' ? foldWord(BigInt.asUintN(64, arg)) : 0;
  }

  /** The word as it is. */
  exact(index: number): bigint {
    const arg = this.args[index];
    return typeof arg === 'bigint' ? BigInt.asUintN(64, arg) : 0n;
  }

  /** A C int: the low 32 bits, signed. */
  int(index: number): number {
    return Number(BigInt.asIntN(32, this.exact(index)));
  }

  /** The low 32 bits, unsigned: flags and protections. */
  bits(index: number): number {
    const value = this.int(index);
    return value < 0 ? value + 2 * S32 : value;
  }

  /**
   * An unsigned long of flags. No call knows a flag above bit 30, so that all of them are told as bit 31, which stands for
   * `unknown`.
   */
  flags(index: number): number {
    return this.exact(index) >> 32n === 0n ? this.bits(index) : this.bits(index) | -S32;
  }

  /** A signed 64-bit word, exact up to 2^53. */
  signed(index: number): number {
    return Number(BigInt.asIntN(64, this.exact(index)));
  }

  has(index: number): boolean {
    return index < this.args.length;
  }

  string(index: number): StringArg | null {
    const arg = this.args[index];
    return typeof arg === 'object' && 'text' in arg ? arg : null;
  }

  /** A buffer: an address, or the bytes that the scenario shows in its place. */
  buffer(index: number): UserBuffer {
    return this.string(index)?.bytes ?? this.word(index);
  }

  strings(index: number): readonly StringArg[] | null {
    const arg = this.args[index];
    return typeof arg === 'object' && !('text' in arg) ? arg : null;
  }

  /** Id of the open file behind a descriptor argument; -1 for none (EBADF), 0 for the terminal. */
  fileId(index: number): number {
    return this.task.files.get(this.int(index)) ?? -1;
  }

  /**
   * The open file behind a descriptor argument, or null: EBADF (fdget()). The terminal counts as none, and so does what
   * was opened with O_PATH.
   */
  file(index: number): OpenFile | null {
    const id = this.fileId(index);
    return id > 0 && !this.k.files.get(id).path ? this.k.files.edit(id) : null;
  }
}

/** What takes long comes in parts. */
export type SysHandler = (call: SysCall) => SysResult | Parts<SysResult>;
