/** The translation of one address: the walk level by level, where it ends, and what an access would do now. */

import type { AccessKind } from '../abi.ts';
import { isVsyscall } from '../kernel/cpu.ts';
import { hex, PAGE_SIZE, userAddress } from '../machine/address.ts';
import { PTE_MAPPED, PTE_PRESENT } from '../machine/pagetable.ts';
import { pteWord } from '../mm/fault.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { frameAt, holders } from './frames.ts';
import { type PageEntry, pageState } from './page-state.ts';
import { type Moment, mmOf, momentOf, type Place, processName } from './place.ts';
import { levelName, levelsOf } from './tables.ts';
import type { FrameView, LevelView, WalkView } from './types.ts';
import { tryAccess } from './verdict.ts';
import { vmaView } from './vmas.ts';
import { type PageContext, wouldText } from './would.ts';

const ACCESSES: readonly AccessKind[] = ['read', 'write', 'exec'];

/** Bits that the levels translate, the lower half's sign bit not counted. */
function userBits(k: Kernel): bigint {
  return k.config.levels === 5 ? 56n : 47n;
}

function isCanonical(k: Kernel, address: bigint): boolean {
  const upper = address >> userBits(k);
  return upper === 0n || upper === (1n << (64n - userBits(k))) - 1n;
}

/** Levels of an address in the kernel's half, of which nothing is simulated. */
function kernelLevels(mm: Mm, address: bigint): LevelView[] {
  const { levels } = mm.pt;
  const views: LevelView[] = [];
  for (let level = levels - 1; level >= 0; level--) {
    const shift = 12 + 9 * level;
    const index = Number((address >> BigInt(shift)) & 511n);
    const top = level === levels - 1;
    const value = { value: '0x0', state: 'none', pfn: null, flags: [] } as const;
    views.push({
      level: levelName(level, levels),
      index,
      shift,
      bits: 9,
      table: top ? hex(mm.pt.rootPfn) : null,
      entry: top ? { index, ...value, text: "the kernel's half: not simulated" } : null,
      entries: [],
    });
  }
  return views;
}

/** The entry of the page at an address. */
function entryAt(mm: Mm, addr: number): PageEntry {
  const words = mm.pt.find(addr)?.words;
  return { flags: words?.[pteWord(addr)] ?? 0, value: words?.[pteWord(addr) + 1] ?? 0 };
}

/** Processes other than `pid` that map the frame; an address space that is shared counts as one. */
function othersOf(frame: FrameView | null, pid: number, name: string): string {
  const others = (frame?.mappers ?? []).filter((mapper) => mapper.pid !== pid && mapper.process !== name);
  return holders(others, frame?.mapcount ?? 0);
}

function wouldOf(place: Place, pid: number, address: bigint, page: PageContext): WalkView['would'] {
  const would = { read: '', write: '', exec: '' };
  for (const access of ACCESSES) {
    would[access] = wouldText(page, tryAccess(place.simulator, pid, address, access), access);
  }
  return would;
}

function goneWalk(pid: number, process: string, address: bigint, why: string): WalkView {
  return {
    pid,
    process,
    address: hexOf(address),
    canonical: true,
    cr3: '0x0',
    offset: Number(address & 0xfffn),
    levels: [],
    physical: null,
    frame: null,
    vma: null,
    state: why,
    would: { read: 'cannot be made', write: 'cannot be made', exec: 'cannot be made' },
  };
}

function hexOf(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** What a walk says of an address that user space may have. */
function userPart(moment: Moment, mm: Mm, pid: number, process: string, addr: number) {
  const { k } = moment;
  const entry = entryAt(mm, addr);
  const vma = mm.vmas.lookup(addr);
  const frame = (entry.flags & PTE_MAPPED) !== 0 ? frameAt(moment, entry.value) : null;
  const others = othersOf(frame, pid, process);
  const present = (entry.flags & PTE_PRESENT) !== 0;
  const { row, sentence } = pageState(k, mm, vma, addr, entry, others);
  return {
    levels: levelsOf(moment, mm, addr, row),
    physical: present ? hex(entry.value * PAGE_SIZE + (addr % PAGE_SIZE)) : null,
    frame,
    vma,
    others,
    state: sentence,
  };
}

/** Translates any 64-bit address in a process. Changes nothing. */
export function walk(place: Place, pid: number, address: bigint): WalkView {
  const moment = momentOf(place);
  const { k, names } = moment;
  const process = processName(names, pid);
  const word = BigInt.asUintN(64, address);
  const mm = mmOf(k, pid);
  if (mm === undefined) {
    const known = k.tasks.find(pid) !== undefined;
    return goneWalk(
      pid,
      process,
      word,
      known ? 'The process is gone, and its memory with it.' : 'There is no such process.',
    );
  }
  const canonical = isCanonical(k, word);
  const user = word >> userBits(k) === 0n;
  const vsyscall = isVsyscall(word);
  const part = user
    ? userPart(moment, mm, pid, process, userAddress(word))
    : {
        levels: canonical ? kernelLevels(mm, word) : [],
        physical: null,
        frame: null,
        vma: undefined,
        others: '',
        state: vsyscall
          ? "[vsyscall]: the kernel's half, but user mode may call it; the kernel emulates its three calls."
          : canonical
            ? "The kernel's half of the address space: not for user mode."
            : 'Not canonical: the upper bits are no copy of the highest translated bit, so the MMU does not even walk.',
      };
  const { vma, others, ...shown } = part;
  const { handlers } = k.tasks.get(pid);
  const page: PageContext = {
    k,
    address: user ? userAddress(word) : 0,
    user,
    vsyscall,
    vma,
    others,
    process,
    handlers,
  };
  return {
    pid,
    process,
    address: hexOf(word),
    canonical,
    cr3: hex(mm.pt.rootPfn * PAGE_SIZE),
    offset: Number(word & 0xfffn),
    ...shown,
    vma: vma === undefined ? null : vmaView(moment, mm, vma),
    would: wouldOf(place, pid, word, page),
  };
}
