/**
 * What the dynamic loader does before the program's first instruction: it maps each needed library as glibc's ld.so does
 * (elf/rtld.c, elf/dl-map-segments.h), in breadth-first order, and makes its calls in ld.so's order.
 */

import type { Substep } from '../abi.ts';
import { PAGE_SIZE, pageAlign, pageDown, type VirtAddr } from '../machine/address.ts';
import { fput, open_file } from '../mm/file-refs.ts';
import type { Kernel } from '../state/kernel.ts';
import type { ElfFile, Mm } from '../state/records.ts';
import { MAP, PROT } from '../uapi.ts';
import { kernel_read } from './kernel-read.ts';
import { LoaderCalls, type LoaderFile } from './loader-calls.ts';

/** The list of libraries by name, which ld.so maps while it looks for them. */
export const LD_SO_CACHE = '/etc/ld.so.cache';

/**
 * Bytes of the loader's own small blocks (elf/dl-minimal-malloc.c), about what glibc 2.36 needs: for the program and the
 * vdso, for each library when it is found, for each object when all are there, and for the tables of thread-local storage.
 */
const OWN_BLOCKS = 1200;
const LIBRARY_BLOCKS = 1380;
const OBJECT_BLOCKS = 480;
const TABLE_BLOCKS = [1200, 1040];
/** The initial thread: its control block, libc's variables, and the surplus for libraries loaded later. */
const THREAD_BLOCK = 4200;

/** An object of the process and the distance from the addresses in its file. */
interface Loaded {
  readonly elf: ElfFile;
  readonly bias: number;
}

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

/** The order of relocation: what others need comes before them (elf/dl-sort-maps.c: _dl_sort_maps_dfs()). */
function relocationOrder(loaded: readonly Loaded[]): Loaded[] {
  const byPath = new Map(loaded.map((object) => [object.elf.path, object]));
  const order: Loaded[] = [];
  const seen = new Set<string>();
  const visit = (object: Loaded): void => {
    if (seen.has(object.elf.path)) return;
    seen.add(object.elf.path);
    for (const path of object.elf.needs) {
      const needed = byPath.get(path);
      if (needed !== undefined) visit(needed);
    }
    order.push(object);
  };
  for (const object of loaded.toReversed()) visit(object);
  return order;
}

function protection(flags: number): number {
  return (
    ((flags & 4) !== 0 ? PROT.READ : 0) | ((flags & 2) !== 0 ? PROT.WRITE : 0) | ((flags & 1) !== 0 ? PROT.EXEC : 0)
  );
}

/** What the loader reads of a library before it maps it. */
const HEADER_BYTES = 832;

/** One process's loader at work. */
class DynamicLoader {
  readonly calls: LoaderCalls;
  private readonly k: Kernel;
  private readonly fd: number;
  private blockLeft = 0;

  constructor(k: Kernel, mm: Mm, fd: number) {
    this.k = k;
    this.fd = fd;
    this.calls = new LoaderCalls(k, mm);
  }

  private anonymous(length: number): VirtAddr {
    const prot = PROT.READ | PROT.WRITE;
    return this.calls.mmap({ addr: 0, length, prot, flags: MAP.PRIVATE | MAP.ANONYMOUS, from: null, offset: 0 });
  }

  /** __minimal_malloc(): what does not fit in the last block gets one of its own with a page to spare. */
  allocate(bytes: number): void {
    if (bytes >= this.blockLeft) {
      this.blockLeft = pageAlign(bytes) + PAGE_SIZE;
      this.anonymous(this.blockLeft);
    }
    this.blockLeft -= bytes;
  }

  /** Does `use` with the open file. */
  withFile<T>(inode: number, path: string, use: (from: LoaderFile, id: number) => T): T {
    const id = open_file(this.k, inode, { readable: true, writable: false, append: false });
    const result = use({ file: this.k.files.get(id), fd: this.fd, path }, id);
    fput(this.k, id);
    return result;
  }

  /** _dl_sysdep_read_whole_file(): the cache lies in memory until the loader is done. Null where there is none. */
  mapCache(): { readonly addr: VirtAddr; readonly length: number } | null {
    const inode = this.k.paths.get(LD_SO_CACHE);
    const length = inode === undefined ? 0 : this.k.inodes.get(inode).size;
    if (inode === undefined || length === 0) return null;
    const addr = this.withFile(inode, LD_SO_CACHE, (from) =>
      this.calls.mmap({ addr: 0, length, prot: PROT.READ, flags: MAP.PRIVATE, from, offset: 0 }),
    );
    return addr < 0 ? null : { addr, length };
  }

  /** _dl_map_object_from_fd(): null when the library cannot be mapped. */
  mapLibrary(elf: ElfFile): Loaded | null {
    const { k } = this;
    if (elf.segments.length === 0) return null;
    if (k.sink !== null) k.emit({ type: 'exec', path: elf.path, stage: 'library' });
    return this.withFile(elf.inode, elf.path, (from, id) => {
      kernel_read(k, id, 0, HEADER_BYTES);
      this.allocate(LIBRARY_BLOCKS);
      const start = pageDown(elf.segments[0]?.vaddr ?? 0);
      const addr = this.mapExtent(elf, start, from);
      if (addr < 0) return null;
      this.mapSegments(elf, addr - start, from);
      return { elf, bias: addr - start };
    });
  }

  /** _dl_map_segment(): a map of the whole extent, at a multiple of the alignment that the segments want. */
  private mapExtent(elf: ElfFile, start: number, from: LoaderFile): VirtAddr {
    const first = elf.segments[0];
    const length = Math.max(...elf.segments.map((s) => s.vaddr + s.memsz)) - start;
    const align = Math.max(...elf.segments.map((s) => s.align ?? PAGE_SIZE));
    const prot = protection(first?.flags ?? 0);
    const flags = MAP.PRIVATE | MAP.DENYWRITE;
    const map = { length, prot, from, offset: pageDown(first?.offset ?? 0) };
    if (align <= PAGE_SIZE) return this.calls.mmap({ ...map, addr: 0, flags });
    const room = length >= align ? length + align : 2 * align;
    const anonymous = { addr: 0, length: room, prot: PROT.NONE, flags: MAP.PRIVATE | MAP.ANONYMOUS };
    const got = this.calls.mmap({ ...anonymous, from: null, offset: 0 });
    if (got < 0) return got;
    const aligned = Math.ceil(got / align) * align;
    const addr = this.calls.mmap({ ...map, addr: aligned, flags: flags | MAP.FIXED });
    const end = pageAlign(aligned + length);
    if (aligned > got) this.calls.munmap(got, aligned - got);
    if (got + room > end) this.calls.munmap(end, got + room - end);
    return addr;
  }

  /** _dl_map_segments(): each segment over the extent, then its bss. */
  private mapSegments(elf: ElfFile, bias: number, from: LoaderFile): void {
    const ends = elf.segments.map((segment) => pageAlign(segment.vaddr + segment.filesz));
    const last = elf.segments.at(-1);
    const hasHoles = elf.segments.some((segment, i) => i > 0 && ends[i - 1] !== pageDown(segment.vaddr));
    if (hasHoles && last !== undefined) {
      const hole = bias + (ends[0] ?? 0);
      this.calls.mprotect(hole, bias + pageDown(last.vaddr) - hole, PROT.NONE);
    }
    for (const [i, segment] of elf.segments.entries()) {
      const prot = protection(segment.flags);
      const start = pageDown(segment.vaddr);
      const length = (ends[i] ?? start) - start;
      const offset = pageDown(segment.offset);
      const flags = MAP.PRIVATE | MAP.FIXED | MAP.DENYWRITE;
      if (i > 0 && length > 0) this.calls.mmap({ addr: bias + start, length, prot, flags, from, offset });
      const zero = pageAlign(segment.vaddr + segment.filesz);
      const end = segment.vaddr + segment.memsz;
      if (end <= zero) continue;
      const anonymous = MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS;
      this.calls.mmap({ addr: bias + zero, length: end - zero, prot, flags: anonymous, from: null, offset: 0 });
    }
  }

  /** _dl_protect_relro(): what relocation leaves constant is write-protected. */
  protectRelro({ elf, bias }: Loaded): void {
    if (elf.relro === null) return;
    const start = pageDown(bias + elf.relro.vaddr);
    const end = pageDown(bias + elf.relro.vaddr + elf.relro.memsz);
    if (end > start) this.calls.mprotect(start, end - start, PROT.READ);
  }
}

/** What the kernel mapped: the program, its loader, and where both came to lie. */
export interface Started {
  readonly program: ElfFile;
  readonly bias: number;
  readonly interp: ElfFile;
  readonly interpBias: number;
  /** Descriptor that the loader's files get: the lowest free one. */
  readonly fd: number;
}

/** dl_main(): maps all libraries that the program needs, and write-protects what is constant from then on. */
export function load_libraries(k: Kernel, mm: Mm, { program, bias, interp, interpBias, fd }: Started): Substep[] {
  const loader = new DynamicLoader(k, mm, fd);
  loader.allocate(OWN_BLOCKS);
  const order = loadOrder(k, program);
  const cache = order.length === 0 ? null : loader.mapCache();
  const libraries = order.flatMap((elf) => loader.mapLibrary(elf) ?? []);
  for (let object = 0; object <= libraries.length; object++) loader.allocate(OBJECT_BLOCKS);
  for (const bytes of TABLE_BLOCKS) loader.allocate(bytes);
  loader.allocate(THREAD_BLOCK);
  for (const object of relocationOrder([{ elf: program, bias }, ...libraries])) loader.protectRelro(object);
  loader.protectRelro({ elf: interp, bias: interpBias });
  if (cache !== null) loader.calls.munmap(cache.addr, cache.length);
  return loader.calls.made;
}
