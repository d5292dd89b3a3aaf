// Reads what a loader needs from the bytes of an ELF file: program headers, interpreter, needed libraries. Pure: the
// bytes come from a function. Layout as in the System V ABI (Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn).

import type { ElfSegment } from '../abi.ts';
import { PAGE_SIZE } from '../machine/address.ts';

/** The bytes at [offset, offset + length), fewer at the end of the file. */
export type ReadBytes = (offset: number, length: number) => Uint8Array;

export interface ElfFile {
  /** `static`: at fixed addresses (ET_EXEC); `pie` and `shared` are position-independent (ET_DYN). */
  readonly type: 'static' | 'pie' | 'shared';
  readonly entry: number;
  /** PT_LOAD, in the order of the file. */
  readonly segments: readonly ElfSegment[];
  readonly relro?: { readonly vaddr: number; readonly memsz: number };
  /** PT_INTERP. */
  readonly interp?: string;
  readonly soname?: string;
  /** DT_NEEDED, as names. */
  readonly needed: readonly string[];
}

export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
const DYN_SIZE = 16;
const MAGIC = 0x7f454c46;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const EM_X86_64 = 62;
export const PT_LOAD = 1;
const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_GNU_STACK = 0x6474e551;
const PT_GNU_RELRO = 0x6474e552;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_SONAME = 14;
const DT_FLAGS_1 = 0x6ffffffb;
const DF_1_PIE = 0x08000000;
/** PATH_MAX: fs/binfmt_elf.c refuses a longer interpreter path. */
export const MAX_PATH = 4096;
/** fs/binfmt_elf.c: load_elf_phdrs() refuses more than 64 KiB of program headers. */
const MAX_PHDRS = 65536 / PHDR_SIZE;
/** Bounds on what is read of the dynamic section, against nonsense sizes. */
const MAX_DYNAMIC = 1 << 20;

/** A program header. */
export interface Phdr extends ElfSegment {
  readonly type: number;
}

/** Parses an x86-64 ELF executable or shared object; a message when it is none. Never throws on any bytes. */
export function parseElf(read: ReadBytes): ElfFile | { readonly error: string } {
  const header = viewOf(read(0, EHDR_SIZE));
  const problem = checkHeader(header);
  if (problem !== null) return { error: problem };
  const count = header.getUint16(56, true);
  const table = viewOf(read(word(header, 32), count * PHDR_SIZE));
  if (count === 0 || count > MAX_PHDRS || table.byteLength < count * PHDR_SIZE) {
    return { error: 'its program headers are missing or cut off' };
  }
  const phdrs = phdrsOf(table);
  const segments = phdrs.filter((p) => p.type === PT_LOAD).map(toSegment);
  if (segments.length === 0) return { error: 'it has nothing to load' };
  if (phdrs.some((p) => !Number.isSafeInteger(p.vaddr + p.memsz) || !Number.isSafeInteger(p.offset + p.filesz))) {
    return { error: 'its program headers hold impossible addresses' };
  }
  const interp = readInterp(read, phdrs);
  const dynamic = readDynamic(read, phdrs, segments);
  const isExec = header.getUint16(16, true) === ET_EXEC;
  const isPie = interp !== undefined || dynamic.isPie;
  const relro = phdrs.find((p) => p.type === PT_GNU_RELRO);
  return {
    type: isExec ? 'static' : isPie ? 'pie' : 'shared',
    entry: word(header, 24),
    segments,
    needed: dynamic.needed,
    ...(relro === undefined ? {} : { relro: { vaddr: relro.vaddr, memsz: relro.memsz } }),
    ...(interp === undefined ? {} : { interp }),
    ...(dynamic.soname === undefined ? {} : { soname: dynamic.soname }),
  };
}

function checkHeader(header: DataView): string | null {
  if (header.byteLength < EHDR_SIZE || header.getUint32(0, false) !== MAGIC) return 'it is no ELF file';
  if (header.getUint8(4) !== 2 || header.getUint8(5) !== 1) return 'it is no 64-bit little-endian ELF file';
  if (header.getUint16(18, true) !== EM_X86_64) return 'it is not for x86-64';
  const type = header.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN) return 'it is neither an executable nor a shared object';
  if (header.getUint16(54, true) !== PHDR_SIZE) return 'its program headers have an unknown size';
  return null;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit word as a number; addresses and sizes of files that can be loaded are exact. */
function word(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function phdrsOf(table: DataView): Phdr[] {
  return Array.from({ length: Math.floor(table.byteLength / PHDR_SIZE) }, (_, i) => readPhdr(table, i * PHDR_SIZE));
}

/** The program headers in the bytes of a program header table. */
export function readPhdrs(table: Uint8Array): Phdr[] {
  return phdrsOf(viewOf(table));
}

/** What the kernel looks at of an ELF header (Elf64_Ehdr). */
export interface ElfHeader {
  readonly isElf: boolean;
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly phoff: number;
  readonly phentsize: number;
  readonly phnum: number;
}

/** Reads the first {@link EHDR_SIZE} bytes of a file. */
export function readElfHeader(bytes: Uint8Array): ElfHeader {
  const view = viewOf(bytes);
  return {
    isElf: view.getUint32(0, false) === MAGIC,
    type: view.getUint16(16, true),
    machine: view.getUint16(18, true),
    entry: word(view, 24),
    phoff: word(view, 32),
    phentsize: view.getUint16(54, true),
    phnum: view.getUint16(56, true),
  };
}

function readPhdr(view: DataView, at: number): Phdr {
  return {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: word(view, at + 8),
    vaddr: word(view, at + 16),
    filesz: word(view, at + 32),
    memsz: word(view, at + 40),
    align: word(view, at + 48),
  };
}

function toSegment({ offset, vaddr, filesz, memsz, flags, align }: Phdr): ElfSegment {
  const segment = { offset, vaddr, filesz, memsz, flags };
  return align === undefined || align <= PAGE_SIZE ? segment : { ...segment, align };
}

function readInterp(read: ReadBytes, phdrs: readonly Phdr[]): string | undefined {
  const phdr = phdrs.find((p) => p.type === PT_INTERP);
  if (phdr === undefined || phdr.filesz > MAX_PATH) return undefined;
  return stringAt(read(phdr.offset, phdr.filesz), 0);
}

export function stringAt(bytes: Uint8Array, start: number): string {
  let end = start;
  while (end < bytes.length && bytes[end] !== 0) end += 1;
  return Array.from(bytes.subarray(start, end), (byte) => String.fromCharCode(byte)).join('');
}

interface Dynamic {
  readonly needed: readonly string[];
  readonly soname?: string;
  readonly isPie: boolean;
}

function readDynamic(read: ReadBytes, phdrs: readonly Phdr[], segments: readonly ElfSegment[]): Dynamic {
  const phdr = phdrs.find((p) => p.type === PT_DYNAMIC);
  if (phdr === undefined) return { needed: [], isPie: false };
  const view = viewOf(read(phdr.offset, Math.min(phdr.filesz, MAX_DYNAMIC)));
  const entries: { tag: number; value: number }[] = [];
  for (let at = 0; at + DYN_SIZE <= view.byteLength; at += DYN_SIZE) {
    const tag = word(view, at);
    if (tag === DT_NULL) break;
    entries.push({ tag, value: word(view, at + 8) });
  }
  const find = (tag: number) => entries.find((entry) => entry.tag === tag)?.value;
  const isPie = ((find(DT_FLAGS_1) ?? 0) & DF_1_PIE) !== 0;
  const offset = fileOffset(find(DT_STRTAB) ?? -1, segments);
  if (offset === null) return { needed: [], isPie };
  const strings = read(offset, Math.min(find(DT_STRSZ) ?? 0, MAX_DYNAMIC));
  const needed = entries.filter((entry) => entry.tag === DT_NEEDED).map((entry) => stringAt(strings, entry.value));
  const soname = find(DT_SONAME);
  return soname === undefined ? { needed, isPie } : { needed, soname: stringAt(strings, soname), isPie };
}

/** Where the bytes of a virtual address stand in the file, or null. */
function fileOffset(vaddr: number, segments: readonly ElfSegment[]): number | null {
  const segment = segments.find((s) => vaddr >= s.vaddr && vaddr < s.vaddr + s.filesz);
  return segment === undefined ? null : vaddr - segment.vaddr + segment.offset;
}
