/** How many free frames there should be: min, low and high (mm/page_alloc.c: __setup_per_zone_wmarks()). */

/**
 * Frames. Below `low` an allocation wakes kswapd, which frees until more than `high` are free; at `min` the process has
 * to reclaim itself, and takes none of the rest.
 */
export interface Watermarks {
  readonly min: number;
  readonly low: number;
  readonly high: number;
}

/** Machines that reclaim by a textbook policy keep nothing back: it acts when no frame is free. */
export const NO_WATERMARKS: Watermarks = { min: 0, low: 0, high: 0 };

/** Part of the memory that lies between two watermarks: watermark_scale_factor of 10 / 10000. */
const SCALE = 1000;

/**
 * Watermarks of a machine of `total` frames. min_free_kbytes is Linux's: the root of 16 times the memory, in kB, at most
 * 256 MiB. Departs from Linux below 1 GiB, where that root and its floor of 128 kB would take a large part of a small
 * machine: there `min` is a 256th of RAM, so that a scenario of fewer than 256 frames can use every one of them, and the
 * gap is at least a 64th, up to 8 frames, so that kswapd has something to do on machines of 64 frames and more.
 */
export function setup_per_zone_wmarks(total: number): Watermarks {
  const min_free_kbytes = Math.min(Math.floor(Math.sqrt(total * 4 * 16)), 262144);
  const min = Math.min(Math.floor(min_free_kbytes / 4), Math.floor(total / 256));
  const small = Math.min(8, Math.floor(total / 64));
  const gap = Math.max(Math.floor(min / 4), Math.floor(total / SCALE), small);
  return { min, low: min + gap, high: min + 2 * gap };
}
