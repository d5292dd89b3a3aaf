/** The translation of one address: the walk level by level, where it ends, and what an access would do now. */

import type { AccessKind } from '../abi.ts';
import { kernelPage } from '../explain/words.ts';
import { isVsyscall } from '../kernel/cpu.ts';
import { hex, PAGE_SIZE, userAddress } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_ANON_EXCLUSIVE } from '../machine/frames.ts';
import { PTE_MAPPED, PTE_PRESENT, PTE_RW } from '../machine/pagetable.ts';
import { pteWord } from '../mm/fault.ts';
import { cache_entry, file_pages } from '../mm/page-cache.ts';
import { linear_page_index, VM_GROWSDOWN, VM_SHARED, VM_WRITE, type Vma } from '../mm/vma.ts';
import { folio_test_writeback } from '../mm/writeback.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { pteState } from './entries.ts';
import { frameAt, holders } from './frames.ts';
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

/** The page at an address: the words of its entry. */
interface Entry {
  readonly flags: number;
  readonly value: number;
}

function entryAt(mm: Mm, addr: number): Entry {
  const words = mm.pt.find(addr)?.words;
  return { flags: words?.[pteWord(addr)] ?? 0, value: words?.[pteWord(addr) + 1] ?? 0 };
}

/** Processes other than `pid` that map the frame; an address space that is shared counts as one. */
function othersOf(frame: FrameView | null, pid: number, name: string): string {
  return holders((frame?.mappers ?? []).filter((mapper) => mapper.pid !== pid && mapper.process !== name));
}

function absentText(k: Kernel, mm: Mm, vma: Vma | undefined, addr: number): string {
  if (vma === undefined) {
    const above = mm.vmas.find(addr);
    if (above === undefined || (above.vm_flags & VM_GROWSDOWN) === 0) return 'Nothing is mapped here.';
    return `Nothing is mapped here; the stack ${hex(above.vm_start)}-${hex(above.vm_end)} lies above and grows down.`;
  }
  if (vma.special !== null) return `Not mapped yet: the kernel maps its page of ${vma.special} at the first touch.`;
  if (vma.vm_ops === 'none') return 'Never touched: the VMA promises the page, no frame stands behind it yet.';
  const inode = k.inodes.get(vma.inode);
  const index = linear_page_index(vma, addr);
  const page = `page ${index} of ${inode.path}`;
  if (inode.kind === 'device') return `Not mapped yet: ${page}, which the driver gives out.`;
  if (index >= file_pages(inode)) return `Behind the end of ${inode.path}, which has ${inode.size} bytes.`;
  const entry = cache_entry(inode, index);
  if (entry > 0) return `Not mapped yet: ${page} is in the page cache, in frame ${hex(entry)}.`;
  if (entry < 0) return `Not mapped: ${page} is in swap slot ${-entry - 1}.`;
  return inode.kind === 'shmem'
    ? `Never touched: ${page} has no frame yet.`
    : `Not mapped yet: ${page} is on disk only.`;
}

function anonText(k: Kernel, entry: Entry, others: string): string {
  const chunk = k.frames.chunk(entry.value);
  const i = entry.value & CHUNK_MASK;
  const name = `Present: frame ${hex(entry.value)}, anonymous`;
  if ((entry.flags & PTE_RW) !== 0) return `${name} and this process's own.`;
  if (others !== '') return `${name}, shared with ${others}; the entry is write-protected, so that a write copies.`;
  const own = ((chunk.flags[i] as number) & PG_ANON_EXCLUSIVE) !== 0 || chunk.mapcount[i] === 1;
  return own ? `${name}, nobody else has it; the entry is write-protected.` : `${name}, write-protected.`;
}

function presentText(k: Kernel, vma: Vma | undefined, addr: number, entry: Entry, others: string): string {
  const { value, flags } = entry;
  if (value === k.frames.zeroPfn) return 'Present: the zero page that all share; it was read and never written.';
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

function stateText(k: Kernel, mm: Mm, vma: Vma | undefined, addr: number, entry: Entry, others: string): string {
  switch (pteState(entry.flags)) {
    case 'none':
      return absentText(k, mm, vma, addr);
    case 'swap': {
      const cached = k.swap.cached(entry.value);
      if (cached === 0) return `Swapped out to slot ${entry.value}.`;
      const where = `frame ${hex(cached)} in the swap cache`;
      return folio_test_writeback(k, cached)
        ? `On its way to swap slot ${entry.value}: until that has it, ${where} keeps the page.`
        : `Swapped out to slot ${entry.value}; ${where} has it too.`;
    }
    case 'guard':
      return 'A guard marker: every access is SIGSEGV, and no frame is spent on it.';
    case 'prot-none':
      return `PROT_NONE: frame ${hex(entry.value)} keeps its content, the entry is not present for the MMU.`;
    default:
      return presentText(k, vma, addr, entry, others);
  }
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
  return {
    levels: levelsOf(moment, mm, addr),
    physical: present ? hex(entry.value * PAGE_SIZE + (addr % PAGE_SIZE)) : null,
    frame,
    vma,
    others,
    state: stateText(k, mm, vma, addr, entry, others),
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
