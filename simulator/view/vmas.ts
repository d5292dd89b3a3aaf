/** VMAs in views: every field of one, and its pages in runs of the same state. */

import { hex, PMD_SIZE, pteIndex, type VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_DIRTY, PG_SHMEM, PG_WRITEBACK } from '../machine/frames.ts';
import {
  PTE_DIRTY,
  PTE_GUARD,
  PTE_MAPPED,
  PTE_PRESENT,
  PTE_RW,
  PTE_SPECIAL,
  PTE_SWAP,
  type PteTable,
} from '../machine/pagetable.ts';
import { has_fault, operations } from '../mm/operations.ts';
import { vm_page_prot } from '../mm/pte.ts';
import { sameVma, VM_FLAG_NAMES, type Vma, vma_pages } from '../mm/vma.ts';
import { NOWHERE } from '../mm/vma-tree.ts';
import { folio_test_writeback } from '../mm/writeback.ts';
import { maps_line, vma_name, vma_perms } from '../proc/maps.ts';
import { for_each_page } from '../proc/pagemap.ts';
import { vm_flags_text } from '../proc/smaps.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { protText } from './entries.ts';
import { type Moment, mmBefore, mmOf, momentOf, type Place } from './place.ts';
import type { OperationsView, PageRunView, VmaView } from './types.ts';

function operationsView(k: Kernel, vma: Vma): OperationsView | null {
  if (vma.vm_ops === 'none') return null;
  const { name, functions } = operations(vma.vm_ops);
  // Linux has the same table twice, to tell shared anonymous memory by its address.
  const anonymous = vma.vm_ops === 'shmem' && k.inodes.get(vma.inode).path === '/dev/zero';
  const { fault, ...others } = functions;
  return { name: anonymous ? 'shmem_anon_vm_ops' : name, operations: has_fault(k, vma) ? functions : others };
}

/** True when the last step made the VMA or changed one of its fields. */
function isChanged(moment: Moment, mm: Mm, vma: Vma): boolean {
  return moment.before !== null && !sameVma(vma, mmBefore(moment, mm)?.vmas.lookup(vma.vm_start));
}

function residentPages(mm: Mm, vma: Vma): { rssPages: number; swapPages: number } {
  let rssPages = 0;
  let swapPages = 0;
  for_each_page(mm, vma, (_addr, flags) => {
    if ((flags & PTE_MAPPED) !== 0 && (flags & PTE_SPECIAL) === 0) rssPages++;
    else if ((flags & PTE_SWAP) !== 0) swapPages++;
  });
  return { rssPages, swapPages };
}

export function vmaView(moment: Moment, mm: Mm, vma: Vma): VmaView {
  const { k } = moment;
  return {
    start: hex(vma.vm_start),
    end: hex(vma.vm_end),
    pages: vma_pages(vma),
    mapsLine: maps_line(k, mm, vma),
    perms: vma_perms(vma),
    name: vma_name(k, mm, vma),
    vm_pgoff: hex(vma.vm_pgoff),
    vmFlags: vm_flags_text(vma.vm_flags),
    flagNames: VM_FLAG_NAMES.filter(([bit]) => (vma.vm_flags & bit) !== 0)
      .map(([, , name]) => name)
      .join('|'),
    vm_page_prot: protText(vm_page_prot(vma)),
    vm_file: vma.inode === 0 ? null : k.inodes.get(vma.inode).path,
    anon_vma: vma.anon === null ? null : String(vma.anon.anon_vma),
    vm_ops: operationsView(k, vma),
    ...residentPages(mm, vma),
    changed: isChanged(moment, mm, vma),
    pagesChanged: moment.before !== null && pagesChanged(mm, mmBefore(moment, mm), vma),
  };
}

/** VMAs of a process in address order, `count` of them from number `from` on. None when its memory is gone. */
export function vmaViews(
  place: Place,
  pid: number,
  range: { readonly from: number; readonly count: number } = { from: 0, count: Number.POSITIVE_INFINITY },
): VmaView[] {
  const moment = momentOf(place);
  const mm = mmOf(moment.k, pid);
  if (mm === undefined) return [];
  const views: VmaView[] = [];
  let node = mm.vmas.seek(0);
  for (let at = 0; node !== NOWHERE && at < range.from + range.count; at++) {
    if (at >= range.from) views.push(vmaView(moment, mm, mm.vmas.vma(node)));
    node = mm.vmas.next(node);
  }
  return views;
}

/** Where some VMAs of a process begin. @param indexes in ascending order, from 0; those that do not exist are left out */
export function vmaStarts(place: Place, pid: number, indexes: readonly number[]): string[] {
  const vmas = mmOf(momentOf(place).k, pid)?.vmas;
  if (vmas === undefined) return [];
  const starts: string[] = [];
  let node = vmas.seek(0);
  for (let at = 0; node !== NOWHERE && starts.length < indexes.length; at++) {
    if (at === indexes[starts.length]) starts.push(hex(vmas.vma(node).vm_start));
    node = vmas.next(node);
  }
  return starts;
}

const STATES = ['untouched', 'zero-page', 'anon', 'file', 'shmem', 'device', 'swapped', 'guard'] as const;
type PageState = PageRunView['state'];

/** A page's state and marks in one number: two pages with the same number belong to one run. */
const STATE_MASK = 0xf;
const WRITABLE = 0x10;
const DIRTY = 0x20;
const SHARED = 0x40;
const NO_ACCESS = 0x80;
const CHANGED = 0x100;
const WRITEBACK = 0x200;

function code(state: PageState): number {
  return STATES.indexOf(state);
}

const UNTOUCHED = code('untouched');

function pageCode(k: Kernel, flags: number, value: number): number {
  if (flags === 0) return UNTOUCHED;
  if ((flags & PTE_GUARD) !== 0) return code('guard');
  if ((flags & PTE_SWAP) !== 0) return swappedCode(k, value);
  const access =
    ((flags & PTE_RW) !== 0 ? WRITABLE : 0) |
    ((flags & PTE_DIRTY) !== 0 ? DIRTY : 0) |
    ((flags & PTE_PRESENT) === 0 ? NO_ACCESS : 0);
  if (value === k.frames.zeroPfn) return code('zero-page') | access;
  if (value >= k.frames.deviceBase) return code('device') | access;
  const chunk = k.frames.chunk(value);
  const frame = chunk.flags[value & CHUNK_MASK] as number;
  const state = (frame & PG_ANON) !== 0 ? 'anon' : (frame & PG_SHMEM) !== 0 ? 'shmem' : 'file';
  const shared = (chunk.mapcount[value & CHUNK_MASK] as number) > 1 ? SHARED : 0;
  const dirty = (frame & PG_DIRTY) !== 0 ? DIRTY : 0;
  return code(state) | access | shared | dirty | ((frame & PG_WRITEBACK) !== 0 ? WRITEBACK : 0);
}

function swappedCode(k: Kernel, slot: number): number {
  const cached = k.swap.cached(slot);
  const writeback = cached !== 0 && folio_test_writeback(k, cached);
  return code('swapped') | (k.swap.count(slot) > 1 ? SHARED : 0) | (writeback ? WRITEBACK : 0);
}

const RUN_TEXT: Readonly<Record<PageState, string>> = {
  untouched: 'no frame',
  'zero-page': 'zero page',
  anon: 'anonymous',
  file: 'of the file',
  shmem: 'shared memory',
  device: 'of the device',
  swapped: 'in swap',
  guard: 'guard marker: every access is SIGSEGV',
};

/** What stands behind the pages of a VMA. */
interface Backing {
  readonly fileBacked: boolean;
  /** [vdso], [vvar]. */
  readonly special: boolean;
}

function runText(bits: number, state: PageState, { fileBacked, special }: Backing): string {
  if (state === 'untouched') return fileBacked ? 'not mapped' : RUN_TEXT.untouched;
  if (state === 'guard') return RUN_TEXT.guard;
  const words = [special && state === 'device' ? "the kernel's own" : RUN_TEXT[state]];
  if ((bits & NO_ACCESS) !== 0) words.push('PROT_NONE');
  else if (state !== 'swapped') words.push((bits & WRITABLE) !== 0 ? 'writable' : 'write-protected');
  if (state !== 'zero-page' && (bits & DIRTY) !== 0) words.push('dirty');
  if ((bits & WRITEBACK) !== 0) words.push(state === 'swapped' ? 'still on its way' : 'under writeback');
  if ((bits & SHARED) !== 0) words.push('shared');
  return words.join(', ');
}

/** Collects pages into runs, at most `limit`. */
class Runs {
  readonly views: PageRunView[] = [];
  private readonly limit: number;
  private readonly backing: Backing;
  private start = 0;
  private end = 0;
  private bits = -1;

  constructor(limit: number, backing: Backing) {
    this.limit = limit;
    this.backing = backing;
  }

  get full(): boolean {
    return this.views.length >= this.limit;
  }

  add(start: VirtAddr, end: VirtAddr, bits: number): void {
    if (bits !== this.bits) {
      this.flush();
      this.start = start;
      this.bits = bits;
    }
    this.end = end;
  }

  flush(): void {
    if (this.bits < 0 || this.full) return;
    const { bits } = this;
    const state = STATES[bits & STATE_MASK] as PageState;
    this.views.push({
      start: hex(this.start),
      end: hex(this.end),
      pages: (this.end - this.start) / 4096,
      state,
      writable: (bits & WRITABLE) !== 0,
      dirty: (bits & DIRTY) !== 0,
      shared: (bits & SHARED) !== 0,
      text: runText(bits, state, this.backing),
      changed: (bits & CHANGED) !== 0,
    });
    this.bits = -1;
  }
}

/** Words of a table that is not there. */
const NO_WORDS = new Uint32Array(1024);

/** Whether the last step changed entry `at / 2` of a table; `old` is the table before it. */
function entryChanged(table: PteTable | undefined, old: PteTable | undefined, at: number): boolean {
  if (table === old) return false;
  const now = table?.words ?? NO_WORDS;
  const then = old?.words ?? NO_WORDS;
  return now[at] !== then[at] || now[at + 1] !== then[at + 1];
}

/** Whether the last step changed an entry of the VMA's pages; tables that are the same object are passed over. */
function pagesChanged(mm: Mm, old: Mm | undefined, { vm_start, vm_end }: Vma): boolean {
  for (let addr = vm_start; addr < vm_end; ) {
    const stop = Math.min(vm_end, addr - (addr % PMD_SIZE) + PMD_SIZE);
    const table = mm.pt.find(addr);
    const then = old?.pt.find(addr);
    if (table === undefined && then === undefined) {
      addr = Math.min(mm.pt.nextTable(stop, vm_end), old?.pt.nextTable(stop, vm_end) ?? vm_end);
      continue;
    }
    if (table !== then) {
      for (let page = addr; page < stop; page += 4096) if (entryChanged(table, then, 2 * pteIndex(page))) return true;
    }
    addr = stop;
  }
  return false;
}

/** Pages of [addr, stop), which lie under one PTE table. */
function addBlock(moment: Moment, mm: Mm, old: Mm | undefined, runs: Runs, addr: VirtAddr, stop: VirtAddr): void {
  const table = mm.pt.find(addr);
  const then = old?.pt.find(addr);
  const words = table?.words ?? NO_WORDS;
  for (let page = addr; page < stop && !runs.full; page += 4096) {
    const at = 2 * pteIndex(page);
    const bits = pageCode(moment.k, words[at] as number, words[at + 1] as number);
    const changed = moment.before !== null && entryChanged(table, then, at);
    runs.add(page, page + 4096, changed ? bits | CHANGED : bits);
  }
}

/**
 * The pages of a VMA as runs, at most `limit`; `vmaStart` is any address in it, a number or `0x…`. Memory without page
 * tables is passed over in one go.
 */
export function pageRuns(place: Place, pid: number, vmaStart: number | string, limit: number): PageRunView[] {
  const moment = momentOf(place);
  const mm = mmOf(moment.k, pid);
  const vma = mm?.vmas.lookup(Number(vmaStart));
  if (mm === undefined || vma === undefined) return [];
  const old = mmBefore(moment, mm);
  const runs = new Runs(limit, { fileBacked: vma.vm_ops !== 'none', special: vma.special !== null });
  for (let addr = vma.vm_start; addr < vma.vm_end && !runs.full; ) {
    const stop = Math.min(vma.vm_end, addr - (addr % PMD_SIZE) + PMD_SIZE);
    if (mm.pt.find(addr) !== undefined || old?.pt.find(addr) !== undefined) {
      addBlock(moment, mm, old, runs, addr, stop);
      addr = stop;
    } else {
      const next = Math.min(mm.pt.nextTable(stop, vma.vm_end), old?.pt.nextTable(stop, vma.vm_end) ?? vma.vm_end);
      runs.add(addr, next, UNTOUCHED);
      addr = next;
    }
  }
  runs.flush();
  return runs.views;
}
