/** One sentence for each event, and what it speaks of. */

import type { KernelEvent } from '../events.ts';
import { hex } from '../machine/address.ts';
import { PTE_MAPPED, PTE_SWAP } from '../machine/pagetable.ts';
import type { StoryLine } from '../view/types.ts';
import type { StoryEvent } from './areas.ts';
import * as access from './fault-sentences.ts';
import * as memory from './memory-sentences.ts';
import { type Around, entriesWords, pteWords, type Telling, vmaWords } from './words.ts';
import * as writing from './writeback-sentences.ts';

function textOf(telling: Telling, event: StoryEvent, around: Around): string {
  switch (event.type) {
    case 'context-switch':
      return memory.contextSwitch(telling, event);
    case 'tlb-hit':
      return access.tlbHit(event);
    case 'page-walk':
      return access.pageWalk(telling, event);
    case 'tlb-flush':
      return access.tlbFlush(event);
    case 'fault':
      return access.fault(event);
    case 'find-vma':
      return access.findVma(event, around);
    case 'access-error':
      return access.accessError(event);
    case 'expand-stack':
      return access.expandStack(event);
    case 'handler':
      return access.handler(event);
    case 'fault-done':
      return access.faultDone(event, around);
    case 'map-around':
      return access.mapAround(event);
    case 'signal':
      return access.signal(event);
    case 'pte':
      return pteWords(telling, event, around);
    case 'entries':
      return entriesWords(telling, event);
    default:
      return memoryText(telling, event, around);
  }
}

/** Events of which {@link textOf} itself makes no sentence. */
type MemoryEvent = Exclude<
  KernelEvent,
  {
    readonly type:
      | 'context-switch'
      | 'tlb-hit'
      | 'page-walk'
      | 'tlb-flush'
      | 'fault'
      | 'find-vma'
      | 'access-error'
      | 'expand-stack'
      | 'handler'
      | 'fault-done'
      | 'map-around'
      | 'signal'
      | 'pte';
  }
>;

function memoryText(telling: Telling, event: MemoryEvent, around: Around): string {
  switch (event.type) {
    case 'frame-alloc':
      return memory.frameAlloc(event, around);
    case 'frame-free':
      return `frame ${hex(event.pfn)} freed: nobody maps or holds it any more`;
    case 'frame-copy':
      return `frame ${hex(event.from)} copied to frame ${hex(event.to)}`;
    case 'readahead':
      return memory.readahead(event);
    case 'writeback-start':
      return writing.writebackStart(event);
    case 'writeback-end':
      return writing.writebackEnd(event);
    case 'swap-written':
      return writing.swapWritten(event);
    case 'throttled':
      return writing.throttled(event);
    case 'cache-drop':
      return `page ${event.index} of ${event.path} leaves the page cache and frame ${hex(event.pfn)}: the disk has the same bytes`;
    case 'lazyfree-drop':
      return `frame ${hex(event.pfn)} is dropped: ${event.droppable ? 'its memory is MAP_DROPPABLE' : 'MADV_FREE gave its page up and nobody wrote to it since'}, so it needs no swap slot; the next access finds zeros`;
    case 'swap-out':
      return memory.swapOut(telling, event, around);
    case 'swap-cache-drop':
      return `frame ${hex(event.pfn)} leaves the swap cache: swap slot ${event.slot} has the same bytes, so nothing is written`;
    case 'swap-in':
      return memory.swapIn(event);
    case 'reclaim-start':
      return memory.reclaimStart(event);
    case 'deactivated':
      return `frame ${hex(event.pfn)} was on the active list longest: it goes to the inactive list, to be looked at before it is taken`;
    case 'oom-badness':
      return memory.oomBadness(telling, event);
    case 'reclaim':
      return memory.reclaim(event);
    case 'spared':
      return memory.spared(event);
    case 'victim':
      return memory.victim(event);
    case 'oom-kill':
      return memory.oomKill(telling, event, around);
    case 'oom-nobody':
      return 'out of memory: nothing is left to reclaim, and no process may be killed; Linux would panic here';
    case 'vma-insert':
      return `new ${vmaWords(event.vma)}`;
    case 'vma-remove':
      return `${vmaWords(event.vma)} is removed`;
    case 'vma-change':
      return memory.vmaChange(event, around);
    case 'vma-split':
      return memory.vmaSplit(event);
    case 'vma-merge':
      return memory.vmaMerge(event);
    case 'vma-apart':
      return memory.vmaApart(event);
    case 'placement':
      return memory.placement(event);
    case 'refused':
      return `${event.errno}: ${event.why}`;
    case 'fork':
      return memory.fork(telling, event);
    case 'exec':
      return memory.exec(event);
    case 'loader-call':
      return `the loader calls ${event.text}`;
    case 'exit':
      return memory.exit(telling, event);
  }
}

type Light = Pick<StoryLine, 'pid' | 'va' | 'pfn' | 'slot'>;

/** What an entry holds: a frame or a slot. */
function held(words: { readonly flags: number; readonly pfn: number }): Light {
  if ((words.flags & PTE_MAPPED) !== 0) return { pfn: hex(words.pfn) };
  return (words.flags & PTE_SWAP) !== 0 ? { slot: words.pfn } : {};
}

/** Address that the sentence is about, if it is about one. */
function addressOf(event: StoryEvent): number | null {
  if ('va' in event) return event.va;
  switch (event.type) {
    case 'vma-insert':
    case 'vma-remove':
    case 'vma-merge':
      return event.vma.start;
    case 'vma-change':
      return event.after.start;
    case 'vma-apart':
      return event.neighbour.start;
    case 'vma-split':
      return event.at;
    case 'placement':
    case 'signal':
      return event.addr;
    case 'expand-stack':
      return event.to;
    case 'map-around':
    case 'tlb-flush':
      return event.start;
    default:
      return null;
  }
}

function lightOf(telling: Telling, event: StoryEvent): Light {
  const owner = 'mm' in event ? telling.ownerOf(event.mm) : event.pid === 0 ? null : event.pid;
  const va = addressOf(event);
  return {
    ...(owner === null ? {} : { pid: owner }),
    ...(va === null ? {} : { va: hex(va) }),
    ...('pfn' in event ? { pfn: hex(event.pfn) } : {}),
    ...('slot' in event ? { slot: event.slot } : {}),
    ...(event.type === 'frame-copy' ? { pfn: hex(event.to) } : {}),
    ...(event.type === 'page-walk' ? held(event.pte) : {}),
    ...(event.type === 'pte' ? { ...held(event.before), ...held(event.after) } : {}),
  };
}

/** What happens in another address space than the running process's, or than the VMA's it is told below, is told with its owner. */
function whose(telling: Telling, event: StoryEvent, { areaOf }: Around): string {
  if (!('mm' in event)) return '';
  const owner = telling.ownerOf(event.mm);
  const isExpected = owner === event.pid && (areaOf === null || areaOf === event.mm);
  return owner === null || isExpected ? '' : `${telling.name(owner)}: `;
}

export function sentence(telling: Telling, event: StoryEvent, around: Around): StoryLine {
  const text = whose(telling, event, around) + textOf(telling, event, around);
  return { depth: event.depth + 1, text, ...lightOf(telling, event) };
}
