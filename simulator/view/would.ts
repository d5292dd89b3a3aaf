/** Verdicts on accesses in words: `would copy the page: it is shared with kid`. */

import type { AccessKind, FaultKind } from '../abi.ts';
import type { EventData, KernelEvent } from '../events.ts';
import { kernelPage } from '../explain/words.ts';
import { hex } from '../machine/address.ts';
import { page_of_file } from '../mm/device.ts';
import { has_fault } from '../mm/operations.ts';
import { file_pages } from '../mm/page-cache.ts';
import { linear_page_index, type Vma } from '../mm/vma.ts';
import { vma_perms } from '../proc/maps.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Trial, Verdict } from './verdict.ts';

/** What the words need to know of the page. */
export interface PageContext {
  readonly k: Kernel;
  /** Meaningless unless `user`: the address lies in the half of user space. */
  readonly address: number;
  readonly user: boolean;
  /** It lies in the page [vsyscall]. */
  readonly vsyscall: boolean;
  readonly vma: Vma | undefined;
  /** Other processes that map the frame, in words; empty for none. */
  readonly others: string;
  readonly process: string;
  /** Signals that the process catches. */
  readonly handlers: ReadonlySet<string>;
}

type Of<T extends EventData['type']> = Extract<KernelEvent, { type: T }>;

function first<T extends EventData['type']>(events: readonly KernelEvent[], type: T): Of<T> | undefined {
  return events.find((event): event is Of<T> => event.type === type);
}

function handled(events: readonly KernelEvent[], name: string): Of<'handler'> | undefined {
  return events.find((event): event is Of<'handler'> => event.type === 'handler' && event.name === name);
}

function filePage(page: PageContext): string {
  const { k, vma, address } = page;
  if (vma === undefined || vma.inode === 0) return 'the page';
  return `page ${page_of_file(k, vma, address)} of ${k.inodes.get(vma.inode).path}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** How the page of a file is found: in the cache, or read with its neighbours. */
function found(page: PageContext, events: readonly KernelEvent[], major: boolean): string {
  const special = page.vma?.special ?? null;
  if (special !== null) return kernelPage(special);
  if (page.vma?.vm_ops === 'device') return filePage(page);
  const around = first(events, 'map-around');
  const neighbours = around === undefined || around.mapped < 2 ? '' : `, and ${around.mapped - 1} more by fault-around`;
  if (!major) return `${filePage(page)} from the page cache${neighbours}`;
  const ahead = first(events, 'readahead');
  const read = ahead === undefined || ahead.pages < 2 ? '' : ` (readahead reads ${count(ahead.pages, 'page')})`;
  return `${filePage(page)}, after reading it from disk${read}${neighbours}`;
}

function swapIn(events: readonly KernelEvent[]): string {
  const event = first(events, 'swap-in');
  if (event === undefined) return 'would bring it back from swap';
  const from = event.cached ? 'take it from the swap cache of' : 'read it back from';
  const copied = first(events, 'frame-copy') === undefined ? '' : ', and copy it, as others have it too';
  return `would ${from} swap slot ${event.slot}${copied}`;
}

/** The frame for a page of shared memory may be new. */
function isNewShmem(events: readonly KernelEvent[]): boolean {
  return first(events, 'frame-alloc')?.use === 'shmem';
}

type Words = (page: PageContext, trial: Trial, major: boolean) => string;

const FAULTS: Readonly<Record<FaultKind, Words>> = {
  'anon-zero-page': () => 'would map the zero page: a read needs no frame of its own',
  anon: (_page, { events }) =>
    handled(events, 'wp_page_copy') === undefined
      ? 'would take a frame of zeros for it'
      : 'would take a frame of zeros in the place of the zero page',
  'file-read': (page, { events }, major) =>
    isNewShmem(events)
      ? 'would add a page of zeros to the shared memory and map it'
      : `would map ${found(page, events, major)}`,
  'file-cow': (page, { events }, major) => `would copy ${found(page, events, major)}: the mapping is private`,
  'file-shared': (page, { events }, major) => {
    if (page.vma?.vm_ops !== 'generic_file') {
      return isNewShmem(events)
        ? 'would add a page of zeros to the shared memory and map it'
        : `would map ${filePage(page)} of the shared memory, writable`;
    }
    const from = major ? found(page, events, major) : filePage(page);
    return `would make ${from} writable: page_mkwrite tells the file system, and the page is dirty from then on`;
  },
  cow: (page) =>
    page.others === ''
      ? 'would copy the page: somebody else may still need it'
      : `would copy the page: it is shared with ${page.others}`,
  reuse: () => 'would make the page writable where it is: nobody else has it any more',
  'swap-in': (_page, { events }) => swapIn(events),
  'stack-growth': (_page, { events }) => {
    const grown = first(events, 'expand-stack');
    const size = grown === undefined ? '' : ` by ${count((grown.from - grown.to) / 4096, 'page')} to ${hex(grown.to)}`;
    return `would grow the stack down${size} and serve the fault there`;
  },
  device: () => 'would map a page of the device',
  spurious: () => 'would find that the entry allows it already',
};

/** Reclaim on the way is worth a word: the access pays for it. */
function reclaimWords(events: readonly KernelEvent[]): string {
  const killed = first(events, 'oom-kill');
  if (killed !== undefined) return `, after the OOM killer has killed process ${killed.pid}`;
  const reclaim = first(events, 'reclaim');
  return reclaim === undefined ? '' : `, after reclaiming ${count(reclaim.got, 'frame')}`;
}

function missingWords(page: PageContext, events: readonly KernelEvent[]): string {
  if (handled(events, 'handle_pte_marker') !== undefined) return 'a guard marker of MADV_GUARD_INSTALL is there';
  const growth = first(events, 'expand-stack');
  if (growth !== undefined && growth.error !== null) return `the stack above may not grow down to it: ${growth.error}`;
  if (!page.user) return 'the upper half belongs to the kernel';
  if (page.vma === undefined) return 'no VMA contains the address';
  return 'nothing serves the fault';
}

function permissionWords(page: PageContext, access: AccessKind): string {
  const perms = page.vma === undefined ? '' : ` ${vma_perms(page.vma)}`;
  return perms.startsWith(' ---') ? 'the VMA is PROT_NONE' : `the VMA is${perms}, which allows no ${ACCESS[access]}`;
}

const ACCESS: Readonly<Record<AccessKind, string>> = { read: 'read', write: 'write', exec: 'execution' };

function busWords(page: PageContext): string {
  const { k, vma, address } = page;
  const inode = vma === undefined || vma.inode === 0 ? undefined : k.inodes.get(vma.inode);
  if (vma === undefined || inode === undefined) return 'the fault operation has no page for it';
  if (inode.kind === 'device') {
    return has_fault(k, vma)
      ? `the driver of ${inode.path} has no page for it`
      : `no page of ${inode.path} is mapped there, and its driver has no fault operation`;
  }
  const index = linear_page_index(vma, address);
  if (index < file_pages(inode)) return `${inode.path} has no page for it`;
  return `page ${index} lies behind the end of ${inode.path} (${inode.size} bytes)`;
}

type Fatal = Extract<Verdict, { kind: 'signal' }>;

function signalWords(page: PageContext, trial: Trial, verdict: Fatal, access: AccessKind): string {
  if (verdict.signal === 'SIGKILL') return 'no frame is free or can be reclaimed: the OOM killer takes the process';
  if (verdict.signal === 'SIGBUS') return busWords(page);
  if (page.vsyscall && access === 'exec') return 'none of the three calls of [vsyscall] begins there';
  if (verdict.code === 'SI_KERNEL') return 'the address is not canonical';
  if (verdict.code === 'SEGV_ACCERR') return permissionWords(page, access);
  return missingWords(page, trial.events);
}

/** `would …`, one sentence without its subject. */
export function wouldText(page: PageContext, trial: Trial, access: AccessKind): string {
  const { verdict, events } = trial;
  switch (verdict.kind) {
    case 'hit':
      if (page.vsyscall) return 'would be emulated: the kernel makes the call itself, no instruction of the page runs';
      return 'would succeed without a fault: the entry allows it';
    case 'impossible':
      return `cannot be made: ${verdict.why}`;
    case 'signal': {
      const handler = page.handlers.has(verdict.signal) ? `; ${page.process} has a handler for it` : '';
      return `would be ${verdict.signal} (${verdict.code}): ${signalWords(page, trial, verdict, access)}${handler}`;
    }
    case 'fault': {
      const main = verdict.faults.at(-1);
      if (main === undefined) throw new Error('wouldText: a fault without a record');
      const major = verdict.faults.some((fault) => fault.major);
      const words = FAULTS[main.kind](page, trial, major);
      return `${words}${reclaimWords(events)} (${major ? 'major' : 'minor'} fault)`;
    }
  }
}
