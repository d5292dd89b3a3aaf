/** All frames of physical memory at a glance: what each is used for, its list, its bits, its owner. */

import {
  CHUNK_FRAMES,
  type FrameChunk,
  type Frames,
  LRU_INACTIVE_ANON,
  PG_ANON,
  PG_DEVICE,
  PG_DIRTY,
  PG_FILE,
  PG_LRU,
  PG_REFERENCED,
  PG_SHMEM,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../machine/frames.ts';
import { lru_list } from '../machine/lru.ts';
import type { Kernel } from '../state/kernel.ts';
import {
  CACHE,
  KERNEL,
  NOBODY,
  SHARED_USES,
  SOMEBODY,
  STATE_DIRTY,
  STATE_REFERENCED,
  STATE_WRITEBACK,
} from './page-owners.ts';
import { type Moment, momentOf, type Place, sameBytes } from './place.ts';
import type { FrameMapView, FrameUse, FrameUseView } from './types.ts';

const LEGEND: readonly FrameUse[] = [
  'free',
  'anon',
  'file-clean',
  'file-dirty',
  'shmem',
  'zero',
  'table',
  'device',
  'swap-cache',
];
const MAX_CHANGED = 4096;

/** What a frame of RAM with these flags is used for. */
export function useOf(flags: number): FrameUse {
  if ((flags & PG_SWAPCACHE) !== 0) return 'swap-cache';
  if ((flags & PG_ANON) !== 0) return 'anon';
  if ((flags & PG_SHMEM) !== 0) return 'shmem';
  if ((flags & PG_FILE) !== 0) return (flags & PG_DIRTY) !== 0 ? 'file-dirty' : 'file-clean';
  return (flags & PG_DEVICE) !== 0 ? 'device' : 'free';
}

/** The flags that decide the use. */
const USE_FLAGS = PG_ANON | PG_FILE | PG_SHMEM | PG_DIRTY | PG_SWAPCACHE | PG_DEVICE;
/** Index into the legend by those flags: one look-up a frame. */
const USE_BY_FLAGS = Uint8Array.from({ length: USE_FLAGS + 1 }, (_, flags) => LEGEND.indexOf(useOf(flags)));

const FREE = LEGEND.indexOf('free');
const FILE_DIRTY = LEGEND.indexOf('file-dirty');

/** Linux's lists, as meminfo writes them, by their numbers; in front, being on none. */
const LISTS = ['', 'inactive(anon)', 'active(anon)', 'inactive(file)', 'active(file)', 'unevictable'] as const;

/** The names of the lists of this machine: a textbook policy keeps all frames on one. */
export function listNames(k: Kernel): readonly string[] {
  return k.frames.oneList ? ['', `${k.config.replacement} list`, '', '', '', 'unevictable'] : LISTS;
}

/** The frame that the hand of replacement=clock points at: the tail of the one list that all frames are on. */
function handOf(k: Kernel): number | null {
  const pfn = k.config.replacement === 'clock' ? (k.frames.counters.tail[LRU_INACTIVE_ANON] as number) : 0;
  return pfn === 0 ? null : pfn;
}

/** Index into {@link listNames} of the list that a frame with these flags is on. */
export function listOf(frames: Frames, flags: number): number {
  return (flags & PG_LRU) === 0 ? 0 : lru_list(frames, flags) + 1;
}

function stateOf(frames: Frames, flags: number): number {
  const referenced = (flags & PG_REFERENCED) === 0 ? 0 : STATE_REFERENCED;
  const dirty = (flags & PG_DIRTY) === 0 ? 0 : STATE_DIRTY;
  return listOf(frames, flags) | referenced | dirty | ((flags & PG_WRITEBACK) === 0 ? 0 : STATE_WRITEBACK);
}

/** Owner of a frame by what it says itself: who maps it, page tables know. */
function ownOwner(flags: number, mapcount: number): number {
  if (mapcount > 0) return SOMEBODY;
  if (flags === 0) return NOBODY;
  return (flags & (PG_FILE | PG_SHMEM | PG_SWAPCACHE)) === 0 ? KERNEL : CACHE;
}

/** The frames of one chunk as the map has them. */
interface ChunkPicture {
  readonly uses: Uint8Array;
  readonly states: Uint8Array;
  readonly owners: Uint16Array;
  /** How many frames there are of each use but `free`, in the legend's order. */
  readonly counts: Uint16Array;
}

/** Pictures of chunks that no step can change any more: the next version of such a chunk is another object. */
const PICTURES = new WeakMap<FrameChunk, ChunkPicture>();

function pictureOf(k: Kernel, chunk: FrameChunk): ChunkPicture {
  const known = PICTURES.get(chunk);
  if (known !== undefined) return known;
  const { flags, mapcount } = chunk;
  const uses = new Uint8Array(CHUNK_FRAMES);
  const states = new Uint8Array(CHUNK_FRAMES);
  const owners = new Uint16Array(CHUNK_FRAMES);
  const counts = new Uint16Array(LEGEND.length);
  for (let i = 0; i < CHUNK_FRAMES; i++) {
    const own = flags[i] as number;
    if (own === 0) continue;
    const use = USE_BY_FLAGS[own & USE_FLAGS] as number;
    if (use !== FREE) counts[use] = (counts[use] as number) + 1;
    uses[i] = use;
    states[i] = stateOf(k.frames, own);
    owners[i] = ownOwner(own, mapcount[i] as number);
  }
  const picture = { uses, states, owners, counts };
  if (chunk.owner !== k.epoch.now) PICTURES.set(chunk, picture);
  return picture;
}

/** How many frames of RAM there are of each use, in the legend's order. */
function useCounts(k: Kernel): number[] {
  const counts = LEGEND.map(() => 0);
  for (let base = 0; base < k.frames.counters.fresh; base += CHUNK_FRAMES) {
    const chunk = chunkAt(k.frames, base);
    if (chunk === undefined) continue;
    const some = pictureOf(k, chunk).counts;
    for (let use = 0; use < counts.length; use++) counts[use] = (counts[use] as number) + (some[use] as number);
  }
  counts[FREE] = k.frames.total - counts.reduce((sum, count) => sum + count, 0);
  return counts;
}

/** Pages of disk files that are newer than the disk (NR_FILE_DIRTY). */
export function dirtyFilePages(k: Kernel): number {
  return useCounts(k)[FILE_DIRTY] as number;
}

/** Puts the frames of the chunk at `base` into `to`, which begins with PFN 1 and may end within the chunk. */
function copyInto(to: Uint8Array | Uint16Array, chunk: Uint8Array | Uint16Array, base: number): void {
  if (base > 0 && base - 1 + CHUNK_FRAMES <= to.length) to.set(chunk, base - 1);
  else if (base > 0) to.set(chunk.subarray(0, to.length + 1 - base), base - 1);
  else to.set(chunk.subarray(1, to.length + 1));
}

/**
 * Every frame of RAM in four bytes, as the frames know themselves: `memoryMaps()` adds what the page tables know. Costs
 * nothing for frames that nobody ever took.
 */
export function frameMap(at: Place): FrameMapView {
  const moment = momentOf(at);
  const { k } = moment;
  const { total, counters } = k.frames;
  // Whole chunks: the arrays do not grow with every frame that is taken.
  const taken = Math.min(total, Math.ceil(counters.fresh / CHUNK_FRAMES) * CHUNK_FRAMES - 1);
  const uses = new Uint8Array(taken);
  const states = new Uint8Array(taken);
  const owners = new Uint16Array(taken);
  for (let base = 0; base < counters.fresh; base += CHUNK_FRAMES) {
    const chunk = chunkAt(k.frames, base);
    if (chunk === undefined) continue;
    const picture = pictureOf(k, chunk);
    copyInto(uses, picture.uses, base);
    copyInto(states, picture.states, base);
    copyInto(owners, picture.owners, base);
  }
  return {
    first: 1,
    total,
    free: counters.free,
    legend: LEGEND,
    lists: listNames(k),
    sharedUses: SHARED_USES,
    uses,
    states,
    owners,
    exact: false,
    hand: handOf(k),
    changed: changedFrames(moment),
  };
}

function chunkAt(frames: Frames, pfn: number): FrameChunk | undefined {
  return frames.known(pfn) ? frames.chunk(pfn) : undefined;
}

/** Whether frame `i` of two versions of a chunk differs in anything but its place on a list. */
function differs(now: FrameChunk, then: FrameChunk | undefined, i: number): boolean {
  if (then === undefined) return now.flags[i] !== 0 || now.word[i] !== 0;
  return (
    now.flags[i] !== then.flags[i] ||
    now.mapcount[i] !== then.mapcount[i] ||
    now.refs[i] !== then.refs[i] ||
    now.mapping[i] !== then.mapping[i] ||
    now.index[i] !== then.index[i] ||
    now.word[i] !== then.word[i] ||
    now.slot[i] !== then.slot[i] ||
    !sameBytes(now.blobs?.[i]?.bytes, then.blobs?.[i]?.bytes)
  );
}

/** Calls `visit` for each frame that the last step changed, ascending, until it answers `true`. */
function eachChanged(
  { k, before }: Moment,
  visit: (pfn: number, now: FrameChunk, then: FrameChunk | undefined, i: number) => boolean,
): void {
  if (before === null) return;
  const { total } = k.frames;
  for (let base = 0; base <= total; base += CHUNK_FRAMES) {
    const now = chunkAt(k.frames, base);
    const then = chunkAt(before.frames, base);
    // Chunks that the step did not write are the same object before and after.
    if (now === undefined || now === then) continue;
    for (let i = base === 0 ? 1 : 0; i < CHUNK_FRAMES && base + i <= total; i++) {
      if (differs(now, then, i) && visit(base + i, now, then, i)) return;
    }
  }
}

/** PFNs that the last step changed, ascending. */
function changedFrames(moment: Moment): number[] {
  const changed: number[] = [];
  eachChanged(moment, (pfn) => changed.push(pfn) === MAX_CHANGED);
  return changed;
}

/** What RAM is used for: the uses of which there are frames. */
export function frameUses(place: Place): FrameUseView[] {
  const moment = momentOf(place);
  const counts = useCounts(moment.k);
  const changed = LEGEND.map(() => false);
  let unmarked = counts.filter((count) => count > 0).length;
  const mark = (flags: number) => {
    const use = USE_BY_FLAGS[flags & USE_FLAGS] as number;
    if (changed[use] === true) return;
    changed[use] = true;
    if ((counts[use] as number) > 0) unmarked--;
  };
  eachChanged(moment, (_pfn, now, then, i) => {
    mark(now.flags[i] as number);
    mark(then?.flags[i] ?? 0);
    return unmarked === 0;
  });
  return LEGEND.flatMap((use, i) => {
    const frames = counts[i] as number;
    return frames === 0 ? [] : [{ use, frames, changed: changed[i] === true }];
  });
}
