/** What the hardware and the fault path did during a scenario, one line an event, for `X.events` goldens. */
import type { KernelEvent } from '../../simulator/events.ts';
import type { Timeline } from '../../simulator/index.ts';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GUARD,
  PTE_NX,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SAVED_DIRTY,
  PTE_SPECIAL,
  PTE_SWAP,
  PTE_USER,
  shownFlags,
} from '../../simulator/machine/pagetable.ts';

const BITS: readonly (readonly [number, string])[] = [
  [PTE_PRESENT, 'P'],
  [PTE_RW, 'W'],
  [PTE_USER, 'U'],
  [PTE_ACCESSED, 'A'],
  [PTE_DIRTY, 'D'],
  [PTE_SAVED_DIRTY, 'SD'],
  [PTE_NX, 'NX'],
  [PTE_PROTNONE, 'protnone'],
  [PTE_SPECIAL, 'special'],
  [PTE_SWAP, 'swap'],
  [PTE_GUARD, 'guard'],
];

/** The bits that are set, such as `P W U A D NX`; `-` for none. */
function bits(flags: number): string {
  const shown = shownFlags(flags);
  const names = BITS.filter(([bit]) => (shown & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? '-' : names.join(' ');
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

/** An event in words; null for those that goldens leave out. */
function line(event: KernelEvent): string | null {
  switch (event.type) {
    case 'context-switch':
      return `context switch from ${event.from} to ${event.to}`;
    case 'tlb-hit':
      return `TLB hit, ${event.access} ${hex(event.va)}`;
    case 'tlb-flush':
      return `TLB flush ${hex(event.start)}-${hex(event.end)}`;
    case 'page-walk':
      return `walk for ${event.access} ${hex(event.va)}: [${event.indexes.join(' ')}] ${event.end}, ${bits(event.pte.flags)}`;
    case 'fault':
      return `fault, ${event.access} ${hex(event.va)}${event.byKernel ? ' by the kernel' : ''}`;
    case 'pte':
      return `PTE of ${hex(event.va)}: ${bits(event.before.flags)} -> ${bits(event.after.flags)}`;
    case 'fault-done':
      return `served: ${event.kind}${event.major ? ', major' : ''}`;
    case 'signal':
      return `${event.signal} ${event.code} at ${hex(event.addr)}${event.handled ? ', handled' : ''}`;
    default:
      return null;
  }
}

/** Runs a timeline from its start to its end; each step's events under its line, but those of making a process. */
export function hardwareEvents(timeline: Timeline): string {
  const told: string[] = [];
  timeline.start();
  for (let record = timeline.step(); record !== null; record = timeline.step()) {
    if (record.kind === 'assert') continue;
    const lines = record.call === 'spawn' ? [] : timeline.events.map(line).filter((text) => text !== null);
    told.push(`${record.line} ${record.process}: ${record.call}`, ...lines.map((text) => `    ${text}`));
  }
  return `${told.join('\n')}\n`;
}
