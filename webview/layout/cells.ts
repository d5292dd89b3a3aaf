/** Where the cells of a map lie: pure geometry in CSS pixels. */

export interface CellGrid {
  readonly columns: number;
  readonly rows: number;
  /** Cells, the last row may be short. */
  readonly cells: number;
  /** Distance from one cell to the next, its gap included. */
  readonly pitch: number;
  readonly gap: number;
  readonly width: number;
  readonly height: number;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export interface GridOptions {
  /** Cells to place. */
  readonly cells: number;
  /** Pixels at hand. */
  readonly width: number;
  readonly minPitch: number;
  readonly maxPitch: number;
  readonly gap: number;
}

/** A grid whose columns are a power of two (so that rows begin at round hexadecimal numbers) and fill the width. */
export function cellGrid(options: GridOptions): CellGrid {
  const fitting = Math.max(1, Math.floor(options.width / options.minPitch));
  const columns = 2 ** Math.floor(Math.log2(fitting));
  const pitch = Math.max(options.minPitch, Math.min(options.maxPitch, Math.floor(options.width / columns)));
  const rows = Math.ceil(options.cells / columns);
  const height = rows * pitch - (rows > 0 ? options.gap : 0);
  return { columns, rows, cells: options.cells, pitch, gap: options.gap, width: columns * pitch - options.gap, height };
}

export interface RoomyOptions extends GridOptions {
  /** Pixels that a cell may take while the map is no higher than `height`. */
  readonly roomyPitch: number;
  readonly height: number;
}

/** Cells this much of the largest size are large enough: a wider map is better than the last pixels. */
const NEARLY = 0.8;

/**
 * A grid whose cells are as large as they can be without making it higher than `height`: few things are drawn so large
 * that the marks on them can be told apart. Where they are too many for that, that of {@link cellGrid}.
 */
export function roomyGrid(options: RoomyOptions): CellGrid {
  const plain = cellGrid(options);
  let best = plain;
  for (let columns = plain.columns; columns >= 1 && best.pitch < NEARLY * options.roomyPitch; columns /= 2) {
    const pitch = Math.min(options.roomyPitch, Math.floor(options.width / columns));
    const rows = Math.ceil(options.cells / columns);
    if (rows * pitch > options.height) break;
    if (pitch <= best.pitch) continue;
    best = { ...plain, columns, rows, pitch, width: columns * pitch - options.gap, height: rows * pitch - options.gap };
  }
  return best;
}

export function cellRect(grid: CellGrid, cell: number): Rect {
  const x = (cell % grid.columns) * grid.pitch;
  const y = Math.floor(cell / grid.columns) * grid.pitch;
  return { x, y, size: grid.pitch - grid.gap };
}

/** The cell under a point; null between the last cell and the end of the grid. The gap belongs to the cell before it. */
export function cellAt(grid: CellGrid, x: number, y: number): number | null {
  if (x < 0 || y < 0) return null;
  const column = Math.floor(x / grid.pitch);
  const cell = Math.floor(y / grid.pitch) * grid.columns + column;
  return column < grid.columns && cell < grid.cells ? cell : null;
}

/** Frames for each cell of an overview so that at most `cells` are needed: a power of two. */
export function framesPerCell(total: number, cells: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(1, total) / Math.max(1, cells))));
}

/** Start of the window of `size` items that holds `index`: windows lie edge to edge. */
export function windowStart(index: number, size: number): number {
  return Math.floor(index / size) * size;
}

/**
 * Where a key takes the cursor among `count` items in rows of `columns`; null when the key moves nothing.
 * `page` is what Page Up and Page Down jump over.
 */
export function moveCursor(
  key: string,
  cursor: number,
  grid: { readonly columns: number; readonly count: number; readonly page: number },
): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: cursor - 1,
    ArrowRight: cursor + 1,
    ArrowUp: cursor - grid.columns,
    ArrowDown: cursor + grid.columns,
    PageUp: Math.max(cursor % grid.columns, cursor - grid.page),
    PageDown: Math.min(grid.count - 1, cursor + grid.page),
    Home: 0,
    End: grid.count - 1,
  };
  const target = steps[key];
  return target === undefined || target === cursor || target < 0 || target >= grid.count ? null : target;
}
