/** /proc/vmstat: pages by what they are at the moment, and the events since the start (mm/vmstat.c). */

import {
  CHUNK_FRAMES,
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRU_UNEVICTABLE,
  PG_ANON,
  PG_DIRTY,
  PG_FILE,
  PG_MLOCKED,
  PG_SHMEM,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../machine/frames.ts';
import { lru_size } from '../machine/lru.ts';
import { VM_EVENT_NAMES } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';

/** Pages by what they are (enum node_stat_item), by the names that /proc/vmstat prints. */
export interface PageState {
  readonly nr_free_pages: number;
  readonly nr_mlock: number;
  readonly nr_inactive_anon: number;
  readonly nr_active_anon: number;
  readonly nr_inactive_file: number;
  readonly nr_active_file: number;
  readonly nr_unevictable: number;
  /** Anonymous pages that are mapped, and pages of files and shmem that are. */
  readonly nr_anon_pages: number;
  readonly nr_mapped: number;
  /** The page cache, shmem and the swap cache. */
  readonly nr_file_pages: number;
  /** Pages of disk files that are newer than the disk. */
  readonly nr_dirty: number;
  /** Pages on their way to a disk: of files, and to swap. */
  readonly nr_writeback: number;
  readonly nr_shmem: number;
  /** Page tables of all address spaces; they take no RAM here. */
  readonly nr_page_table_pages: number;
  readonly nr_swapcached: number;
}

interface Census {
  mlock: number;
  anon: number;
  mapped: number;
  cache: number;
  dirty: number;
  writeback: number;
  shmem: number;
  swapcached: number;
}

/** Adds one frame. */
function take(census: Census, flags: number, mapcount: number): void {
  if ((flags & PG_MLOCKED) !== 0) census.mlock++;
  if ((flags & PG_SWAPCACHE) !== 0) census.swapcached++;
  if ((flags & PG_WRITEBACK) !== 0) census.writeback++;
  if ((flags & PG_ANON) !== 0) {
    if (mapcount > 0) census.anon++;
    return;
  }
  if ((flags & PG_FILE) === 0) return;
  if (mapcount > 0) census.mapped++;
  census.cache++;
  if ((flags & PG_SHMEM) !== 0) census.shmem++;
  else if ((flags & PG_DIRTY) !== 0) census.dirty++;
}

/** Looks at every frame that was ever taken: microseconds for each thousand of them. */
export function page_state(k: Kernel): PageState {
  const { frames } = k;
  const { fresh, free } = frames.counters;
  const census: Census = { mlock: 0, anon: 0, mapped: 0, cache: 0, dirty: 0, writeback: 0, shmem: 0, swapcached: 0 };
  for (let base = 0; base < fresh; base += CHUNK_FRAMES) {
    const { flags, mapcount } = frames.chunk(base);
    const end = Math.min(CHUNK_FRAMES, fresh - base);
    for (let i = base === 0 ? 1 : 0; i < end; i++) {
      if (flags[i] !== 0) take(census, flags[i] as number, mapcount[i] as number);
    }
  }
  let tables = 0;
  for (const mm of k.mms.values()) tables += mm.pt.tables + 1;
  return {
    nr_free_pages: free,
    nr_mlock: census.mlock,
    nr_inactive_anon: lru_size(frames, LRU_INACTIVE_ANON),
    nr_active_anon: lru_size(frames, LRU_ACTIVE_ANON),
    nr_inactive_file: lru_size(frames, LRU_INACTIVE_FILE),
    nr_active_file: lru_size(frames, LRU_ACTIVE_FILE),
    nr_unevictable: lru_size(frames, LRU_UNEVICTABLE),
    nr_anon_pages: census.anon,
    nr_mapped: census.mapped,
    nr_file_pages: census.cache + census.swapcached,
    nr_dirty: census.dirty,
    nr_writeback: census.writeback,
    nr_shmem: census.shmem,
    nr_page_table_pages: tables,
    nr_swapcached: census.swapcached,
  };
}

const FIRST_STATES: readonly (keyof PageState)[] = [
  'nr_free_pages',
  'nr_mlock',
  'nr_inactive_anon',
  'nr_active_anon',
  'nr_inactive_file',
  'nr_active_file',
  'nr_unevictable',
];
const CACHE_STATES: readonly (keyof PageState)[] = [
  'nr_anon_pages',
  'nr_mapped',
  'nr_file_pages',
  'nr_dirty',
  'nr_writeback',
  'nr_shmem',
];
const LAST_STATES: readonly (keyof PageState)[] = ['nr_page_table_pages', 'nr_swapcached'];
/** Events that stand among the pages by what they are. */
const WRITE_EVENTS = ['nr_vmscan_write', 'nr_vmscan_immediate_reclaim', 'nr_dirtied', 'nr_written'] as const;
const FIRST_WRITE_EVENT = VM_EVENT_NAMES.indexOf(WRITE_EVENTS[0]);

/** Names of the lines of {@link vmstat}: pages by what they are stand among the events as in Linux. */
export const VMSTAT_NAMES: readonly string[] = [
  ...FIRST_STATES,
  ...VM_EVENT_NAMES.slice(0, FIRST_WRITE_EVENT),
  ...CACHE_STATES,
  ...WRITE_EVENTS,
  ...LAST_STATES,
  ...VM_EVENT_NAMES.slice(FIRST_WRITE_EVENT + WRITE_EVENTS.length),
];

/**
 * /proc/vmstat as data: what the model counts, by Linux's names and in its order. Pages, but for pgpgin and pgpgout, which
 * are kB.
 */
export function vmstat(k: Kernel): Readonly<Record<string, number>> {
  const state: Readonly<Record<string, number>> = { ...page_state(k) };
  const { events } = k.frames.counters;
  const event = (name: string): number => events[(VM_EVENT_NAMES as readonly string[]).indexOf(name)] as number;
  return Object.fromEntries(VMSTAT_NAMES.map((name) => [name, state[name] ?? event(name)]));
}

/** The text of /proc/vmstat, as far as the model counts. */
export function vmstatText(k: Kernel): string {
  return Object.entries(vmstat(k))
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}
