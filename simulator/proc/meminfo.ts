/** /proc/meminfo (fs/proc/meminfo.c), and what free(1) makes of it. */

import { total_swap_pages, vm_commit_limit } from '../mm/accounting.ts';
import type { Kernel } from '../state/kernel.ts';
import { type PageState, page_state } from './vmstat.ts';

/** si_mem_available(): pages that a new program could have without swapping: free ones, and half of the page cache or more. */
function available(k: Kernel, state: PageState): number {
  const { low, high } = k.watermarks;
  const cache = state.nr_active_file + state.nr_inactive_file;
  return Math.max(0, state.nr_free_pages - high + cache - Math.min(Math.floor(cache / 2), low));
}

/** Lines of /proc/meminfo that the model has, in Linux's order, with their pages. */
const LINES: readonly (readonly [name: string, pages: (k: Kernel, s: PageState) => number])[] = [
  ['MemTotal', (k) => k.frames.total],
  ['MemFree', (_, s) => s.nr_free_pages],
  ['MemAvailable', available],
  ['Buffers', () => 0],
  ['Cached', (_, s) => s.nr_file_pages - s.nr_swapcached],
  ['SwapCached', (_, s) => s.nr_swapcached],
  ['Active', (_, s) => s.nr_active_anon + s.nr_active_file],
  ['Inactive', (_, s) => s.nr_inactive_anon + s.nr_inactive_file],
  ['Active(anon)', (_, s) => s.nr_active_anon],
  ['Inactive(anon)', (_, s) => s.nr_inactive_anon],
  ['Active(file)', (_, s) => s.nr_active_file],
  ['Inactive(file)', (_, s) => s.nr_inactive_file],
  ['Unevictable', (_, s) => s.nr_unevictable],
  ['Mlocked', (_, s) => s.nr_mlock],
  ['SwapTotal', total_swap_pages],
  ['SwapFree', (k) => k.swap.free],
  ['Dirty', (_, s) => s.nr_dirty],
  ['Writeback', (_, s) => s.nr_writeback],
  ['AnonPages', (_, s) => s.nr_anon_pages],
  ['Mapped', (_, s) => s.nr_mapped],
  ['Shmem', (_, s) => s.nr_shmem],
  ['PageTables', (_, s) => s.nr_page_table_pages],
  ['CommitLimit', vm_commit_limit],
  ['Committed_AS', (k) => Math.max(0, k.scalars.committed)],
];

/** Names of the lines of {@link meminfo}. */
export const MEMINFO_NAMES: readonly string[] = LINES.map(([name]) => name);

/**
 * /proc/meminfo as data: kB by Linux's names and in its order, as far as the model has them. What the kernel needs for
 * itself takes no RAM here: no slab, no kernel stacks; page tables are counted, and take none.
 */
export function meminfo(k: Kernel): Readonly<Record<string, number>> {
  const state = page_state(k);
  return Object.fromEntries(LINES.map(([name, pages]) => [name, pages(k, state) * 4]));
}

/** The text of /proc/meminfo, as far as the model goes. */
export function meminfoText(k: Kernel): string {
  return Object.entries(meminfo(k))
    .map(([name, kb]) => `${`${name}:`.padEnd(15)} ${String(kb).padStart(8)} kB\n`)
    .join('');
}

const COLUMNS = ['total', 'used', 'free', 'shared', 'buff/cache', 'available'] as const;

/** What free(1) of procps 4 shows, in kB: used is what is not available. */
export function free(k: Kernel): { readonly Mem: readonly number[]; readonly Swap: readonly number[] } {
  const m = meminfo(k);
  const kb = (name: string): number => m[name] as number;
  const cached = kb('Buffers') + kb('Cached');
  return {
    Mem: [kb('MemTotal'), kb('MemTotal') - kb('MemAvailable'), kb('MemFree'), kb('Shmem'), cached, kb('MemAvailable')],
    Swap: [kb('SwapTotal'), kb('SwapTotal') - kb('SwapFree'), kb('SwapFree')],
  };
}

/** The text that free(1) prints. */
export function freeText(k: Kernel): string {
  const { Mem, Swap } = free(k);
  const row = (label: string, cells: readonly (string | number)[]): string =>
    `${label.padEnd(9)}${cells.map((cell) => String(cell).padStart(11)).join(' ')}\n`;
  return row('', COLUMNS) + row('Mem:', Mem) + row('Swap:', Swap);
}
