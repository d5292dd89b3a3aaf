/**
 * What the dynamic loader does before the program's first instruction: maps each needed library as glibc's ld.so does
 * (elf/dl-map-segments.h), in breadth-first order.
 */

import { PAGE_SIZE, pageAlign, pageDown } from '../machine/address.ts';
import { PG_READAHEAD } from '../machine/frames.ts';
import { fput, open_file } from '../mm/file-refs.ts';
import { do_mmap } from '../mm/mmap.ts';
import { do_mprotect } from '../mm/mprotect.ts';
import { find_get_page } from '../mm/page-cache.ts';
import { page_cache_async_ra, page_cache_sync_ra } from '../mm/readahead.ts';
import type { Kernel } from '../state/kernel.ts';
import type { ElfFile, Mm } from '../state/records.ts';
import { MAP, PROT } from '../uapi.ts';

function loadOrder(k: Kernel, program: ElfFile): ElfFile[] {
  const order: ElfFile[] = [];
  const seen = new Set([program.path, program.interp]);
  const queue = [...program.needs];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const elf = k.elves.get(path);
    if (elf === undefined || seen.has(path)) continue;
    seen.add(path);
    order.push(elf);
    queue.push(...elf.needs);
  }
  return order;
}

function protection(flags: number): number {
  return (
    ((flags & 4) !== 0 ? PROT.READ : 0) | ((flags & 2) !== 0 ? PROT.WRITE : 0) | ((flags & 1) !== 0 ? PROT.EXEC : 0)
  );
}

/** read(fd, buf, 832): the header's page comes into the page cache. */
function readHeader(k: Kernel, file: number, elf: ElfFile): void {
  const inode = k.inodes.edit(elf.inode);
  if (inode.kind !== 'file') return;
  const pfn = find_get_page(inode, 0);
  if (pfn === 0) page_cache_sync_ra(k, inode, k.files.edit(file), 0, 1);
  else if ((k.frames.flagsOf(pfn) & PG_READAHEAD) !== 0) page_cache_async_ra(k, inode, k.files.edit(file), 0, 1);
  k.files.edit(file).prev_pos = 831;
}

function stage(k: Kernel, path: string, what: string): void {
  if (k.sink !== null) k.emit({ type: 'exec', path, stage: what });
}

/** One library: a map of its whole extent, then each segment over it, then its bss. Returns the load bias or -1. */
function mapLibrary(k: Kernel, mm: Mm, elf: ElfFile): number {
  const first = elf.segments[0];
  if (first === undefined) return -1;
  stage(k, elf.path, 'library');
  const id = open_file(k, elf.inode, { readable: true, writable: false, append: false });
  readHeader(k, id, elf);
  const start = pageDown(first.vaddr);
  const end = pageAlign(Math.max(...elf.segments.map((s) => s.vaddr + s.memsz)));
  const whole = do_mmap(k, mm, {
    addr: 0,
    length: end - start,
    prot: protection(first.flags),
    flags: MAP.PRIVATE | MAP.DENYWRITE,
    file: k.files.get(id),
    pgoff: pageDown(first.offset) / PAGE_SIZE,
  });
  if (typeof whole === 'string') {
    fput(k, id);
    return -1;
  }
  const bias = whole.addr - start;
  for (const segment of elf.segments.slice(1)) {
    const from = pageDown(segment.vaddr);
    const length = pageAlign(segment.vaddr + segment.filesz) - from;
    const flags = MAP.PRIVATE | MAP.FIXED | MAP.DENYWRITE;
    const file = k.files.get(id);
    const prot = protection(segment.flags);
    if (length > 0)
      do_mmap(k, mm, { addr: bias + from, length, prot, flags, file, pgoff: pageDown(segment.offset) / PAGE_SIZE });
    const zero = pageAlign(segment.vaddr + segment.filesz);
    const top = pageAlign(segment.vaddr + segment.memsz);
    if (top > zero) {
      const anonymous = MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS;
      do_mmap(k, mm, { addr: bias + zero, length: top - zero, prot, flags: anonymous, file: null, pgoff: 0 });
    }
  }
  fput(k, id);
  return bias;
}

function protectRelro(k: Kernel, mm: Mm, elf: ElfFile, bias: number): void {
  if (elf.relro === null) return;
  const start = pageDown(bias + elf.relro.vaddr);
  const end = pageDown(bias + elf.relro.vaddr + elf.relro.memsz);
  if (end > start) do_mprotect(k, mm, start, end - start, PROT.READ);
}

/** Maps all libraries that `program` needs, and write-protects what relocation leaves constant. */
export function load_libraries(k: Kernel, mm: Mm, program: ElfFile): void {
  if (program.interp === null || program.needs.length === 0) return;
  const loaded = loadOrder(k, program).map((elf) => ({ elf, bias: mapLibrary(k, mm, elf) }));
  // The loader's own block for thread-local storage and the link maps.
  const anonymous = MAP.PRIVATE | MAP.ANONYMOUS;
  do_mmap(k, mm, {
    addr: 0,
    length: 3 * PAGE_SIZE,
    prot: PROT.READ | PROT.WRITE,
    flags: anonymous,
    file: null,
    pgoff: 0,
  });
  for (const { elf, bias } of loaded) if (bias >= 0) protectRelro(k, mm, elf, bias);
}
