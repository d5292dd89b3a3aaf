// RANDOM: any resident page goes, by a draw.

import { FREE_FRAME, HIT, type Policy } from './policy.ts';

/** Murmur3's finaliser: each bit of `x` changes half of the bits of the result. */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Numbers in [0, 1) that depend on the seed alone. @param seed 0 … 2^32 - 1 */
export function seededDraws(seed: number): () => number {
  const start = mix(seed ^ 0x5bd1e995);
  let count = 0;
  return () => mix(start + Math.imul(++count, 0x9e3779b1)) / 2 ** 32;
}

/**
 * The victim is number ⌊draw × resident pages⌋ in order of arrival, which is also the order of {@link resident}.
 * O(log n) an access: places in the order are counted by a Fenwick tree, and closed up when they run out.
 */
export class RandomChoice implements Policy {
  readonly ordersByUse = false;
  readonly #frames: number;
  readonly #draw: () => number;
  readonly #isResident: Uint8Array;
  /** Page at each place, -1 for one that was left. */
  readonly #places: Int32Array;
  /** Node i counts the taken places of (i - lowest bit of i, i], from 1. */
  readonly #taken: Int32Array;
  #end = 0;
  #size = 0;

  /** @param draw numbers in [0, 1) */
  constructor(frames: number, pages: number, draw: () => number) {
    this.#frames = Math.min(frames, pages);
    this.#draw = draw;
    this.#isResident = new Uint8Array(pages);
    this.#places = new Int32Array(2 * this.#frames);
    this.#taken = new Int32Array(2 * this.#frames + 1);
  }

  access(page: number): number {
    if (this.#isResident[page] === 1) return HIT;
    let victim = FREE_FRAME;
    if (this.#size === this.#frames) {
      victim = this.#takeOut(Math.floor(this.#draw() * this.#size));
      this.#isResident[victim] = 0;
    }
    if (this.#end === this.#places.length) this.#closeUp();
    this.#append(page);
    this.#isResident[page] = 1;
    return victim;
  }

  #append(page: number): void {
    this.#places[this.#end] = page;
    this.#count(this.#end, 1);
    this.#end++;
    this.#size++;
  }

  #count(place: number, change: number): void {
    for (let i = place + 1; i < this.#taken.length; i += i & -i) this.#taken[i] = (this.#taken[i] as number) + change;
  }

  /** Removes and returns the page that has `rank` pages before it. */
  #takeOut(rank: number): number {
    let place = 0;
    let before = rank;
    for (let step = 2 ** Math.floor(Math.log2(this.#places.length)); step >= 1; step /= 2) {
      const next = place + step;
      if (next < this.#taken.length && (this.#taken[next] as number) <= before) {
        place = next;
        before -= this.#taken[next] as number;
      }
    }
    const page = this.#places[place] as number;
    this.#places[place] = -1;
    this.#count(place, -1);
    this.#size--;
    return page;
  }

  #closeUp(): void {
    const pages = this.resident();
    this.#taken.fill(0);
    this.#end = 0;
    this.#size = 0;
    for (const page of pages) this.#append(page);
  }

  resident(): number[] {
    return Array.from(this.#places.subarray(0, this.#end)).filter((page) => page >= 0);
  }
}
