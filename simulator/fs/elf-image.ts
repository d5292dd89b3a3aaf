/** Declared ELF files: their program headers and what their bytes are. */

import type { ElfSegment, ElfShape, HostElf, HostFile } from '../abi.ts';
import { PAGE_SIZE, pageAlign } from '../machine/address.ts';
import { new_inode } from '../mm/shmem.ts';
import type { Kernel } from '../state/kernel.ts';
import type { DiskImage, ElfFile } from '../state/records.ts';
import { EHDR_SIZE, PHDR_SIZE, PT_GNU_STACK, PT_INTERP, PT_LOAD } from './elf-parse.ts';
import { canonical } from './namei.ts';
import { utf8 } from './utf8.ts';

const STATIC_BASE = 0x400000;
/** Where the path of the interpreter lies in the header's page. */
const INTERP_OFFSET = 1024;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** Bytes of the sections, and of the entry's text page. */
const TEXT = 0xcc;
const RODATA = 0xd0;
const DATA = 0xd2;

/** Segments of a shape: header, text, rodata, data + bss, each on pages of its own, file offset = address - base. */
export function shapeSegments(shape: ElfShape): readonly ElfSegment[] {
  const base = shape.type === 'static' ? STATIC_BASE : 0;
  const segments: ElfSegment[] = [{ offset: 0, vaddr: base, filesz: PAGE_SIZE, memsz: PAGE_SIZE, flags: PF_R }];
  let offset = PAGE_SIZE;
  const add = (filesz: number, memsz: number, flags: number): void => {
    if (memsz === 0) return;
    segments.push({ offset, vaddr: base + offset, filesz, memsz, flags });
    offset += pageAlign(memsz);
  };
  add(shape.text, shape.text, PF_R | PF_X);
  add(shape.rodata, shape.rodata, PF_R);
  add(shape.data, shape.data + shape.bss, PF_R | PF_W);
  return segments;
}

function header(shape: ElfShape, segments: readonly ElfSegment[]): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const view = new DataView(page.buffer);
  page.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, shape.type === 'static' ? 2 : 3, true);
  view.setUint16(18, 62, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt((shape.type === 'static' ? STATIC_BASE : 0) + PAGE_SIZE), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  const base = shape.type === 'static' ? STATIC_BASE : 0;
  const path = shape.interp === undefined ? null : utf8(shape.interp).subarray(0, PAGE_SIZE - INTERP_OFFSET - 1);
  const phdrs = segments.map((segment) => ({ type: PT_LOAD, align: PAGE_SIZE, ...segment }));
  if (path !== null) {
    page.set(path, INTERP_OFFSET);
    const size = { filesz: path.length + 1, memsz: path.length + 1 };
    const place = { offset: INTERP_OFFSET, vaddr: base + INTERP_OFFSET, ...size };
    phdrs.unshift({ type: PT_INTERP, flags: PF_R, align: 1, ...place });
  }
  const nowhere = { offset: 0, vaddr: 0, filesz: 0, memsz: 0 };
  phdrs.push({ type: PT_GNU_STACK, flags: PF_R | PF_W, align: 16, ...nowhere });
  view.setUint16(56, phdrs.length, true);
  phdrs.forEach(({ type, flags, offset, vaddr, filesz, memsz, align }, i) => {
    const at = EHDR_SIZE + PHDR_SIZE * i;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    for (const [w, word] of [offset, vaddr, vaddr, filesz, memsz, align].entries()) {
      view.setBigUint64(at + 8 + 8 * w, BigInt(word), true);
    }
  });
  return page;
}

function shapeImage(shape: ElfShape, segments: readonly ElfSegment[]): DiskImage {
  const fills: { page: number; byte: number; end: number }[] = [];
  for (const segment of segments) {
    let byte = 0;
    if (segment.flags === (PF_R | PF_X)) byte = TEXT;
    else if (segment.flags === (PF_R | PF_W)) byte = DATA;
    else if (segment.offset > 0) byte = RODATA;
    // Text fills its last page; behind other sections there are zeros.
    const bytes = byte === TEXT ? pageAlign(segment.filesz) : segment.filesz;
    fills.push({ page: segment.offset / PAGE_SIZE, byte, end: segment.offset + bytes });
  }
  return { kind: 'elf', header: header(shape, segments), fills };
}

function fileSize(segments: readonly ElfSegment[]): number {
  const stored = segments.filter((segment) => segment.filesz > 0);
  return Math.max(...stored.map((segment) => segment.offset + segment.filesz));
}

/** Puts a declared program or library into the file system. */
export function add_elf(k: Kernel, shape: ElfShape): void {
  const segments = shapeSegments(shape);
  const size = fileSize(segments);
  const path = canonical(shape.path);
  const kind = k.config.filesystem === 'tmpfs' ? 'shmem' : 'file';
  const inode = new_inode(k, { kind, path, size, deleted: false, image: shapeImage(shape, segments), access: 7 });
  k.paths.set(path, inode.id);
  const elf: ElfFile = {
    path,
    inode: inode.id,
    type: shape.type,
    entry: (shape.type === 'static' ? STATIC_BASE : 0) + PAGE_SIZE,
    segments,
    relro: null,
    interp: shape.interp === undefined ? null : canonical(shape.interp),
    needs: shape.needs.map(canonical),
  };
  k.elves.set(path, elf);
}

/** Puts a real file that is no program into the file system; one that is there already stays. */
export function add_host_file(k: Kernel, { path, size, read }: HostFile): void {
  if (k.paths.get(path) !== undefined) return;
  const inode = new_inode(k, { kind: 'file', path, size, deleted: false, image: { kind: 'host', read } });
  k.paths.set(path, inode.id);
}

/** Puts a real file of the host into the file system; one that is there already stays. */
export function add_host_elf(k: Kernel, elf: HostElf): void {
  const name = elf.link ?? elf.path;
  if (k.paths.get(name) !== undefined) return;
  const image: DiskImage = elf.read === undefined ? { kind: 'zeros' } : { kind: 'host', read: elf.read };
  const inode = new_inode(k, { kind: 'file', path: elf.path, size: elf.size, deleted: false, image, access: 5 });
  k.paths.set(name, inode.id);
  k.elves.set(elf.path, {
    path: elf.path,
    inode: inode.id,
    type: elf.type,
    entry: elf.entry,
    segments: elf.segments,
    relro: elf.relro ?? null,
    interp: elf.interp ?? null,
    needs: elf.needs,
  });
}
