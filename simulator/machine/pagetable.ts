/**
 * x86-64 page tables: four or five levels of 512 entries. Leaf tables are typed arrays with two 32-bit words an entry
 * (flags, PFN); upper tables hold their children. Every PTE of the machine is written through this module.
 * Bit layout: Intel SDM volume 3, 4.5; arch/x86/include/asm/pgtable_types.h.
 */

import type { Epoch } from '../state/cow.ts';
import { entryIndex, gigabyteOf, type Pfn, PTRS_PER_TABLE, pmdIndex, type VirtAddr } from './address.ts';

export const PTE_PRESENT = 1;
export const PTE_RW = 2;
export const PTE_USER = 4;
export const PTE_ACCESSED = 0x20;
export const PTE_DIRTY = 0x40;
/** _PAGE_PROTNONE (the G bit of an entry that is not present): mapped, but no access is allowed. */
export const PTE_PROTNONE = 0x100;
/** _PAGE_SPECIAL (software bit 9): no struct page behind it: the zero page, remap_pfn_range. */
export const PTE_SPECIAL = 0x200;
/** Not a hardware bit here: the second word is a swap slot. */
export const PTE_SWAP = 0x1000;
/** The anonymous page in the slot was exclusive (_PAGE_SWP_EXCLUSIVE). */
export const PTE_SWP_EXCLUSIVE = 0x2000;
/** PTE_MARKER_GUARD of MADV_GUARD_INSTALL. */
export const PTE_GUARD = 0x4000;
/** The NX bit (63). */
export const PTE_NX = 0x20000000;

/**
 * _PAGE_SAVED_DIRTY (software bit 58): Linux moves the dirty bit of an entry that is not writable there, because the
 * hardware takes such an entry with the dirty bit for a shadow stack. Our words keep PTE_DIRTY; see {@link shownFlags}.
 */
export const PTE_SAVED_DIRTY = 0x8000;

/** The flags of an entry as they stand in memory (pte_mksaveddirty()). */
export function shownFlags(flags: number): number {
  return (flags & (PTE_DIRTY | PTE_RW)) === PTE_DIRTY ? flags ^ (PTE_DIRTY | PTE_SAVED_DIRTY) : flags;
}

/** A page is mapped, though PROT_NONE may forbid every access (pte_present()). */
export const PTE_MAPPED = PTE_PRESENT | PTE_PROTNONE;

/** A table of the lowest level: words 2i (flags) and 2i+1 (PFN or slot) are entry i. */
export interface PteTable {
  readonly owner: number;
  /** PFN of the table page itself. */
  readonly pfn: Pfn;
  readonly words: Uint32Array;
}

/** A table of an upper level; `level` 1 is the PMD, whose children are PTE tables. */
export interface UpperTable {
  readonly owner: number;
  readonly pfn: Pfn;
  readonly level: number;
  readonly kids: (UpperTable | PteTable | undefined)[];
}

/** Bytes under one entry of a table, by its level. */
const SPANS: readonly number[] = [2 ** 12, 2 ** 21, 2 ** 30, 2 ** 39, 2 ** 48];

interface FreeRange {
  readonly start: VirtAddr;
  readonly end: VirtAddr;
  readonly floor: VirtAddr;
  readonly ceiling: VirtAddr;
}

/** Gives table pages their PFNs: ascending, none is used twice, so that a PFN names one table for a whole run. */
export interface TablePages {
  next: Pfn;
}

/** Highest level whose tables mm_pgtables_bytes() counts: PUD. A P4D table is counted nowhere. */
const COUNTED_LEVEL = 2;
/** What a table takes of the host's memory, its objects included; about. */
export const TABLE_BYTES = 4096 + 300;

/** Page tables of one address space. */
export class PageTables {
  private readonly epoch: Epoch;
  private readonly pages: TablePages;
  readonly levels: 4 | 5;
  private root: UpperTable;
  /** PTE, PMD, PUD (and P4D) tables in use, without the root: mm_pgtables_bytes() / 4096. */
  tables = 0;
  private cachedKey = -1;
  private cached: PteTable | undefined;
  private cachedEpoch = -1;
  /** What {@link pmdTable} found last, and for which gibibyte (-1: upper tables changed since). */
  private pmdOf = -1;
  private pmd: UpperTable | undefined;

  constructor(epoch: Epoch, pages: TablePages, levels: 4 | 5, from?: PageTables) {
    this.epoch = epoch;
    this.pages = pages;
    this.levels = levels;
    if (from === undefined) {
      this.root = { owner: epoch.now, pfn: pages.next++, level: levels - 1, kids: new Array(PTRS_PER_TABLE) };
      epoch.made += TABLE_BYTES;
      epoch.held.tables++;
    } else {
      this.root = from.root;
      this.tables = from.tables;
    }
  }

  /** The same tables for a new epoch: shared until one side writes. */
  share(): PageTables {
    return new PageTables(this.epoch, this.pages, this.levels, this);
  }

  /** CR3: PFN of the top table. */
  get rootPfn(): Pfn {
    return this.root.pfn;
  }

  /** The top table, to be read only. */
  get top(): UpperTable {
    return this.root;
  }

  /** The PTE table over `addr`, to be read only; undefined when there is none. */
  find(addr: VirtAddr): PteTable | undefined {
    const gb = gigabyteOf(addr);
    const pmd = pmdIndex(addr);
    const key = gb * PTRS_PER_TABLE + pmd;
    if (key === this.cachedKey) return this.cached;
    const leaf = this.pmdTable(gb)?.kids[pmd] as PteTable | undefined;
    if (leaf !== undefined) {
      this.cachedKey = key;
      this.cached = leaf;
      this.cachedEpoch = leaf.owner;
    }
    return leaf;
  }

  /** The PMD table over a gibibyte, to be read only; undefined when there is none. */
  private pmdTable(gb: number): UpperTable | undefined {
    if (gb === this.pmdOf) return this.pmd;
    let table: UpperTable | undefined = this.root;
    for (let level = this.levels - 1; level > 1 && table !== undefined; level--) {
      table = table.kids[(gb >>> ((level - 2) * 9)) & 511] as UpperTable | undefined;
    }
    this.pmdOf = gb;
    this.pmd = table;
    return table;
  }

  /** The PTE table over `addr`, owned by the current epoch; made, with the levels above it, when missing. */
  edit(addr: VirtAddr): PteTable {
    const gb = gigabyteOf(addr);
    const pmd = pmdIndex(addr);
    const key = gb * PTRS_PER_TABLE + pmd;
    if (key === this.cachedKey && this.cachedEpoch === this.epoch.now) return this.cached as PteTable;
    let table = this.ownRoot();
    for (let level = this.levels - 1; level > 1; level--) {
      table = this.ownUpper(table, (gb >>> ((level - 2) * 9)) & 511, level - 1);
    }
    const leaf = this.ownLeaf(table, pmd);
    this.cachedKey = key;
    this.cached = leaf;
    this.cachedEpoch = this.epoch.now;
    return leaf;
  }

  /** First address at or behind `from` (a multiple of 2 MiB) that has a PTE table; `end` when there is none before it. */
  nextTable(from: VirtAddr, end: VirtAddr): VirtAddr {
    return from >= end ? end : nextLeaf(this.root, 0, from, end);
  }

  /**
   * Frees the tables that have something of [start, end) under them and lie wholly in [floor, ceiling): their pages are
   * gone and no VMA needs them (mm/memory.c: free_pgd_range()).
   */
  freeRange(start: VirtAddr, end: VirtAddr, floor: VirtAddr, ceiling: VirtAddr): void {
    this.freeUpper(this.ownRoot(), 0, { start, end, floor, ceiling });
  }

  /** Frees the PTE table over `addr` if it is empty (mm/pt_reclaim.c: try_to_free_pte()). */
  freeEmptyLeaf(addr: VirtAddr): boolean {
    const leaf = this.find(addr);
    if (leaf === undefined) return false;
    for (let i = 0; i < leaf.words.length; i += 2) if (leaf.words[i] !== 0) return false;
    const gb = gigabyteOf(addr);
    let table = this.ownRoot();
    for (let level = this.levels - 1; level > 1; level--) {
      table = this.ownUpper(table, (gb >>> ((level - 2) * 9)) & 511, level - 1);
    }
    table.kids[pmdIndex(addr)] = undefined;
    this.count(-1);
    this.forget();
    return true;
  }

  /** Whether the entry over `addr` in a table of `level` (1: PMD, 2: PUD) has a table below it. */
  hasBelow(addr: VirtAddr, level: 1 | 2): boolean {
    let table: UpperTable | undefined = this.root;
    for (let at = this.levels - 1; at > level && table !== undefined; at--) {
      table = table.kids[entryIndex(addr, at)] as UpperTable | undefined;
    }
    return table?.kids[entryIndex(addr, level)] !== undefined;
  }

  /** The table of `level` (1: PMD, 2: PUD) over `addr`, owned by the epoch; made, with the levels above it, when missing. */
  editUpper(addr: VirtAddr, level: 1 | 2): UpperTable {
    let table = this.ownRoot();
    for (let at = this.levels - 1; at > level; at--) table = this.ownUpper(table, entryIndex(addr, at), at - 1);
    return table;
  }

  /**
   * Hangs the table below the entry of `level` over `from` under the entry over `to` (mm/mremap.c: move_normal_pmd(),
   * move_normal_pud()). False, and nothing is changed, when there is no such table or the place is taken.
   */
  moveTable(from: VirtAddr, to: VirtAddr, level: 1 | 2): boolean {
    if (!this.hasBelow(from, level) || this.hasBelow(to, level)) return false;
    const source = this.editUpper(from, level);
    this.editUpper(to, level).kids[entryIndex(to, level)] = source.kids[entryIndex(from, level)];
    source.kids[entryIndex(from, level)] = undefined;
    this.forget();
    return true;
  }

  private freeUpper(table: UpperTable, base: VirtAddr, range: FreeRange): void {
    const span = SPANS[table.level] as number;
    const first = Math.max(0, Math.floor((range.start - base) / span));
    const last = Math.min(PTRS_PER_TABLE - 1, Math.ceil((range.end - base) / span) - 1);
    for (let i = first; i <= last; i++) {
      const kid = table.kids[i];
      if (kid === undefined) continue;
      const start = base + i * span;
      if (table.level > 1) this.freeUpper(this.ownUpper(table, i, table.level - 1), start, range);
      if (start >= range.floor && start + span <= range.ceiling) {
        table.kids[i] = undefined;
        if (table.level - 1 <= COUNTED_LEVEL) this.count(-1);
        this.forget();
      }
    }
  }

  private count(more: number): void {
    this.tables += more;
    this.epoch.held.tables += more;
  }

  /** The address space is gone, and all its tables with it. */
  release(): void {
    this.epoch.held.tables -= this.tables + 1;
  }

  /** Tables went or moved: what was looked up before may not be so any more. */
  private forget(): void {
    this.cachedKey = -1;
    this.pmdOf = -1;
  }

  private ownRoot(): UpperTable {
    if (this.root.owner !== this.epoch.now) {
      this.root = { ...this.root, owner: this.epoch.now, kids: this.root.kids.slice() };
      this.epoch.made += TABLE_BYTES;
      this.pmdOf = -1;
    }
    return this.root;
  }

  private ownUpper(parent: UpperTable, index: number, level: number): UpperTable {
    const kid = parent.kids[index] as UpperTable | undefined;
    if (kid !== undefined && kid.owner === this.epoch.now) return kid;
    this.epoch.made += TABLE_BYTES;
    let mine: UpperTable;
    if (kid === undefined) {
      mine = { owner: this.epoch.now, pfn: this.pages.next++, level, kids: new Array(PTRS_PER_TABLE) };
      if (level <= COUNTED_LEVEL) this.count(1);
    } else mine = { ...kid, owner: this.epoch.now, kids: kid.kids.slice() };
    parent.kids[index] = mine;
    this.pmdOf = -1;
    return mine;
  }

  private ownLeaf(parent: UpperTable, index: number): PteTable {
    const kid = parent.kids[index] as PteTable | undefined;
    if (kid !== undefined && kid.owner === this.epoch.now) return kid;
    this.epoch.made += TABLE_BYTES;
    let mine: PteTable;
    if (kid === undefined) {
      const words = new Uint32Array(2 * PTRS_PER_TABLE);
      mine = { owner: this.epoch.now, pfn: this.pages.next++, words };
      this.count(1);
    } else mine = { owner: this.epoch.now, pfn: kid.pfn, words: kid.words.slice() };
    parent.kids[index] = mine;
    return mine;
  }
}

function nextLeaf(table: UpperTable, base: VirtAddr, from: VirtAddr, end: VirtAddr): VirtAddr {
  const span = SPANS[table.level] as number;
  for (let i = Math.max(0, Math.floor((from - base) / span)); i < PTRS_PER_TABLE; i++) {
    const start = base + i * span;
    if (start >= end) return end;
    const kid = table.kids[i];
    if (kid === undefined) continue;
    if (table.level === 1) return start;
    const found = nextLeaf(kid as UpperTable, start, Math.max(from, start), end);
    if (found < Math.min(end, start + span)) return found;
  }
  return end;
}
