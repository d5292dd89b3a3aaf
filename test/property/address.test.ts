// Page arithmetic on doubles against 64-bit integers.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as address from '../../simulator/machine/address.ts';

const WORDS = 2n ** 64n;
/** Words for which folding must be exact: what is small, and what is a small negative number. */
const exact = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }),
  fc.bigInt({ min: WORDS - 2n ** 52n, max: WORDS - 1n }),
  fc.constantFrom(0n, 1n, 4095n, 4096n, 2n ** 47n, 2n ** 52n - 1n, WORDS - 2n ** 52n, WORDS - 4096n, WORDS - 1n),
);
const any = fc.oneof(exact, fc.bigInt({ min: 0n, max: WORDS - 1n }));
const user = fc
  .bigInt({ min: 0n, max: 2n ** 56n - 1n })
  .map(Number)
  .filter(Number.isSafeInteger);

test('folding keeps the order of exact words, their page offset and their alignment', () => {
  fc.assert(
    fc.property(exact, exact, (a, b) => {
      const [x, y] = [address.foldWord(a), address.foldWord(b)];
      expect(Math.sign(x - y)).toBe(a < b ? -1 : a > b ? 1 : 0);
      expect(x % 4096).toBe(Number(a % 4096n));
      expect(address.isPageAligned(x)).toBe(a % 4096n === 0n);
      expect(address.pageDown(x)).toBe(address.foldWord(a - (a % 4096n)));
    }),
  );
});

test('every word folds to an integer below WORD_END that keeps its offset in the page', () => {
  fc.assert(
    fc.property(any, (word) => {
      const folded = address.foldWord(word);
      expect(Number.isInteger(folded) && folded >= 0 && folded < address.WORD_END).toBe(true);
      expect(folded % 4096).toBe(Number(word % 4096n));
      // What is huge stays beyond every user address.
      expect(folded >= 2 ** 52).toBe(word >= 2n ** 52n);
    }),
  );
});

test('sums and page alignment wrap as 64-bit words do', () => {
  fc.assert(
    fc.property(exact, exact, (a, b) => {
      const sum = (a + b) % WORDS;
      const known = sum < 2n ** 52n || sum >= WORDS - 2n ** 52n;
      const folded = address.addWords(address.foldWord(a), address.foldWord(b));
      if (known) expect(folded).toBe(address.foldWord(sum));
      const up = ((a + 4095n) / 4096n) * 4096n;
      expect(address.pageAlign(address.foldWord(a))).toBe(address.foldWord(up % WORDS));
    }),
  );
});

test('the indexes of the levels are the bits of the address', () => {
  fc.assert(
    fc.property(user, (addr) => {
      const bits = BigInt(addr);
      const index = (shift: bigint): number => Number((bits >> shift) & 511n);
      expect(address.pteIndex(addr)).toBe(index(12n));
      expect(address.pmdIndex(addr)).toBe(index(21n));
      expect(address.entryIndex(addr, 2)).toBe(index(30n));
      expect(address.entryIndex(addr, 3)).toBe(index(39n));
      expect(address.entryIndex(addr, 4)).toBe(index(48n));
      expect(address.pageNumber(addr)).toBe(Number(bits >> 12n));
      expect(address.hex(addr)).toBe(`0x${bits.toString(16)}`);
    }),
  );
});
