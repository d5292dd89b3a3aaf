// Addresses as they are pasted from /proc/PID/maps.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { typedAddress as typed } from '../../simulator/scenario/typed-address.ts';

const typedAddress = (text: string, mapped: readonly bigint[] = []) =>
  typed(text, (address) => mapped.includes(address));

test('what /proc/PID/maps writes is hexadecimal', () => {
  expect(typedAddress('00400000')).toBe('0x00400000');
  expect(typedAddress(' 7ffff7ff5000 ')).toBe('0x7ffff7ff5000');
  expect(typedAddress('555555554000')).toBe('0x555555554000');
  expect(typedAddress('00400000-00401000')).toBe('0x00400000');
  expect(typedAddress('ffffffffff600000')).toBe('0xffffffffff600000');
});

test('of a range and of a whole line the first address counts', () => {
  expect(typedAddress('00401000-00402000 r-xp 00001000 08:01 1001     /bin/bash')).toBe('0x00401000');
  expect(typedAddress('0x401000-0x402000')).toBe('0x401000');
  expect(typedAddress('0x402000 - 0x1000')).toBe('0x402000 - 0x1000');
});

test('digits that are decimal too are hexadecimal where only that is mapped', () => {
  expect(typedAddress('10000000', [0x10000000n])).toBe('0x10000000');
  expect(typedAddress('10000000', [0x10000000n, 10000000n])).toBe('10000000');
  expect(typedAddress('10000000')).toBe('10000000');
});

test('what the language reads stays as it is', () => {
  for (const text of [
    '0x7ffff7ff5000',
    '0',
    '4096',
    '16777216',
    '140737354084352',
    'buf',
    'deadbeef',
    'buf + 4K',
    '0644',
    '4K',
  ])
    expect(typedAddress(text)).toBe(text);
});

test('every page of user space that is written as maps writes it means its address, unless all digits are decimal', () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 2 ** 35 - 1 }), (page) => {
      const text = (page * 4096).toString(16).padStart(8, '0');
      fc.pre(!/^[1-9]\d*$/.test(text) || text.length === 12);
      // Nine to eleven digits that begin with a letter are names of the language.
      fc.pre(!/^[a-f]/.test(text));
      expect(BigInt(typedAddress(text))).toBe(BigInt(page * 4096));
    }),
  );
});
