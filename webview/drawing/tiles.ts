/** How one cell of a map looks: a colour of the theme and a pattern, so that neither is needed to read the other. */
import type { Rect } from '../layout/cells.ts';
import type { FrameTile, Mark } from '../model/frames.ts';
import type { SlotUse } from '../model/slots.ts';

export type Tile = FrameTile | SlotUse;

type Pattern = 'hollow' | 'pale' | 'solid' | 'diagonal' | 'cross' | 'rows' | 'columns' | 'ring' | 'grid' | 'half';

const LOOKS: Readonly<Record<Tile, readonly [variable: string, pattern: Pattern]>> = {
  free: ['--ase-free', 'hollow'],
  anon: ['--ase-anon', 'solid'],
  'file-clean': ['--ase-file', 'diagonal'],
  'file-dirty': ['--ase-dirty', 'cross'],
  shmem: ['--ase-shmem', 'rows'],
  zero: ['--ase-zero', 'ring'],
  table: ['--ase-table', 'grid'],
  device: ['--ase-device', 'columns'],
  'swap-cache': ['--ase-swap', 'half'],
  'slot-free': ['--ase-free', 'hollow'],
  'slot-used': ['--ase-swap', 'solid'],
  'slot-shared': ['--ase-swap', 'grid'],
  'list-none': ['--ase-table', 'grid'],
  'list-inactive-anon': ['--ase-anon', 'diagonal'],
  'list-active-anon': ['--ase-anon', 'solid'],
  'list-inactive-file': ['--ase-file', 'diagonal'],
  'list-active-file': ['--ase-file', 'solid'],
  'list-unevictable': ['--ase-shmem', 'cross'],
  'owner-0': ['--ase-anon', 'solid'],
  'owner-1': ['--ase-file', 'diagonal'],
  'owner-2': ['--ase-shmem', 'rows'],
  'owner-3': ['--ase-swap', 'columns'],
  'owner-4': ['--ase-device', 'cross'],
  'owner-5': ['--ase-dirty', 'half'],
  'owner-6': ['--ase-anon', 'columns'],
  'owner-7': ['--ase-file', 'half'],
  'owner-several': ['--ase-table', 'grid'],
  'owner-cache': ['--ase-zero', 'pale'],
  'owner-kernel': ['--ase-table', 'ring'],
  'owner-somebody': ['--ase-anon', 'diagonal'],
};

/** Below this size (pixels) a pattern is noise: the overview draws plain boxes. */
const PATTERN_SIZE = 8;

export type Painter = (tile: Tile, rect: Rect, share?: number) => void;

/** A painter with the theme's colours as they are now, read from `element`. */
export function painter(context: CanvasRenderingContext2D, element: Element): Painter {
  const style = getComputedStyle(element);
  const colour = (tile: Tile) => style.getPropertyValue(LOOKS[tile][0]).trim() || style.color;
  const background = style.getPropertyValue('--ase-background').trim() || 'transparent';
  const colours = new Map<Tile, string>();
  return (tile, rect, share = 1) => {
    const found = colours.get(tile) ?? colour(tile);
    colours.set(tile, found);
    context.save();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.size, rect.size);
    context.clip();
    if (rect.size < PATTERN_SIZE) paintSmall(context, LOOKS[tile][1], rect, found, share);
    else paintPattern(context, LOOKS[tile][1], rect, found, background);
    context.restore();
  };
}

/** A cell of an overview: filled from below by the share of it that is in use. */
function paintSmall(c: CanvasRenderingContext2D, pattern: Pattern, r: Rect, colour: string, share: number): void {
  c.fillStyle = colour;
  c.globalAlpha = pattern === 'hollow' ? 0.35 : 0.3;
  c.fillRect(r.x, r.y, r.size, r.size);
  if (pattern === 'hollow') return;
  c.globalAlpha = 1;
  const height = Math.max(1, Math.round(r.size * share));
  c.fillRect(r.x, r.y + r.size - height, r.size, height);
}

function paintPattern(c: CanvasRenderingContext2D, pattern: Pattern, r: Rect, colour: string, ground: string): void {
  c.fillStyle = colour;
  c.strokeStyle = colour;
  c.lineWidth = 1;
  if (pattern === 'hollow') {
    c.strokeRect(r.x + 0.5, r.y + 0.5, r.size - 1, r.size - 1);
    return;
  }
  c.globalAlpha = pattern === 'solid' ? 0.9 : 0.22;
  c.fillRect(r.x, r.y, r.size, r.size);
  c.globalAlpha = 1;
  c.strokeRect(r.x + 0.5, r.y + 0.5, r.size - 1, r.size - 1);
  PATTERNS[pattern](c, r, ground);
}

const PATTERNS: Readonly<
  Record<Exclude<Pattern, 'hollow'>, (c: CanvasRenderingContext2D, r: Rect, ground: string) => void>
> = {
  solid: () => {},
  pale: () => {},
  diagonal: (c, r) => slanted(c, r, 1),
  cross: (c, r) => {
    slanted(c, r, 1);
    slanted(c, r, -1);
  },
  rows: (c, r) => {
    for (let y = r.y + 3; y < r.y + r.size - 1; y += 4) c.fillRect(r.x, y, r.size, 2);
  },
  columns: (c, r) => {
    for (let x = r.x + 3; x < r.x + r.size - 1; x += 4) c.fillRect(x, r.y, 2, r.size);
  },
  ring: (c, r) => {
    c.beginPath();
    c.arc(r.x + r.size / 2, r.y + r.size / 2, r.size / 4, 0, 2 * Math.PI);
    c.lineWidth = 1.5;
    c.stroke();
  },
  grid: (c, r) => {
    const third = Math.round(r.size / 3);
    for (const at of [third, 2 * third]) {
      c.fillRect(r.x + at, r.y, 1, r.size);
      c.fillRect(r.x, r.y + at, r.size, 1);
    }
  },
  half: (c, r) => {
    c.beginPath();
    c.moveTo(r.x, r.y + r.size);
    c.lineTo(r.x + r.size, r.y);
    c.lineTo(r.x + r.size, r.y + r.size);
    c.fill();
  },
};

/** Diagonal lines, rising for 1 and falling for -1. */
function slanted(c: CanvasRenderingContext2D, r: Rect, way: 1 | -1): void {
  c.beginPath();
  for (let at = -r.size; at < r.size * 2; at += 5) {
    c.moveTo(r.x + at, way === 1 ? r.y + r.size : r.y);
    c.lineTo(r.x + at + r.size, way === 1 ? r.y : r.y + r.size);
  }
  c.lineWidth = 1.4;
  c.stroke();
}

export type MarkPainter = (mark: Mark, rect: Rect) => void;

/** Marks on cells smaller than this (pixels) could not be told from each other. */
const MARK_SIZE = 8;

/** A painter of the marks of a cell: shapes in the colour of the text, with a rim that lifts them off any tile. */
export function markPainter(context: CanvasRenderingContext2D, element: Element): MarkPainter {
  const style = getComputedStyle(element);
  const background = style.getPropertyValue('--ase-background').trim() || 'transparent';
  return (mark, rect) => {
    if (rect.size < MARK_SIZE) return;
    for (const [colour, rim] of [
      [background, 1],
      [style.color, 0],
    ] as const) {
      context.fillStyle = colour;
      context.beginPath();
      MARKS[mark](context, rect, rim);
      context.fill();
    }
  };
}

/** Marks grow with their cell; this is 1 for the smallest ones. */
function unit(r: Rect): number {
  return Math.max(1, Math.round(r.size / 6) / 2);
}

/** The change of a step has the corner at the top right; these have the others. `rim` makes them larger all around. */
const MARKS: Readonly<Record<Mark, (c: CanvasRenderingContext2D, r: Rect, rim: number) => void>> = {
  /** A bar along the top, from the left: as wide as half the cell. */
  referenced: (c, r, rim) => {
    c.rect(r.x, r.y, Math.round(r.size / 2) + rim, 2 * unit(r) + rim);
  },
  /** A bar along the right, from the bottom: as high as the change's corner leaves room for. */
  accessed: (c, r, rim) => {
    const height = Math.max(4, Math.floor(r.size / 2) - 1) + rim;
    const width = 2 * unit(r) + rim;
    c.rect(r.x + r.size - width, r.y + r.size - height, width, height);
  },
  /** An arrow in the middle, from the left. */
  hand: (c, r, rim) => {
    const middle = r.y + r.size / 2;
    const half = r.size / 4 + rim;
    c.moveTo(r.x + r.size / 4 - rim, middle - half);
    c.lineTo(r.x + (r.size * 3) / 4 + rim, middle);
    c.lineTo(r.x + r.size / 4 - rim, middle + half);
    c.closePath();
  },
  /** A dot at the bottom left. */
  dirty: (c, r, rim) => {
    const radius = 2.5 * unit(r);
    c.arc(r.x + radius, r.y + r.size - radius, radius + rim, 0, 2 * Math.PI);
  },
  /** An arrowhead at the bottom, between the dot and the bar along the right. */
  writeback: (c, r, rim) => {
    const u = unit(r);
    const [right, bottom] = [r.x + r.size - 3 * u, r.y + r.size];
    c.moveTo(right - 6 * u - rim, bottom);
    c.lineTo(right - 3 * u, bottom - 5 * u - 2 * rim);
    c.lineTo(right + rim, bottom);
  },
  /** A bar along the bottom. */
  cached: (c, r, rim) => {
    const height = 3 * unit(r) + rim;
    c.rect(r.x, r.y + r.size - height, r.size, height);
  },
};
