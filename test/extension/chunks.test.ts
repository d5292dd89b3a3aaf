// Long lists in pieces that a tree can show.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHUNK, chunks } from '../../extension/tree/chunks.ts';

test('short lists are shown as they are', () => {
  expect(chunks(0, CHUNK)).toEqual([]);
});

test('the pieces cover the list once, and there are not too many', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: CHUNK + 1, max: 5_000_000 }), (from, count) => {
      const pieces = chunks(from, count);
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.length).toBeLessThanOrEqual(CHUNK);
      let at = from;
      for (const piece of pieces) {
        expect(piece.from).toBe(at);
        expect(piece.count).toBeGreaterThan(0);
        at += piece.count;
      }
      expect(at).toBe(from + count);
    }),
  );
});

test('30,000 items are at most two levels deep', () => {
  const top = chunks(0, 30_000);
  expect(top.length).toBeLessThanOrEqual(CHUNK);
  for (const piece of top) expect(chunks(piece.from, piece.count).length).toBeLessThanOrEqual(CHUNK);
});

test('borders stay where they are when the list grows', () => {
  const before = chunks(0, 250).map((piece) => piece.from);
  expect(chunks(0, 420).map((piece) => piece.from)).toEqual(expect.arrayContaining(before));
});
