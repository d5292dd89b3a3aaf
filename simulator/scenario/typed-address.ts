// Addresses as somebody types or pastes them beside a run.

/** What /proc/PID/maps writes: hexadecimal without a mark, in eight digits or more; perhaps the whole line. */
const MAPS_ADDRESS = /^([0-9a-f]{8,16})(-[0-9a-f]{8,16}(\s.*)?)?$/i;
/** The same with marks, as others write a range. */
const MARKED_RANGE = /^(0x[0-9a-f]+)\s*-\s*(0x[0-9a-f]+)$/i;

/**
 * The expression that a typed address means. Digits as /proc/PID/maps writes them (`00400000`, `7ffff7ff5000`; of an area
 * or of a line the first) are hexadecimal, which the language itself reads otherwise. What it reads as a name stays that. A
 * decimal number stays one, but for twelve digits, which addresses of 47 bits have in hexadecimal only, and where something
 * is mapped there in hexadecimal and nothing in decimal.
 */
export function typedAddress(text: string, isMapped: (address: bigint) => boolean): string {
  const trimmed = text.trim();
  const [, from, to] = MARKED_RANGE.exec(trimmed) ?? [];
  if (from !== undefined && to !== undefined && BigInt(from) < BigInt(to)) return from;
  const [, digits, end] = MAPS_ADDRESS.exec(trimmed) ?? [];
  if (digits === undefined) return text;
  const address = `0x${digits}`;
  if (end !== undefined) return address;
  if (/^[a-f]/i.test(digits)) return digits.length < 16 ? text : address;
  if (/^[1-9]\d*$/.test(digits) && digits.length !== 12) {
    return isMapped(BigInt(address)) && !isMapped(BigInt(digits)) ? address : text;
  }
  return address;
}
