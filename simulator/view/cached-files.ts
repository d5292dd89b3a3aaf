/** The page cache by file: which pages of each are in RAM, in what state, and what of that the last step changed. */

import { CHUNK_FRAMES, CHUNK_MASK, PG_DIRTY, PG_FILE, PG_WRITEBACK } from '../machine/frames.ts';
import { CACHE_CHUNK_PAGES, file_pages, find_get_page } from '../mm/page-cache.ts';
import type { Kernel } from '../state/kernel.ts';
import type { CacheChunk, Inode } from '../state/records.ts';
import { type Moment, momentOf, type Place } from './place.ts';
import type { CachedFileView, CachedRunView } from './types.ts';

/** The bits of a frame that a page's state is made of. */
const STATE_FLAGS = PG_DIRTY | PG_WRITEBACK;

/** Name of a file: deleted ones may be several of one path, so their inode number is part of it. */
function fileName(inode: Inode): string {
  return inode.deleted ? `${inode.path} (deleted, inode ${inode.id + 1000})` : inode.path;
}

function stateText(dirty: boolean, writeback: boolean): string {
  if (!writeback) return dirty ? 'dirty: differs from the disk' : 'clean';
  return dirty ? 'under writeback, and dirty again' : 'under writeback: on its way to the disk';
}

/** Neighbouring pages in one state. */
interface Run {
  readonly first: number;
  pages: number;
  readonly state: number;
}

/** The pages of a file in runs, ascending. */
function runsOf(k: Kernel, inode: Inode): Run[] {
  const runs: Run[] = [];
  let last: Run | null = null;
  // Most pages lie in frames beside each other.
  let [base, flags] = [-1, k.frames.chunk(0).flags];
  for (const at of [...inode.cache.keys()].sort((a, b) => a - b)) {
    const pages = inode.cache.get(at)?.pages ?? [];
    for (let i = 0; i < pages.length; i++) {
      const pfn = pages[i] as number;
      if (pfn <= 0) continue;
      const index = at * CACHE_CHUNK_PAGES + i;
      if ((pfn & ~CHUNK_MASK) !== base) {
        base = pfn & ~CHUNK_MASK;
        ({ flags } = k.frames.chunk(pfn));
      }
      const state = (flags[pfn & CHUNK_MASK] as number) & STATE_FLAGS;
      if (last !== null && last.state === state && last.first + last.pages === index) last.pages++;
      else {
        last = { first: index, pages: 1, state };
        runs.push(last);
      }
    }
  }
  return runs;
}

/** Calls `visit` for each page that another frame, or none, holds now; in no order. It ends the search by `true`. */
function movedPages(now: Inode, then: Inode, visit: (index: number) => boolean): void {
  if (now.cache === then.cache) return;
  const compare = (at: number, a: CacheChunk | undefined, b: CacheChunk | undefined): boolean => {
    if (a === b) return false;
    for (let i = 0; i < CACHE_CHUNK_PAGES; i++) {
      const same = Math.max(0, a?.pages[i] ?? 0) === Math.max(0, b?.pages[i] ?? 0);
      if (!same && visit(at * CACHE_CHUNK_PAGES + i)) return true;
    }
    return false;
  };
  for (const [at, chunk] of now.cache) if (compare(at, chunk, then.cache.get(at))) return;
  for (const [at, chunk] of then.cache) if (!now.cache.has(at) && compare(at, undefined, chunk)) return;
}

function hasMoved(now: Inode, then: Inode): boolean {
  let moved = false;
  movedPages(now, then, () => {
    moved = true;
    return true;
  });
  return moved;
}

/** Ids of the files of which a cached page became dirty or clean, or its writeback began or ended; the first `limit`. */
function restatedFiles({ k, before }: Moment, limit = Number.POSITIVE_INFINITY): ReadonlySet<number> {
  const found = new Set<number>();
  if (before === null) return found;
  for (let base = 0; base < k.frames.counters.fresh; base += CHUNK_FRAMES) {
    const [now, then] = [k.frames.chunk(base), before.frames.chunk(base)];
    if (now === then) continue;
    for (let i = 0; i < CHUNK_FRAMES; i++) {
      const flags = now.flags[i] as number;
      if ((flags & PG_FILE) === 0 || ((flags ^ (then.flags[i] as number)) & STATE_FLAGS) === 0) continue;
      const id = now.mapping[i] as number;
      if (found.has(id)) continue;
      const inode = k.inodes.find(id);
      // A frame that is still mapped after truncation took it out of the cache is no page of the file.
      if (inode === undefined || find_get_page(inode, now.index[i] as number) !== base + i) continue;
      if (found.add(id).size >= limit) return found;
    }
  }
  return found;
}

/** What a view of a file tells beside its pages. */
function sameFile(now: Inode, then: Inode): boolean {
  return now.nrpages === then.nrpages && file_pages(now) === file_pages(then) && fileName(now) === fileName(then);
}

/** Runs of which something is not as it was, pages that went away from their ends included. */
function changedRuns(now: Inode, runs: readonly Run[], before: Kernel, then: Inode): ReadonlySet<Run> {
  const old = new Map(runsOf(before, then).map((run) => [run.first, run]));
  const differs = ({ first, pages, state }: Run) => {
    const was = old.get(first);
    return was === undefined || was.pages !== pages || was.state !== state;
  };
  const changed = new Set(runs.filter(differs));
  movedPages(now, then, (index) => {
    const run = runAt(runs, index);
    if (run !== undefined) changed.add(run);
    return changed.size === runs.length;
  });
  return changed;
}

function runAt(runs: readonly Run[], index: number): Run | undefined {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle] as Run).first <= index) low = middle + 1;
    else high = middle;
  }
  const run = runs[low - 1];
  return run !== undefined && index < run.first + run.pages ? run : undefined;
}

const NOTHING: ReadonlySet<Run> = new Set();

function fileView({ k, before }: Moment, inode: Inode, isRestated: boolean): CachedFileView {
  const runs = runsOf(k, inode);
  const then = before?.inodes.find(inode.id);
  const comes = before !== null && then === undefined;
  const other = before !== null && then !== undefined && then !== inode;
  const pagesChanged = isRestated || (other && hasMoved(inode, then));
  const marked =
    pagesChanged && before !== null && then !== undefined ? changedRuns(inode, runs, before, then) : NOTHING;
  let dirtyPages = 0;
  let writebackPages = 0;
  const views = runs.map((run): CachedRunView => {
    const { first, pages, state } = run;
    const dirty = (state & PG_DIRTY) !== 0;
    const writeback = (state & PG_WRITEBACK) !== 0;
    if (dirty) dirtyPages += pages;
    if (writeback) writebackPages += pages;
    return { first, pages, dirty, writeback, text: stateText(dirty, writeback), changed: comes || marked.has(run) };
  });
  return {
    path: fileName(inode),
    size: inode.size,
    cachedPages: inode.nrpages,
    dirtyPages,
    writebackPages,
    runs: views,
    changed: comes || pagesChanged || (other && !sameFile(inode, then)),
  };
}

/** Files, tmpfs included, that have pages in the page cache; by path. */
export function cachedFiles(place: Place): CachedFileView[] {
  const moment = momentOf(place);
  const restated = restatedFiles(moment);
  const files: CachedFileView[] = [];
  for (const inode of moment.k.inodes.values()) {
    if (inode.nrpages > 0) files.push(fileView(moment, inode, restated.has(inode.id)));
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Whether the last step changed anything that {@link cachedFiles} tells, files included that are not there any more. */
export function isCacheChanged(moment: Moment): boolean {
  const { k, before } = moment;
  if (before === null) return false;
  for (const inode of k.inodes.values()) {
    const then = before.inodes.find(inode.id);
    if (then === inode || inode.nrpages + (then?.nrpages ?? 0) === 0) continue;
    if (then === undefined || !sameFile(inode, then) || hasMoved(inode, then)) return true;
  }
  for (const then of before.inodes.values()) {
    if (then.nrpages > 0 && k.inodes.find(then.id) === undefined) return true;
  }
  return restatedFiles(moment, 1).size > 0;
}
