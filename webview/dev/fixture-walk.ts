/** Walks for the development page, put together as the simulator would tell them. */
import type {
  EntryView,
  FlagView,
  FrameView,
  LevelName,
  LevelView,
  VmaView,
  WalkView,
} from '../../simulator/view/types.ts';
import { hex } from '../model/address.ts';

const BITS: readonly (readonly [letter: string, name: string, bit: bigint, on: string, off: string])[] = [
  ['P', 'Present', 0n, 'the entry is in use', 'the MMU faults here'],
  ['W', 'Read/Write', 1n, 'writes are allowed', 'a write faults'],
  ['U', 'User/Supervisor', 2n, 'user mode may use it', 'only the kernel may use it'],
  ['A', 'Accessed', 5n, 'the MMU walked through it', 'not used since the bit was cleared'],
  ['D', 'Dirty', 6n, 'written through this entry', 'not written through this entry'],
  ['NX', 'Execute disable', 63n, 'instructions cannot be fetched', 'instructions can be fetched'],
];

function flagsOf(value: bigint, level: LevelName): FlagView[] {
  return BITS.filter(([letter]) => letter !== 'D' || level === 'PTE').map(([letter, name, bit, on, off]) => {
    const set = ((value >> bit) & 1n) === 1n;
    return { letter, name, on: set, text: set ? on : off };
  });
}

/** Makes an entry's value: `RW`, `RO`, or `T` for a table. */
export function pte(pfn: number, kind: 'RW' | 'RO' | 'T'): bigint {
  const low = { RW: 0x67n, RO: 0x25n, T: 0x67n }[kind];
  return (kind === 'T' ? 0n : 1n << 63n) | (BigInt(pfn) << 12n) | low;
}

export function entry(level: LevelName, index: number, value: bigint, before?: bigint): EntryView {
  const present = (value & 1n) === 1n;
  const pfn = present ? hex((value >> 12n) & 0xff_ffff_ffffn) : null;
  const state = present ? (level === 'PTE' ? 'present' : 'table') : value === 0n ? 'none' : 'swap';
  const words = {
    present: `frame ${pfn}`,
    table: `table ${pfn}`,
    none: 'no frame',
    swap: `swap slot ${value >> 9n}`,
  };
  return {
    index,
    value: hex(value),
    state,
    pfn,
    flags: present ? flagsOf(value, level) : [],
    text: words[state],
    ...(before === undefined ? {} : { before: hex(before) }),
  };
}

export interface TableSpec {
  readonly level: LevelName;
  readonly table: string | null;
  readonly entries: readonly EntryView[];
}

const SHIFTS: Readonly<Record<LevelName, readonly [four: number, five: number]>> = {
  PGD: [39, 48],
  P4D: [39, 39],
  PUD: [30, 30],
  PMD: [21, 21],
  PTE: [12, 12],
};

export function levelsOf(address: bigint, tables: readonly TableSpec[]): LevelView[] {
  return tables.map(({ level, table, entries }) => {
    const shift = SHIFTS[level][tables.length === 5 ? 1 : 0];
    const index = Number((address >> BigInt(shift)) & 511n);
    const own = entries.find((e) => e.index === index);
    return {
      level,
      index,
      shift,
      bits: 9,
      table,
      entry: table === null ? null : (own ?? entry(level, index, 0n)),
      entries: entries.filter((e) => e.state !== 'none'),
    };
  });
}

export const BUF = 0x7ffff7ff6000n;

export const BUF_VMA: VmaView = {
  start: '0x7ffff7ff5000',
  end: '0x7ffff7ff7000',
  pages: 2,
  mapsLine: '7ffff7ff5000-7ffff7ff7000 rw-p 00000000 00:00 0 ',
  perms: 'rw-p',
  name: '',
  vm_pgoff: '0x7ffff7ff5',
  vmFlags: 'rd wr mr mw me ac',
  flagNames: 'VM_READ|VM_WRITE|VM_MAYREAD|VM_MAYWRITE|VM_MAYEXEC|VM_ACCOUNT',
  vm_page_prot: '0x8000000000000025',
  vm_file: null,
  anon_vma: '1',
  vm_ops: null,
  rssPages: 1,
  swapPages: 0,
  changed: true,
  pagesChanged: true,
};

export const TEXT_VMA: VmaView = {
  ...BUF_VMA,
  start: '0x401000',
  end: '0x404000',
  pages: 3,
  mapsLine: '00401000-00404000 r-xp 00001000 08:01 1051                               /bin/bash',
  perms: 'r-xp',
  name: '/bin/bash',
  vmFlags: 'rd ex mr mw me',
  flagNames: 'VM_READ|VM_EXEC|VM_MAYREAD|VM_MAYWRITE|VM_MAYEXEC',
  vm_file: '/bin/bash',
  anon_vma: null,
  vm_ops: {
    name: 'generic_file',
    operations: { fault: 'filemap_fault', map_pages: 'filemap_map_pages', page_mkwrite: 'filemap_page_mkwrite' },
  },
  changed: false,
};

export function frame(pfn: number, fields: Partial<FrameView>): FrameView {
  return {
    pfn: hex(pfn),
    use: 'anon',
    mapcount: 1,
    refcount: 1,
    dirty: true,
    writeback: false,
    referenced: false,
    accessed: true,
    list: 'active(anon)',
    file: null,
    mappers: [],
    bytes: '',
    text: 'Anonymous memory of one process.',
    ...fields,
  };
}

export function walkOf(fields: Partial<WalkView> & Pick<WalkView, 'levels'>): WalkView {
  return {
    pid: 1000,
    process: 'bash',
    address: hex(BUF + 8n),
    canonical: true,
    cr3: '0x1000',
    offset: 8,
    physical: null,
    frame: null,
    vma: BUF_VMA,
    state: '',
    would: { read: '', write: '', exec: 'would end in SIGSEGV (SEGV_ACCERR): the VMA does not allow execution' },
    ...fields,
  };
}
