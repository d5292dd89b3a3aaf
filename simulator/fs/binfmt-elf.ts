/** execve: a new address space from an ELF program (fs/binfmt_elf.c: load_elf_binary()). */

import { PAGE_SIZE, pageAlign, pageDown, type VirtAddr } from '../machine/address.ts';
import { PageTables } from '../machine/pagetable.ts';
import { rlimit } from '../mm/accounting.ts';
import { do_brk_flags } from '../mm/brk.ts';
import { do_mmap } from '../mm/mmap.ts';
import { do_munmap } from '../mm/munmap.ts';
import { DEFAULT_MAP_WINDOW, TASK_UNMAPPED_BASE } from '../mm/unmapped-area.ts';
import * as vm from '../mm/vma.ts';
import { VmaTree } from '../mm/vma-tree.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, OpenFile } from '../state/records.ts';
import { ADDR_COMPAT_LAYOUT, MAP, PROT } from '../uapi.ts';
import { aslrOffset } from './aslr.ts';
import { ET_DYN, ET_EXEC, type Phdr, PT_GNU_STACK, PT_LOAD } from './elf-parse.ts';
import type { ElfBinary, Program } from './exec-file.ts';
import { type Arguments, create_elf_tables, setup_arg_pages, write_user } from './exec-stack.ts';
import { map_vdso } from './vdso.ts';

const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** ELF_ET_DYN_BASE: two thirds of the address space. */
const ELF_ET_DYN_BASE = 0x555555554aaa;

/** An empty address space (mm_alloc()). */
export function emptyMm(k: Kernel): Mm {
  return k.mms.add((id, owner) => ({
    id,
    owner,
    pt: new PageTables(k.epoch, k.tablePages, k.config.levels),
    vmas: new VmaTree(k.epoch),
    users: 1,
    total_vm: 0,
    locked_vm: 0,
    data_vm: 0,
    exec_vm: 0,
    stack_vm: 0,
    rss_anon: 0,
    rss_file: 0,
    rss_shmem: 0,
    swapents: 0,
    hiwater_rss: 0,
    hiwater_vm: 0,
    def_flags: 0,
    start_code: 0,
    end_code: 0,
    start_data: 0,
    end_data: 0,
    start_brk: 0,
    brk: 0,
    start_stack: 0,
    arg_start: 0,
    arg_end: 0,
    env_start: 0,
    env_end: 0,
    mmap_base: 0,
    topdown: true,
    vdso: 0,
    exe: 0,
    entry: 0,
  }));
}

/** mmap_base(): below the stack's limit and guard gap, at least 128 MiB below the top (arch/x86/mm/mmap.c). */
function mmap_base(k: Kernel): VirtAddr {
  const gap = Math.min(
    Math.max(rlimit(k, 'STACK') + k.config.stack_guard_gap, 128 * 1024 * 1024),
    Math.floor(DEFAULT_MAP_WINDOW / 6) * 5,
  );
  return pageAlign(DEFAULT_MAP_WINDOW - gap - aslrOffset(k, 'mmap'));
}

/** arch_pick_mmap_layout(): downwards from below the stack, or upwards as old kernels did (ADDR_COMPAT_LAYOUT). */
function arch_pick_mmap_layout(k: Kernel, mm: Mm): void {
  const personality = k.tasks.find(k.scalars.current)?.personality ?? 0;
  mm.topdown = (personality & ADDR_COMPAT_LAYOUT) === 0;
  mm.mmap_base = mm.topdown ? mmap_base(k) : TASK_UNMAPPED_BASE + aslrOffset(k, 'mmap');
}

function stage(k: Kernel, path: string, what: string): void {
  if (k.sink !== null) k.emit({ type: 'exec', path, stage: what });
}

function segmentProt(segment: Phdr): number {
  return (
    ((segment.flags & PF_R) !== 0 ? PROT.READ : 0) |
    ((segment.flags & PF_W) !== 0 ? PROT.WRITE : 0) |
    ((segment.flags & PF_X) !== 0 ? PROT.EXEC : 0)
  );
}

/** padzero(): the rest of the data's last file page belongs to the bss and must read as zero. */
function padzero(k: Kernel, mm: Mm, from: VirtAddr): boolean {
  if (from % PAGE_SIZE === 0) return true;
  return write_user(k, mm, from, new Uint8Array(PAGE_SIZE - (from % PAGE_SIZE)));
}

/** elf_load(): one segment: its file part, the zeroed rest of the last page, and anonymous memory for the bss. */
function elf_load(
  k: Kernel,
  mm: Mm,
  file: OpenFile,
  segment: Phdr,
  bias: number,
  flags: number,
  total: number,
): VirtAddr | string {
  const offset = segment.vaddr % PAGE_SIZE;
  const start = segment.vaddr - offset + bias;
  const fileEnd = bias + segment.vaddr + segment.filesz;
  const memEnd = bias + segment.vaddr + segment.memsz;
  let at: VirtAddr | string = start;
  if (segment.filesz > 0) {
    const length = total > 0 ? total : pageAlign(segment.filesz + offset);
    at = elf_map(k, mm, file, start, length, segmentProt(segment), flags, segment.offset - offset);
    if (typeof at === 'string') return at;
    const shift = at - start;
    if (total > 0)
      do_munmap(k, mm, at + pageAlign(segment.filesz + offset), total - pageAlign(segment.filesz + offset));
    if (segment.memsz > segment.filesz && (segment.flags & PF_W) !== 0 && !padzero(k, mm, fileEnd + shift))
      return 'EFAULT';
    const zeroStart = pageAlign(fileEnd) + shift;
    const zeroEnd = pageAlign(memEnd) + shift;
    return zeroEnd > zeroStart ? (elf_bss(k, mm, zeroStart, zeroEnd, segment) ?? at) : at;
  }
  const zeroEnd = pageAlign(memEnd);
  if (zeroEnd <= start) return start;
  return elf_bss(k, mm, start, zeroEnd, segment) ?? start;
}

/** vm_brk_flags(): what lies there already goes; then anonymous memory. */
function elf_bss(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, segment: Phdr): string | null {
  do_munmap(k, mm, start, end - start);
  const error = do_brk_flags(k, mm, start, end - start, (segment.flags & PF_X) !== 0 ? vm.VM_EXEC : 0);
  return error === 0 ? null : error;
}

function elf_map(
  k: Kernel,
  mm: Mm,
  file: OpenFile,
  addr: VirtAddr,
  length: number,
  prot: number,
  flags: number,
  offset: number,
): VirtAddr | string {
  if (offset % PAGE_SIZE !== 0) return 'EINVAL';
  const mapped = do_mmap(k, mm, { addr, length, prot, flags: flags | MAP.PRIVATE, file, pgoff: offset / PAGE_SIZE });
  return typeof mapped === 'string' ? mapped : mapped.addr;
}

/** Bytes from the first page of all segments to their end (total_mapping_size()). */
function total_mapping_size(loads: readonly Phdr[]): number {
  return Math.max(...loads.map((s) => s.vaddr + s.memsz)) - Math.min(...loads.map((s) => pageDown(s.vaddr)));
}

/** The largest p_align that is a power of two (maximum_alignment()). */
function maximum_alignment(loads: readonly Phdr[]): number {
  const powers = loads.map((s) => s.align ?? 0).filter((align) => align > 0 && Number.isInteger(Math.log2(align)));
  return Math.max(PAGE_SIZE, ...powers);
}

/** A segment that no address space can hold; its file part may not be larger than all of it. */
function impossible(segment: Phdr): boolean {
  const end = segment.vaddr + segment.memsz;
  return segment.filesz > segment.memsz || !Number.isSafeInteger(segment.offset) || !(end <= DEFAULT_MAP_WINDOW);
}

/** Where the segments of an ELF file came to lie. */
export interface Placed {
  /** Distance from the addresses in the file. */
  readonly bias: number;
  /** End of the highest segment. */
  readonly end: VirtAddr;
}

/** Where a position-independent file is to begin; 0: wherever there is room. */
function firstPlace(k: Kernel, mm: Mm, elf: ElfBinary, loads: readonly Phdr[], isProgram: boolean): number | string {
  const align = maximum_alignment(loads);
  if (isProgram) {
    const base = ELF_ET_DYN_BASE + aslrOffset(k, 'exec');
    return base - (base % align);
  }
  const [first] = loads;
  if (align <= PAGE_SIZE || first === undefined) return 0;
  // A first try tells where there is room; from there it moves down to a multiple of the alignment.
  const total = pageAlign(total_mapping_size(loads));
  const tried = elf_load(k, mm, k.files.get(elf.file), first, -pageDown(first.vaddr), 0, total);
  if (typeof tried === 'string') return tried;
  do_munmap(k, mm, tried, total);
  return tried - (tried % align);
}

/** Maps all segments; `role` decides where a position-independent file goes. */
function load_segments(
  k: Kernel,
  mm: Mm,
  elf: ElfBinary,
  role: 'program' | 'loader alone' | 'interpreter',
): Placed | string {
  const loads = elf.phdrs.filter((header) => header.type === PT_LOAD);
  if (loads.some(impossible)) return 'EINVAL';
  const { type } = elf.header;
  if (type !== ET_EXEC && type !== ET_DYN) return 'ENOEXEC';
  const isFixed = type === ET_EXEC;
  const file = k.files.get(elf.file);
  let bias = 0;
  let end = 0;
  for (const [i, segment] of loads.entries()) {
    let flags: number = MAP.FIXED;
    let total = 0;
    if (i === 0) {
      if (role === 'interpreter' || !isFixed) total = pageAlign(total_mapping_size(loads));
      if (isFixed) flags = role === 'interpreter' ? MAP.FIXED : MAP.FIXED_NOREPLACE;
      else {
        const place = role === 'interpreter' ? 0 : firstPlace(k, mm, elf, loads, role === 'program');
        if (typeof place === 'string') return place;
        flags = place === 0 ? 0 : MAP.FIXED_NOREPLACE;
        bias = place - pageDown(segment.vaddr);
      }
    }
    const at = elf_load(k, mm, file, segment, bias, flags, total);
    if (typeof at === 'string') return at;
    if (i === 0 && !isFixed) bias = at - pageDown(segment.vaddr);
    end = Math.max(end, bias + segment.vaddr + segment.memsz);
  }
  return loads.length === 0 && (role === 'interpreter' || !isFixed) ? 'EINVAL' : { bias, end };
}

function recordLayout(mm: Mm, elf: ElfBinary, bias: number): void {
  mm.start_code = Number.MAX_SAFE_INTEGER;
  for (const segment of elf.phdrs) {
    if (segment.type !== PT_LOAD) continue;
    const start = bias + segment.vaddr;
    const end = start + segment.filesz;
    if ((segment.flags & PF_X) !== 0) {
      mm.start_code = Math.min(mm.start_code, start);
      mm.end_code = Math.max(mm.end_code, end);
    }
    mm.start_data = Math.max(mm.start_data, start);
    mm.end_data = Math.max(mm.end_data, end);
  }
  if (mm.start_code === Number.MAX_SAFE_INTEGER) mm.start_code = 0;
}

/** Where the program headers lie in memory: in the segment that holds them in the file. */
function phdrAddress({ header, phdrs }: ElfBinary, bias: number): VirtAddr {
  const within = (s: Phdr): boolean =>
    s.type === PT_LOAD && s.offset <= header.phoff && header.phoff < s.offset + s.filesz;
  const segment = phdrs.find(within);
  return segment === undefined ? 0 : bias + header.phoff - segment.offset + segment.vaddr;
}

function setBrk(k: Kernel, mm: Mm, program: Program, end: VirtAddr): void {
  const separate = program.header.type !== ET_EXEC && program.interp === null;
  const start = pageAlign(separate ? ELF_ET_DYN_BASE : end) + aslrOffset(k, 'brk');
  mm.start_brk = start;
  mm.brk = start;
}

/** A program that is mapped: how far it and its interpreter lie from the addresses in their files. */
export interface LoadedProgram {
  readonly bias: number;
  readonly interpBias: number;
}

/**
 * load_elf_binary() behind its point of no return: fills the new address space. An errno is reported to nobody: the process
 * dies.
 */
export function load_elf_binary(k: Kernel, mm: Mm, program: Program, args: Arguments): LoadedProgram | string {
  const pathOf = (elf: ElfBinary): string => k.inodes.get(k.files.get(elf.file).inode).path;
  const path = pathOf(program);
  arch_pick_mmap_layout(k, mm);
  stage(k, path, 'stack');
  const stackHeader = program.phdrs.findLast((header) => header.type === PT_GNU_STACK);
  const noStack = setup_arg_pages(k, mm, args, stackHeader !== undefined && (stackHeader.flags & PF_X) !== 0);
  if (noStack !== null) return noStack;
  stage(k, path, 'segments');
  const loaded = load_segments(k, mm, program, program.interp === null ? 'loader alone' : 'program');
  if (typeof loaded === 'string') return loaded;
  recordLayout(mm, program, loaded.bias);
  const entry = loaded.bias + program.header.entry;
  mm.entry = entry;
  setBrk(k, mm, program, loaded.end);
  let interpBias = 0;
  if (program.interp !== null) {
    stage(k, pathOf(program.interp), 'interpreter');
    const interp = load_segments(k, mm, program.interp, 'interpreter');
    if (typeof interp === 'string') return interp;
    interpBias = interp.bias;
    mm.entry = interp.bias + program.interp.header.entry;
  }
  if (!(mm.entry < DEFAULT_MAP_WINDOW)) return 'EINVAL';
  stage(k, path, 'vdso');
  map_vdso(k, mm);
  const facts = { phdr: phdrAddress(program, loaded.bias), phnum: program.header.phnum, base: interpBias, entry };
  return create_elf_tables(k, mm, args, facts) ?? { bias: loaded.bias, interpBias };
}
