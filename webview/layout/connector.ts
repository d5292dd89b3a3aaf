/** The lines from an entry to the table or frame that it points to. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const CORNER = 6;

/** The height at which a line from above enters a box: beside its heading. */
export function arrival(box: Box): number {
  return box.top + Math.min(box.height / 2, 16);
}

/**
 * From the right edge of `from`, through the gap between two columns, to the left edge of `to`:
 * three straight pieces with round corners (a straight line when they lie at the same height).
 */
export function acrossPath(from: Box, to: Box): string {
  const x1 = from.left + from.width;
  const y1 = from.top + from.height / 2;
  const x2 = to.left;
  const y2 = to.top + to.height / 2;
  const middle = (x1 + x2) / 2;
  const r = Math.min(CORNER, Math.abs(y2 - y1) / 2, Math.abs(x2 - x1) / 2);
  if (r < 0.5) return `M${x1} ${y1}H${x2}`;
  const down = y2 > y1 ? 1 : -1;
  return (
    `M${x1} ${y1}H${middle - r}q${r} 0 ${r} ${down * r}` + `V${y2 - down * r}q0 ${down * r} ${r} ${down * r}H${x2}`
  );
}

/** From the left edge of `from` down through the margin `gutter` pixels to its left, to the left edge of `to` below. */
export function downPath(from: Box, to: Box, gutter: number): string {
  const y1 = from.top + from.height / 2;
  const y2 = arrival(to);
  const x = Math.min(from.left, to.left) - gutter;
  const r = Math.min(CORNER, gutter);
  return `M${from.left} ${y1}H${x + r}q${-r} 0 ${-r} ${r}V${y2 - r}q0 ${r} ${r} ${r}H${to.left}`;
}

/** A small arrow head whose point is at (x, y), pointing right. */
export function arrowHead(x: number, y: number): string {
  return `M${x} ${y}l-5 -3.5v7z`;
}

/** From the right edge of `from` through a margin `gutter` pixels to the right, back to the right edge of `to` below. */
export function aroundPath(from: Box, to: Box, gutter: number): string {
  const y1 = from.top + from.height / 2;
  const y2 = arrival(to);
  const x1 = from.left + from.width;
  const x2 = to.left + to.width;
  const x = Math.max(x1, x2) + gutter;
  const r = Math.min(CORNER, gutter);
  return `M${x1} ${y1}H${x - r}q${r} 0 ${r} ${r}V${y2 - r}q0 ${r} ${-r} ${r}H${x2}`;
}

/** The same arrow head, pointing left. */
export function arrowHeadLeft(x: number, y: number): string {
  return `M${x} ${y}l5 -3.5v7z`;
}
