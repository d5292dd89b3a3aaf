/**
 * Page arithmetic on x86-64 virtual addresses. Addresses are doubles (up to 57 bits are used, 53 are exact and user
 * space needs 56); JavaScript's shifts are 32-bit, so every cut of an address happens here.
 */

/** A user virtual address in bytes, 0 … TASK_SIZE. */
export type VirtAddr = number;
/** A page frame number. */
export type Pfn = number;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** mmap_min_addr: an ordinary user may not map below 64 KiB. */
export const MMAP_MIN_ADDR = 0x10000;
/** Bytes under one PTE table. */
export const PMD_SIZE = 0x200000;
/** Bytes under one PMD table. */
export const PUD_SIZE = 0x40000000;
/** Bytes under one PUD table. */
export const PGDIR_SIZE = 0x8000000000;
/** Entries of one table. */
export const PTRS_PER_TABLE = 512;

// A product costs the machine less than a quotient, and cutting to 32 bits keeps the low bits of what is larger.
const PER_PAGE = 1 / PAGE_SIZE;
const PER_PMD = 1 / PMD_SIZE;
const PER_PUD = 1 / PUD_SIZE;

/** The largest number that a folded 64-bit word can be (see {@link foldWord}) plus one. */
export const WORD_END = 2 ** 53;
const FOLD_LIMIT = 2n ** 52n;
const WORDS = 2n ** 64n;

/**
 * Folds a 64-bit word into a double so that comparisons and page arithmetic still give the kernel's answers: values
 * below 2^52 are themselves; the top 2^52 values (small negative numbers) end at 2^53 instead of 2^64; what lies
 * between is only known to be huge and keeps its offset in the page.
 */
export function foldWord(word: bigint): number {
  if (word < FOLD_LIMIT) return Number(word);
  if (word >= WORDS - FOLD_LIMIT) return WORD_END - Number(WORDS - word);
  return Number(FOLD_LIMIT + (word & 0xfffn));
}

/**
 * An address below 2^56 as a double: itself below 2^53, its page's first byte above, where a double cannot tell bytes
 * apart and nothing is ever mapped (see {@link taskSize}). Its entries in the page tables are right everywhere.
 */
export function userAddress(address: bigint): VirtAddr {
  return Number(address < BigInt(WORD_END) ? address : address & ~0xfffn);
}

/** True when the folded word is a multiple of the page size. */
export function isPageAligned(addr: number): boolean {
  return pageDown(addr) === addr;
}

export function pageDown(addr: number): number {
  // A remainder of doubles is a call into the C library; this is one instruction.
  return Math.floor(addr * PER_PAGE) * PAGE_SIZE;
}

/** First byte behind the PTE table's reach that `addr` lies in (pmd_addr_end() without its limit). */
export function nextPmd(addr: VirtAddr): VirtAddr {
  return Math.floor(addr * PER_PMD) * PMD_SIZE + PMD_SIZE;
}

/** PAGE_ALIGN of a folded word: wraps to 0 as the 64-bit sum does. */
export function pageAlign(length: number): number {
  const up = Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
  return up >= WORD_END ? 0 : up;
}

/** Virtual page number of an address. */
export function pageNumber(addr: VirtAddr): number {
  return Math.floor(addr / PAGE_SIZE);
}

/** Sum of two folded words as the 64-bit sum wraps. */
export function addWords(a: number, b: number): number {
  // Without the sum of two words close to the end: it would not fit into a double.
  const room = WORD_END - b;
  return a >= room ? a - room : a + b;
}

/** Gibibyte number of an address: the bits above the PUD offset, small enough for 32-bit operations. */
export function gigabyteOf(addr: VirtAddr): number {
  return (addr * PER_PUD) | 0;
}

export function pteIndex(addr: VirtAddr): number {
  return ((addr * PER_PAGE) | 0) & 511;
}

export function pmdIndex(addr: VirtAddr): number {
  return ((addr * PER_PMD) | 0) & 511;
}

/** Which entry of a table of `level` (0: PTE, 1: PMD, …) is over `addr`. */
export function entryIndex(addr: VirtAddr, level: number): number {
  if (level < 2) return level === 0 ? pteIndex(addr) : pmdIndex(addr);
  return (gigabyteOf(addr) >>> ((level - 2) * 9)) & 511;
}

/** `0x…` of an address or a PFN. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/**
 * First address behind user space: TASK_SIZE of 4 or 5 levels (arch/x86/include/asm/page_64_types.h). Five levels end
 * at 2^52: addresses above, up to Linux's 2^56, are words that are only known to be huge.
 */
export function taskSize(levels: 4 | 5): number {
  return levels === 5 ? 2 ** 52 - PAGE_SIZE : 0x7ffffffff000;
}
