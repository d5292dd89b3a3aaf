// The keys of `machine`: default, range and meaning of each.

import type { MachineConfig } from '../abi.ts';

const K = 1024;
const M = 1024 * K;
const G = 1024 * M;
const T = 1024 * G;

interface CommonKey {
  readonly key: keyof MachineConfig;
  /** The default, as it would be written. */
  readonly fallback: string;
  /** One or two sentences. */
  readonly doc: string;
}

/** A number, in bytes where `unit` is `bytes`. */
export interface NumberKey extends CommonKey {
  readonly type: 'number';
  readonly unit: 'bytes' | 'count';
  readonly least: number;
  readonly most: number;
  /** Words that stand for a value. */
  readonly words?: Readonly<Record<string, number | null>>;
  /** What the machine makes of a number in range; Linux rounds some of them. */
  readonly round?: (value: number) => number;
}

export interface WordKey extends CommonKey {
  readonly type: 'word';
  readonly words: readonly string[];
}

export type MachineKey = NumberKey | WordKey;

const PAGE = 4096;
/** Page frame numbers fit 32 bits. */
const MOST_MEMORY = 16 * T;

const downToPage = (value: number) => value - (value % PAGE);
/** mm/memory.c: fault_around_bytes_set() rounds down to a power of two, a page at least. */
const downToPowerOfTwo = (value: number) => (value <= PAGE ? PAGE : 2 ** Math.floor(Math.log2(value)));

export const MACHINE_KEYS: readonly MachineKey[] = [
  {
    key: 'ram',
    type: 'number',
    unit: 'bytes',
    least: PAGE,
    most: MOST_MEMORY,
    fallback: '1G',
    round: downToPage,
    doc: 'Physical memory for anonymous and page-cache pages. Page tables live in kernel memory of their own.',
  },
  {
    key: 'swap',
    type: 'number',
    unit: 'bytes',
    least: 0,
    most: MOST_MEMORY,
    fallback: '1G',
    round: downToPage,
    doc: 'Size of the swap device; 0 is none.',
  },
  {
    key: 'levels',
    type: 'number',
    unit: 'count',
    least: 4,
    most: 5,
    fallback: '4',
    doc: 'Levels of the page tables: 4 translate 48 bits of an address, 5 translate 57.',
  },
  {
    key: 'aslr',
    type: 'number',
    unit: 'count',
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    fallback: 'off',
    words: { off: null },
    doc: 'Address space randomisation: off, or the seed of the random numbers.',
  },
  {
    key: 'overcommit',
    type: 'number',
    unit: 'count',
    least: 0,
    most: 2,
    fallback: '0',
    doc: 'vm.overcommit_memory: 0 refuses only what can never fit, 1 refuses nothing, 2 keeps to the commit limit.',
  },
  {
    key: 'swappiness',
    type: 'number',
    unit: 'count',
    least: 0,
    most: 200,
    fallback: '60',
    doc: 'vm.swappiness: how much reclaim prefers anonymous pages to file pages, 0 to 200.',
  },
  {
    key: 'max_map_count',
    type: 'number',
    unit: 'count',
    least: 0,
    most: 0x7fffffff,
    fallback: '65530',
    doc: 'vm.max_map_count: how many VMAs a process may have.',
  },
  {
    key: 'fault_around',
    type: 'number',
    unit: 'bytes',
    least: 0,
    most: 2 * M,
    fallback: '64K',
    round: downToPowerOfTwo,
    doc: 'How much of a file a read fault maps around the page, if it is in the page cache; a power of two.',
  },
  {
    key: 'readahead',
    type: 'number',
    unit: 'bytes',
    least: 0,
    most: G,
    fallback: '128K',
    round: downToPage,
    doc: 'How much of a file is read around a page that is missing from the page cache.',
  },
  {
    key: 'stack_limit',
    type: 'number',
    unit: 'bytes',
    least: 0,
    most: 128 * T,
    fallback: '8M',
    doc: 'The soft RLIMIT_STACK that processes start with.',
  },
  {
    key: 'stack_guard_gap',
    type: 'number',
    unit: 'bytes',
    least: 0,
    most: T,
    fallback: '1M',
    round: downToPage,
    doc: 'Distance that is kept free below a growing stack.',
  },
  {
    key: 'thp',
    type: 'word',
    words: ['always', 'madvise', 'never'],
    fallback: 'never',
    doc: 'Transparent huge pages: always, where madvise asks for them, or never.',
  },
  {
    key: 'replacement',
    type: 'word',
    words: ['linux', 'fifo', 'clock', 'lru', 'opt', 'random'],
    fallback: 'linux',
    doc: 'Which page has to go when memory is short: as Linux decides, or by a policy of the textbooks. opt takes the page whose next use lies farthest ahead: the scenario is run once beforehand, to know that.',
  },
  {
    key: 'tlb',
    type: 'number',
    unit: 'count',
    least: 0,
    most: 1 << 20,
    fallback: '64',
    doc: 'Entries of the translation lookaside buffer.',
  },
  {
    key: 'filesystem',
    type: 'word',
    words: ['ext4', 'tmpfs'],
    fallback: 'ext4',
    doc: 'The file system that declared files are on.',
  },
  {
    key: 'page_cache',
    type: 'word',
    words: ['cold', 'warm'],
    fallback: 'cold',
    doc: 'Warm: the pages of every file are in the page cache before the first step.',
  },
  {
    key: 'writeback',
    type: 'number',
    unit: 'count',
    least: 0,
    most: 1_000_000,
    fallback: '0',
    doc: 'Steps that the disk takes to finish a write that nobody waits for; 0: it ends in the step that started it.',
  },
];

export function machineKey(name: string): MachineKey | undefined {
  return MACHINE_KEYS.find((key) => key.key === name);
}

/** A size as people write it: `16K`, `3G`, `100`. */
export function writeSize(bytes: number): string {
  for (const [suffix, unit] of [
    ['T', T],
    ['G', G],
    ['M', M],
    ['K', K],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  }
  return String(bytes);
}
