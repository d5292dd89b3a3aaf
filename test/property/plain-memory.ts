/** Several processes without page tables, frames or swap: a plain copy of every byte, and what a step must come to. */

export const PAGE = 4096;
export const FILE_PAGES = 6;

/** A page of one process. */
export interface PlainPage {
  /** Shared by all who map the same page of an object; a private page's own. */
  readonly bytes: Uint8Array;
  readonly shared: boolean;
  /** Page of the file behind it, -1 for none. */
  readonly filePage: number;
  /** False for a private page of the file that was not written yet: it shows the file. */
  readonly own: boolean;
  readonly writable: boolean;
}

/** One process's memory by page number. */
export type PlainSpace = Map<number, PlainPage>;

/** The file that all processes have open. */
export class PlainFile {
  readonly pages: Uint8Array[] = Array.from({ length: FILE_PAGES }, (_, i) => new Uint8Array(PAGE).fill(i + 1));
  size = FILE_PAGES;

  /** ftruncate() to whole pages: what is cut off comes back as zeros. */
  truncate(size: number, spaces: Iterable<PlainSpace>): void {
    for (let page = size; page < FILE_PAGES; page++) this.pages[page]?.fill(0);
    this.size = size;
    for (const space of spaces) {
      for (const [at, there] of space) {
        // Private copies behind the end go too.
        if (there.filePage >= size && !there.shared) space.set(at, { ...there, own: false });
      }
    }
  }
}

/** What a page shows; null where a touch is SIGBUS. */
export function shown(there: PlainPage, file: PlainFile): Uint8Array | null {
  if (there.filePage >= file.size) return null;
  return there.shared || there.own ? there.bytes : (file.pages[there.filePage] as Uint8Array);
}

/** A store to [offset, offset + bytes.length) of a page that may be written. */
export function plainStore(space: PlainSpace, at: number, offset: number, bytes: Uint8Array, file: PlainFile): void {
  const there = space.get(at) as PlainPage;
  if (there.shared || there.own) {
    there.bytes.set(bytes, offset);
    return;
  }
  const copy = (shown(there, file) as Uint8Array).slice();
  copy.set(bytes, offset);
  space.set(at, { ...there, bytes: copy, own: true });
}

/** The child's memory after a fork. */
export function plainFork(space: PlainSpace): PlainSpace {
  const copy: PlainSpace = new Map();
  for (const [at, there] of space) {
    copy.set(at, there.shared || !there.own ? there : { ...there, bytes: there.bytes.slice() });
  }
  return copy;
}
