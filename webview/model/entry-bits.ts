/** What changed between two values of an entry, in the letters of the flags. Bits: Intel SDM vol. 3, 5.5 (IA-32e paging). */
import { parseHex } from './address.ts';

const FLAG_BITS: readonly (readonly [letter: string, bit: bigint])[] = [
  ['P', 0n],
  ['W', 1n],
  ['U', 2n],
  ['A', 5n],
  ['D', 6n],
  ['PS', 7n],
  ['G', 8n],
  ['SD', 58n],
  ['NX', 63n],
];

const FRAME_MASK = 0x000f_ffff_ffff_f000n;

export interface EntryChange {
  /** Letters of the flags that the step set and cleared. */
  readonly set: readonly string[];
  readonly cleared: readonly string[];
  /** PFNs, when the entry points elsewhere than before. */
  readonly frame: { readonly before: string; readonly after: string } | null;
  /** `empty`, or the earlier value in hexadecimal. */
  readonly before: string;
}

/**
 * How an entry came from `before` to `after`. A value that is not present keeps other things in the bits
 * (a swap slot), so flags are compared only where both are present or the earlier is empty.
 */
export function entryChange(before: string, after: string): EntryChange {
  const old = parseHex(before) ?? 0n;
  const now = parseHex(after) ?? 0n;
  const present = (value: bigint) => (value & 1n) === 1n;
  const comparable = present(now) && (present(old) || old === 0n);
  const flags = comparable ? FLAG_BITS : [];
  const has = (value: bigint, bit: bigint) => ((value >> bit) & 1n) === 1n;
  const pfn = (value: bigint) => `0x${((value & FRAME_MASK) >> 12n).toString(16)}`;
  const moved = present(old) && present(now) && pfn(old) !== pfn(now);
  return {
    set: flags.filter(([, bit]) => has(now, bit) && !has(old, bit)).map(([letter]) => letter),
    cleared: flags.filter(([, bit]) => !has(now, bit) && has(old, bit)).map(([letter]) => letter),
    frame: moved ? { before: pfn(old), after: pfn(now) } : null,
    before: old === 0n ? 'empty' : before,
  };
}
