/** The machine in views: swap slots, the counters, and all in a few numbers. */

import { LRUVEC_KSWAPD_FAILURES } from '../machine/frames.ts';
import { lru_size } from '../machine/lru.ts';
import { SLOT_CHUNK } from '../machine/swap-slots.ts';
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
import type { Kernel } from '../state/kernel.ts';
import { isCacheChanged } from './cached-files.ts';
import { dirtyFilePages, frameMap, frameUses } from './frame-map.ts';
import { type PageOwners, SHARED_USES, seePages, sharedSlots } from './page-owners.ts';
import { type Moment, momentOf, type Place, processName, sameBytes } from './place.ts';
import type { FrameMapView, MachineView, NumberView, SwapMapView } from './types.ts';

/** Users of a slot: PTEs, shmem entries, and the swap cache; 255 stands for more. */
function slotUsers(k: Kernel, slot: number): number {
  return Math.min(255, k.swap.count(slot) + (k.swap.cached(slot) === 0 ? 0 : 1));
}

function sameSlot(before: Kernel, k: Kernel, slot: number): boolean {
  const [then, now] = [before.swap.content(slot), k.swap.content(slot)];
  return then.word === now.word && sameBytes(then.bytes, now.bytes);
}

/** Slots that the last step changed, ascending; the first `limit`. */
function changedSlots({ k, before }: Moment, limit = Number.POSITIVE_INFINITY): number[] {
  const changed: number[] = [];
  if (before === null) return changed;
  for (let base = 0; base < k.swap.highWater; base += SLOT_CHUNK) {
    if (k.swap.sharesChunk(before.swap, base)) continue;
    const end = Math.min(base + SLOT_CHUNK, k.swap.highWater);
    for (let slot = base; slot < end && changed.length < limit; slot++) {
      if (slotUsers(before, slot) !== slotUsers(k, slot) || !sameSlot(before, k, slot)) changed.push(slot);
    }
  }
  return changed;
}

/** Every slot of the swap device; `memoryMaps()` adds who waits for them. */
export function swapMap(place: Place): SwapMapView {
  const moment = momentOf(place);
  const { k } = moment;
  const counts = new Uint8Array(k.swap.total);
  const cached = new Uint8Array(k.swap.highWater);
  for (let slot = 0; slot < k.swap.highWater; slot++) {
    counts[slot] = slotUsers(k, slot);
    if (k.swap.cached(slot) !== 0) cached[slot] = 1;
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
    changed: changedSlots(moment),
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

/** Page cache, RAM and swap in a few numbers, and whether the last step changed anything there is to tell of each. */
export function machineView(place: Place): MachineView {
  const moment = momentOf(place);
  const { k, before } = moment;
  let [files, pages] = [0, 0];
  for (const { nrpages } of k.inodes.values()) {
    if (nrpages > 0) files++;
    pages += nrpages;
  }
  const memoryChanged = () =>
    machineNumbers(place).some(({ changed }) => changed) || frameUses(place).some(({ changed }) => changed);
  return {
    cache: { files, pages, changed: isCacheChanged(moment) },
    memory: { frames: k.frames.total, free: k.frames.counters.free, changed: before !== null && memoryChanged() },
    swap: { slots: k.swap.total, used: k.swap.used, changed: changedSlots(moment, 1).length > 0 },
  };
}
