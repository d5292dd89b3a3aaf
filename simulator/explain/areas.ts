/** What is done to the pages of a VMA is told below that VMA, and entries that change alike are summed up. */

import type { KernelEvent, PteWords, VmaRef } from '../events.ts';
import { PAGE_SIZE, type VirtAddr } from '../machine/address.ts';
import { PTE_GUARD, PTE_MAPPED, PTE_SWAP } from '../machine/pagetable.ts';

type PteEvent = Extract<KernelEvent, { readonly type: 'pte' }>;
type VmaEvent = Extract<KernelEvent, { readonly type: 'vma-insert' | 'vma-remove' }>;

/** Entries of one address space that change in the same way, one after the other upwards. */
export interface EntriesEvent {
  readonly type: 'entries';
  readonly depth: number;
  readonly pid: number;
  readonly mm: number;
  /** Of the first page. */
  readonly va: VirtAddr;
  /** Behind the last page. */
  readonly end: VirtAddr;
  readonly times: number;
  /** The first entry. */
  readonly before: PteWords;
  readonly after: PteWords;
  /** Their frames follow each other upwards, before the change or after it. */
  readonly isRunOfFrames: boolean;
  /** Frames that came free with it. */
  readonly freed: number;
}

/** What a story is told of: events, and sums of them. */
export type StoryEvent = KernelEvent | EntriesEvent;

/** Fewer entries than this are all told. */
const MIN_ENTRIES = 3;

/** Headings: what follows them at the same depth, and is about areas and their pages, belongs to them. */
function isHeading(event: StoryEvent): boolean {
  return event.type === 'exit' || (event.type === 'exec' && event.stage !== 'stack');
}

function isAboutAreas({ type }: StoryEvent): boolean {
  return type.startsWith('vma-') || type === 'placement' || type === 'tlb-flush' || isAboutPages(type);
}

/** What an entry holds: a page, a page in swap, or a marker. */
const PTE_KIND = PTE_MAPPED | PTE_SWAP | PTE_GUARD;

function frameOf({ before, after }: PteEvent): number {
  return after.flags === 0 ? before.pfn : after.pfn;
}

function isAboutPages(type: StoryEvent['type']): boolean {
  return type === 'pte' || type === 'entries' || type === 'frame-free';
}

/** Where the pages lie that a part of a teardown is about; null for a frame, which goes with the entry before it. */
function startOf(event: KernelEvent): VirtAddr | null {
  if (event.type === 'pte') return event.va;
  return event.type === 'tlb-flush' ? event.start : null;
}

function isWithin({ mm, vma }: VmaEvent, event: KernelEvent): boolean {
  if (event.type === 'tlb-flush') return vma.start <= event.start && event.end <= vma.end;
  return event.type === 'pte' && event.mm === mm && holds(vma, event);
}

function holds(vma: VmaRef, event: PteEvent): boolean {
  return vma.start <= event.va && event.va < vma.end;
}

function deeper<E extends StoryEvent>(event: E): E {
  return { ...event, depth: event.depth + 1 };
}

/** Where the events from `at` on end that are of the same depth and pass `suits`. */
function endOf(events: readonly StoryEvent[], at: number, suits: (event: StoryEvent) => boolean): number {
  const depth = events[at]?.depth;
  let end = at;
  for (let event = events[end]; event !== undefined && event.depth === depth && suits(event); event = events[end])
    end++;
  return end;
}

function isTeardown(event: StoryEvent): boolean {
  return (
    event.type === 'vma-remove' ||
    event.type === 'frame-free' ||
    event.type === 'tlb-flush' ||
    (event.type === 'pte' && event.after.flags === 0)
  );
}

/** A teardown clears the entries before it removes their VMAs: here each VMA comes first, then what went with it. */
function tornDown(events: readonly KernelEvent[]): KernelEvent[] {
  const areas = events.filter((event): event is VmaEvent => event.type === 'vma-remove');
  const parts = areas.map((area): KernelEvent[] => [area]);
  const told: KernelEvent[] = [];
  /** The first VMA that is still to be removed, the one looked at last, and where its pages go. */
  let next = 0;
  let at = 0;
  let part: KernelEvent[] | undefined;
  for (const event of events) {
    if (event.type === 'vma-remove') {
      for (const gone of parts[next] ?? []) told.push(gone);
      at = ++next;
      part = undefined;
      continue;
    }
    const va = startOf(event);
    if (va !== null) {
      // Entries are cleared upwards, and so are VMAs removed.
      if (va < (areas[at]?.vma.start ?? 0)) at = next;
      while ((areas[at]?.vma.end ?? Number.POSITIVE_INFINITY) <= va) at++;
      const area = areas[at];
      part = area !== undefined && isWithin(area, event) ? parts[at] : undefined;
    }
    if (part === undefined) told.push(event);
    else part.push(deeper(event));
  }
  return told;
}

/** Entries that change while a VMA is made (fork's, those of a driver) stand below it. */
function filledIn(events: readonly KernelEvent[]): KernelEvent[] {
  let area: VmaEvent | null = null;
  return events.map((event) => {
    if (event.type === 'vma-insert') area = event;
    else if (event.type !== 'pte' || area === null || event.depth !== area.depth || !holds(area.vma, event))
      area = null;
    return area === null || event === area ? event : deeper(event);
  });
}

/** The events with each VMA's pages below it, and with what a heading is about below that. */
function byArea(events: readonly KernelEvent[]): KernelEvent[] {
  const told: KernelEvent[] = [];
  for (let at = 0; at < events.length; ) {
    const end = endOf(events, at, isTeardown);
    // Without a teardown, the event itself.
    for (const event of end > at ? tornDown(events.slice(at, end)) : events.slice(at, at + 1)) told.push(event);
    at = Math.max(end, at + 1);
  }
  return underHeadings(filledIn(told));
}

function underHeadings(events: readonly KernelEvent[]): KernelEvent[] {
  let heading: KernelEvent | null = null;
  return events.map((event) => {
    if (isHeading(event)) heading = event;
    else if (heading !== null && (event.depth < heading.depth || !isAboutAreas(event))) heading = null;
    return heading === null || event === heading ? event : deeper(event);
  });
}

/** Whether an entry changes as the one before it did. */
function isAlike(a: PteEvent, b: KernelEvent | undefined): b is PteEvent {
  if (b?.type !== 'pte' || b.depth !== a.depth || b.mm !== a.mm || b.va <= a.va) return false;
  if (a.after.flags !== b.after.flags) return false;
  if (a.after.flags !== 0) return a.before.flags === b.before.flags;
  // That a page was used or written matters no more when its entry goes.
  return (a.before.flags & PTE_KIND) === (b.before.flags & PTE_KIND);
}

/** The run of entries that begins at `at`; null where it is too short to be summed up. */
function runAt(events: readonly KernelEvent[], at: number): { sum: EntriesEvent; end: number } | null {
  const first = events[at];
  if (first?.type !== 'pte') return null;
  let last = first;
  let times = 1;
  let freed = 0;
  let isRunOfFrames = true;
  let end = at + 1;
  for (;;) {
    const event = events[end];
    if (event?.type === 'frame-free' && event.depth === first.depth && event.pfn === last.before.pfn) {
      freed++;
      end++;
    } else if (isAlike(last, event)) {
      isRunOfFrames &&= frameOf(event) === frameOf(last) + 1;
      last = event;
      times++;
      end++;
    } else break;
  }
  if (times < MIN_ENTRIES) return null;
  const { depth, pid, mm, va, before, after } = first;
  const sum = { type: 'entries' as const, depth, pid, mm, va, end: last.va + PAGE_SIZE, times, before, after };
  return { sum: { ...sum, isRunOfFrames, freed }, end };
}

/** The events as a story tells them: by VMA, and alike entries as one. */
export function arranged(events: readonly KernelEvent[]): StoryEvent[] {
  const sorted = byArea(events);
  const told: StoryEvent[] = [];
  for (let at = 0; at < sorted.length; ) {
    const run = runAt(sorted, at);
    told.push(...(run === null ? sorted.slice(at, at + 1) : [run.sum]));
    at = run?.end ?? at + 1;
  }
  return told;
}
