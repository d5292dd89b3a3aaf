/**
 * How a page stands: a few words for its row in the table, and a sentence. Both come from one place, so that one never
 * says what the other denies. Nothing is remembered of a page that has no entry: whether it was touched before (and given
 * back by madvise(), or dropped with its file) nobody can tell, so nobody says it.
 */

import { kernelPage } from '../explain/words.ts';
import { hex } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_ANON_EXCLUSIVE } from '../machine/frames.ts';
import { PTE_RW } from '../machine/pagetable.ts';
import { page_of_file } from '../mm/device.ts';
import { has_fault } from '../mm/operations.ts';
import { cache_entry, file_pages } from '../mm/page-cache.ts';
import { linear_page_index, VM_GROWSDOWN, VM_SHARED, VM_WRITE, type Vma } from '../mm/vma.ts';
import { folio_test_writeback } from '../mm/writeback.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Mm } from '../state/records.ts';
import { frameWord, pteState, pteText } from './entries.ts';

/** The entry of a page: its flags, and its PFN or swap slot. */
export interface PageEntry {
  readonly flags: number;
  readonly value: number;
}

export interface PageState {
  /** `frame 0x9`, `swap slot 3`, `not mapped: in the page cache`. */
  readonly row: string;
  readonly sentence: string;
}

/** `vma` is the one that contains `addr`; `others` names the other processes that map the frame, empty for none. */
export function pageState(
  k: Kernel,
  mm: Mm,
  vma: Vma | undefined,
  addr: number,
  entry: PageEntry,
  others: string,
): PageState {
  const state = pteState(entry.flags);
  if (state === 'none') return vma === undefined ? outsideState(mm, addr) : absentState(k, vma, addr);
  const row = pteText(k.frames, state, entry.value);
  switch (state) {
    case 'swap':
      return { row, sentence: swappedText(k, entry.value) };
    case 'guard':
      return { row, sentence: 'A guard marker: every access is SIGSEGV, and no frame is spent on it.' };
    case 'prot-none': {
      const what = frameWord(k.frames, entry.value);
      return { row, sentence: `PROT_NONE: ${what} keeps its content, the entry is not present for the MMU.` };
    }
    default:
      return { row, sentence: presentText(k, vma, addr, entry, others) };
  }
}

function outsideState(mm: Mm, addr: number): PageState {
  const row = 'nothing mapped';
  const above = mm.vmas.find(addr);
  if (above === undefined || (above.vm_flags & VM_GROWSDOWN) === 0) return { row, sentence: 'Nothing is mapped here.' };
  const stack = `the stack ${hex(above.vm_start)}-${hex(above.vm_end)} lies above and grows down`;
  return { row, sentence: `Nothing is mapped here; ${stack}.` };
}

/** A page of a VMA without an entry. */
function absentState(k: Kernel, vma: Vma, addr: number): PageState {
  if (vma.special !== null) {
    return {
      row: 'not mapped',
      sentence: `Not mapped: the kernel maps its page of ${vma.special} at the first touch.`,
    };
  }
  if (vma.vm_ops === 'none') {
    return { row: 'no frame', sentence: 'No frame: the VMA promises the page, and nothing stands behind it.' };
  }
  const inode = k.inodes.get(vma.inode);
  if (inode.kind === 'device') {
    const page = `page ${page_of_file(k, vma, addr)} of ${inode.path}`;
    const how = has_fault(k, vma) ? 'which the driver gives out at a touch' : 'which the driver has not put here';
    return { row: 'not mapped', sentence: `Not mapped: ${page}, ${how}.` };
  }
  return absentPageOf(inode, linear_page_index(vma, addr));
}

function absentPageOf(inode: Inode, index: number): PageState {
  const page = `page ${index} of ${inode.path}`;
  if (index >= file_pages(inode)) {
    return {
      row: 'behind the end of the file',
      sentence: `Behind the end of the file: ${inode.path} has ${inode.size} bytes.`,
    };
  }
  const entry = cache_entry(inode, index);
  if (entry > 0) {
    return {
      row: 'not mapped: in the page cache',
      sentence: `Not mapped: ${page} is in the page cache, in frame ${hex(entry)}.`,
    };
  }
  if (entry < 0) {
    const slot = -entry - 1;
    return { row: `not mapped: in swap slot ${slot}`, sentence: `Not mapped: ${page} is in swap slot ${slot}.` };
  }
  return inode.kind === 'shmem'
    ? { row: 'no frame', sentence: `No frame: ${page} is a hole, which reads as zeros.` }
    : { row: 'not mapped: on disk only', sentence: `Not mapped: ${page} is on disk only.` };
}

function swappedText(k: Kernel, slot: number): string {
  const cached = k.swap.cached(slot);
  if (cached === 0) return `Swapped out to slot ${slot}.`;
  const where = `frame ${hex(cached)} in the swap cache`;
  return folio_test_writeback(k, cached)
    ? `On its way to swap slot ${slot}: until that has it, ${where} keeps the page.`
    : `Swapped out to slot ${slot}; ${where} has it too.`;
}

function anonText(k: Kernel, entry: PageEntry, others: string): string {
  const chunk = k.frames.chunk(entry.value);
  const i = entry.value & CHUNK_MASK;
  const name = `Present: frame ${hex(entry.value)}, anonymous`;
  if ((entry.flags & PTE_RW) !== 0) return `${name} and this process's own.`;
  if (others !== '') return `${name}, shared with ${others}; the entry is write-protected, so that a write copies.`;
  const own = ((chunk.flags[i] as number) & PG_ANON_EXCLUSIVE) !== 0 || chunk.mapcount[i] === 1;
  return own ? `${name}, nobody else has it; the entry is write-protected.` : `${name}, write-protected.`;
}

function presentText(k: Kernel, vma: Vma | undefined, addr: number, entry: PageEntry, others: string): string {
  const { value, flags } = entry;
  if (value === k.frames.zeroPfn) return 'Present: the zero page, which all reads of memory without a frame share.';
  const access = (flags & PTE_RW) !== 0 ? 'writable' : 'write-protected';
  if (vma !== undefined && vma.special !== null) return `Present: ${kernelPage(vma.special)}, ${access}.`;
  if (value >= k.frames.deviceBase) return `Present: ${hex(value)}, a page of a device, ${access}.`;
  if ((k.frames.flagsOf(value) & PG_ANON) !== 0) return anonText(k, entry, others);
  const inode = vma === undefined || vma.inode === 0 ? undefined : k.inodes.get(vma.inode);
  const page =
    vma === undefined || inode === undefined ? '' : `, page ${linear_page_index(vma, addr)} of ${inode.path}`;
  const copies = vma !== undefined && (vma.vm_flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
  const how = copies ? 'a write would be copied' : access;
  return `Present: frame ${hex(value)}${page}, ${how}${others === '' ? '' : `, shared with ${others}`}.`;
}
