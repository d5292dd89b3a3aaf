/** Sentences about pages on their way to a disk. */

import type { EventData, WaitedBecause, WrittenBecause } from '../events.ts';
import { hex } from '../machine/address.ts';
import { count } from './words.ts';

type Event<T extends EventData['type']> = Extract<EventData, { type: T }>;

const ASKED: Readonly<Record<WrittenBecause, string>> = {
  fsync: 'fsync asks for it and waits',
  sync: 'sync asks for it and waits',
  msync: 'msync asks for it and waits',
  'sync write': 'the file was opened with O_SYNC or O_DSYNC, so the write waits for it',
  'asked for': 'writeback() asks for it and waits for nothing',
  reclaim: 'reclaim wants its frame',
  flusher: 'reclaim met dirty pages only and woke the flusher thread',
};

/** The answer to how long it takes; empty when the next sentence tells the end. */
function timeWords({ why, steps }: Event<'writeback-start'>): string {
  const waits = why !== 'asked for' && why !== 'flusher';
  return waits || steps === 0 ? '' : `, and the disk will have it in ${count(steps, 'step')}`;
}

export function writebackStart(event: Event<'writeback-start'>): string {
  const page = `page ${event.index} of ${event.path}`;
  return `writeback of ${page} starts: ${ASKED[event.why]}; frame ${hex(event.pfn)} is clean and under writeback${timeWords(event)}`;
}

const WAITED: Readonly<Record<WaitedBecause, string>> = {
  nobody: '',
  fsync: ', and fsync goes on',
  sync: ', and sync goes on',
  msync: ', and msync goes on',
  'sync write': ', and the write goes on',
  truncation: ': the truncation had to wait for it',
  reclaim: ': reclaim has waited for it',
  swapoff: ': swapoff had to wait for it',
  shmem: ': the fault had to wait for it',
};

/** What the page is now, where that is worth a word. */
function afterwards({ dirty, rotated }: Event<'writeback-end' | 'swap-written'>): string {
  if (dirty) return '; the page was written to meanwhile, so it is dirty again';
  return rotated ? '; reclaim wanted the page, so it is the next one to be looked at' : '';
}

export function writebackEnd(event: Event<'writeback-end'>): string {
  const page = `page ${event.index} of ${event.path}`;
  return `writeback of ${page} ends: the disk has it from frame ${hex(event.pfn)}${WAITED[event.waiter]}${afterwards(event)}`;
}

export function swapWritten(event: Event<'swap-written'>): string {
  const waited = WAITED[event.waiter];
  return `the write to swap slot ${event.slot} ends: the slot has the page of frame ${hex(event.pfn)}${waited}${afterwards(event)}`;
}

export function throttled({ pages }: Event<'throttled'>): string {
  const which = pages === 1 ? 'the 1 page' : `the ${pages} pages`;
  return `reclaim_throttle(): nothing else can be freed, so the process waits until the disk has some of ${which} under writeback`;
}
