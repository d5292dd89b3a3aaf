/** Address space randomisation with a seed: the same scenario gets the same addresses (arch/x86/mm/mmap.c). */

import type { Kernel } from '../state/kernel.ts';

const PAGE = 4096;

/** Pages by which each area moves at most: mmap 28 bits, stack 22 bits of 16 bytes, brk 32 MiB, pie 28 bits. */
const SPAN = { mmap: 2 ** 28, stack: 2 ** 22, brk: 2 ** 13, exec: 2 ** 28 } as const;

/** Offset in bytes, a multiple of the page size; 0 with `aslr=off`. Depends on the seed, the area and the exec. */
export function aslrOffset(k: Kernel, area: keyof typeof SPAN): number {
  if (k.config.aslr === null) return 0;
  // A multiplicative mix (Murmur3's finaliser) of seed, area and the number of address spaces made so far.
  let h =
    (k.config.aslr ^
      Math.imul(k.mms.nextId, 0x9e3779b1) ^
      Math.imul(area.length * 31 + area.charCodeAt(0), 0x85ebca6b)) |
    0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (((h ^ (h >>> 16)) >>> 0) % SPAN[area]) * PAGE;
}
