/** execve: a new address space from an ELF file (fs/exec.c, fs/binfmt_elf.c). */

import type { ElfSegment, StringArg } from '../abi.ts';
import { PAGE_SIZE, pageAlign, pageDown, type VirtAddr } from '../machine/address.ts';
import { writeFrame } from '../machine/content.ts';
import { PG_READAHEAD } from '../machine/frames.ts';
import { mark_accessed } from '../machine/lru.ts';
import { PageTables } from '../machine/pagetable.ts';
import { cpu_access } from '../mm/access.ts';
import { rlimit, vm_enough_memory, vm_stat_account } from '../mm/accounting.ts';
import { do_brk_flags } from '../mm/brk.ts';
import { fput, open_file } from '../mm/file-refs.ts';
import { do_mmap } from '../mm/mmap.ts';
import { do_munmap } from '../mm/munmap.ts';
import { find_get_page } from '../mm/page-cache.ts';
import { page_cache_async_ra, page_cache_sync_ra } from '../mm/readahead.ts';
import { grow_down } from '../mm/stack.ts';
import { DEFAULT_MAP_WINDOW } from '../mm/unmapped-area.ts';
import * as vm from '../mm/vma.ts';
import { vma_link } from '../mm/vma-link.ts';
import { VmaTree } from '../mm/vma-tree.ts';
import type { Kernel } from '../state/kernel.ts';
import type { ElfFile, Inode, Mm, OpenFile } from '../state/records.ts';
import { MAP, PROT, READ_IMPLIES_EXEC } from '../uapi.ts';
import { aslrOffset } from './aslr.ts';
import { utf8 } from './utf8.ts';
import { map_vdso } from './vdso.ts';

const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** ELF_ET_DYN_BASE: two thirds of the address space. */
const ELF_ET_DYN_BASE = 0x555555554aaa;
/** setup_arg_pages() makes the stack this much larger than what the arguments need. */
const STACK_EXPAND = 131072;
const STACK_FLAGS =
  vm.VM_READ | vm.VM_WRITE | vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC | vm.VM_GROWSDOWN | vm.VM_ACCOUNT;

function emptyMm(k: Kernel): Mm {
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

function stage(k: Kernel, path: string, what: string): void {
  if (k.sink !== null) k.emit({ type: 'exec', path, stage: what });
}

/** kernel_read() of the first bytes: brings the header into the page cache, with what readahead adds. */
function readHeader(k: Kernel, inode: Inode, file: OpenFile): void {
  if (inode.kind !== 'file') return;
  const pfn = find_get_page(inode, 0);
  if (pfn === 0) page_cache_sync_ra(k, k.inodes.edit(inode.id), file, 0, 1);
  else if ((k.frames.flagsOf(pfn) & PG_READAHEAD) !== 0) page_cache_async_ra(k, k.inodes.edit(inode.id), file, 0, 1);
  file.prev_pos = 255;
}

/** Strings on the new stack and how the pages below them are filled. */
interface StackImage {
  readonly bytes: Uint8Array;
  readonly pointer: VirtAddr;
  readonly argStart: VirtAddr;
  readonly argEnd: VirtAddr;
  readonly envEnd: VirtAddr;
}

/** Bytes of argc, the pointers and the auxiliary vector that create_elf_tables() puts at the stack pointer. */
function tableBytes(argc: number, envc: number): number {
  // 22 entries, and the one that ends them.
  const auxv = 23 * 16;
  return 8 + (argc + 1 + envc + 1) * 8 + auxv;
}

function layoutStack(top: VirtAddr, path: string, argv: readonly StringArg[], envp: readonly StringArg[]): StackImage {
  const name = utf8(path);
  const strings: Uint8Array[] = [...argv.map((a) => a.bytes), ...envp.map((e) => e.bytes), name];
  const total = strings.reduce((sum, s) => sum + s.length + 1, 0);
  const argBytes = argv.reduce((sum, a) => sum + a.bytes.length + 1, 0);
  const envBytes = envp.reduce((sum, e) => sum + e.bytes.length + 1, 0);
  const start = top - 8 - total;
  const bytes = new Uint8Array(total + 8);
  let at = 0;
  for (const s of strings) {
    bytes.set(s, at);
    at += s.length + 1;
  }
  // "x86_64" and 16 random bytes below the strings, then the tables, 16-byte aligned.
  const below = start - (start % 16) - 7 - 16;
  const pointer = below - tableBytes(argv.length, envp.length);
  return {
    bytes,
    pointer: pointer - (pointer % 16),
    argStart: start,
    argEnd: start + argBytes,
    envEnd: start + argBytes + envBytes,
  };
}

function writeUser(k: Kernel, mm: Mm, addr: VirtAddr, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    const at = addr + done;
    const part = Math.min(bytes.length - done, PAGE_SIZE - (at % PAGE_SIZE));
    const pfn = cpu_access(k, mm, at, 'write', 'kernel');
    if (pfn < 0) return false;
    writeFrame(k.frames, k.epoch, pfn, at % PAGE_SIZE, bytes.subarray(done, done + part));
    done += part;
  }
  return true;
}

/**
 * get_arg_page(): the path, the environment and the arguments are copied one behind the other, and each copy looks its page up
 * anew, which counts as a use of it.
 */
function touchArguments(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, copies: number): void {
  if (pageDown(start) + PAGE_SIZE !== end) return;
  const pfn = cpu_access(k, mm, start, 'write', 'kernel');
  if (pfn < 0) return;
  for (let copy = 0; copy < copies; copy++) mark_accessed(k.frames, pfn);
}

/** setup_arg_pages(): the stack VMA at the top, with room to grow and the arguments on its last page. */
function setup_stack(k: Kernel, mm: Mm, path: string, argv: readonly StringArg[], envp: readonly StringArg[]): boolean {
  const top = DEFAULT_MAP_WINDOW - aslrOffset(k, 'stack');
  const image = layoutStack(top, path, argv, envp);
  const first = pageDown(Math.min(image.pointer, image.argStart));
  if (top - first > Math.max(rlimit(k, 'STACK') / 4, 131072)) return false;
  if (!vm_enough_memory(k, mm, (top - first) / PAGE_SIZE)) return false;
  vma_link(k, mm, {
    vm_start: first,
    vm_end: top,
    vm_flags: STACK_FLAGS,
    vm_pgoff: first / PAGE_SIZE,
    vm_file: 0,
    inode: 0,
    anon: null,
    vm_ops: 'none',
    special: null,
  });
  vm_stat_account(mm, STACK_FLAGS, (top - first) / PAGE_SIZE);
  if (!writeUser(k, mm, image.argStart, image.bytes)) return false;
  touchArguments(k, mm, image.argStart, top, envp.length > 0 ? 3 : 2);
  for (let page = pageDown(image.argStart) - PAGE_SIZE; page >= first; page -= PAGE_SIZE) {
    if (cpu_access(k, mm, page, 'write', 'kernel') < 0) return false;
  }
  const stack = mm.vmas.lookup(first) as vm.Vma;
  const limit = rlimit(k, 'STACK');
  const base = Math.max(first - STACK_EXPAND, Number.isFinite(limit) ? top - pageDown(limit) : 0);
  if (base < first) {
    // A machine smaller than a stack can be: its first 128 KiB are promised without asking.
    k.scalars.committed += (first - base) / PAGE_SIZE;
    grow_down(k, mm, stack, base);
  }
  mm.start_stack = image.pointer;
  mm.arg_start = image.argStart;
  mm.arg_end = image.argEnd;
  mm.env_start = image.argEnd;
  mm.env_end = image.envEnd;
  return true;
}

function segmentProt(segment: ElfSegment): number {
  return (
    ((segment.flags & PF_R) !== 0 ? PROT.READ : 0) |
    ((segment.flags & PF_W) !== 0 ? PROT.WRITE : 0) |
    ((segment.flags & PF_X) !== 0 ? PROT.EXEC : 0)
  );
}

/** padzero(): the rest of the data's last file page belongs to the bss and must read as zero. */
function padzero(k: Kernel, mm: Mm, from: VirtAddr): boolean {
  if (from % PAGE_SIZE === 0) return true;
  return writeUser(k, mm, from, new Uint8Array(PAGE_SIZE - (from % PAGE_SIZE)));
}

/** elf_load(): one segment: its file part, the zeroed rest of the last page, and anonymous memory for the bss. */
function elf_load(
  k: Kernel,
  mm: Mm,
  file: OpenFile,
  segment: ElfSegment,
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

function elf_bss(k: Kernel, mm: Mm, start: VirtAddr, end: VirtAddr, segment: ElfSegment): string | null {
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
  const mapped = do_mmap(k, mm, { addr, length, prot, flags: flags | MAP.PRIVATE, file, pgoff: offset / PAGE_SIZE });
  return typeof mapped === 'string' ? mapped : mapped.addr;
}

/** Bytes from the first segment's page to the end of the last segment (total_mapping_size()). */
function totalSize(elf: ElfFile): number {
  const first = elf.segments[0];
  if (first === undefined) return 0;
  const end = Math.max(...elf.segments.map((s) => s.vaddr + s.memsz));
  return pageAlign(end - pageDown(first.vaddr));
}

/** Where the segments of an ELF file came to lie. */
interface Loaded {
  readonly bias: number;
  readonly brk: VirtAddr;
}

/** Maps all segments: the first one decides the place of a position-independent file. */
function load_segments(k: Kernel, mm: Mm, elf: ElfFile, file: OpenFile, base: number | null): Loaded | string {
  let bias = elf.type === 'static' ? 0 : (base ?? 0);
  let brk = 0;
  let first = true;
  for (const segment of elf.segments) {
    let flags: number = first && elf.type === 'static' ? MAP.FIXED_NOREPLACE : MAP.FIXED;
    let total = 0;
    if (first && elf.type !== 'static') {
      flags = base === null ? 0 : MAP.FIXED_NOREPLACE;
      total = totalSize(elf);
    }
    const at = elf_load(k, mm, file, segment, bias, flags, total);
    if (typeof at === 'string') return at;
    if (first && elf.type !== 'static') bias = at - pageDown(segment.vaddr);
    first = false;
    brk = Math.max(brk, bias + segment.vaddr + segment.memsz);
  }
  return { bias, brk };
}

function recordLayout(mm: Mm, elf: ElfFile, bias: number): void {
  mm.start_code = Number.MAX_SAFE_INTEGER;
  for (const segment of elf.segments) {
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

function setBrk(k: Kernel, mm: Mm, elf: ElfFile, brk: VirtAddr): void {
  const separate = elf.type !== 'static' && elf.interp === null;
  const start = pageAlign(separate ? ELF_ET_DYN_BASE : brk) + aslrOffset(k, 'brk');
  mm.start_brk = start;
  mm.brk = start;
}

function load_interp(k: Kernel, mm: Mm, path: string): (Loaded & { readonly entry: VirtAddr }) | string {
  const elf = k.elves.get(path);
  if (elf === undefined) return 'ENOENT';
  stage(k, path, 'interpreter');
  const id = open_file(k, elf.inode, { readable: true, writable: false, append: false });
  readHeader(k, k.inodes.get(elf.inode), k.files.edit(id));
  const loaded = load_segments(k, mm, elf, k.files.get(id), null);
  fput(k, id);
  return typeof loaded === 'string' ? loaded : { ...loaded, entry: loaded.bias + elf.entry };
}

function build(
  k: Kernel,
  mm: Mm,
  elf: ElfFile,
  file: OpenFile,
  argv: readonly StringArg[],
  envp: readonly StringArg[],
): string | null {
  mm.mmap_base = mmap_base(k);
  stage(k, elf.path, 'stack');
  if (!setup_stack(k, mm, elf.path, argv, envp)) return 'E2BIG';
  stage(k, elf.path, 'segments');
  const base = elf.type === 'pie' && elf.interp !== null ? pageDown(ELF_ET_DYN_BASE) + aslrOffset(k, 'exec') : null;
  const loaded = load_segments(k, mm, elf, file, base);
  if (typeof loaded === 'string') return loaded;
  recordLayout(mm, elf, loaded.bias);
  mm.entry = loaded.bias + elf.entry;
  setBrk(k, mm, elf, loaded.brk);
  if (elf.interp !== null) {
    const interp = load_interp(k, mm, elf.interp);
    if (typeof interp === 'string') return interp;
    mm.entry = interp.entry;
  }
  stage(k, elf.path, 'vdso');
  map_vdso(k, mm);
  return null;
}

/**
 * load_elf_binary(): makes the address space for `path` and puts it in the place of the running task's. An errno
 * before the old one is gone leaves it; `SIGSEGV` stands for a failure behind that point
 * (fs/exec.c: bprm_execve()). READ_IMPLIES_EXEC is forgotten (set_personality_64bit()).
 */
export function exec_elf(
  k: Kernel,
  pid: number,
  path: string,
  argv: readonly StringArg[],
  envp: readonly StringArg[],
  release: (mmId: number) => void,
): string | null {
  const inodeId = k.paths.get(path);
  if (inodeId === undefined) return 'ENOENT';
  const elf = k.elves.get(path);
  if (elf === undefined || elf.type === 'shared') return 'EACCES';
  if (elf.interp !== null && k.elves.get(elf.interp) === undefined) return 'ENOENT';
  const id = open_file(k, inodeId, { readable: true, writable: false, append: false });
  readHeader(k, k.inodes.get(inodeId), k.files.edit(id));
  const mm = emptyMm(k);
  mm.exe = inodeId;
  k.inodes.edit(inodeId).executing++;
  const task = k.tasks.edit(pid);
  const old = task.mm;
  task.mm = mm.id;
  task.personality &= ~READ_IMPLIES_EXEC;
  if (old !== 0) {
    stage(k, path, 'old address space');
    release(old);
  }
  k.tlb.flushAll();
  const error = build(k, mm, elf, k.files.get(id), argv, envp);
  fput(k, id);
  return error === null ? null : 'SIGSEGV';
}
