/**
 * What there is: the records of which the machine's state is made. Plain data; what happens to them is in mm/, fs/ and
 * kernel/. Each kind has a `copy…` for its first change after a snapshot.
 */

import type { ElfSegment } from '../abi.ts';
import type { Pfn, VirtAddr } from '../machine/address.ts';
import type { PageContent } from '../machine/content.ts';
import type { PageTables } from '../machine/pagetable.ts';
import type { VmaTree } from '../mm/vma-tree.ts';
import type { Counts } from './counts.ts';
import type { CowRecord } from './cow.ts';

/** mm_struct: one address space. Sizes in pages unless the name is an address. */
export interface Mm extends CowRecord {
  readonly id: number;
  owner: number;
  pt: PageTables;
  vmas: VmaTree;
  /** Tasks that use it (mm_users). */
  users: number;
  total_vm: number;
  locked_vm: number;
  data_vm: number;
  exec_vm: number;
  stack_vm: number;
  /** Resident pages by kind: MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS. */
  rss_anon: number;
  rss_file: number;
  rss_shmem: number;
  swapents: number;
  hiwater_rss: number;
  hiwater_vm: number;
  /** VM_LOCKED and VM_LOCKONFAULT of mlockall(MCL_FUTURE). */
  def_flags: number;
  start_code: VirtAddr;
  end_code: VirtAddr;
  start_data: VirtAddr;
  end_data: VirtAddr;
  start_brk: VirtAddr;
  brk: VirtAddr;
  start_stack: VirtAddr;
  arg_start: VirtAddr;
  arg_end: VirtAddr;
  env_start: VirtAddr;
  env_end: VirtAddr;
  mmap_base: VirtAddr;
  /** Places are looked for downwards from mmap_base (MMF_TOPDOWN), else upwards from there. */
  topdown: boolean;
  /** Address of [vdso], 0 when there is none. */
  vdso: VirtAddr;
  /** Inode of the executed program, 0 for none. */
  exe: number;
  entry: VirtAddr;
}

export function copyMm(mm: Mm, owner: number): Mm {
  return { ...mm, owner, pt: mm.pt.share(), vmas: mm.vmas.share() };
}

/** Names of the resource limits that are kept, as in getrlimit(2). */
export type RlimitName =
  | 'CPU'
  | 'FSIZE'
  | 'DATA'
  | 'STACK'
  | 'CORE'
  | 'RSS'
  | 'NPROC'
  | 'NOFILE'
  | 'MEMLOCK'
  | 'AS'
  | 'LOCKS'
  | 'SIGPENDING'
  | 'MSGQUEUE'
  | 'NICE'
  | 'RTPRIO'
  | 'RTTIME';

export interface Rlimit {
  /** Soft and hard limit, RLIM_INFINITY is Infinity. */
  readonly soft: number;
  readonly hard: number;
}

/** Why a task is no more. */
export type TaskEnd =
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'signal'; readonly signal: string; readonly code: string };

/** What stop signals did to a process (signal_struct: flags, group_exit_code). Immutable; replaced on change. */
export interface JobControl {
  /** The process is stopped (SIGNAL_STOP_STOPPED): none of its threads runs until SIGCONT. */
  readonly stopped: boolean;
  /** Number of the stop signal that nobody waited for yet, 0 for none. */
  readonly untold: number;
  /** It was continued, and nobody waited for that yet (SIGNAL_STOP_CONTINUED). */
  readonly continued: boolean;
  /** Deadly signals that came while it was stopped, by number. */
  readonly pending: readonly number[];
}

/** task_struct, with what a process's threads share folded in where one task is enough. */
export interface Task extends CowRecord {
  readonly pid: number;
  owner: number;
  /** Thread group: the pid of its leader. */
  tgid: number;
  /** Thread group of the parent (real_parent->tgid); of a thread, the parent of its process. */
  parent: number;
  /** The thread that made it (real_parent); once that is gone, the first living thread of {@link parent} stands for it. */
  maker: number;
  /** The signal that its end sends to the parent; SIGCHLD makes it a child that wait4() sees without __WCLONE. */
  exit_signal: number;
  /** Programs that it executed (self_exec_id), and that its maker had executed when it was made (parent_exec_id). */
  self_exec_id: number;
  readonly parent_exec_id: number;
  /** Process group: the pid of its leader. */
  readonly pgrp: number;
  /** Where its end stores a zero for others who use the memory (CLONE_CHILD_CLEARTID), 0 for nowhere. */
  clear_child_tid: VirtAddr;
  /** Address space; 0 once it is gone. */
  mm: number;
  state: 'alive' | 'zombie' | 'dead';
  end: TaskEnd | null;
  min_flt: number;
  maj_flt: number;
  /** Open file ids by descriptor, shared by reference until changed. */
  files: ReadonlyMap<number, number>;
  /** Descriptors that execve closes (O_CLOEXEC). */
  cloexec: ReadonlySet<number>;
  /** Other tasks see this descriptor table (CLONE_FILES): id of the group, the pid of a task. */
  filesGroup: number;
  /** Of the task that names a group of {@link filesGroup}: its living members; null when nobody ever joined. */
  filesSharers: Counts | null;
  /** Of a leader: the other threads there ever were; null for none. */
  threads: Counts | null;
  /** Of a leader: threads that live, itself included (signal->live). */
  live: number;
  /** Of a leader. */
  job: JobControl;
  /** Tasks whose parent it is, those that are dead left out; null for none yet. */
  children: Counts | null;
  rlimits: Readonly<Record<RlimitName, Rlimit>>;
  /** Signals with a handler. */
  handlers: ReadonlySet<string>;
  personality: number;
  /** Path of the program. */
  comm: string;
  /** The child that a vfork waits for, 0 for none. */
  vforkChild: number;
  /** The task that waits for this one, a vfork child; 0 for none. */
  vforkParent: number;
  oom_score_adj: number;
}

export function copyTask(task: Task, owner: number): Task {
  return { ...task, owner };
}

/** Pages of an inode in the page cache, 64 to a chunk. Values: PFN, 0 for none, -(slot + 1) for shmem in swap. */
export interface CacheChunk {
  readonly owner: number;
  readonly pages: Int32Array;
  /** Shadow entries of pages that reclaim took (mm/workingset.ts), 0 for none; null until there is one. */
  readonly shadows: Int32Array | null;
}

/** From `page` on the file is full of `byte`, up to file offset `end`; zeros behind. */
export interface ElfFill {
  readonly page: number;
  readonly byte: number;
  readonly end: number;
}

/** What a file's disk holds where nothing was ever written back. */
export type DiskImage =
  | { readonly kind: 'zeros' }
  /** Byte i is i / 4096 + 1 modulo 256. */
  | { readonly kind: 'pattern' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Page i is full of the byte at i, bytes of the first page given. */
  | {
      readonly kind: 'elf';
      readonly header: Uint8Array;
      readonly fills: readonly ElfFill[];
    }
  | { readonly kind: 'host'; readonly read: (offset: number, length: number) => Uint8Array };

/** `device`: declared, with a driver; `zero` and `null` are those of Linux's own memory driver. */
export type InodeKind = 'file' | 'shmem' | 'device' | 'directory' | 'zero' | 'null';

export interface Inode extends CowRecord {
  readonly id: number;
  owner: number;
  readonly kind: InodeKind;
  /** As maps prints it, without ` (deleted)`. */
  path: string;
  /** What the one user of all processes may do with it: read 4, write 2, execute 1 (inode_permission()). */
  readonly access: number;
  /** Unlinked, or never had a name. */
  deleted: boolean;
  /** i_size, bytes. */
  size: number;
  readonly image: DiskImage;
  /** Bytes of the image that are still on disk: truncation gives back whole blocks. */
  imageEnd: number;
  /** Where the image was punched away: page ranges [first, end), one number after the other, ascending, none touching. */
  holes: readonly number[];
  /** Pages that were written back, by index. */
  written: ReadonlyMap<number, PageContent>;
  writtenOwner: number;
  cache: ReadonlyMap<number, CacheChunk>;
  cacheOwner: number;
  /** Pages in the cache (address_space.nrpages). */
  nrpages: number;
  /** shmem: pages in swap. */
  swapped: number;
  /** VMAs of this file by address space (stands for i_mmap). */
  mms: Counts;
  /** Open files and VMAs that hold it. */
  users: number;
  /** Address spaces that execute it (deny_write_access()). */
  executing: number;
  /** shmem: blocks were reserved at creation (VM_NORESERVE not given). */
  accounted: number;
  readonly device: DeviceNode | null;
  /** Behind a SysV segment. */
  readonly sysv: boolean;
  /** AS_UNEVICTABLE: reclaim leaves its pages alone (SHM_LOCK). */
  unevictable: boolean;
  /** shmem: F_SEAL_* bits. */
  seals: number;
}

export interface DeviceNode {
  readonly pages: number;
  readonly mmap: 'remap' | 'insert' | 'fault';
  readonly firstPfn: Pfn;
}

export function copyInode(inode: Inode, owner: number): Inode {
  return { ...inode, owner };
}

/** struct file: an open file description. */
export interface OpenFile extends CowRecord {
  readonly id: number;
  owner: number;
  readonly inode: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly append: boolean;
  /** O_SYNC or O_DSYNC: a write waits for the disk. */
  readonly sync: boolean;
  /** O_DIRECT. */
  readonly direct: boolean;
  /** O_PATH: it names the file, and can do nothing with it. */
  readonly path: boolean;
  pos: number;
  /** Descriptors and VMAs that hold it. */
  refs: number;
  /** Where sequential read() expects to go on, in pages; -1 after open (file_ra_state). */
  ra_start: number;
  ra_size: number;
  ra_async: number;
  mmap_miss: number;
  prev_pos: number;
}

export function copyOpenFile(file: OpenFile, owner: number): OpenFile {
  return { ...file, owner };
}

/** anon_vma: names the pages of a VMA and of what was forked or split from it (mm/rmap.c). */
export interface AnonVma extends CowRecord {
  readonly id: number;
  owner: number;
  readonly root: number;
  readonly parent: number;
  num_children: number;
  num_active_vmas: number;
  /** VMA chains that contain it. */
  chains: number;
  /** Of a root: VMAs of the family by address space. */
  mms: Counts;
}

export function copyAnonVma(anon: AnonVma, owner: number): AnonVma {
  return { ...anon, owner };
}

/** Program headers of an executable or shared object that the kernel and the loader map. */
export interface ElfFile {
  readonly path: string;
  readonly inode: number;
  readonly type: 'static' | 'pie' | 'shared';
  /** Entry point: absolute for `static`, else relative to the load base. */
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly relro: { readonly vaddr: number; readonly memsz: number } | null;
  readonly interp: string | null;
  /** Paths of the libraries it needs, in order. */
  readonly needs: readonly string[];
}

/** A SysV shared memory segment. Immutable; replaced on change. */
export interface ShmSegment {
  readonly shmid: number;
  readonly key: number;
  readonly inode: number;
  /** Bytes as asked for. */
  readonly size: number;
  readonly removed: boolean;
  /** Permission bits. */
  readonly mode: number;
  /** SHM_LOCK. */
  readonly locked: boolean;
  /** Who made it, and who attached it last; 0 for nobody. */
  readonly cpid: number;
  readonly lpid: number;
}
