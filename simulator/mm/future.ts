/**
 * The pages that a run will use, in order: what Belady's OPT needs to know. Recorded in one run of a scenario, asked in
 * the next. Nothing in it depends on which pages were evicted.
 */

import type { Pfn } from '../machine/address.ts';

/** The answer of {@link Future.nextUse} for a page that is not used again. */
export const NEVER = 0x7fffffff;

/** A place in a process's memory, or a page of a file: `space` is the id of an mm, or of an inode. */
export interface PagePlace {
  readonly kind: 'process' | 'file';
  readonly space: number;
  /** Page number. */
  readonly page: number;
}

/** Dense numbers for places, handed out as they come. */
class PlaceNumbers {
  readonly #processes = new Map<number, Map<number, number>>();
  readonly #files = new Map<number, Map<number, number>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  find(kind: PagePlace['kind'], space: number, page: number): number | undefined {
    return (kind === 'process' ? this.#processes : this.#files).get(space)?.get(page);
  }

  number(kind: PagePlace['kind'], space: number, page: number): number {
    const spaces = kind === 'process' ? this.#processes : this.#files;
    let pages = spaces.get(space);
    if (pages === undefined) {
      pages = new Map();
      spaces.set(space, pages);
    }
    const known = pages.get(page);
    if (known !== undefined) return known;
    pages.set(page, this.#count);
    return this.#count++;
  }
}

/** Numbers, as many as come. */
class Numbers {
  #items = new Int32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#items.length) {
      const larger = new Int32Array(2 * this.length);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.length++] = value;
  }

  finish(): Int32Array {
    return this.#items.slice(0, this.length);
  }
}

/** Immutable: many machines may ask it at the same time. Uses are numbered from 0. */
export class Future {
  /** False: the run goes on behind what was foreseen. */
  readonly complete: boolean;
  readonly #numbers: PlaceNumbers;
  /** By use: its place; the next use of the same page, wherever it lies then. */
  readonly #places: Int32Array;
  readonly #next: Int32Array;
  /** By step: its first use, and its line. */
  readonly #firsts: Int32Array;
  readonly #lines: Int32Array;
  /** All uses in the order of their places, and where those of each place begin. */
  readonly #uses: Int32Array;
  readonly #begins: Int32Array;

  constructor(
    numbers: PlaceNumbers,
    places: Int32Array,
    pages: Int32Array,
    firsts: Int32Array,
    lines: Int32Array,
    complete: boolean,
  ) {
    this.#numbers = numbers;
    this.#places = places;
    this.#next = nextUses(pages);
    this.#firsts = firsts;
    this.#lines = lines;
    this.#begins = begins(places, numbers.count);
    this.#uses = byPlace(places, this.#begins);
    this.complete = complete;
  }

  /** Number of the first use in a step, from 0; behind the last foreseen step, the number of all uses. */
  firstUseOf(step: number): number {
    return this.#firsts[step] ?? this.#places.length;
  }

  /** The place's number; -1 for one that is never used. */
  placeNumber(kind: PagePlace['kind'], space: number, page: number): number {
    return this.#numbers.find(kind, space, page) ?? -1;
  }

  /** Where the use is; -1 behind the last. */
  placeOf(use: number): number {
    return this.#places[use] ?? -1;
  }

  /** The next use of the page that this use is of, or {@link NEVER}. */
  nextUse(use: number): number {
    return this.#next[use] ?? NEVER;
  }

  /** The first use of a place from `use` on, or {@link NEVER}. */
  nextUseAt(place: number, use: number): number {
    if (place < 0) return NEVER;
    let low = this.#begins[place] as number;
    const end = this.#begins[place + 1] as number;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#uses[middle] as number) < use) low = middle + 1;
      else high = middle;
    }
    return low < end ? (this.#uses[low] as number) : NEVER;
  }

  /** Line of the scenario, from 1, of the step that makes a use. */
  lineOf(use: number): number {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#firsts[middle] as number) <= use) low = middle + 1;
      else high = middle;
    }
    return this.#lines[low - 1] ?? 0;
  }
}

/** For each use, the next one of the same page. */
function nextUses(pages: Int32Array): Int32Array {
  const next = new Int32Array(pages.length);
  const seen = new Map<number, number>();
  for (let use = pages.length - 1; use >= 0; use--) {
    const page = pages[use] as number;
    next[use] = seen.get(page) ?? NEVER;
    seen.set(page, use);
  }
  return next;
}

/** Where each place's uses begin in the order of places, and where the last one's end. */
function begins(places: Int32Array, count: number): Int32Array {
  const starts = new Int32Array(count + 1);
  for (const place of places) starts[place + 1] = (starts[place + 1] as number) + 1;
  for (let place = 0; place < count; place++) {
    starts[place + 1] = (starts[place + 1] as number) + (starts[place] as number);
  }
  return starts;
}

function byPlace(places: Int32Array, starts: Int32Array): Int32Array {
  const uses = new Int32Array(places.length);
  const at = starts.slice();
  places.forEach((place, use) => {
    const next = at[place] as number;
    uses[next] = use;
    at[place] = next + 1;
  });
  return uses;
}

/** Notes the uses of a run; a kernel that has one tells it of each, and of what becomes of frames and swap slots. */
export class UseRecorder {
  readonly #numbers = new PlaceNumbers();
  readonly #places = new Numbers();
  readonly #pages = new Numbers();
  readonly #firsts = new Numbers();
  readonly #lines = new Numbers();
  /** Pages of files by place, anonymous pages by the frame or the slot that holds them. */
  readonly #filePages = new Map<number, number>();
  readonly #inFrame = new Map<Pfn, number>();
  readonly #inSlot = new Map<number, number>();
  #nextPage = 0;

  /** Uses noted so far. */
  get length(): number {
    return this.#places.length;
  }

  /** Another step of the scenario begins; `line` from 1. */
  beginStep(line: number): void {
    this.#firsts.push(this.#places.length);
    this.#lines.push(line);
  }

  /** An anonymous page in frame `pfn` is used by process memory `mm` at a page number. */
  usedAnon(mm: number, page: number, pfn: Pfn): void {
    let known = this.#inFrame.get(pfn);
    if (known === undefined) {
      known = this.#nextPage++;
      this.#inFrame.set(pfn, known);
    }
    this.#note(this.#numbers.number('process', mm, page), known);
  }

  /** A page of a file is used. */
  usedFile(inode: number, index: number): void {
    const place = this.#numbers.number('file', inode, index);
    let known = this.#filePages.get(place);
    if (known === undefined) {
      known = this.#nextPage++;
      this.#filePages.set(place, known);
    }
    this.#note(place, known);
  }

  /** A frame gets a new page. */
  allocated(pfn: Pfn): void {
    this.#inFrame.delete(pfn);
  }

  swappedOut(pfn: Pfn, slot: number): void {
    move(this.#inFrame, pfn, this.#inSlot, slot);
  }

  swappedIn(slot: number, pfn: Pfn): void {
    move(this.#inSlot, slot, this.#inFrame, pfn);
  }

  /** `complete`: the run came to its end. */
  finish(complete: boolean): Future {
    const [places, pages] = [this.#places.finish(), this.#pages.finish()];
    return new Future(this.#numbers, places, pages, this.#firsts.finish(), this.#lines.finish(), complete);
  }

  #note(place: number, page: number): void {
    this.#places.push(place);
    this.#pages.push(page);
  }
}

function move(from: Map<number, number>, source: number, to: Map<number, number>, target: number): void {
  const page = from.get(source);
  if (page === undefined) to.delete(target);
  else to.set(target, page);
}
