/** What the simulator keeps in the host's memory at most: a bound of ours, Linux has the RAM that it has. */

import type { Request } from '../abi.ts';
import { BLOB_BYTES, FRAME_BYTES } from '../machine/frames.ts';
import { TABLE_BYTES } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';

/** Pages in RAM and swap that may be held when a step begins: 128 GiB, some 2 GB of the host's memory. */
const MAX_HELD_PAGES = 2 ** 25;

/** Pages of files that may be in RAM before the first step (page_cache=warm, tmpfs): 16 GiB, some seconds. */
export const MAX_PRELOADED = 2 ** 22;

/** What the rest of the state may take of the host's memory when a step begins, bytes; some of it is counted dearer than it is. */
const MAX_HELD_BYTES = 5 * 2 ** 28;

/** Bytes of the host's memory that one of a kind takes, about. */
const BYTES = {
  vma: 350,
  anonVma: 700,
  task: 900,
  file: 300,
  descriptor: 64,
  inode: 1500,
  cacheChunk: 700,
  writtenPage: 150,
} as const;

/** Why a file is not declared. */
export function tooMuchPreloaded(pages: number): string {
  const gib = (count: number): string => `${Math.ceil(count / 262144)} GiB`;
  return `${gib(pages)} of files would be in RAM from the start: this simulator reads in ${gib(MAX_PRELOADED)} at most`;
}

/** Calls that give memory back, or take none. */
const FREEING = new Set(['munmap', 'madvise', 'exit', 'exit_group', 'kill', 'close', 'wait4', 'msync', 'ftruncate']);

/** What the state takes of the host's memory beside the records of frames; bytes, about. */
export function heldBytes(k: Kernel): number {
  const { held } = k.epoch;
  return (
    held.vmas * BYTES.vma +
    k.anonVmas.size * BYTES.anonVma +
    k.tasks.size * BYTES.task +
    k.files.size * BYTES.file +
    held.descriptors * BYTES.descriptor +
    k.inodes.size * BYTES.inode +
    held.tables * TABLE_BYTES +
    held.contents * BLOB_BYTES +
    held.cacheChunks * BYTES.cacheChunk +
    held.written * BYTES.writtenPage
  );
}

/** What the whole state takes of the host's memory; bytes, about. */
export function stateBytes(k: Kernel): number {
  return heldBytes(k) + (k.frames.total - k.frames.counters.free + k.swap.total - k.swap.free) * FRAME_BYTES;
}

/** What a fork adds to {@link heldBytes} at most. */
function copyBytes(k: Kernel, { mm }: Task): number {
  const { vmas, pt } = k.mms.get(mm);
  return vmas.size * (BYTES.vma + BYTES.anonVma) + (pt.tables + 1) * TABLE_BYTES;
}

/** Calls that copy an address space. */
const COPYING = new Set(['fork', 'clone']);

/** Why the step is not made, in numbers of what there is. */
function tooMuchText(k: Kernel): string {
  const { vmas, tables, contents, written, descriptors } = k.epoch.held;
  const amounts: readonly (readonly [number, string])[] = [
    [vmas * BYTES.vma + k.anonVmas.size * BYTES.anonVma, `${vmas} VMAs with ${k.anonVmas.size} anon_vmas`],
    [tables * TABLE_BYTES, `${tables} page tables`],
    [contents * BLOB_BYTES, `${contents} pages with contents of their own`],
    [descriptors * BYTES.descriptor, `${descriptors} open descriptors`],
    [written * BYTES.writtenPage, `${written} pages written to disk`],
    [k.tasks.size * BYTES.task, `${k.tasks.size} processes, dead ones included`],
  ];
  const most = amounts.toSorted(([a], [b]) => b - a).slice(0, 2);
  return `the step may need more memory than this simulator has: there are ${most.map(([, text]) => text).join(' and ')}`;
}

/**
 * Why a step is not made: too much is held already, and the step might take more. Null: it may be made. `limit` in pages.
 */
export function tooMuchHeld(
  k: Kernel,
  request: Request,
  limit: number = MAX_HELD_PAGES,
  maxBytes: number = MAX_HELD_BYTES,
): string | null {
  const pages = k.frames.total - k.frames.counters.free + k.swap.total - k.swap.free;
  const isCopying = request.op === 'syscall' && COPYING.has(request.name);
  const bytes = heldBytes(k) + (isCopying ? copyBytes(k, k.tasks.get(request.pid)) : 0);
  if ((pages <= limit && bytes <= maxBytes) || request.op === 'kernel' || request.op === 'signal') return null;
  if (request.op === 'syscall' && FREEING.has(request.name)) return null;
  if (pages <= limit) return tooMuchText(k);
  return `${Math.floor(pages / 262144)} GiB of pages are in use: this simulator keeps no more. Give some back first`;
}
