/** `kernel: …`: what nobody's process asked for. */

import type { Arg } from '../abi.ts';
import { missing_device, missing_file } from '../fs/missing.ts';
import { canonical, inode_at } from '../fs/namei.ts';
import { newsize } from '../fs/size.ts';
import { foldWord } from '../machine/address.ts';
import { PG_FILE } from '../machine/frames.ts';
import { DROP_PAGECACHE } from '../machine/vm-events.ts';
import { remap_pfn_range, vm_insert_page } from '../mm/device.ts';
import { page_is_dirty, wakeup_flusher_threads } from '../mm/filemap.ts';
import { OOM_SCORE_ADJ_MAX, OOM_SCORE_ADJ_MIN, set_oom_score_adj } from '../mm/oom.ts';
import { cache_delete, cache_for_each } from '../mm/page-cache.ts';
import { swapoff, swapon } from '../mm/swapoff.ts';
import { reclaim_on_demand } from '../mm/vmscan.ts';
import { folio_test_writeback } from '../mm/writeback.ts';
import type { Parts } from '../parts.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode, Task } from '../state/records.ts';
import { deadWords } from './end-words.ts';
import { out_of_memory } from './exit.ts';
import type { Skip } from './syscall.ts';

type Result = number | string | Skip;
/** What takes long comes in parts. */
type Handler = (k: Kernel, args: readonly Arg[]) => Result | Parts<Result>;

function word(args: readonly Arg[], index: number): number {
  const arg = args[index];
  return typeof arg === 'bigint' ? foldWord(BigInt.asUintN(64, arg)) : 0;
}

function signed(args: readonly Arg[], index: number): bigint {
  const arg = args[index];
  return typeof arg === 'bigint' ? BigInt.asIntN(64, arg) : 0n;
}

/** What lies at the path of an argument; `missing` says that nothing does. */
function inodeAt(k: Kernel, args: readonly Arg[], index: number, missing: typeof missing_file): Inode | Skip {
  const arg = args[index];
  const path = typeof arg === 'object' && 'text' in arg ? arg.text : '';
  const id = inode_at(k, canonical(path));
  if (id !== undefined) return k.inodes.get(id);
  const { words, because } = missing(k, path);
  return { skip: words, because };
}

/** drop_pagecache_sb(): clean pages that nobody maps go; those under writeback stay. */
function drop_caches(k: Kernel): number {
  k.frames.countEvent(DROP_PAGECACHE);
  for (const file of [...k.inodes.values()]) {
    if (file.kind !== 'file') continue;
    const inode = k.inodes.edit(file.id);
    cache_for_each(inode, 0, Number.POSITIVE_INFINITY, (index, pfn) => {
      const idle = k.frames.mapcountOf(pfn) === 0 && k.frames.refsOf(pfn) === 1;
      // mapping_evict_folio()
      if (pfn <= 0 || !idle || page_is_dirty(k, pfn) || folio_test_writeback(k, pfn)) return;
      if ((k.frames.flagsOf(pfn) & PG_FILE) !== 0) {
        cache_delete(k, inode, index, pfn);
      }
    });
  }
  return 0;
}

function writeback(k: Kernel): number {
  wakeup_flusher_threads(k, 'asked for');
  return 0;
}

function gone(task: Task | undefined): Skip {
  return task === undefined
    ? { skip: 'there is no such process' }
    : { skip: deadWords(task), because: { pid: task.pid, state: 'is dead' } };
}

function insertPage(k: Kernel, args: readonly Arg[]): Result {
  const task = k.tasks.find(word(args, 0));
  if (task === undefined || task.mm === 0) return gone(task);
  const inode = inodeAt(k, args, 2, missing_device);
  if ('skip' in inode) return inode;
  return vm_insert_page(k, k.mms.edit(task.mm), word(args, 1), word(args, 3), inode);
}

function remap(k: Kernel, args: readonly Arg[]): Result {
  const task = k.tasks.find(word(args, 0));
  if (task === undefined || task.mm === 0) return gone(task);
  const inode = inodeAt(k, args, 2, missing_device);
  if ('skip' in inode) return inode;
  return remap_pfn_range(k, k.mms.edit(task.mm), word(args, 1), word(args, 3), word(args, 4), inode);
}

function truncate(k: Kernel, args: readonly Arg[]): Result {
  const inode = inodeAt(k, args, 0, missing_file);
  if ('skip' in inode) return inode;
  if (inode.kind === 'directory') return 'EISDIR';
  if (inode.kind !== 'file' && inode.kind !== 'shmem') return 'EINVAL';
  const size = signed(args, 1);
  if (size < 0n) return 'EINVAL';
  return newsize(k, inode, size);
}

function oom(k: Kernel): Result {
  const before = k.scalars.current;
  k.scalars.current = 0;
  const killed = out_of_memory(k);
  k.scalars.current = before;
  if ((k.tasks.find(before)?.mm ?? 0) === 0) k.tlb.flushAll();
  return killed ? 0 : { skip: 'there is no process to kill' };
}

/** What writing to /proc/PID/oom_score_adj does. */
function oom_score_adj(k: Kernel, args: readonly Arg[]): Result {
  const task = k.tasks.find(word(args, 0));
  if (task === undefined || task.state === 'dead') return gone(task);
  const adj = signed(args, 1);
  if (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX) return 'EINVAL';
  set_oom_score_adj(k, task, Number(adj));
  return 0;
}

export const KERNEL_OPERATIONS: Readonly<Record<string, Handler>> = {
  reclaim: (k, args) => (signed(args, 0) < 0n ? 'EINVAL' : reclaim_on_demand(k, word(args, 0))),
  writeback,
  drop_caches,
  swapoff,
  swapon,
  vm_insert_page: insertPage,
  remap_pfn_range: remap,
  truncate,
  oom,
  oom_score_adj,
};
