/**
 * Page-table entries as the MMU sees them: the words of machine/pagetable.ts put into the 64 bits of the hardware, and
 * what each says. Bits: Intel SDM volume 3, 5.5; entries that are not present: arch/x86/include/asm/pgtable_64.h.
 */

import { hex } from '../machine/address.ts';
import { SPECIAL_PAGES } from '../machine/frames.ts';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GUARD,
  PTE_NX,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SAVED_DIRTY,
  PTE_SPECIAL,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_USER,
  shownFlags,
} from '../machine/pagetable.ts';
import type { EntryState, EntryView, FlagView, LevelName } from './types.ts';

/** Bits 12 … 51: the frame number of an entry. */
const PFN_MASK = 0x000f_ffff_ffff_f000n;
const NX_BIT = 1n << 63n;
const SAVED_DIRTY_BIT = 1n << 58n;
/** _PAGE_SWP_EXCLUSIVE. */
const SWP_EXCLUSIVE_BIT = 8n;
const SWP_TYPE_SHIFT = 59n;
const SWP_OFFSET_SHIFT = 9n;
const SWP_OFFSET_MASK = (1n << 50n) - 1n;
/** SWP_PTE_MARKER, the last swap type, and PTE_MARKER_GUARD. */
const MARKER_TYPE = 31n;
const MARKER_GUARD = 4n;
/** Present, writable, user, accessed: what an entry that names a table always says here. */
const TABLE_FLAGS = 0x27n;
/** Bits that our words keep where the hardware has them. */
const SAME_BITS = PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_PROTNONE | PTE_SPECIAL;

/** __swp_entry(): the offset is stored inverted, so that a half-read entry names memory that is not there (L1TF). */
function swapEntry(type: bigint, offset: bigint): bigint {
  return (type << SWP_TYPE_SHIFT) | ((~offset & SWP_OFFSET_MASK) << SWP_OFFSET_SHIFT);
}

/** The 64-bit value of a PTE. `value` is a PFN, or the slot of a swap entry. */
export function pteBits(flags: number, value: number): bigint {
  if (flags === 0) return 0n;
  if ((flags & PTE_GUARD) !== 0) return swapEntry(MARKER_TYPE, MARKER_GUARD);
  if ((flags & PTE_SWAP) !== 0) {
    return swapEntry(0n, BigInt(value)) | ((flags & PTE_SWP_EXCLUSIVE) !== 0 ? SWP_EXCLUSIVE_BIT : 0n);
  }
  const shown = shownFlags(flags);
  const high = ((shown & PTE_NX) !== 0 ? NX_BIT : 0n) | ((shown & PTE_SAVED_DIRTY) !== 0 ? SAVED_DIRTY_BIT : 0n);
  const low = BigInt(shown & SAME_BITS) | high;
  const frame = BigInt(value) << 12n;
  // PROT_NONE: Linux inverts the frame number of an entry that is not present (protnone_mask()).
  return low | ((flags & PTE_PRESENT) !== 0 ? frame : ~frame & PFN_MASK);
}

/** The 64-bit value of an entry that names a table. */
export function tableBits(pfn: number): bigint {
  return (BigInt(pfn) << 12n) | TABLE_FLAGS;
}

export function bitsText(value: bigint): string {
  return `0x${value.toString(16)}`;
}

type FlagWords = readonly [letter: string, name: string, bit: bigint, on: string, off: string];

const PRESENT: FlagWords = ['P', 'Present', 0n, 'the MMU uses the entry', 'the MMU faults here and ignores the rest'];
const COMMON: readonly FlagWords[] = [
  PRESENT,
  ['W', 'Read/Write', 1n, 'writes are allowed', 'a write faults'],
  ['U', 'User/Supervisor', 2n, 'user mode may use it', 'only the kernel may use it'],
  ['A', 'Accessed', 5n, 'the MMU used it since the bit was cleared', 'not used since the bit was cleared'],
];
const OF_PAGES: readonly FlagWords[] = [
  ['D', 'Dirty', 6n, 'written through this entry', 'not written through this entry'],
  ['NX', 'Execute-disable', 63n, 'instructions cannot be fetched', 'instructions can be fetched'],
];
/** Stands in the place of the dirty bit where that was moved. */
const SAVED_DIRTY: FlagWords = [
  'SD',
  'Saved dirty',
  58n,
  'was written while it was writable: Linux keeps the dirty bit of a write-protected entry here',
  '',
];
const OF_PROT_NONE: readonly FlagWords[] = [
  PRESENT,
  [
    'G',
    'Global',
    8n,
    'not present, so the MMU ignores it: Linux marks a page of PROT_NONE memory with it',
    'no mark of PROT_NONE',
  ],
  ['D', 'Dirty', 6n, 'was written before PROT_NONE', 'was not written before PROT_NONE'],
];

function flagViews(words: readonly FlagWords[], value: bigint): FlagView[] {
  const saved = (value & SAVED_DIRTY_BIT) !== 0n;
  return words.map((usual) => {
    const [letter, name, bit, onText, offText] = saved && usual[0] === 'D' ? SAVED_DIRTY : usual;
    const on = ((value >> bit) & 1n) === 1n;
    return { letter, name, on, text: on ? onText : offText };
  });
}

export function pteState(flags: number): EntryState {
  if (flags === 0) return 'none';
  if ((flags & PTE_PRESENT) !== 0) return 'present';
  if ((flags & PTE_PROTNONE) !== 0) return 'prot-none';
  return (flags & PTE_GUARD) !== 0 ? 'guard' : 'swap';
}

/** What is special about the machine that words need: the frame of zeros, and where device pages lie. */
export interface FrameRanges {
  readonly zeroPfn: number;
  readonly deviceBase: number;
  readonly tableBase: number;
}

/** True of a page of [vdso], [vvar] or [vvar_vclock]. */
export function isSpecialPage({ deviceBase }: Pick<FrameRanges, 'deviceBase'>, pfn: number): boolean {
  return pfn >= deviceBase && pfn < deviceBase + SPECIAL_PAGES;
}

/** `frame 0x9`, `zero page`, `device page 0x…`: what stands at a PFN. */
export function frameWord(ranges: FrameRanges, pfn: number): string {
  if (pfn === ranges.zeroPfn) return `zero page (frame ${hex(pfn)})`;
  if (pfn >= ranges.tableBase) return `page table ${hex(pfn)}`;
  if (isSpecialPage(ranges, pfn)) return `kernel page ${hex(pfn)}`;
  return pfn >= ranges.deviceBase ? `device page ${hex(pfn)}` : `frame ${hex(pfn)}`;
}

/** What an entry says by itself; of an empty one the memory around it says more. */
export function pteText(ranges: FrameRanges, state: EntryState, value: number): string {
  switch (state) {
    case 'present':
      return frameWord(ranges, value);
    case 'prot-none':
      return `${frameWord(ranges, value)}, kept from everybody by PROT_NONE`;
    case 'swap':
      return `swap slot ${value}`;
    case 'guard':
      return 'guard marker';
    default:
      return 'empty';
  }
}

/**
 * An entry of the lowest level. `before` is its earlier value when the last step changed it; `text` is what it stands for,
 * where more is known than the entry itself says.
 */
export function pteView(
  ranges: FrameRanges,
  index: number,
  flags: number,
  value: number,
  before: bigint | null,
  text?: string,
): EntryView {
  const bits = pteBits(flags, value);
  const state = pteState(flags);
  const words = state === 'present' ? [...COMMON, ...OF_PAGES] : state === 'prot-none' ? OF_PROT_NONE : [];
  return {
    index,
    value: bitsText(bits),
    state,
    pfn: state === 'present' || state === 'prot-none' ? hex(value) : null,
    flags: flagViews(words, bits),
    text: text ?? pteText(ranges, state, value),
    ...(before === null ? {} : { before: bitsText(before) }),
  };
}

/** An entry of an upper level; `pfn` is that of the table it names, 0 for none, and `below` that table's level. */
export function tableEntryView(below: LevelName, index: number, pfn: number, before: bigint | null): EntryView {
  const bits = pfn === 0 ? 0n : tableBits(pfn);
  return {
    index,
    value: bitsText(bits),
    state: pfn === 0 ? 'none' : 'table',
    pfn: pfn === 0 ? null : hex(pfn),
    flags: pfn === 0 ? [] : flagViews(COMMON, bits),
    text: pfn === 0 ? `no ${below} table below` : `${below} table ${hex(pfn)}`,
    ...(before === null ? {} : { before: bitsText(before) }),
  };
}

/** vm_page_prot: the bits of an entry without its frame. */
export function protText(flags: number): string {
  return bitsText(BigInt(flags & SAME_BITS) | ((flags & PTE_NX) !== 0 ? NX_BIT : 0n));
}
