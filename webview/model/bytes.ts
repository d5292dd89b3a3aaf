/** The first bytes of a frame as lines of a hex dump. */

export interface HexRow {
  /** Offset in the frame. */
  readonly at: number;
  /** {@link at} in hexadecimal, three digits: `008`. */
  readonly label: string;
  readonly bytes: readonly { readonly text: string; readonly here: boolean }[];
  /** Printable ASCII, `·` for the rest. */
  readonly ascii: string;
}

/**
 * The bytes (hexadecimal, two digits each) in rows; trailing rows of zeros are left out, the first row never is.
 * @param here offset of the byte that the address points at, null for none
 * @param width bytes of a row
 */
export function hexRows(bytes: string, here: number | null, width: number): HexRow[] {
  const all = bytes.match(/../g) ?? [];
  const rows: HexRow[] = [];
  for (let at = 0; at < all.length; at += width) {
    const row = all.slice(at, at + width);
    rows.push({
      at,
      label: at.toString(16).padStart(3, '0'),
      bytes: row.map((text, i) => ({ text, here: at + i === here })),
      ascii: row.map(printable).join(''),
    });
  }
  const isZero = (row: HexRow | undefined) => row?.bytes.every((byte) => byte.text === '00' && !byte.here) === true;
  while (rows.length > 1 && isZero(rows.at(-1))) rows.pop();
  return rows;
}

function printable(byte: string): string {
  const code = Number.parseInt(byte, 16);
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '·';
}
