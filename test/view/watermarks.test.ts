// Watermarks: Linux's numbers for machines of a GiB and more, room for every frame on small ones.
import { expect, test } from 'vitest';
import { setup_per_zone_wmarks } from '../../simulator/mm/watermarks.ts';

test.each([
  // total, min, low, high
  [1, 0, 0, 0],
  [63, 0, 0, 0],
  [64, 0, 1, 2],
  [255, 0, 3, 6],
  [256, 1, 5, 9],
  [1024, 4, 12, 20],
  [16384, 64, 80, 96],
  // min_free_kbytes 4096, 10 of 10,000 between the marks.
  [262144, 1024, 1286, 1548],
  [4194304, 4096, 8290, 12484],
  // min_free_kbytes ends at 256 MiB.
  [2 ** 30, 65536, 1139277, 2213018],
])('%i frames: min %i, low %i, high %i', (total, min, low, high) => {
  expect(setup_per_zone_wmarks(total)).toEqual({ min, low, high });
});
