/** What a machine has before its first step: files, programs, libraries, devices, and what of them is in RAM. */

import type { Declaration } from './abi.ts';
import { add_elf, add_host_elf, add_host_file } from './fs/elf-image.ts';
import { canonical } from './fs/namei.ts';
import { MAX_PRELOADED, tooMuchPreloaded } from './kernel/host-limit.ts';
import { setFrame } from './machine/content.ts';
import { SPECIAL_PAGES } from './machine/frames.ts';
import { mark_accessed } from './machine/lru.ts';
import { disk_page, file_pages, read_page } from './mm/page-cache.ts';
import { new_inode, shmem_get_page } from './mm/shmem.ts';
import type { Kernel } from './state/kernel.ts';
import type { Inode } from './state/records.ts';

/** What `spawn()` runs. */
export const PUPPET = '/bin/puppet';

/** Device pages that all devices together may have. */
const MAX_DEVICE_PAGES = 0x80000;

export class Declarations {
  /** How many were made. */
  count = 0;
  private readonly k: Kernel;
  private nextDevicePage = 0;
  /** Pages of files that are in RAM before the first step. */
  private preloaded = 0;

  constructor(k: Kernel) {
    this.k = k;
  }

  /** Null, or what is wrong with the declaration. */
  add(declaration: Exclude<Declaration, { kind: 'machine' }>): string | null {
    this.count++;
    switch (declaration.kind) {
      case 'file':
        return this.file(declaration.path, declaration.size, declaration.bytes);
      case 'elf':
        add_elf(this.k, declaration.shape);
        return null;
      case 'host':
        for (const elf of [declaration.elf, ...declaration.closure]) add_host_elf(this.k, elf);
        if (declaration.cache !== undefined) add_host_file(this.k, declaration.cache);
        return null;
      case 'device':
        return this.device(declaration.path, declaration.pages, declaration.mmap);
    }
  }

  /** Adds the puppet, and reads files in as the machine keys say. Called once, behind the last declaration. */
  finish(): void {
    const { k } = this;
    if (k.paths.get(PUPPET) === undefined) {
      add_elf(k, { path: PUPPET, type: 'static', text: 4096, rodata: 0, data: 0, bss: 0, needs: [] });
    }
    const isData = ({ image }: Inode): number => (image.kind === 'elf' || image.kind === 'host' ? 0 : 1);
    const files = [...k.inodes.values()];
    // Programs first: where not all of tmpfs fits into the machine, they are there.
    const inMemory = files.filter(({ kind }) => kind === 'shmem').sort((a, b) => isData(a) - isData(b));
    for (const { id } of inMemory) fillShmem(k, id);
    if (k.config.page_cache === 'warm') for (const { id, kind } of files) if (kind === 'file') warm(k, id);
  }

  private file(text: string, size: number, bytes: Uint8Array | undefined): string | null {
    const { k } = this;
    const path = canonical(text);
    const kind = k.config.filesystem === 'tmpfs' ? 'shmem' : 'file';
    if (kind === 'shmem' || k.config.page_cache === 'warm') {
      this.preloaded += Math.min(Math.ceil(size / 4096), k.frames.total);
      if (this.preloaded > MAX_PRELOADED) return tooMuchPreloaded(this.preloaded);
    }
    const image = bytes === undefined ? ({ kind: 'pattern' } as const) : ({ kind: 'bytes', bytes } as const);
    k.paths.set(path, new_inode(k, { kind, path, size, deleted: false, image }).id);
    return null;
  }

  private device(text: string, pages: number, mmap: 'remap' | 'insert' | 'fault'): string | null {
    if (this.nextDevicePage + pages > MAX_DEVICE_PAGES)
      return `devices have at most ${MAX_DEVICE_PAGES} pages together`;
    const { k } = this;
    const firstPfn = k.frames.deviceBase + SPECIAL_PAGES + this.nextDevicePage;
    this.nextDevicePage += pages;
    const device = { pages, mmap, firstPfn };
    const path = canonical(text);
    k.paths.set(path, new_inode(k, { kind: 'device', path, size: 0, deleted: false, device }).id);
    return null;
  }
}

function warm(k: Kernel, id: number): void {
  const inode = k.inodes.edit(id);
  // What does not fit into RAM could not stay there.
  const pages = Math.min(file_pages(inode), k.frames.total);
  for (let index = 0; index < pages; index++) {
    const pfn = read_page(k, inode, index);
    if (pfn === 0) return;
    // Somebody read the file: its pages were used once.
    mark_accessed(k.frames, pfn);
  }
}

/** A file on tmpfs lives in RAM and nowhere else. */
function fillShmem(k: Kernel, id: number): void {
  const pages = file_pages(k.inodes.get(id));
  for (let index = 0; index < pages; index++) {
    const { pfn } = shmem_get_page(k, id, index);
    if (pfn === 0) return;
    setFrame(k.frames, pfn, disk_page(k.inodes.get(id), index));
    k.frames.markDirty(pfn);
    mark_accessed(k.frames, pfn);
    // Written once; and read once, where the page cache is to be warm.
    if (k.config.page_cache === 'warm') mark_accessed(k.frames, pfn);
  }
}
