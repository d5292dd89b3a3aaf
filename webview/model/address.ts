/** Addresses as the MMU reads them: cut into indices, and put together again. */
import type { LevelName, LevelView } from '../../simulator/view/types.ts';

/** One piece of an address: what it selects, its value, and its binary digits. */
export interface AddressPart {
  readonly kind: 'sign' | LevelName | 'offset';
  /** `PGD`, `sign`, `offset`. */
  readonly label: string;
  /** Decimal for indices, hexadecimal for the offset, empty for the sign. */
  readonly value: string;
  /** Binary digits, highest first; of the sign only `0…0`, `1…1` or, when not canonical, all of them. */
  readonly digits: string;
}

/** The shape that the cut needs of a level. */
export type LevelBits = Pick<LevelView, 'level' | 'shift' | 'bits'>;

const ADDRESS_BITS = 64n;

/** The number written as `0x…`; null when it is not written so, or has more than 64 bits. */
export function parseHex(text: string): bigint | null {
  return /^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : null;
}

/** `0x…`, with at least `digits` digits. */
export function hex(value: bigint | number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** The bits `shift` to `shift + bits - 1` of the address as binary digits. */
function binary(address: bigint, shift: number, bits: number): string {
  return BigInt.asUintN(bits, address >> BigInt(shift))
    .toString(2)
    .padStart(bits, '0');
}

/** The address cut as the levels say, highest bits first; empty when it is no address or there are no levels. */
export function cutAddress(address: string, levels: readonly LevelBits[]): AddressPart[] {
  const value = parseHex(address);
  const top = levels[0];
  const last = levels.at(-1);
  if (value === null || top === undefined || last === undefined) return [];
  const signShift = top.shift + top.bits;
  const sign = binary(value, signShift, Number(ADDRESS_BITS) - signShift);
  const same = /^(0+|1+)$/.test(sign);
  return [
    { kind: 'sign', label: 'sign', value: '', digits: same ? `${sign[0]}…${sign[0]}` : sign },
    ...levels.map((level): AddressPart => {
      const digits = binary(value, level.shift, level.bits);
      return { kind: level.level, label: level.level, value: String(Number.parseInt(digits, 2)), digits };
    }),
    {
      kind: 'offset',
      label: 'offset',
      value: hex(BigInt.asUintN(last.shift, value), Math.ceil(last.shift / 4)),
      digits: binary(value, 0, last.shift),
    },
  ];
}

/**
 * The lowest address that takes `index` at level number `at` and the same indices as `address` above it;
 * the top level's highest bit is extended as the hardware wants it.
 * @throws Error when the level does not exist or the address is not hexadecimal
 */
export function entryAddress(address: string, levels: readonly LevelBits[], at: number, index: number): string {
  const value = parseHex(address);
  const level = levels[at];
  const top = levels[0];
  if (value === null || level === undefined || top === undefined) throw new Error('entryAddress: no such entry');
  const above = BigInt(level.shift + level.bits);
  const moved = ((value >> above) << above) | (BigInt(index) << BigInt(level.shift));
  const width = top.shift + top.bits;
  return hex(BigInt.asUintN(64, BigInt.asIntN(width, moved)));
}

/** The bytes that one entry of the level maps: `4 KiB`, `2 MiB`, `512 GiB`. */
export function entrySpan(shift: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const unit = Math.min(Math.floor(shift / 10), units.length - 1);
  return `${2 ** (shift - unit * 10)} ${units[unit]}`;
}
