/** The miniature of a table: 512 cells as one path, cell by cell in index order. */

export const MINIATURE = { columns: 64, rows: 8, pitch: 2.5, cell: 2 } as const;

export const MINIATURE_WIDTH = MINIATURE.columns * MINIATURE.pitch;
export const MINIATURE_HEIGHT = MINIATURE.rows * MINIATURE.pitch;

/** SVG path data that fills the cells of the given indices (0 to 511). */
export function miniaturePath(indices: readonly number[]): string {
  const { columns, pitch, cell } = MINIATURE;
  return indices
    .map((index) => `M${(index % columns) * pitch} ${Math.floor(index / columns) * pitch}h${cell}v${cell}h${-cell}z`)
    .join('');
}
