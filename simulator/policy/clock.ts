// CLOCK: frames in a circle, and a hand that passes those that were used lately.

import { FREE_FRAME, HIT, type Policy } from './policy.ts';

/**
 * The moving hand with B reference bits a frame. A page comes in with one bit set, a hit sets one more of the B, and the hand
 * clears one when it passes; it stops at a frame without any, replaces it, and moves on to the next. With B = 1 this is
 * second chance. Amortised O(1) an access: what the hand clears, an access has set. {@link resident} is in order of the
 * frames.
 */
export class Clock implements Policy {
  readonly ordersByUse = false;
  readonly #frames: Int32Array;
  readonly #frameOf: Int32Array;
  /** How many of the reference bits of a frame are set. */
  readonly #set: Uint8Array;
  readonly #bits: number;
  #used = 0;
  #hand = 0;

  /** @param bits reference bits a frame, 1 … 255 */
  constructor(frames: number, pages: number, bits: number) {
    const useful = Math.min(frames, pages);
    this.#frames = new Int32Array(useful);
    this.#set = new Uint8Array(useful);
    this.#frameOf = new Int32Array(pages).fill(-1);
    this.#bits = bits;
  }

  access(page: number): number {
    const held = this.#frameOf[page] as number;
    if (held >= 0) {
      const set = this.#set[held] as number;
      if (set < this.#bits) this.#set[held] = set + 1;
      return HIT;
    }
    if (this.#used < this.#frames.length) {
      this.#load(page, this.#used++);
      return FREE_FRAME;
    }
    while ((this.#set[this.#hand] as number) > 0) {
      this.#set[this.#hand] = (this.#set[this.#hand] as number) - 1;
      this.#advance();
    }
    const victim = this.#frames[this.#hand] as number;
    this.#frameOf[victim] = -1;
    this.#load(page, this.#hand);
    this.#advance();
    return victim;
  }

  #load(page: number, frame: number): void {
    this.#frames[frame] = page;
    this.#frameOf[page] = frame;
    this.#set[frame] = 1;
  }

  #advance(): void {
    this.#hand = this.#hand + 1 === this.#frames.length ? 0 : this.#hand + 1;
  }

  resident(): number[] {
    return Array.from(this.#frames.subarray(0, this.#used));
  }

  /** `page:bits`, and `>` before the frame at which the hand stands, once all are taken. */
  marked(name: (page: number) => string): string[] {
    const hand = this.#used === this.#frames.length ? this.#hand : -1;
    return this.resident().map((page, frame) => `${frame === hand ? '>' : ''}${name(page)}:${this.#set[frame]}`);
  }
}
