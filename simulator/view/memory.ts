/** The machine in views: swap slots, the page cache by file, and the counters. */

import { LRUVEC_KSWAPD_FAILURES, PG_DIRTY, PG_WRITEBACK } from '../machine/frames.ts';
import { lru_size } from '../machine/lru.ts';
import {
  ALLOCSTALL,
  OOM_KILL,
  PAGEOUTRUN,
  PGACTIVATE,
  PGDEACTIVATE,
  PGFAULT,
  PGMAJFAULT,
  PGSCAN,
  PGSTEAL,
  PSWPIN,
  PSWPOUT,
} from '../machine/vm-events.ts';
import { vm_commit_limit } from '../mm/accounting.ts';
import { cache_for_each } from '../mm/page-cache.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import { dirtyFilePages, frameMap } from './frame-map.ts';
import { type PageOwners, SHARED_USES, seePages, sharedSlots } from './page-owners.ts';
import { momentOf, type Place, processName, sameBytes } from './place.ts';
import type { CachedFileView, FrameMapView, NumberView, SwapMapView } from './types.ts';

/** Users of a slot: PTEs, shmem entries, and the swap cache; 255 stands for more. */
function slotUsers(k: Kernel, slot: number): number {
  return Math.min(255, k.swap.count(slot) + (k.swap.cached(slot) === 0 ? 0 : 1));
}

function sameSlot(before: Kernel, k: Kernel, slot: number): boolean {
  const [then, now] = [before.swap.content(slot), k.swap.content(slot)];
  return then.word === now.word && sameBytes(then.bytes, now.bytes);
}

/** Every slot of the swap device; `memoryMaps()` adds who waits for them. */
export function swapMap(place: Place): SwapMapView {
  const { k, before } = momentOf(place);
  const counts = new Uint8Array(k.swap.total);
  const cached = new Uint8Array(k.swap.highWater);
  const changed: number[] = [];
  for (let slot = 0; slot < k.swap.highWater; slot++) {
    counts[slot] = slotUsers(k, slot);
    if (k.swap.cached(slot) !== 0) cached[slot] = 1;
    if (before === null) continue;
    if (slotUsers(before, slot) !== counts[slot] || !sameSlot(before, k, slot)) changed.push(slot);
  }
  const owners = new Uint16Array();
  return {
    slots: k.swap.total,
    used: k.swap.used,
    counts,
    cached,
    sharedUses: SHARED_USES,
    owners,
    shared: [],
    changed,
  };
}

/** Frames and slots with their owners, and with the bits of the page-table entries: one pass over all page tables. */
export function memoryMaps(place: Place): { readonly frames: FrameMapView; readonly swap: SwapMapView } {
  const frames = frameMap(place);
  const swap = swapMap(place);
  const { k } = momentOf(place);
  const { states, owners } = frames;
  const pass: PageOwners = { states, owners, slots: new Uint16Array(k.swap.highWater), sharers: new Map() };
  if (!seePages(k, pass)) return { frames, swap };
  return {
    frames: { ...frames, exact: true },
    swap: { ...swap, owners: pass.slots, shared: sharedSlots(pass) },
  };
}

/** Name of a file: deleted ones may be several of one path, so their inode number is part of it. */
function fileName(inode: Inode): string {
  return inode.deleted ? `${inode.path} (deleted, inode ${inode.id + 1000})` : inode.path;
}

function cachedFile(k: Kernel, inode: Inode): CachedFileView {
  const runs: { first: number; pages: number; dirty: boolean; writeback: boolean; text: string }[] = [];
  let dirtyPages = 0;
  let writebackPages = 0;
  cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (index, pfn) => {
    if (pfn < 0) return;
    const flags = k.frames.flagsOf(pfn);
    const dirty = (flags & PG_DIRTY) !== 0;
    const writeback = (flags & PG_WRITEBACK) !== 0;
    if (dirty) dirtyPages++;
    if (writeback) writebackPages++;
    const last = runs.at(-1);
    const joins = last?.dirty === dirty && last.writeback === writeback && last.first + last.pages === index;
    if (joins) last.pages++;
    else runs.push({ first: index, pages: 1, dirty, writeback, text: cachedText(dirty, writeback) });
  });
  return { path: fileName(inode), size: inode.size, cachedPages: inode.nrpages, dirtyPages, writebackPages, runs };
}

function cachedText(dirty: boolean, writeback: boolean): string {
  if (!writeback) return dirty ? 'dirty: differs from the disk' : 'clean';
  return dirty ? 'under writeback, and dirty again' : 'under writeback: on its way to the disk';
}

/** Files, tmpfs included, that have pages in the page cache; by path. */
export function cachedFiles(place: Place): CachedFileView[] {
  const { k } = momentOf(place);
  const files: CachedFileView[] = [];
  for (const inode of k.inodes.values()) if (inode.nrpages > 0) files.push(cachedFile(k, inode));
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

type Field = readonly [name: string, read: (k: Kernel) => number, text: string];

function lru(name: string, list: number, text: string): Field {
  return [name, (k) => lru_size(k.frames, list), text];
}

function event(name: string, index: number, text: string): Field {
  return [name, (k) => k.frames.counters.events[index] as number, text];
}

const FIELDS: readonly Field[] = [
  ['totalram_pages', (k) => k.frames.total, 'Frames of RAM.'],
  ['nr_free_pages', (k) => k.frames.counters.free, 'Frames that nobody uses.'],
  lru('nr_inactive_anon', 0, 'Anonymous and shared pages that were not used lately: the first to go to swap.'),
  lru('nr_active_anon', 1, 'Anonymous and shared pages that are in use.'),
  lru('nr_inactive_file', 2, 'Pages of files that were not used lately: the first to be dropped.'),
  lru('nr_active_file', 3, 'Pages of files that are in use.'),
  lru('nr_unevictable', 4, 'Pages that may not leave RAM: locked ones.'),
  ['nr_dirty', dirtyFilePages, 'Pages of files that are newer than the disk.'],
  ['nr_writeback', (k) => k.writes.size, 'Pages on their way to the disk, or to their swap slots.'],
  ['nr_page_table_pages', tablePages, 'Page tables of all address spaces, top ones included; they take no RAM here.'],
  [
    'watermark_min',
    (k) => k.watermarks.min,
    'Free frames that processes cannot have: at this mark they reclaim themselves.',
  ],
  ['watermark_low', (k) => k.watermarks.low, 'Free frames at which kswapd is woken.'],
  ['watermark_high', (k) => k.watermarks.high, 'kswapd frees until more frames than this are free.'],
  [
    'kswapd_failures',
    (k) => k.frames.counters.lruvec[LRUVEC_KSWAPD_FAILURES] as number,
    'Runs of kswapd, one after the other, that freed nothing: after 16 it sleeps until a process frees something itself.',
  ],
  ['swap_total', (k) => k.swap.total, 'Swap slots.'],
  ['swap_used', (k) => k.swap.used, 'Swap slots in use.'],
  ['committed_as', (k) => k.scalars.committed, 'Pages of memory promised to processes (Committed_AS).'],
  ['commit_limit', vm_commit_limit, 'Pages that may be promised with overcommit=2 (CommitLimit).'],
  event('pgfault', PGFAULT, 'Page faults served, of all processes.'),
  event('pgmajfault', PGMAJFAULT, 'Page faults that waited for a disk.'),
  event('pswpin', PSWPIN, 'Pages read from swap.'),
  event('pswpout', PSWPOUT, 'Pages written to swap.'),
  event('allocstall', ALLOCSTALL, 'Times that a process had to reclaim memory before it got a frame.'),
  event('pageoutrun', PAGEOUTRUN, 'Times that kswapd ran.'),
  event('pgscan_kswapd', PGSCAN, 'Pages that kswapd looked at.'),
  event('pgsteal_kswapd', PGSTEAL, 'Pages that kswapd took.'),
  event('pgscan_direct', PGSCAN + 1, 'Pages that processes looked at when they had to reclaim memory themselves.'),
  event('pgsteal_direct', PGSTEAL + 1, 'Pages that they took.'),
  event('pgactivate', PGACTIVATE, 'Pages that became active, for they were used again.'),
  event('pgdeactivate', PGDEACTIVATE, 'Active pages that became inactive, to be looked at before they go.'),
  event('oom_kill', OOM_KILL, 'Processes that the OOM killer took.'),
  ['tlb_entries', (k) => k.tlb.entries().length, 'Translations that the TLB holds.'],
];

function tablePages(k: Kernel): number {
  let tables = 0;
  for (const mm of k.mms.values()) tables += mm.pt.tables + 1;
  return tables;
}

/** Counters of the machine, named as in /proc/vmstat and /proc/meminfo, and the process on the CPU. */
export function machineNumbers(place: Place): NumberView[] {
  const { k, before, names } = momentOf(place);
  const numbers = FIELDS.map(([name, read, text]) => {
    const value = read(k);
    return { name, value: String(value), text, changed: before !== null && read(before) !== value };
  });
  const { current } = k.scalars;
  const cpu = {
    name: 'current',
    value: current === 0 ? 'none' : processName(names, current),
    text: 'The process that the CPU runs.',
    changed: before !== null && before.scalars.current !== current,
  };
  return [cpu, ...numbers];
}
