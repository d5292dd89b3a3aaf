/** The functions of `assert`: they look and never touch. */

import type { Arg, Because, Query, QueryResult } from './abi.ts';
import { missing_file } from './fs/missing.ts';
import { canonical } from './fs/namei.ts';
import { deadWords } from './kernel/end-words.ts';
import { process_faults } from './kernel/task.ts';
import { foldWord, pteIndex } from './machine/address.ts';
import { contentByte, readFrameByte } from './machine/content.ts';
import { PTE_MAPPED, PTE_SPECIAL, PTE_SWAP } from './machine/pagetable.ts';
import { page_is_dirty } from './mm/filemap.ts';
import { oom_score } from './mm/oom.ts';
import { cache_entry, disk_page, file_pages, find_get_page } from './mm/page-cache.ts';
import { linear_page_index } from './mm/vma.ts';
import { folio_test_writeback } from './mm/writeback.ts';
import { vma_perms } from './proc/maps.ts';
import { meminfo } from './proc/meminfo.ts';
import { smaps_entry } from './proc/smaps.ts';
import { vmstat } from './proc/vmstat.ts';
import type { Kernel } from './state/kernel.ts';
import type { Inode, Mm, Task } from './state/records.ts';

type Answer = QueryResult;

function int(value: number): Answer {
  return { kind: 'int', value: BigInt(value) };
}

function error(message: string, because?: Because): Answer {
  return { kind: 'error', message, ...(because === undefined ? {} : { because }) };
}

/** What a query about a page of a process starts from. */
interface Place {
  readonly mm: Mm;
  readonly addr: number;
  readonly flags: number;
  readonly value: number;
}

function word(args: readonly Arg[], index: number): number {
  const arg = args[index];
  return typeof arg === 'bigint' ? foldWord(BigInt.asUintN(64, arg)) : 0;
}

function place(mm: Mm, addr: number): Place {
  const table = addr < 2 ** 56 ? mm.pt.find(addr) : undefined;
  const at = 2 * pteIndex(addr);
  return { mm, addr, flags: table?.words[at] ?? 0, value: table?.words[at + 1] ?? 0 };
}

function frameOf(p: Place): number | null {
  return (p.flags & PTE_MAPPED) !== 0 ? p.value : null;
}

/** The byte that a load would give, without the load. */
function peek(k: Kernel, p: Place): Answer {
  const offset = p.addr % 4096;
  if ((p.flags & PTE_SWAP) !== 0) {
    const cached = k.swap.cached(p.value);
    return int(cached !== 0 ? readFrameByte(k.frames, cached, offset) : contentByte(k.swap.content(p.value), offset));
  }
  const special = (p.flags & PTE_SPECIAL) !== 0;
  if (special && p.value === k.frames.zeroPfn) return int(0);
  if ((p.flags & PTE_MAPPED) !== 0) return int(k.frames.known(p.value) ? readFrameByte(k.frames, p.value, offset) : 0);
  const vma = p.mm.vmas.lookup(p.addr);
  if (vma === undefined) return error('nothing is mapped there');
  if (vma.inode === 0) return int(0);
  const inode = k.inodes.get(vma.inode);
  return int(fileByte(k, inode, linear_page_index(vma, p.addr), offset));
}

function fileByte(k: Kernel, inode: Inode, index: number, offset: number): number {
  const entry = cache_entry(inode, index);
  if (entry > 0) return readFrameByte(k.frames, entry, offset);
  if (entry < 0) return contentByte(k.swap.content(-entry - 1), offset);
  // Where shmem has neither page nor slot there is a hole.
  if (inode.kind === 'shmem' || index >= file_pages(inode)) return 0;
  return contentByte(disk_page(inode, index), offset);
}

const PAGE_QUERIES: Readonly<Record<string, (k: Kernel, p: Place) => Answer>> = {
  phys: (_k, p) => {
    const pfn = frameOf(p);
    return pfn === null ? error('the page is not present') : int(pfn * 4096 + (p.addr % 4096));
  },
  pfn: (_k, p) => {
    const pfn = frameOf(p);
    return pfn === null ? error('the page is not present') : int(pfn);
  },
  present: (_k, p) => ({ kind: 'bool', value: frameOf(p) !== null }),
  swapped: (_k, p) => ({ kind: 'bool', value: (p.flags & PTE_SWAP) !== 0 }),
  refs: (k, p) => {
    const pfn = frameOf(p);
    if (pfn === null) return error('the page is not present');
    return int((p.flags & PTE_SPECIAL) !== 0 ? 0 : k.frames.mapcountOf(pfn));
  },
  perm: (_k, p) => {
    const vma = p.mm.vmas.lookup(p.addr);
    return vma === undefined ? error('nothing is mapped there') : { kind: 'string', value: vma_perms(vma) };
  },
  byte: peek,
};

function pss(k: Kernel, mm: Mm): number {
  let kb = 0;
  for (const vma of mm.vmas.toArray()) kb += smaps_entry(k, mm, vma).Pss;
  return kb * 1024;
}

const PROCESS_QUERIES: Readonly<Record<string, (k: Kernel, task: Task, mm: Mm) => Answer>> = {
  rss: (_k, _task, mm) => int((mm.rss_anon + mm.rss_file + mm.rss_shmem) * 4096),
  pss: (k, _task, mm) => int(pss(k, mm)),
  vsz: (_k, _task, mm) => int(mm.total_vm * 4096),
  vmas: (_k, _task, mm) => int(mm.vmas.size),
};

/** Functions of a file and an offset in it. */
const FILE_QUERIES: ReadonlySet<string> = new Set(['cached', 'dirty', 'writeback', 'disk']);

function fileQuery(k: Kernel, query: Query): Answer {
  const arg = query.args[0];
  const path = typeof arg === 'object' && 'text' in arg ? arg.text : '';
  const id = k.paths.get(canonical(path));
  if (id === undefined) {
    const { words, because } = missing_file(k, path);
    return error(words, because);
  }
  const inode = k.inodes.get(id);
  const offset = word(query.args, 1);
  const index = Math.floor(offset / 4096);
  const pfn = find_get_page(inode, index);
  if (query.name === 'cached') return { kind: 'bool', value: pfn !== 0 };
  if (query.name === 'dirty') return { kind: 'bool', value: pfn !== 0 && page_is_dirty(k, pfn) };
  if (query.name === 'writeback') return { kind: 'bool', value: pfn !== 0 && folio_test_writeback(k, pfn) };
  return int(contentByte(disk_page(inode, index), offset % 4096));
}

function counter(lines: Readonly<Record<string, number>>, query: Query, unit: number): Answer {
  const arg = query.args[0];
  const line = typeof arg === 'object' && 'text' in arg ? arg.text : '';
  const value = Object.hasOwn(lines, line) ? lines[line] : undefined;
  return value === undefined ? error(`/proc/${query.name} has no line "${line}"`) : int(value * unit);
}

/** Answers one query; sizes are bytes. */
export function answer_query(k: Kernel, query: Query): Answer {
  const { name, args } = query;
  if (name === 'free') return int(k.frames.counters.free);
  if (name === 'swap_used') return int(k.swap.used);
  if (name === 'vmstat') return counter(vmstat(k), query, 1);
  if (name === 'meminfo') return counter(meminfo(k), query, 1024);
  if (FILE_QUERIES.has(name)) return fileQuery(k, query);
  const task = k.tasks.find(word(args, 0));
  if (task === undefined) return error('there is no such process');
  if (name === 'minflt') return int(process_faults(k, task).minflt);
  if (name === 'majflt') return int(process_faults(k, task).majflt);
  if (name === 'oom_score_adj') return { kind: 'int', value: BigInt.asUintN(64, BigInt(task.oom_score_adj)) };
  if (name === 'oom_score') return int(oom_score(k, task));
  if (task.mm === 0) return error(deadWords(task), { pid: task.pid, state: 'is dead' });
  const mm = k.mms.get(task.mm);
  const ofPage = PAGE_QUERIES[name];
  if (ofPage !== undefined) return ofPage(k, place(mm, word(args, 1)));
  const ofProcess = PROCESS_QUERIES[name];
  return ofProcess === undefined ? error(`unknown function ${name}`) : ofProcess(k, task, mm);
}
