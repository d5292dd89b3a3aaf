/** Small words that all sentences share: counts, VMAs, entries, names of accesses and faults. */

import type { AccessKind, FaultKind } from '../abi.ts';
import type { PteWords, VmaRef } from '../events.ts';
import { hex, PAGE_SIZE, pteIndex, type VirtAddr } from '../machine/address.ts';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GUARD,
  PTE_MAPPED,
  PTE_NX,
  PTE_PRESENT,
  PTE_RW,
  PTE_SAVED_DIRTY,
  PTE_SWAP,
  PTE_USER,
  shownFlags,
} from '../machine/pagetable.ts';
import { VM_EXEC, VM_GROWSDOWN, VM_MAYSHARE, VM_READ, VM_WRITE } from '../mm/vma.ts';
import type { EntriesEvent, StoryEvent } from './areas.ts';

/** What sentences need of the machine that the events do not say. */
export interface Telling {
  readonly levels: 4 | 5;
  readonly zeroPfn: number;
  /** A textbook policy chooses who goes, and tells why itself. */
  readonly byPolicy: boolean;
  /** Name of a process. */
  name(pid: number): string;
  /** Pid of the process whose address space `mm` is; null when nobody has it any more. */
  ownerOf(mm: number): number | null;
}

/** What stands around an event and belongs to its reason. */
export interface Around {
  /** Name of the step's call. */
  readonly call: string;
  /** The access that the fault under way is about; null outside of faults. */
  readonly access: AccessKind | null;
  /** The page that it is about, its first byte; null outside of faults. */
  readonly page: VirtAddr | null;
  /** The special mapping that the page lies in: [vdso], [vvar]. */
  readonly special: string | null;
  /** The VMA's address space, while what was done to a VMA's pages is told below it. */
  readonly areaOf: number | null;
  readonly next: StoryEvent | null;
}

export function count(n: number | bigint, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 || n === 1n ? noun : plural}`;
}

/** `7ffff7ff5000-7ffff7ff7000`, as in maps. */
export function range(start: VirtAddr, end: VirtAddr): string {
  return `${start.toString(16).padStart(8, '0')}-${end.toString(16).padStart(8, '0')}`;
}

export function perms(flags: number): string {
  return (
    ((flags & VM_READ) !== 0 ? 'r' : '-') +
    ((flags & VM_WRITE) !== 0 ? 'w' : '-') +
    ((flags & VM_EXEC) !== 0 ? 'x' : '-') +
    ((flags & VM_MAYSHARE) !== 0 ? 's' : 'p')
  );
}

/** `VMA 7ffff7ff5000-7ffff7ff7000 rw-p /bin/bash`. */
export function vmaWords(vma: VmaRef): string {
  const name = vma.name === '' ? ((vma.flags & VM_GROWSDOWN) === 0 ? '' : ' (grows down)') : ` ${vma.name}`;
  return `VMA ${range(vma.start, vma.end)} ${perms(vma.flags)}${name}`;
}

export function accessNoun(access: AccessKind): string {
  return access === 'exec' ? 'an instruction fetch' : `a ${access}`;
}

const LETTERS: readonly (readonly [bit: number, letter: string])[] = [
  [PTE_PRESENT, 'P'],
  [PTE_RW, 'W'],
  [PTE_USER, 'U'],
  [PTE_ACCESSED, 'A'],
  [PTE_DIRTY, 'D'],
  [PTE_SAVED_DIRTY, 'SD'],
  [PTE_NX, 'NX'],
];

export function flagLetters(flags: number): string {
  const shown = shownFlags(flags);
  return LETTERS.filter(([bit]) => (shown & bit) !== 0)
    .map(([, letter]) => letter)
    .join(' ');
}

function frameName(telling: Telling, pfn: number): string {
  return pfn === telling.zeroPfn ? `${hex(pfn)} (the zero page)` : hex(pfn);
}

/** `0x9 P W U A D NX`, `swap slot 3`, `0`. */
export function entryWords(telling: Telling, { flags, pfn }: PteWords): string {
  if (flags === 0) return '0';
  if ((flags & PTE_GUARD) !== 0) return 'a guard marker';
  if ((flags & PTE_SWAP) !== 0) return `swap slot ${pfn}`;
  if ((flags & PTE_PRESENT) === 0) return `${frameName(telling, pfn)} PROT_NONE`;
  return `${frameName(telling, pfn)} ${flagLetters(flags)}`;
}

/** Flags that came and went between two entries of one frame, `+W +D` or `−W`. */
function flagChanges(before: number, after: number): string[] {
  const [old, now] = [shownFlags(before), shownFlags(after)];
  return LETTERS.flatMap(([bit, letter]) => {
    if (((old ^ now) & bit) === 0) return [];
    return [`${(now & bit) !== 0 ? '+' : '−'}${letter}`];
  });
}

/** Why flags of an entry that stays change; empty where the flags say it all. */
function flagReason(before: number, after: number): string {
  if ((before & PTE_PRESENT) !== 0 && (after & PTE_PRESENT) === 0) return ': PROT_NONE hides the page from the MMU';
  if ((before & PTE_PRESENT) === 0 && (after & PTE_PRESENT) !== 0) return ': the page may be accessed again';
  const lost = before & ~after;
  if ((lost & PTE_RW) !== 0) {
    const saved = (shownFlags(after) & PTE_SAVED_DIRTY) !== 0 ? '; SD keeps that it was written' : '';
    return `: write-protected, so that the next write faults${saved}`;
  }
  if ((lost & PTE_ACCESSED) !== 0) return ': cleared, to see whether the page is used again';
  if ((lost & PTE_DIRTY) !== 0) return ': what was written is known, the next write is to be noticed';
  return '';
}

/** `PTE 502: 0 → 0x9 P W U A D NX`; with the page's address where it is not the one that the fault is about. */
export function pteWords(
  telling: Telling,
  { va, before, after }: { readonly va: VirtAddr; readonly before: PteWords; readonly after: PteWords },
  around: Pick<Around, 'page'>,
): string {
  const entry = `PTE ${pteIndex(va)}${va === around.page ? '' : ` (${hex(va)})`}`;
  const stays = (before.flags & PTE_MAPPED) !== 0 && (after.flags & PTE_MAPPED) !== 0 && before.pfn === after.pfn;
  if (stays) {
    const changes = flagChanges(before.flags, after.flags);
    if (changes.length === 0) return `${entry}: ${entryWords(telling, after)}, as before`;
    return `${entry}: ${frameName(telling, after.pfn)} ${changes.join(' ')}${flagReason(before.flags, after.flags)}`;
  }
  const words = `${entry}: ${entryWords(telling, before)} → ${entryWords(telling, after)}`;
  return after.flags === 0 ? `${words}: unmapped` : words;
}

/** `12 entries of [0x401000, 0x40d000) cleared: 3 frames freed, the others stay`. */
export function entriesWords(telling: Telling, event: EntriesEvent): string {
  const { times, va, end, before, after } = event;
  const all = (end - va) / PAGE_SIZE;
  const some =
    times === all
      ? count(times, 'entry', 'entries')
      : `${times.toLocaleString('en-US')} of ${count(all, 'entry', 'entries')}`;
  const which = `${some} of [${hex(va)}, ${hex(end)})`;
  if (after.flags === 0) return `${which} cleared${clearedWords(telling, event)}`;
  const stays = (before.flags & PTE_MAPPED) !== 0 && (after.flags & PTE_MAPPED) !== 0 && before.pfn === after.pfn;
  if (stays) {
    const changes = flagChanges(before.flags, after.flags);
    return `${which}: ${changes.join(' ')}${flagReason(before.flags, after.flags)}`;
  }
  return `${which}: ${kindWords(before)} → ${kindWords(after)}${framesWords(event, after)}`;
}

/** What came of the pages whose entries were cleared. */
function clearedWords(telling: Telling, { before, times, freed, isRunOfFrames }: EntriesEvent): string {
  if ((before.flags & PTE_GUARD) !== 0) return ': guard markers';
  if ((before.flags & PTE_SWAP) !== 0) return ': they give up their swap slots';
  if (before.pfn === telling.zeroPfn && !isRunOfFrames) return '';
  if (freed === times) return `: ${count(freed, 'frame')} freed, nobody maps or holds them any more`;
  if (freed === 0) return ': the frames stay, others hold them';
  return `: ${count(freed, 'frame')} freed, the others stay`;
}

/** An entry without its frame. */
function kindWords({ flags }: PteWords): string {
  if (flags === 0) return '0';
  if ((flags & PTE_GUARD) !== 0) return 'a guard marker';
  if ((flags & PTE_SWAP) !== 0) return 'a swap slot';
  return (flags & PTE_PRESENT) === 0 ? 'PROT_NONE' : flagLetters(flags);
}

function framesWords({ times, isRunOfFrames }: EntriesEvent, { flags, pfn }: PteWords): string {
  if (!isRunOfFrames || (flags & (PTE_GUARD | PTE_SWAP)) !== 0) return '';
  return `, frames ${hex(pfn)} to ${hex(pfn + times - 1)}`;
}

/** A page of [vdso] or [vvar]: no file stands behind them. */
export function kernelPage(special: string): string {
  return `the kernel's own page of ${special}`;
}

/** A kind of fault in the words of textbooks; `special` is the special mapping in which it is, null for other memory. */
export function faultKindWords(kind: FaultKind, special: string | null): string {
  return kind === 'file-read' && special !== null ? kernelPage(special) : FAULT_WORDS[kind];
}

const FAULT_WORDS: Readonly<Record<FaultKind, string>> = {
  'anon-zero-page': 'the zero page for a read',
  anon: 'demand-zero',
  'file-read': 'a page of a file',
  'file-cow': 'a private copy of a page of a file',
  'file-shared': 'a page of a file becomes writable',
  cow: 'copy-on-write',
  reuse: 'the last owner keeps the page',
  'swap-in': 'back from swap',
  'stack-growth': 'the stack grows',
  device: 'a page of a device',
  spurious: 'the entry was right already',
};
