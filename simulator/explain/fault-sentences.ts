/** Sentences of an access: TLB, page walk, page fault, and the kernel function that serves it. */

import type { EventData } from '../events.ts';
import { hex } from '../machine/address.ts';
import { PTE_GUARD, PTE_PROTNONE, PTE_SWAP } from '../machine/pagetable.ts';
import { VM_EXEC, VM_READ, VM_WRITE } from '../mm/vma.ts';
import { levelName } from '../view/tables.ts';
import {
  type Around,
  accessNoun,
  count,
  entryWords,
  faultKindWords,
  perms,
  range,
  type Telling,
  vmaWords,
} from './words.ts';

type Event<T extends EventData['type']> = Extract<EventData, { type: T }>;

function pathWords(telling: Telling, indexes: readonly number[]): string {
  return indexes.map((index, i) => `${levelName(telling.levels - 1 - i, telling.levels)} ${index}`).join(' → ');
}

function absentReason({ flags, pfn }: Event<'page-walk'>['pte']): string {
  if ((flags & PTE_SWAP) !== 0) return `not present: it names swap slot ${pfn}`;
  if ((flags & PTE_GUARD) !== 0) return 'not present: a guard marker';
  return (flags & PTE_PROTNONE) !== 0 ? 'not present: PROT_NONE hides the page' : 'not present';
}

export function pageWalk(telling: Telling, event: Event<'page-walk'>): string {
  const depth = event.indexes.length;
  const last = depth === 0 ? '' : `${levelName(telling.levels - depth, telling.levels)} ${event.indexes[depth - 1]}`;
  switch (event.end) {
    case 'non-canonical':
      return 'the address is not canonical: the MMU raises a general protection fault without a walk';
    case 'no-table': {
      const below = levelName(Math.max(0, telling.levels - depth - 1), telling.levels);
      return `page walk stopped at ${last}: there is no ${below} table`;
    }
    case 'not-present':
      return `page walk stopped at ${last}: ${absentReason(event.pte)}`;
    case 'no-permission': {
      const missing = event.access === 'exec' ? 'NX forbids the fetch' : 'no W, so the write faults';
      return `page walk stopped at ${last}: ${entryWords(telling, event.pte)}: ${missing}`;
    }
    case 'present':
      return `page walk ${pathWords(telling, event.indexes)}: ${entryWords(telling, event.pte)}; the TLB keeps it`;
  }
}

export function tlbHit(event: Event<'tlb-hit'>): string {
  return `TLB hit: the page is in frame ${hex(event.pfn)}, no walk is needed`;
}

export function fault(event: Event<'fault'>): string {
  const who = event.byKernel ? 'the kernel, working for the process, needs' : 'the CPU asks the kernel for';
  return `page fault: ${who} ${accessNoun(event.access)} at ${hex(event.va)}`;
}

const NEEDED = { read: VM_READ, write: VM_WRITE, exec: VM_EXEC } as const;

export function findVma(event: Event<'find-vma'>, around: Around): string {
  const { vma } = event;
  if (vma === null) return `find_vma(): no VMA holds ${hex(event.va)}`;
  const { access } = around;
  const allows = access !== null && (vma.flags & NEEDED[access]) !== 0 ? ` and allows ${accessNoun(access)}` : '';
  return `find_vma(): ${vmaWords(vma)} holds ${hex(event.va)}${allows}`;
}

export function accessError(event: Event<'access-error'>): string {
  const mode = perms(event.vma.flags);
  const what = { read: 'reading', write: 'writing', exec: 'executing' }[event.access];
  return `the VMA is ${mode}: ${what} is not allowed, so the fault cannot be served (SEGV_ACCERR)`;
}

const GROWTH: Readonly<Record<string, string>> = {
  RLIMIT_STACK: 'it would be larger than RLIMIT_STACK',
  RLIMIT_AS: 'the address space would be larger than RLIMIT_AS',
  RLIMIT_DATA: 'RLIMIT_DATA is reached',
  RLIMIT_MEMLOCK: 'RLIMIT_MEMLOCK is reached',
  overcommit: 'the machine promises no more memory',
};

export function expandStack(event: Event<'expand-stack'>): string {
  const pages = (event.from - event.to) / 4096;
  if (event.error !== null) {
    return `expand_stack(): the stack may not grow down to ${hex(event.to)}: ${GROWTH[event.error] ?? event.error}`;
  }
  return `expand_stack(): the stack grows down by ${count(pages, 'page')} to ${hex(event.to)}`;
}

/** The fault operation of a VMA's table, with the name that older books give it. */
const FAULT_OPERATION: Readonly<Record<string, string>> = {
  generic_file: 'filemap_fault()',
  shmem: 'shmem_fault()',
  shm: 'shm_fault(), which asks shmem_fault()',
  special_mapping: 'special_mapping_fault()',
  device: "the driver's fault()",
};

function asks(table: string): string {
  return `vm_ops->fault (nopage in older kernels) is ${FAULT_OPERATION[table] ?? table}`;
}

const COPY_WHY: Readonly<Record<string, string>> = {
  'zero-page': 'the first write, so the zero page makes way for a frame of its own',
  'file-cow': 'the mapping is private, so the page of the file is copied before it is written',
  cow: 'others have the page too, so the writer gets a copy',
};

type Words = (why: string) => string;

const HANDLERS: Readonly<Record<string, Words>> = {
  do_anonymous_page: (why) =>
    why === 'zero-page'
      ? 'do_anonymous_page(): only a read, so the zero page will do and no frame is spent'
      : 'do_anonymous_page(): a write to a page without a frame, so it gets one of zeros (demand-zero)',
  wp_page_copy: (why) => `wp_page_copy(): ${COPY_WHY[why] ?? why}`,
  wp_page_reuse: () => 'wp_page_reuse(): nobody else has the page any more, so it becomes writable where it is',
  wp_page_shared: () => 'wp_page_shared(): first write through this entry; page_mkwrite tells the file system',
  wp_pfn_shared: () => 'wp_pfn_shared(): a page without struct page becomes writable',
  do_swap_page: (why) =>
    why === 'swap-cache'
      ? 'do_swap_page(): the page is still in the swap cache, no disk is read'
      : 'do_swap_page(): the page must be read from its swap slot',
  do_read_fault: (table) => `do_read_fault(): a read; ${asks(table)}`,
  do_cow_fault: (table) =>
    `do_cow_fault(): a write to a private mapping, so the page is copied at once; ${asks(table)}`,
  do_shared_fault: (table) => `do_shared_fault(): a write to a shared mapping; ${asks(table)}`,
  filemap_fault: () => 'filemap_fault(): the page cache does not have the page, so it is read and the fault retried',
  shmem_swapin_folio: () => 'shmem_swapin_folio(): the page of shared memory is in swap',
  do_fault: () => 'do_fault(): the driver has no fault operation, and no page was mapped here: SIGBUS',
  handle_pte_marker: () => 'handle_pte_marker(): a guard marker forbids every access',
  handle_pte_fault: () => 'handle_pte_fault(): the entry allows the access already, only the TLB did not know',
};

export function handler(event: Event<'handler'>): string {
  const words = HANDLERS[event.name];
  return words === undefined ? `${event.name}(): ${event.why}` : words(event.why);
}

export function faultDone(event: Event<'fault-done'>, { special }: Around): string {
  return `the fault was ${event.major ? 'major (it waited for a disk)' : 'minor'}: ${faultKindWords(event.kind, special)}`;
}

export function mapAround(event: Event<'map-around'>): string {
  const window = range(event.start, event.end);
  if (event.mapped === 1) return `fault-around: of ${window} the page cache has no other page that is not mapped yet`;
  return `fault-around: the page cache has ${count(event.mapped, 'page')} of ${window}; all are mapped now, which spares their faults`;
}

export function tlbFlush(event: Event<'tlb-flush'>): string {
  const pages = (event.end - event.start) / 4096;
  return pages === 1 ? 'the TLB forgets the page' : `the TLB forgets ${count(pages, 'page')}`;
}

const SIGNAL_CODES: Readonly<Record<string, string>> = {
  SEGV_MAPERR: 'nothing can be mapped at the address',
  SEGV_ACCERR: 'the VMA forbids the access',
  BUS_ADRERR: 'the VMA is there, but no page of the file or device stands behind the address',
  SI_KERNEL: 'the kernel itself sends it',
};

export function signal(event: Event<'signal'>): string {
  const fate = event.handled ? 'a handler takes it, the process goes on' : 'no handler: it ends the process';
  return `${event.signal} (${event.code}): ${SIGNAL_CODES[event.code] ?? 'sent by a process'}; ${fate}`;
}
