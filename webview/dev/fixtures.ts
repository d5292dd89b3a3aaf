/** States for the development page: the copy-on-write scenario step by step, and some that strain the layout. */
import type { FrameMapView, FrameUse, SharedUse, SwapMapView } from '../../simulator/view/types.ts';
import { hex } from '../model/address.ts';
import type { LastStep, ProcessChoice, StateMessage } from '../protocol.ts';
import { BUF, entry, frame, levelsOf, pte, type TableSpec, TEXT_VMA, walkOf } from './fixture-walk.ts';

const LEGEND: readonly FrameUse[] = [
  'free',
  'anon',
  'file-clean',
  'file-dirty',
  'shmem',
  'zero',
  'table',
  'device',
  'swap-cache',
];

const LISTS = ['', 'inactive(anon)', 'active(anon)', 'inactive(file)', 'active(file)', 'unevictable'];
const SHARED_USES: readonly SharedUse[] = ['nobody', 'several', 'cache', 'kernel', 'somebody'];
const BY_USE: Readonly<Record<FrameUse, readonly [list: number, bits: number, owner: number]>> = {
  free: [0, 0, 0],
  anon: [2, 80, 1000],
  'file-clean': [3, 72, 1000],
  'file-dirty': [4, 16, 2],
  shmem: [1, 16, 1],
  zero: [0, 0, 0],
  table: [0, 0, 3],
  device: [0, 0, 1000],
  'swap-cache': [1, 0, 1001],
};

/** A map of frames with these uses; lists, bits and owners go with the use, and every fifth frame is another's. */
function ramOf(uses: Uint8Array, free: number, changed: readonly number[]): FrameMapView {
  const known = LEGEND.map((use) => BY_USE[use]);
  const variant = (i: number, at: 0 | 1 | 2) => known[uses[i] ?? 0]?.[at] ?? 0;
  const states = Uint8Array.from(
    uses,
    (_, i) => (variant(i, 0) ^ (i % 7 === 3 ? 3 : 0)) | (variant(i, 1) & ~(i % 3 === 0 ? 64 : 0)),
  );
  const owners = Uint16Array.from(uses, (_, i) => (variant(i, 2) === 1000 && i % 5 === 0 ? 1001 : variant(i, 2)));
  const rest = {
    first: 0,
    total: uses.length,
    legend: LEGEND,
    lists: LISTS,
    sharedUses: SHARED_USES,
    exact: true,
    hand: null,
  };
  return { ...rest, free, uses, states, owners, changed };
}

function ram(letters: string, changed: readonly number[] = []): FrameMapView {
  const uses = Uint8Array.from(letters, (letter) => '.acdszTvw'.indexOf(letter));
  return ramOf(uses, uses.filter((use) => use === 0).length, changed);
}

/** The map with the frame at index `i` used by several processes lately. */
function shared(map: FrameMapView, i: number): FrameMapView {
  map.owners[i] = SHARED_USES.indexOf('several');
  map.states[i] = 2 | 16 | 64;
  return map;
}

/** The map with PG_referenced set on the frames at these indices. */
function referenced(map: FrameMapView, ...indices: readonly number[]): FrameMapView {
  for (const i of indices) map.states[i] = (map.states[i] ?? 0) | 8;
  return map;
}

function bigRam(frames: number): FrameMapView {
  const uses = new Uint8Array(frames);
  let seed = 7;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  for (let i = 0; i < frames * 0.4; ) {
    const use = Math.floor(random() * 9);
    for (let run = Math.floor(random() * 900); run > 0; run--) uses[i++] = use;
  }
  return { ...ramOf(uses, frames, [0x1234, 0x1235, 0x9000]), exact: false };
}

function swap(counts: readonly number[], changed: readonly number[] = []): SwapMapView {
  const used = counts.filter((count) => count > 0).length;
  return {
    slots: counts.length,
    used,
    counts: Uint8Array.from(counts),
    cached: Uint8Array.from(counts, (count, slot) => (count > 0 && slot % 3 === 0 ? 1 : 0)),
    sharedUses: SHARED_USES,
    owners: Uint16Array.from(counts, (count) => (count === 0 ? 0 : count === 1 ? 1000 : 1)),
    shared: counts.flatMap((count, slot) => (count > 1 && slot < 100 ? [{ slot, owners: [1000, 1001] }] : [])),
    changed,
  };
}

const BASH: ProcessChoice = { pid: 1000, name: 'bash', state: 'alive', ended: null };
const KID: ProcessChoice = { ...BASH, pid: 1001, name: 'kid' };

function tables(value: bigint, before?: bigint, base = 1): TableSpec[] {
  return [
    {
      level: 'PGD',
      table: hex(base),
      entries: [entry('PGD', 0, pte(0x20, 'T')), entry('PGD', 255, pte(base + 1, 'T'))],
    },
    { level: 'PUD', table: hex(base + 1), entries: [entry('PUD', 511, pte(base + 2, 'T'))] },
    {
      level: 'PMD',
      table: hex(base + 2),
      entries: [entry('PMD', 447, pte(base + 3, 'T')), entry('PMD', 511, pte(0x22, 'T'))],
    },
    {
      level: 'PTE',
      table: hex(base + 3),
      entries: [entry('PTE', 502, value, before), entry('PTE', 503, pte(5, 'RO')), entry('PTE', 506, pte(6, 'RW'))],
    },
  ];
}

const HELLO = `${'00'.repeat(8)}68656c6c6f${'00'.repeat(51)}`;

const STORE: LastStep = {
  line: 8,
  text: 'bash: store(buf + 0x1008, "hello")  = minor        # demand-zero',
  process: 'bash',
  outcome: 'minor fault',
  problem: null,
  story: [
    { depth: 0, text: 'bash writes 5 bytes at 0x7ffff7ff6008: minor fault', pid: 1000, va: '0x7ffff7ff6008' },
    { depth: 1, text: 'the page walk stops at PTE 502: not present', pid: 1000, va: '0x7ffff7ff6008' },
    { depth: 1, text: 'the VMA 7ffff7ff5000-7ffff7ff7000 rw-p allows a write' },
    { depth: 1, text: 'do_anonymous_page() takes frame 0x9 and clears it', pfn: '0x9' },
    { depth: 2, text: 'PTE 502: 0x0 → 0x8000000000009067', pid: 1000, va: '0x7ffff7ff6000', pfn: '0x9' },
    { depth: 1, text: 'RSS of bash grows to 6 pages' },
  ],
};

const NUMBERS = [
  { name: 'frames', value: '16', text: 'Frames of RAM.', changed: false },
  { name: 'free', value: '9', text: 'Frames that nobody uses.', changed: true },
  { name: 'nr_anon', value: '4', text: 'Frames of anonymous memory.', changed: true },
  { name: 'nr_file', value: '3', text: 'Frames of the page cache.', changed: false },
  { name: 'tlb_entries', value: '6', text: 'Translations that the TLB holds.', changed: false },
  { name: 'nr_page_table_pages', value: '262144', text: 'Page tables of all address spaces.', changed: true },
  { name: 'nr_inactive_anon', value: '1048576', text: 'Anonymous pages that were not used lately.', changed: true },
  { name: 'kswapd_failures', value: '0', text: 'Runs of kswapd that freed nothing.', changed: false },
];

const BASE: StateMessage = {
  type: 'state',
  scenario: { uri: 'file:///cow-fork.vas', name: 'cow-fork.vas' },
  position: 3,
  total: 8,
  next: { line: 9, text: 'bash: kid = fork()' },
  busy: null,
  canStep: true,
  canBack: true,
  processes: [BASH],
  hiddenProcesses: 0,
  bindings: [{ name: 'buf', value: '0x7ffff7ff5000' }],
  follow: true,
  selection: { pid: 1000, address: '0x7ffff7ff6008', text: 'buf + 0x1008' },
  walk: null,
  frames: { kind: 'full', map: ram('TTTTcccaa.......') },
  swap: swap([1, 0, 0, 2, 0, 0, 0, 0], [3]),
  frame: null,
  slot: null,
  numbers: NUMBERS,
  lastStep: STORE,
};

const here = hex(BUF);
const bashMaps = { pid: 1000, process: 'bash', va: here, writable: true };
const kidMaps = { pid: 1001, process: 'kid', va: here, writable: false };

const untouched: StateMessage = {
  ...BASE,
  position: 2,
  lastStep: {
    ...STORE,
    line: 7,
    text: 'bash: buf = mmap(NULL, 8K, PROT_READ|PROT_WRITE, …)',
    outcome: '= 0x7ffff7ff5000',
    story: [],
  },
  next: { line: 8, text: 'bash: store(buf + 0x1008, "hello")  = minor' },
  walk: walkOf({
    levels: levelsOf(BUF, tables(0n)),
    state: 'No frame: the VMA promises the page, and nothing stands behind it.',
    would: {
      read: 'would fault and map the shared zero page (minor)',
      write: 'would fault and map a fresh zeroed frame (minor)',
      exec: 'would end in SIGSEGV (SEGV_ACCERR): the VMA does not allow execution',
    },
  }),
};

const stored: StateMessage = {
  ...BASE,
  frames: { kind: 'full', map: ram('TTTTcccaaa......', [9]) },
  walk: walkOf({
    levels: levelsOf(BUF, tables(pte(9, 'RW'), 0n)),
    physical: '0x9008',
    frame: frame(9, { mappers: [bashMaps], bytes: HELLO, text: 'Anonymous memory of bash alone.' }),
    state: 'Present: frame 0x9, anonymous, dirty, of this process alone.',
    would: {
      read: 'would hit',
      write: 'would hit',
      exec: 'would end in SIGSEGV (SEGV_ACCERR): the VMA does not allow execution',
    },
  }),
};

/** An assert looked at what the store did. */
const asserted: StateMessage = {
  ...stored,
  position: 4,
  lastStep: { ...STORE, line: 9, text: 'assert dirty(bash, buf)', outcome: '✓', story: [], before: STORE },
};

/** The page after the one stored to: one entry further in the same table. */
const neighbour: StateMessage = {
  ...stored,
  follow: false,
  selection: { pid: 1000, address: hex(BUF + 0x1000n), text: hex(BUF + 0x1000n) },
  walk: walkOf({
    address: hex(BUF + 0x1000n),
    offset: 0,
    levels: levelsOf(BUF + 0x1000n, tables(pte(9, 'RW'), 0n)),
    physical: '0x5000',
    frame: frame(5, { use: 'file-clean', dirty: false, list: 'active(file)', text: 'Page 0 of /lib/libc.so.' }),
    state: 'Present: page 0 of /lib/libc.so.',
    would: { read: 'would hit', write: 'would end in SIGSEGV (SEGV_ACCERR)', exec: 'would hit' },
  }),
};

const forked: StateMessage = {
  ...BASE,
  position: 4,
  processes: [BASH, KID],
  hiddenProcesses: 0,
  lastStep: {
    line: 9,
    text: 'bash: kid = fork()',
    process: 'bash',
    outcome: '= 1001',
    problem: 'expected 0, the call returned 1001',
    story: [
      { depth: 0, text: 'bash forks: kid (1001) shares every page of it', pid: 1001 },
      { depth: 1, text: 'copy_page_range() copies 6 entries and write-protects 4 of them on both sides' },
      { depth: 2, text: 'PTE 502: −W', pid: 1000, va: here, pfn: '0x9' },
    ],
  },
  next: { line: 11, text: 'kid:  store(buf, "J")              = cow' },
  frames: { kind: 'full', map: shared(ram('TTTTcccaaaTTTT..', [9, 10, 11, 12, 13]), 9) },
  walk: walkOf({
    levels: levelsOf(BUF, tables((1n << 63n) | 0x9065n, pte(9, 'RW'))),
    physical: '0x9008',
    frame: frame(9, {
      mapcount: 2,
      refcount: 2,
      mappers: [{ ...bashMaps, writable: false }, kidMaps],
      bytes: HELLO,
      text: 'Anonymous memory, shared by bash and kid until one of them writes.',
    }),
    state: 'Present, write-protected: frame 0x9 is shared with kid since the fork.',
    would: {
      read: 'would hit',
      write: 'would copy the page: it is shared with kid',
      exec: 'would end in SIGSEGV (SEGV_ACCERR): the VMA does not allow execution',
    },
  }),
  frame: frame(9, { mapcount: 2, refcount: 2, mappers: [{ ...bashMaps, writable: false }, kidMaps], bytes: HELLO }),
};

const swapped: StateMessage = {
  ...BASE,
  position: 7,
  processes: [BASH, KID],
  hiddenProcesses: 0,
  swap: swap([1, 0, 0, 1, 2, 0, 0, 0], [3]),
  slot: {
    slot: 4,
    count: 2,
    cached: '0x9',
    file: null,
    waiters: [
      { pid: 1000, process: 'bash', va: hex(BUF) },
      { pid: 1001, process: 'kid', va: hex(BUF) },
    ],
    text: 'Anonymous memory of bash and kid. Frame 0x9 in the swap cache has it too.',
  },
  frames: { kind: 'full', map: { ...referenced(ram('TTTTcdscvwzaaaaa', [9]), 5, 7), hand: 7 } },
  walk: walkOf({
    levels: levelsOf(BUF, tables(3n << 9n, pte(9, 'RW'))),
    state: 'Swapped out to slot 3.',
    would: {
      read: 'would read it back from swap slot 3 (major fault)',
      write: 'would read it back from swap slot 3 (major fault)',
      exec: 'would end in SIGSEGV (SEGV_ACCERR): the VMA does not allow execution',
    },
  }),
  busy: 'Running to the end…',
};

const many = Array.from({ length: 200 }, (_, i) => entry('PTE', i * 2 + (i % 3), pte(0x4000 + i, i % 2 ? 'RO' : 'RW')));
const TEXT = 0x401a10n;

const large: StateMessage = {
  ...BASE,
  position: 1204,
  total: null,
  frames: { kind: 'full', map: bigRam(262144) },
  swap: swap(Array.from({ length: 65536 }, (_, i) => (i < 700 ? (i * 7) % 3 : 0))),
  selection: { pid: 1000, address: hex(TEXT), text: '0x401a10' },
  walk: walkOf({
    address: hex(TEXT),
    offset: 0xa10,
    levels: levelsOf(TEXT, [
      { level: 'PGD', table: '0x1', entries: [entry('PGD', 0, pte(2, 'T')), entry('PGD', 127, pte(9, 'T'))] },
      { level: 'P4D', table: '0x2', entries: [entry('P4D', 0, pte(3, 'T')), entry('P4D', 255, pte(0x7, 'T'))] },
      { level: 'PUD', table: '0x3', entries: [entry('PUD', 0, pte(4, 'T'))] },
      { level: 'PMD', table: '0x4', entries: [entry('PMD', 2, pte(0x4123, 'T')), entry('PMD', 3, pte(0x4124, 'T'))] },
      {
        level: 'PTE',
        table: '0x4123',
        entries: [...many.filter((e) => e.index !== 1), entry('PTE', 1, pte(0x9001, 'RO'))],
      },
    ]),
    physical: '0x9001a10',
    vma: TEXT_VMA,
    frame: frame(0x9001, {
      use: 'file-clean',
      mapcount: 3,
      refcount: 4,
      dirty: false,
      list: 'inactive(file)',
      file: { path: '/bin/bash', index: 1 },
      mappers: [
        { ...bashMaps, va: '0x401000', writable: false },
        { ...kidMaps, va: '0x401000' },
      ],
      bytes: 'cc'.repeat(64),
      text: 'Page 1 of /bin/bash in the page cache.',
    }),
    state: 'Present: page 1 of /bin/bash, one copy for all who map it.',
    would: { read: 'would hit', write: 'would end in SIGSEGV (SEGV_ACCERR): the VMA is read-only', exec: 'would hit' },
  }),
};

const unmapped: StateMessage = {
  ...BASE,
  position: 8,
  canStep: false,
  next: null,
  follow: false,
  selection: { pid: 1000, address: '0x123456789000', text: '0x123456789000' },
  walk: walkOf({
    address: '0x123456789000',
    offset: 0,
    levels: levelsOf(0x123456789000n, [
      { level: 'PGD', table: '0x1', entries: [entry('PGD', 0, pte(0x20, 'T')), entry('PGD', 255, pte(2, 'T'))] },
      { level: 'PUD', table: null, entries: [] },
      { level: 'PMD', table: null, entries: [] },
      { level: 'PTE', table: null, entries: [] },
    ]),
    vma: null,
    state: 'Not mapped: no VMA covers this address.',
    would: {
      read: 'would end in SIGSEGV (SEGV_MAPERR)',
      write: 'would end in SIGSEGV (SEGV_MAPERR)',
      exec: 'would end in SIGSEGV (SEGV_MAPERR)',
    },
  }),
};

const beginning: StateMessage = {
  ...BASE,
  position: 0,
  canBack: false,
  processes: [],
  hiddenProcesses: 0,
  bindings: [],
  selection: null,
  lastStep: null,
  swap: swap([]),
  frames: { kind: 'full', map: ram('................') },
  next: { line: 6, text: 'bash = spawn("/bin/bash")' },
};

/** More processes than the page is told of. */
const crowd: StateMessage = { ...forked, hiddenProcesses: 2999 };

export const FIXTURES: Readonly<Record<string, StateMessage>> = {
  beginning,
  untouched,
  stored,
  forked,
  swapped,
  large,
  unmapped,
  neighbour,
  asserted,
  crowd,
};
