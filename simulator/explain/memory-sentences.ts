/** Sentences about VMAs, frames, the page cache, swap, reclaim and processes. */

import type { EventData, NextUse, SparedBecause, TextbookPolicy } from '../events.ts';
import { hex } from '../machine/address.ts';
import { VM_FLAG_NAMES } from '../mm/vma.ts';
import { type Around, count, range, type Telling, vmaWords } from './words.ts';

type Event<T extends EventData['type']> = Extract<EventData, { type: T }>;

export function contextSwitch(telling: Telling, event: Event<'context-switch'>): string {
  const from = event.from === 0 ? 'nobody' : telling.name(event.from);
  return `context switch: ${from} → ${telling.name(event.to)}, CR3 = ${hex(event.cr3 * 4096)}; that empties the TLB`;
}

export function frameAlloc(event: Event<'frame-alloc'>, around: Around): string {
  const frame = `frame ${hex(event.pfn)} taken`;
  const filled = around.next?.type === 'frame-copy' || around.next?.type === 'swap-in';
  if (event.use === 'file') return `${frame} for the page cache`;
  const use = event.use === 'shmem' ? ' for shared memory' : '';
  return filled ? `${frame}${use}` : `${frame}${use}, zeroed`;
}

const LOST_ANON_VMA = 'all its pages have moved away, so it gives up its anon_vma';

export function vmaChange(event: Event<'vma-change'>, around: Around): string {
  const { before, after } = event;
  if (before.flags !== after.flags) {
    const changes = VM_FLAG_NAMES.flatMap(([bit, , name]) => {
      if (((before.flags ^ after.flags) & bit) === 0) return [];
      return [`${(after.flags & bit) !== 0 ? '+' : '−'}${name}`];
    });
    const lost = event.anonVma === 'lost' ? `; ${LOST_ANON_VMA}` : '';
    return `${vmaWords(after)}: ${changes.join(' ')}${lost}`;
  }
  if (before.start === after.start && before.end === after.end) {
    if (event.anonVma === 'lost') return `${vmaWords(after)}: ${LOST_ANON_VMA}`;
    if (event.anonVma === 'exchanged') return `${vmaWords(after)} gets another anon_vma`;
    const isGuarded = around.call === 'madvise' && around.access === null;
    const why = isGuarded ? 'so that a fork copies its guard markers' : 'for its first anonymous page';
    return `${vmaWords(after)} gets an anon_vma, ${why}`;
  }
  const larger = after.end - after.start > before.end - before.start;
  return `VMA ${range(before.start, before.end)} ${larger ? 'grows' : 'shrinks'} to ${range(after.start, after.end)}`;
}

export function vmaMerge(event: Event<'vma-merge'>): string {
  const sides = {
    previous: 'the neighbour below takes it in',
    next: 'the neighbour above takes it in',
    both: 'it closes the gap, and both neighbours become one with it',
  }[event.sides];
  return `vma_merge: same flags, file, offset and anon_vma, so ${sides}: ${vmaWords(event.vma)}`;
}

export function vmaApart({ side, neighbour, rule }: Event<'vma-apart'>): string {
  return `not merged with the neighbour ${side}, ${vmaWords(neighbour)}: ${rule}`;
}

export function vmaSplit(event: Event<'vma-split'>): string {
  return `split_vma: only a part is meant, so VMA ${range(event.vma.start, event.vma.end)} is cut at ${hex(event.at)}`;
}

const PLACES: Readonly<Record<string, string>> = {
  hint: 'the address that was asked for is free',
  mmap_min_addr: 'what was asked for lies below mmap_min_addr (64 KiB), so it becomes that address, which is free',
  MAP_32BIT: 'MAP_32BIT wants the first hole between 1 and 2 GiB',
  'top-down': 'the highest hole below mmap_base that is large enough',
  ADDR_COMPAT_LAYOUT: 'the lowest hole above mmap_base that is large enough: the layout of old kernels',
  'bottom-up': 'nothing is free below mmap_base, so the search goes from the bottom up',
};

export function placement(event: Event<'placement'>): string {
  const [how = '', ...more] = event.why.split(', ');
  const why = [PLACES[how] ?? how, ...more].join(', ');
  return `get_unmapped_area(): ${count(event.length / 4096, 'page')} at ${hex(event.addr)}: ${why}`;
}

export function readahead(event: Event<'readahead'>): string {
  const { first, pages } = event;
  const what = pages === 1 ? `page ${first}` : `pages ${first} to ${first + pages - 1}`;
  const why = event.async
    ? 'the marker was reached, so the next window is read before it is asked for'
    : pages === 1
      ? 'it is not in the page cache'
      : 'the page asked for is not in the page cache, and its neighbours may be next';
  const marker = event.marker >= first && event.marker < first + pages ? `; marker on page ${event.marker}` : '';
  return `readahead: ${what} of ${event.path}: ${why}${marker}`;
}

export function reclaimStart(event: Event<'reclaim-start'>): string {
  const { by, wanted, free, min, low, high, slots, freeSlots } = event;
  const swap = slots === 0 ? 'there is no swap' : 'swap is full';
  const frames = `${count(wanted, 'frame')} wanted${freeSlots > 0 ? '' : `; ${swap}, so anonymous pages stay`}`;
  if (by === 'asked for') return `reclaim, because it was asked for: ${frames}`;
  const left = `${free === 0 ? 'no frame is' : free === 1 ? '1 frame is' : `${free} frames are`} free`;
  if (by === 'kswapd') return `kswapd, woken at the mark low (${low}): ${left}, high is ${high}; ${frames}`;
  const mark = min === 0 ? '' : `, and the mark min (${min}) is not for processes`;
  return `direct reclaim: ${left}${mark}; ${frames}`;
}

export function reclaim(event: Event<'reclaim'>): string {
  const got = event.got === 0 ? 'none was freed' : `${count(event.got, 'frame')} freed`;
  const { why, wanted, scanned, spared, untold, writing } = event;
  const who = why === 'asked for' ? 'reclaim' : why;
  const rest = untold === 0 ? '' : ` (the last ${untold} of them are not told one by one)`;
  const later = writing === 0 ? '' : `, ${count(writing, 'page')} under writeback now`;
  return `${who}: of ${count(wanted, 'frame')} wanted ${got}${later}; ${count(scanned, 'page')} looked at, ${spared} spared${rest}`;
}

const SPARED: Readonly<Record<SparedBecause, string>> = {
  referenced: 'it was used since reclaim looked last (second chance)',
  'referenced again': 'it was used again, or by several',
  executed: 'its code was executed',
  mlocked: 'mlock holds it',
  SHM_LOCK: 'SHM_LOCK keeps its segment in RAM',
  busy: 'somebody works with it',
  dirty: 'it is newer than the disk, so it has to be written first',
  'under writeback': 'it is under writeback, and reclaim does not wait for it',
  'no swap slot': 'no swap slot is free for it',
  'written again': 'it was written again since MADV_FREE',
};

const FATES: Readonly<Record<Event<'spared'>['fate'], string>> = {
  'passed over': 'another one is looked for',
  'passed by the hand': 'the hand goes on to the next',
  'stays active': 'it stays on the active list',
  kept: 'it stays on the inactive list once more',
  activated: 'it goes to the active list',
  culled: 'it goes to the unevictable list',
};

function nextUseWords(next: NextUse): string {
  if (next === 'never') return 'its page is never used again';
  if (next === 'not foreseen') return 'its page is not used in all that was foreseen of the run';
  if (next === 'no future') return 'it came in last; nobody foresaw which pages will be used';
  return `its page is next used in line ${next.line}, behind ${count(next.uses, 'use')} of other pages; no other page is used later`;
}

const CHOICES: Readonly<Record<Exclude<TextbookPolicy, 'opt'>, string>> = {
  fifo: 'it came in first',
  lru: 'its page was not used for the longest time',
  clock: 'its page was not used since the hand came by',
  random: 'chance named it',
};

export function victim({ pfn, by, next }: Event<'victim'>): string {
  const why = next !== null ? nextUseWords(next) : by === 'opt' ? '' : CHOICES[by];
  return `${by} takes frame ${hex(pfn)}: ${why}`;
}

export function spared(event: Event<'spared'>): string {
  return `frame ${hex(event.pfn)} is spared: ${SPARED[event.why]}; ${FATES[event.fate]}`;
}

export function swapOut(telling: Telling, event: Event<'swap-out'>, around: Around): string {
  const byAsking = around.call === 'madvise';
  const why = byAsking ? 'MADV_PAGEOUT gives it up; ' : telling.byPolicy ? '' : 'it was not used lately; ';
  const clean = 'the slot has the same bytes, so nothing is written';
  const slowly = 'whose write begins; until its end the swap cache has the page';
  const written = event.pending ? slowly : event.written ? 'written there' : clean;
  return `swap-out of frame ${hex(event.pfn)}: ${why}its page goes to swap slot ${event.slot}, ${written}`;
}

export function swapIn(event: Event<'swap-in'>): string {
  if (event.cached) return `swap slot ${event.slot} is in the swap cache, in frame ${hex(event.pfn)}: nothing is read`;
  return `swap slot ${event.slot} is read into frame ${hex(event.pfn)}`;
}

export function oomBadness(telling: Telling, event: Event<'oom-badness'>): string {
  const { rss, swapents, pgtables, adj, unit, badness } = event;
  const who = `oom_badness() of ${telling.name(event.pid)}`;
  if (badness === null) return `${who}: oom_score_adj is ${adj}, so it is never chosen`;
  const parts = `${rss} resident + ${swapents} in swap + ${count(pgtables, 'page table')}`;
  const sign = adj < 0 ? '−' : '+';
  const adjusted =
    adj === 0 ? '' : ` ${sign} oom_score_adj ${Math.abs(adj)} × ${unit} (a thousandth of RAM and swap, in pages)`;
  return `${who}: ${parts}${adjusted} = ${badness}`;
}

export function oomKill(telling: Telling, event: Event<'oom-kill'>, around: Around): string {
  const name = telling.name(event.pid);
  const why = around.call === 'oom' ? 'it was asked for' : 'out of memory: nothing is left to reclaim';
  return `${why}; the OOM killer takes ${name}, which has the highest badness (${event.badness})`;
}

export function fork(telling: Telling, event: Event<'fork'>): string {
  const child = telling.name(event.child);
  if (event.pages === 0) return `${child} (${event.child}) is made by ${telling.name(event.parent)}; no page is copied`;
  const copied = `${count(event.vmas, 'VMA')} and ${count(event.pages, 'page-table entry', 'page-table entries')}`;
  return `${child} (${event.child}) gets copies of ${copied}; private pages are write-protected on both sides until one writes`;
}

const STAGES: Readonly<Record<string, string>> = {
  'old address space': 'the old address space goes: from here on there is no way back',
  'shared address space': 'the old address space is left to those that share it: from here on there is no way back',
  stack: 'a new stack, with the arguments and the environment at its top',
  segments: 'its PT_LOAD segments are mapped',
  interpreter: 'the dynamic loader is mapped: it runs first',
  vdso: '[vvar] and [vdso] are mapped',
  library: 'the dynamic loader maps the library',
};

export function exec(event: Event<'exec'>): string {
  return `${event.path}: ${STAGES[event.stage] ?? event.stage}`;
}

export function exit(telling: Telling, event: Event<'exit'>): string {
  const { sharesFiles, sharesMemory } = event;
  const ends = `${telling.name(event.pid)} ends (${event.why})`;
  if (sharesFiles && sharesMemory) return `${ends}: its open files and its address space go on, others share them`;
  if (sharesFiles) return `${ends}: its address space is given up; its open files stay, others share them`;
  if (sharesMemory) return `${ends}: its files are closed; its address space goes on, others share it`;
  return `${ends}: its files are closed and its address space is given up`;
}
