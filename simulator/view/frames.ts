/** One frame in views, with everything about it: who maps it, how the kernel counts it, its first bytes. */

import type { NextUse } from '../events.ts';
import { hex } from '../machine/address.ts';
import { contentByte, readFrame } from '../machine/content.ts';
import { CHUNK_MASK, PG_DIRTY, PG_FILE, PG_REFERENCED, PG_SHMEM, PG_WRITEBACK } from '../machine/frames.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_RW } from '../machine/pagetable.ts';
import { pteWord } from '../mm/fault.ts';
import { next_use } from '../mm/opt.ts';
import { rmap_walk } from '../mm/rmap.ts';
import type { Kernel } from '../state/kernel.ts';
import { isSpecialPage } from './entries.ts';
import { listNames, listOf, useOf } from './frame-map.ts';
import { type Moment, momentOf, ownersOfMms, type Place, processName } from './place.ts';
import { tableUse } from './tables.ts';
import type { FrameUse, FrameView, MapperView } from './types.ts';

const MAX_MAPPERS = 256;
const SHOWN_BYTES = 64;

interface Mapped {
  readonly mappers: MapperView[];
  dirty: boolean;
  accessed: boolean;
}

function mappersOf(k: Kernel, names: ReadonlyMap<number, string>, pfn: number): Mapped {
  const mapped: Mapped = { mappers: [], dirty: false, accessed: false };
  const pids = ownersOfMms(k);
  rmap_walk(k, pfn, (mm, _vma, addr) => {
    const flags = mm.pt.find(addr)?.words[pteWord(addr)] ?? 0;
    if ((flags & PTE_DIRTY) !== 0) mapped.dirty = true;
    if ((flags & PTE_ACCESSED) !== 0) mapped.accessed = true;
    const pid = pids.get(mm.id) ?? 0;
    const writable = (flags & PTE_RW) !== 0;
    mapped.mappers.push({ pid, process: processName(names, pid), va: hex(addr), writable });
    return mapped.mappers.length < MAX_MAPPERS;
  });
  return mapped;
}

function firstBytes(k: Kernel, pfn: number): string {
  const content = readFrame(k.frames, pfn);
  let text = '';
  for (let i = 0; i < SHOWN_BYTES; i++) text += contentByte(content, i).toString(16).padStart(2, '0');
  return text;
}

/**
 * Who holds the page, for its sentence: `bash`, `bash and kid`, `5 processes`. `mapcount` tells whether `mappers` are all
 * there are: `at least 256 processes`.
 */
export function holders(mappers: readonly Pick<MapperView, 'process'>[], mapcount: number): string {
  const names = [...new Set(mappers.map((mapper) => mapper.process))];
  if (names.length <= 3) return names.join(' and ');
  return `${mapcount > MAX_MAPPERS ? 'at least ' : ''}${names.length} processes`;
}

function frameText(use: FrameUse, mapped: string, file: FrameView['file'], writeback = false): string {
  const shared = `mapped by ${mapped}`;
  const page = file === null ? '' : `page ${file.index} of ${file.path}`;
  switch (use) {
    case 'free':
      return 'Free.';
    case 'anon':
      return `Anonymous memory, ${shared}.`;
    case 'file-clean':
      return `Page cache: ${page}, ${writeback ? 'sent to the disk' : 'the same as on disk'}, ${shared}.`;
    case 'file-dirty':
      return `Page cache: ${page}, newer than the disk, ${shared}.`;
    case 'shmem':
      return `Shared memory: ${page}, ${shared}.`;
    case 'swap-cache':
      return `Anonymous memory in the swap cache: its copy in a swap slot is kept, ${shared}.`;
    case 'device':
      return 'A page of a device; no part of RAM.';
    case 'zero':
      return 'The page of zeros that all first reads of anonymous memory share; no part of RAM.';
    case 'table':
      return 'A page table.';
  }
}

const SPECIAL_TEXT =
  "The kernel's own page, which it maps into every process: code of [vdso], or data for it; no part of RAM.";

/** When the page is used next, on a machine that evicts by that. */
function nextUseText(next: NextUse | null): string {
  if (next === null || next === 'no future') return '';
  if (next === 'never') return ' Never used again.';
  return next === 'not foreseen' ? ' Not used in all that was foreseen.' : ` Next used in line ${next.line}.`;
}

const NOTHING = {
  mapcount: 0,
  refcount: 0,
  dirty: false,
  writeback: false,
  referenced: false,
  accessed: false,
  list: '',
  file: null,
  bytes: '',
} as const;

/** When the write of a page will be done; empty when it is not under writeback. */
function writebackText(k: Kernel, pfn: number): string {
  const write = k.writes.get(pfn);
  if (write === undefined) return '';
  const left = k.writes.stepsLeft(write);
  const where = write.content === null ? 'its swap slot' : 'the disk';
  return ` Under writeback: ${where} will have it in ${left === 1 ? '1 step' : `${left} steps`}.`;
}

function fileOf(k: Kernel, flags: number, mapping: number, index: number): FrameView['file'] {
  if ((flags & (PG_FILE | PG_SHMEM)) === 0) return null;
  const inode = k.inodes.find(mapping);
  return inode === undefined ? null : { path: inode.path, index };
}

/** One frame: of RAM, of a device, the zero page, or a page table. */
export function frameView(place: Place, pfn: number): FrameView {
  return frameAt(momentOf(place), pfn);
}

/** {@link frameView} where the moment is known. */
export function frameAt({ k, names }: Moment, pfn: number): FrameView {
  const { frames } = k;
  if (pfn >= frames.tableBase) {
    return { pfn: hex(pfn), use: 'table', ...NOTHING, mappers: [], text: tableUse(k, names, pfn) };
  }
  const zero = pfn === frames.zeroPfn;
  if (zero || !frames.known(pfn)) {
    const use: FrameUse = zero ? 'zero' : pfn >= frames.deviceBase ? 'device' : 'free';
    const bytes = zero ? '00'.repeat(SHOWN_BYTES) : '';
    return {
      pfn: hex(pfn),
      use,
      ...NOTHING,
      bytes,
      mappers: [],
      text: isSpecialPage(frames, pfn) ? SPECIAL_TEXT : frameText(use, 'nobody', null),
    };
  }
  const chunk = frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  const mapcount = chunk.mapcount[i] as number;
  const use = pfn >= frames.deviceBase ? 'device' : useOf(flags);
  const mapped = mappersOf(k, names, pfn);
  const by = mapped.mappers.length === 0 ? 'nobody' : holders(mapped.mappers, mapcount);
  const file = fileOf(k, flags, chunk.mapping[i] as number, chunk.index[i] as number);
  return {
    pfn: hex(pfn),
    use,
    mapcount,
    refcount: mapcount + (chunk.refs[i] as number),
    dirty: (flags & PG_DIRTY) !== 0 || mapped.dirty,
    writeback: (flags & PG_WRITEBACK) !== 0,
    referenced: (flags & PG_REFERENCED) !== 0,
    accessed: mapped.accessed,
    list: listNames(k)[listOf(frames, flags)] ?? '',
    file,
    mappers: mapped.mappers,
    bytes: use === 'free' ? '' : firstBytes(k, pfn),
    text:
      (isSpecialPage(frames, pfn) ? SPECIAL_TEXT : frameText(use, by, file, (flags & PG_WRITEBACK) !== 0)) +
      writebackText(k, pfn) +
      (use === 'free' || use === 'device' ? '' : nextUseText(next_use(k, pfn))),
  };
}
