/** The miniature of a table: 512 cells as one path, cell by cell in index order. */

export const MINIATURE = { columns: 64, rows: 8, pitch: 2.5, cell: 2 } as const;

export const MINIATURE_WIDTH = MINIATURE.columns * MINIATURE.pitch;
export const MINIATURE_HEIGHT = MINIATURE.rows * MINIATURE.pitch;

/** SVG path data that fills the cells of the given indices (0 to 511), neighbours in a row joined into one box. */
export function miniaturePath(indices: readonly number[]): string {
  const { columns, pitch, cell } = MINIATURE;
  const sorted = [...indices].sort((a, b) => a - b);
  const boxes: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] ?? 0;
    let last = first;
    i++;
    while (sorted[i] === last + 1 && (last + 1) % columns !== 0) {
      last++;
      i++;
    }
    const x = (first % columns) * pitch;
    const y = Math.floor(first / columns) * pitch;
    const width = (last - first) * pitch + cell;
    boxes.push(`M${x} ${y}h${width}v${cell}h${-width}z`);
  }
  return boxes.join('');
}
