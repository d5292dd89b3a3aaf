/** What the simulator keeps in the host's memory at most: a bound of ours, Linux has the RAM that it has. */

import type { Request } from '../abi.ts';
import type { Kernel } from '../state/kernel.ts';

/** Pages in RAM and swap that may be held when a step begins: 128 GiB, some 2 GB of the host's memory. */
const MAX_HELD_PAGES = 2 ** 25;

/** Pages of files that may be in RAM before the first step (page_cache=warm, tmpfs): 16 GiB, some seconds. */
export const MAX_PRELOADED = 2 ** 22;

/** Why a file is not declared. */
export function tooMuchPreloaded(pages: number): string {
  const gib = (count: number): string => `${Math.ceil(count / 262144)} GiB`;
  return `${gib(pages)} of files would be in RAM from the start: this simulator reads in ${gib(MAX_PRELOADED)} at most`;
}

/** Calls that give memory back, or take none. */
const FREEING = new Set(['munmap', 'madvise', 'exit', 'exit_group', 'kill', 'close', 'wait4', 'msync', 'ftruncate']);

/**
 * Why a step is not made: too much is held already, and the step might take more. Null: it may be made. `limit` in pages.
 */
export function tooMuchHeld(k: Kernel, request: Request, limit: number = MAX_HELD_PAGES): string | null {
  const held = k.frames.total - k.frames.counters.free + k.swap.total - k.swap.free;
  if (held <= limit || request.op === 'kernel' || request.op === 'signal') return null;
  if (request.op === 'syscall' && FREEING.has(request.name)) return null;
  return `${Math.floor(held / 262144)} GiB of pages are in use: this simulator keeps no more. Give some back first`;
}
