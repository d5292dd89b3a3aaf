/**
 * What views are told: plain data that survives a structured clone. Addresses, PFNs and PTE values are hexadecimal
 * strings (`0x…`); sizes are bytes unless a name says otherwise.
 */

export type LevelName = 'PGD' | 'P4D' | 'PUD' | 'PMD' | 'PTE';

/** How a page-table entry or a page stands. */
export type EntryState = 'table' | 'present' | 'none' | 'swap' | 'guard' | 'prot-none';

/** One flag of an entry: the letter that is drawn, its Intel SDM name, and what it says here. */
export interface FlagView {
  readonly letter: string;
  readonly name: string;
  readonly on: boolean;
  readonly text: string;
}

/** One entry of a table that exists (empty ones are folded by the view). */
export interface EntryView {
  readonly index: number;
  /** The 64-bit value as the MMU sees it. */
  readonly value: string;
  readonly state: EntryState;
  /** PFN of the next table or of the frame, when present. */
  readonly pfn: string | null;
  readonly flags: readonly FlagView[];
  /** A few words: `frame 0x9`, `table 0x12`, `swap slot 3`, `no frame`, `not mapped: in the page cache`. */
  readonly text: string;
  /** The last step changed this entry: its value before. */
  readonly before?: string;
}

/** One level of a walk: the table, the index taken, its non-empty entries. */
export interface LevelView {
  readonly level: LevelName;
  readonly index: number;
  /** First bit and number of bits that the index takes from the address: PTE is 12, 9. */
  readonly shift: number;
  readonly bits: number;
  /** PFN of the table page, null when the walk ended above. */
  readonly table: string | null;
  /** The entry on the path (also when empty); null when there is no table. */
  readonly entry: EntryView | null;
  /** Entries of the table that are not empty, in index order, at most 512. */
  readonly entries: readonly EntryView[];
}

/** Operation table of a VMA: its name, and for each operation the function that serves it. */
export interface OperationsView {
  readonly name: string;
  readonly operations: Readonly<Record<string, string>>;
}

/** A VMA with all its fields. */
export interface VmaView {
  readonly start: string;
  readonly end: string;
  readonly pages: number;
  /** The line of /proc/PID/maps, no newline. */
  readonly mapsLine: string;
  readonly perms: string;
  /** `[heap]`, a path, or the empty string. */
  readonly name: string;
  readonly vm_pgoff: string;
  /** As smaps prints them: `rd wr mr mw me ac`. */
  readonly vmFlags: string;
  /** `VM_READ|VM_WRITE|…`. */
  readonly flagNames: string;
  readonly vm_page_prot: string;
  readonly vm_file: string | null;
  readonly anon_vma: string | null;
  /** Null: anonymous memory, no table. */
  readonly vm_ops: OperationsView | null;
  readonly rssPages: number;
  readonly swapPages: number;
  /** Set by the last step: made, or one of its fields changed. */
  readonly changed: boolean;
  /** The last step changed an entry of its pages: mapped or unmapped one, or changed its bits. */
  readonly pagesChanged: boolean;
}

/** A run of neighbouring pages in the same state. */
export interface PageRunView {
  readonly start: string;
  readonly end: string;
  readonly pages: number;
  readonly state: 'untouched' | 'zero-page' | 'anon' | 'file' | 'shmem' | 'device' | 'swapped' | 'guard';
  readonly writable: boolean;
  readonly dirty: boolean;
  readonly shared: boolean;
  readonly text: string;
  readonly changed: boolean;
}

/** A labelled number of an mm_struct or of the machine. */
export interface NumberView {
  /** Linux's field name: `total_vm`, `start_brk`. */
  readonly name: string;
  readonly value: string;
  /** What it counts, in a sentence. */
  readonly text: string;
  readonly changed: boolean;
}

export interface ProcessView {
  readonly pid: number;
  /** The scenario's name for it. */
  readonly name: string;
  /** Path of the program it executes. */
  readonly exe: string;
  readonly state: 'alive' | 'zombie' | 'dead';
  /** It lives, and a signal has stopped it. */
  readonly stopped: boolean;
  /** Why it is gone: `exit status 0`, `SIGSEGV`. */
  readonly ended: string | null;
  /** Other pids that share this mm (CLONE_VM). */
  readonly sharesMmWith: readonly number[];
  readonly changed: boolean;
  readonly numbers: readonly NumberView[];
  readonly vmaCount: number;
}

export type FrameUse =
  | 'free'
  | 'anon'
  | 'file-clean'
  | 'file-dirty'
  | 'shmem'
  | 'zero'
  | 'table'
  | 'device'
  | 'swap-cache';

/** Who maps a frame: a PTE of a process. */
export interface MapperView {
  readonly pid: number;
  readonly process: string;
  readonly va: string;
  readonly writable: boolean;
}

export interface FrameView {
  readonly pfn: string;
  readonly use: FrameUse;
  readonly mapcount: number;
  readonly refcount: number;
  readonly dirty: boolean;
  /** On its way to the disk, or to its swap slot. */
  readonly writeback: boolean;
  /** PG_referenced: the kernel's own note of a use. */
  readonly referenced: boolean;
  /** A PTE that maps it has the accessed bit. */
  readonly accessed: boolean;
  /** LRU list it is on: `active(anon)`, `inactive(file)`, `unevictable`, or empty. */
  readonly list: string;
  /** Of a file's page: path and page index. */
  readonly file: { readonly path: string; readonly index: number } | null;
  readonly mappers: readonly MapperView[];
  /** First bytes of its content, hexadecimal, up to 64 bytes. */
  readonly bytes: string;
  readonly text: string;
}

/**
 * Who uses a frame or waits for a slot, when it is not one process: nobody; several; only the page cache, the swap cache
 * or a shmem file; the kernel; or a process that is not known by name.
 */
export type SharedUse = 'nobody' | 'several' | 'cache' | 'kernel' | 'somebody';

/**
 * All frames of RAM at a glance; element i of each array belongs to PFN `first + i`. The arrays may end before `total`:
 * the frames behind were never taken, and are free.
 */
export interface FrameMapView {
  readonly first: number;
  readonly total: number;
  readonly free: number;
  readonly legend: readonly FrameUse[];
  /** Indices into `legend`. */
  readonly uses: Uint8Array;
  /** LRU lists as {@link FrameView.list} names them; the first, empty, is none. */
  readonly lists: readonly string[];
  /**
   * Lowest three bits: index into `lists`. 8: PG_referenced; 16: dirty, by the frame's flags or a PTE; 32: under writeback;
   * 64: a PTE that maps it has the accessed bit.
   */
  readonly states: Uint8Array;
  readonly sharedUses: readonly SharedUse[];
  /** Pids; values below the length of `sharedUses` are indices into it. */
  readonly owners: Uint16Array;
  /** False: there are too many page tables to read; bits are the frames' own, mapped frames are somebody's. */
  readonly exact: boolean;
  /** PFN that the hand of replacement=clock points at: looked at next. Null where there is no such hand. */
  readonly hand: number | null;
  /** PFNs that the last step changed, ascending, at most 4096. */
  readonly changed: readonly number[];
}

/** The owners, as {@link FrameMapView.owners} has them, of a swap slot that has several. */
export interface SharedSlotView {
  readonly slot: number;
  readonly owners: readonly number[];
}

/** Swap slots: `counts[i]` is the number of PTEs (and swap-cache users) that refer to slot i. */
export interface SwapMapView {
  readonly slots: number;
  readonly used: number;
  readonly counts: Uint8Array;
  /** 1: the slot's page is in the swap cache as well. Shorter than `counts`: zero behind its end. */
  readonly cached: Uint8Array;
  readonly sharedUses: readonly SharedUse[];
  /** Who waits for the slot, as in {@link FrameMapView.owners}; empty when page tables were not read. */
  readonly owners: Uint16Array;
  /** Slots of several owners, ascending, at most 1024. */
  readonly shared: readonly SharedSlotView[];
  readonly changed: readonly number[];
}

/** A page-table entry that waits for a swap slot. */
export type WaiterView = Pick<MapperView, 'pid' | 'process' | 'va'>;

/** One swap slot in full. */
export interface SlotView {
  readonly slot: number;
  /** How many refer to it, the swap cache not counted. */
  readonly count: number;
  /** PFN of the frame in the swap cache that holds the same page; null for none. */
  readonly cached: string | null;
  /** The page of shared memory that is there. */
  readonly file: { readonly path: string; readonly index: number } | null;
  /** The entries that refer to it, at most 256. */
  readonly waiters: readonly WaiterView[];
  /** One sentence. */
  readonly text: string;
}

/** Neighbouring pages of a file in the page cache that are in the same state. */
export interface CachedRunView {
  readonly first: number;
  readonly pages: number;
  readonly dirty: boolean;
  readonly writeback: boolean;
  /** A few words: `clean`, `dirty: differs from the disk`. */
  readonly text: string;
  /** The last step let a page of it come, go from its ends, or become dirty or clean, or began or ended a writeback. */
  readonly changed: boolean;
}

/** Pages of one file in the page cache. */
export interface CachedFileView {
  readonly path: string;
  readonly size: number;
  readonly cachedPages: number;
  /** Newer than what was last sent to the disk; on their way to the disk. A page may be both. */
  readonly dirtyPages: number;
  readonly writebackPages: number;
  readonly runs: readonly CachedRunView[];
  /** The last step changed any of this, runs that are gone included. */
  readonly changed: boolean;
}

/** Page cache, RAM and swap in a few numbers; `changed`: the last step did that to anything the other views tell of it. */
export interface MachineView {
  readonly cache: { readonly files: number; readonly pages: number; readonly changed: boolean };
  readonly memory: { readonly frames: number; readonly free: number; readonly changed: boolean };
  readonly swap: { readonly slots: number; readonly used: number; readonly changed: boolean };
}

/** The frames of RAM that are used for one thing. */
export interface FrameUseView {
  readonly use: FrameUse;
  readonly frames: number;
  /** The last step changed one of them, or one that was used for it before. */
  readonly changed: boolean;
}

/** A translation, with everything a person would ask about it. */
export interface WalkView {
  readonly pid: number;
  readonly process: string;
  readonly address: string;
  readonly canonical: boolean;
  readonly cr3: string;
  readonly offset: number;
  readonly levels: readonly LevelView[];
  /** Physical address, null when the page is not present. */
  readonly physical: string | null;
  readonly frame: FrameView | null;
  readonly vma: VmaView | null;
  /** The page's state in a sentence. */
  readonly state: string;
  /** What an access would do now, one sentence each. */
  readonly would: { readonly read: string; readonly write: string; readonly exec: string };
}

/** One sentence of the story of a step; `depth` 0 is the step itself. */
export interface StoryLine {
  readonly depth: number;
  readonly text: string;
  /** What the sentence speaks of, to be lit. */
  readonly pid?: number;
  readonly va?: string;
  readonly pfn?: string;
  readonly slot?: number;
}

/** Where two neighbouring VMAs meet, or face each other across a hole. */
export interface BoundaryView {
  /** Start of the upper one. */
  readonly at: string;
  /** Lines of /proc/PID/maps. */
  readonly lower: string;
  readonly upper: string;
  /** The first rule that forbids to merge them, by its kernel function: `is_mergeable_vma: vm_flags differ: VM_WRITE`. */
  readonly rule: string | null;
  /** The rule with its cause in these two; without a rule, why they stand apart nevertheless. */
  readonly text: string;
}

/** Why a mapping is where it is. */
export interface PlacedView {
  /** Line of the step that put it there, from 1; null when the records do not reach back to it. */
  readonly line: number | null;
  readonly text: string;
}

export interface WhyView {
  readonly pid: number;
  readonly process: string;
  readonly address: string;
  /** Line of /proc/PID/maps of the VMA that holds the address; null in a hole. */
  readonly vma: string | null;
  /** The boundary at its start, or across the hole; null where there is no VMA below. */
  readonly below: BoundaryView | null;
  /** The boundary at its end. */
  readonly above: BoundaryView | null;
  /** Null in a hole. */
  readonly placed: PlacedView | null;
}
