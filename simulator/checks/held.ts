/** What the state takes of the host's memory: the numbers that are kept of it, against what is there. */

import { CHUNK_FRAMES } from '../machine/frames.ts';
import type { Inode } from '../state/records.ts';
import { same, type Tally } from './tally.ts';

export function checkHeld(t: Tally): void {
  const { k } = t;
  const mms = [...k.mms.values()];
  const inodes = [...k.inodes.values()];
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const { vmas, tables, contents, written, cacheChunks, descriptors } = k.epoch.held;
  same(t, 'descriptors held', descriptors, sum([...k.tasks.values()].map((task) => task.files.size)));
  same(t, 'VMAs held', vmas, sum(mms.map((mm) => mm.vmas.size)));
  same(t, 'page tables held', tables, sum(mms.map((mm) => mm.pt.tables + 1)));
  same(t, 'pages of disks held', written, sum(inodes.map((inode) => inode.written.size)));
  same(t, 'chunks of page caches held', cacheChunks, sum(inodes.map((inode) => inode.cache.size)));
  same(t, 'contents held', contents, framesWithBytes(t) + slotsWithBytes(t) + sum(inodes.map(pagesWithBytes)));
}

function framesWithBytes({ k: { frames } }: Tally): number {
  let count = 0;
  for (let pfn = 0; pfn < frames.tableBase; pfn += CHUNK_FRAMES) {
    if (!frames.known(pfn)) continue;
    for (const blob of frames.chunk(pfn).blobs ?? []) if (blob !== undefined) count++;
  }
  return count;
}

function slotsWithBytes({ k: { swap } }: Tally): number {
  let count = 0;
  for (let slot = 0; slot < swap.highWater; slot++) if (swap.content(slot).bytes !== undefined) count++;
  return count;
}

function pagesWithBytes(inode: Inode): number {
  let count = 0;
  for (const { bytes } of inode.written.values()) if (bytes !== undefined) count++;
  return count;
}
