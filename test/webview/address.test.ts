// The address as the MMU cuts it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAddress, entryAddress, entrySpan, hex, type LevelBits, parseHex } from '../../webview/model/address.ts';

const FOUR: readonly LevelBits[] = [
  { level: 'PGD', shift: 39, bits: 9 },
  { level: 'PUD', shift: 30, bits: 9 },
  { level: 'PMD', shift: 21, bits: 9 },
  { level: 'PTE', shift: 12, bits: 9 },
];
const FIVE: readonly LevelBits[] = [
  { level: 'PGD', shift: 48, bits: 9 },
  { level: 'P4D', shift: 39, bits: 9 },
  ...FOUR.slice(1),
];

describe('cutAddress', () => {
  it('cuts an address of four levels', () => {
    const parts = cutAddress('0x7ffff7ff6008', FOUR);
    expect(parts.map((part) => [part.label, part.value])).toEqual([
      ['sign', ''],
      ['PGD', '255'],
      ['PUD', '511'],
      ['PMD', '447'],
      ['PTE', '502'],
      ['offset', '0x008'],
    ]);
    expect(parts.map((part) => part.digits)).toEqual([
      '0…0',
      '011111111',
      '111111111',
      '110111111',
      '111110110',
      '000000001000',
    ]);
  });

  it('shows all bits of a sign that is not canonical', () => {
    expect(cutAddress('0x0001000000000000', FOUR)[0]?.digits).toBe('0000000000000001');
    expect(cutAddress('0xffff800000000000', FOUR)[0]?.digits).toBe('1…1');
  });

  it('has no parts for what is no address', () => {
    expect(cutAddress('buf', FOUR)).toEqual([]);
    expect(cutAddress('0x1', [])).toEqual([]);
    expect(parseHex('0x10000000000000000')).toBeNull();
  });

  it('puts the address together again from its digits', () => {
    const digitsOf = (address: bigint, levels: readonly LevelBits[]) =>
      cutAddress(hex(address), levels)
        .slice(1)
        .map((part) => part.digits)
        .join('');
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 64n) - 1n), fc.constantFrom(FOUR, FIVE), (address, levels) => {
        const width = levels === FOUR ? 48 : 57;
        expect(BigInt(`0b${digitsOf(address, levels)}`)).toBe(BigInt.asUintN(width, address));
      }),
    );
  });
});

describe('entryAddress', () => {
  it('keeps the indices above and clears what lies below', () => {
    expect(entryAddress('0x7ffff7ff6008', FOUR, 3, 503)).toBe('0x7ffff7ff7000');
    expect(entryAddress('0x7ffff7ff6008', FOUR, 2, 511)).toBe('0x7fffffe00000');
    expect(entryAddress('0x7ffff7ff6008', FOUR, 0, 0)).toBe('0x0');
  });

  it('extends the sign of the upper half', () => {
    expect(entryAddress('0x1000', FOUR, 0, 511)).toBe('0xffffff8000000000');
    expect(entryAddress('0x1000', FIVE, 0, 256)).toBe('0xff00000000000000');
  });

  it('takes exactly the index asked for', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 47n) - 1n), fc.nat(3), fc.nat(511), (address, level, index) => {
        const moved = cutAddress(entryAddress(hex(address), FOUR, level, index), FOUR);
        const before = cutAddress(hex(address), FOUR);
        expect(moved[level + 1]?.value).toBe(String(index));
        expect(moved.slice(1, level + 1)).toEqual(before.slice(1, level + 1));
      }),
    );
  });
});

describe('entrySpan', () => {
  it('says what an entry covers', () => {
    expect([12, 21, 30, 39, 48].map(entrySpan)).toEqual(['4 KiB', '2 MiB', '1 GiB', '512 GiB', '256 TiB']);
  });
});
