/** The events that /proc/vmstat counts since the start, in its order (enum vm_event_item, the workingset items). */

/** Names by index: as /proc/vmstat prints them. */
export const VM_EVENT_NAMES = [
  'workingset_refault_anon',
  'workingset_refault_file',
  'workingset_activate_anon',
  'workingset_activate_file',
  'workingset_restore_anon',
  'workingset_restore_file',
  'nr_vmscan_write',
  'nr_vmscan_immediate_reclaim',
  'nr_dirtied',
  'nr_written',
  'pgpgin',
  'pgpgout',
  'pswpin',
  'pswpout',
  'pgalloc_normal',
  'allocstall_normal',
  'pgfree',
  'pgactivate',
  'pgdeactivate',
  'pglazyfree',
  'pgfault',
  'pgmajfault',
  'pglazyfreed',
  'pgrefill',
  'pgsteal_kswapd',
  'pgsteal_direct',
  'pgsteal_proactive',
  'pgscan_kswapd',
  'pgscan_direct',
  'pgscan_proactive',
  'pgscan_anon',
  'pgscan_file',
  'pgsteal_anon',
  'pgsteal_file',
  'pageoutrun',
  'pgrotated',
  'drop_pagecache',
  'oom_kill',
  'unevictable_pgs_culled',
  'unevictable_pgs_rescued',
  'unevictable_pgs_mlocked',
  'unevictable_pgs_munlocked',
] as const;

export type VmEventName = (typeof VM_EVENT_NAMES)[number];

function indexOf(name: VmEventName): number {
  return VM_EVENT_NAMES.indexOf(name);
}

/** Pages that came back after an eviction that is remembered; the one for files is the next index. */
export const WORKINGSET_REFAULT = indexOf('workingset_refault_anon');
/** Of those, the ones that came back so soon that they are active at once. */
export const WORKINGSET_ACTIVATE = indexOf('workingset_activate_anon');
/** Of those, the ones that had been active before they went. */
export const WORKINGSET_RESTORE = indexOf('workingset_restore_anon');
/** Pages that reclaim wrote to swap itself; dirty pages of files that it left to be written, and wants afterwards. */
export const NR_VMSCAN_WRITE = indexOf('nr_vmscan_write');
export const NR_VMSCAN_IMMEDIATE = indexOf('nr_vmscan_immediate_reclaim');
/** Pages of disk files that became dirty. */
export const NR_DIRTIED = indexOf('nr_dirtied');
/** Pages whose writeback has ended, those that went to swap included. */
export const NR_WRITTEN = indexOf('nr_written');
/** Kilobytes read from disks and written to them, swap included. */
export const PGPGIN = indexOf('pgpgin');
export const PGPGOUT = indexOf('pgpgout');
/** Pages read from swap and written to it. */
export const PSWPIN = indexOf('pswpin');
export const PSWPOUT = indexOf('pswpout');
export const PGALLOC = indexOf('pgalloc_normal');
/** Direct reclaims: a process had to look for a frame itself. */
export const ALLOCSTALL = indexOf('allocstall_normal');
export const PGFREE = indexOf('pgfree');
export const PGACTIVATE = indexOf('pgactivate');
export const PGDEACTIVATE = indexOf('pgdeactivate');
export const PGLAZYFREE = indexOf('pglazyfree');
export const PGFAULT = indexOf('pgfault');
export const PGMAJFAULT = indexOf('pgmajfault');
export const PGLAZYFREED = indexOf('pglazyfreed');
/** Active pages that were looked at. */
export const PGREFILL = indexOf('pgrefill');
/** Pages that reclaim took, and looked at: by kswapd; direct reclaim and `kernel: reclaim()` are the next indexes. */
export const PGSTEAL = indexOf('pgsteal_kswapd');
export const PGSCAN = indexOf('pgscan_kswapd');
/** The same by kind; files are the next index. */
export const PGSCAN_KIND = indexOf('pgscan_anon');
export const PGSTEAL_KIND = indexOf('pgsteal_anon');
/** Times that kswapd ran. */
export const PAGEOUTRUN = indexOf('pageoutrun');
/** Pages that reclaim wanted while they were being written, and that came to be the next to go. */
export const PGROTATED = indexOf('pgrotated');
export const DROP_PAGECACHE = indexOf('drop_pagecache');
export const OOM_KILL = indexOf('oom_kill');
/** Pages that went to the unevictable list, and came back. */
export const UNEVICTABLE_CULLED = indexOf('unevictable_pgs_culled');
export const UNEVICTABLE_RESCUED = indexOf('unevictable_pgs_rescued');
export const UNEVICTABLE_MLOCKED = indexOf('unevictable_pgs_mlocked');
export const UNEVICTABLE_MUNLOCKED = indexOf('unevictable_pgs_munlocked');
