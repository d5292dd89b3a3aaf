/** Strings and lists of strings that a system call reads from user memory (lib/strncpy_from_user.c, fs/exec.c). */

import { PAGE_SIZE } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import { copy_from_user } from './user-copy.ts';

/** The string at `addr` without its closing NUL, cut behind `most` bytes; null for EFAULT. */
export function user_string(k: Kernel, addr: number, most: number): Uint8Array | null {
  const pieces: number[] = [];
  while (pieces.length <= most) {
    const at = addr + pieces.length;
    const piece = new Uint8Array(Math.min(PAGE_SIZE - (at % PAGE_SIZE), most + 1 - pieces.length));
    const got = copy_from_user(k, at, piece);
    if (got === 0) return null;
    const end = piece.subarray(0, got).indexOf(0);
    for (const byte of piece.subarray(0, end < 0 ? got : end)) pieces.push(byte);
    if (end >= 0) return Uint8Array.from(pieces);
  }
  return Uint8Array.from(pieces);
}

/** The pointers of an array that ends with NULL, `most` at most; null for EFAULT. 0 stands for an empty array. */
export function user_pointers(k: Kernel, addr: number, most: number): number[] | null {
  const found: number[] = [];
  if (addr === 0) return found;
  const word = new Uint8Array(8);
  while (found.length < most) {
    if (copy_from_user(k, addr + 8 * found.length, word) < 8) return null;
    const pointer = Number(new DataView(word.buffer).getBigUint64(0, true));
    if (pointer === 0) return found;
    found.push(pointer);
  }
  return found;
}
