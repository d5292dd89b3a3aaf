/**
 * Uses of pages, for the replacement policies that go by them: of the CPU, of the kernel for a process, and of read()
 * and write() in the page cache.
 */

import { PAGE_SIZE, type Pfn, type VirtAddr } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_FILE, PG_SHMEM } from '../machine/frames.ts';
import { lru_move } from '../machine/lru.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { note_opt_use } from './opt.ts';

/** A use of frame `pfn`, at `addr` of an address space. Call it on machines with one list only. */
export function note_use(k: Kernel, mm: Mm, addr: VirtAddr, pfn: Pfn): void {
  if (pfn > k.frames.total) return;
  if (k.config.replacement === 'lru') lru_move(k.frames, pfn, 0, 0);
  if (k.recorder === null && k.nextUses === null) return;
  const chunk = k.frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const flags = chunk.flags[i] as number;
  const [space, page] = [chunk.mapping[i] as number, chunk.index[i] as number];
  if ((flags & PG_ANON) !== 0) {
    const number = Math.floor(addr / PAGE_SIZE);
    k.recorder?.usedAnon(mm.id, number, pfn);
    if (k.nextUses !== null) note_opt_use(k, 'process', mm.id, number, pfn);
  } else if ((flags & (PG_FILE | PG_SHMEM)) !== 0) {
    k.recorder?.usedFile(space, page);
    if (k.nextUses !== null) note_opt_use(k, 'file', space, page, pfn);
  }
}

/** A use of a page in the page cache, by read() or write(). */
export function note_cache_use(k: Kernel, pfn: Pfn): void {
  if (!k.frames.oneList) return;
  if (k.config.replacement === 'lru') lru_move(k.frames, pfn, 0, 0);
  const chunk = k.frames.chunk(pfn);
  const [inode, index] = [chunk.mapping[pfn & CHUNK_MASK] as number, chunk.index[pfn & CHUNK_MASK] as number];
  k.recorder?.usedFile(inode, index);
  if (k.nextUses !== null) note_opt_use(k, 'file', inode, index, pfn);
}
