// Addresses as somebody types or pastes them beside a run.

/** What /proc/PID/maps writes: hexadecimal without a mark, in eight digits or more. */
const MAPS_ADDRESS = /^([0-9a-f]{8,16})(-[0-9a-f]{8,16})?$/i;

/**
 * The expression that a typed address means. Digits as /proc/PID/maps writes them (`00400000`, `7ffff7ff5000`, or the two of
 * an area, of which the first counts) are hexadecimal, which the language itself reads otherwise. What it reads as a
 * decimal number or a name stays that, but for twelve digits: so many have addresses of 47 bits in hexadecimal only.
 */
export function typedAddress(text: string): string {
  const [, digits, end] = MAPS_ADDRESS.exec(text.trim()) ?? [];
  if (digits === undefined) return text;
  const isName = /^[a-f]/i.test(digits) && digits.length < 16;
  const isDecimal = /^[1-9]\d*$/.test(digits) && digits.length !== 12;
  return end === undefined && (isName || isDecimal) ? text : `0x${digits}`;
}
