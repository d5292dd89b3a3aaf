// Where the cells, the miniatures and the lines lie.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellAt,
  cellGrid,
  cellRect,
  framesPerCell,
  moveCursor,
  roomyGrid,
  windowStart,
} from '../../webview/layout/cells.ts';
import { acrossPath, aroundPath, arrival, downPath } from '../../webview/layout/connector.ts';
import { MINIATURE_HEIGHT, MINIATURE_WIDTH, miniaturePath } from '../../webview/layout/miniature.ts';

const grids = fc
  .record({ cells: fc.integer({ min: 1, max: 5000 }), width: fc.integer({ min: 1, max: 2000 }) })
  .map(({ cells, width }) => ({ width, grid: cellGrid({ cells, width, minPitch: 13, maxPitch: 18, gap: 2 }) }));

describe('cellGrid', () => {
  it('begins rows at round numbers and stays inside the width', () => {
    fc.assert(
      fc.property(grids, ({ grid, width }) => {
        expect(Number.isInteger(Math.log2(grid.columns))).toBe(true);
        expect(grid.rows * grid.columns).toBeGreaterThanOrEqual(grid.cells);
        if (width >= 13) expect(grid.width).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('finds each cell where it lies', () => {
    fc.assert(
      fc.property(grids, fc.nat(), ({ grid }, some) => {
        const cell = some % grid.cells;
        const { x, y, size } = cellRect(grid, cell);
        expect(cellAt(grid, x, y)).toBe(cell);
        expect(cellAt(grid, x + size - 0.5, y + size - 0.5)).toBe(cell);
      }),
    );
  });

  it('has nothing outside', () => {
    const grid = cellGrid({ cells: 20, width: 280, minPitch: 13, maxPitch: 18, gap: 2 });
    expect(grid.columns).toBe(16);
    expect(cellAt(grid, -1, 5)).toBeNull();
    expect(cellAt(grid, grid.columns * grid.pitch + 1, 5)).toBeNull();
    expect(cellAt(grid, 5 * grid.pitch, grid.pitch)).toBeNull();
  });
});

describe('roomyGrid', () => {
  const WINDOW = { minPitch: 13, maxPitch: 18, gap: 2, roomyPitch: 28, height: 240 };

  it.each([
    [16, 282, 8, 28],
    [64, 282, 8, 28],
    [128, 282, 16, 17],
    [16, 600, 16, 28],
    [128, 600, 16, 28],
    [16, 100, 4, 25],
  ])('draws %i cells in %i pixels in %i columns of %i', (cells, width, columns, pitch) => {
    expect(roomyGrid({ cells, width, ...WINDOW })).toMatchObject({ columns, pitch });
  });

  it('never draws cells smaller than the plain grid, and higher than allowed only where that is', () => {
    const sizes = fc.record({ cells: fc.integer({ min: 1, max: 600 }), width: fc.integer({ min: 13, max: 2000 }) });
    fc.assert(
      fc.property(sizes, (size) => {
        const [plain, grid] = [cellGrid({ ...size, ...WINDOW }), roomyGrid({ ...size, ...WINDOW })];
        expect(grid.pitch).toBeGreaterThanOrEqual(plain.pitch);
        expect(grid.rows * grid.columns).toBeGreaterThanOrEqual(size.cells);
        expect(Number.isInteger(Math.log2(grid.columns))).toBe(true);
        expect(grid.width).toBeLessThanOrEqual(size.width);
        expect(grid.height).toBeLessThanOrEqual(Math.max(plain.height, WINDOW.height));
        const { x, y } = cellRect(grid, size.cells - 1);
        expect(cellAt(grid, x, y)).toBe(size.cells - 1);
      }),
    );
  });
});

describe('moveCursor', () => {
  const grid = { columns: 16, count: 40, page: 128 };

  it('moves by cells and rows, and stays inside', () => {
    expect(moveCursor('ArrowRight', 15, grid)).toBe(16);
    expect(moveCursor('ArrowDown', 15, grid)).toBe(31);
    expect(moveCursor('ArrowDown', 31, grid)).toBeNull();
    expect(moveCursor('ArrowUp', 3, grid)).toBeNull();
    expect(moveCursor('Home', 20, grid)).toBe(0);
    expect(moveCursor('End', 20, grid)).toBe(39);
    expect(moveCursor('PageDown', 20, grid)).toBe(39);
    expect(moveCursor('PageDown', 39, grid)).toBeNull();
    expect(moveCursor('PageUp', 37, grid)).toBe(5);
    expect(moveCursor('x', 20, grid)).toBeNull();
  });
});

describe('windows', () => {
  it('lie edge to edge', () => {
    expect([0, 255, 256, 1000].map((index) => windowStart(index, 256))).toEqual([0, 0, 256, 768]);
  });

  it('are summed up by powers of two that suffice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer({ min: 1, max: 4096 }), (total, cells) => {
        const perCell = framesPerCell(total, cells);
        expect(Math.ceil(total / perCell)).toBeLessThanOrEqual(cells);
        if (perCell > 1) expect(Math.ceil(total / (perCell / 2))).toBeGreaterThan(cells);
      }),
    );
  });
});

describe('miniaturePath', () => {
  it('draws one box for each index, inside its box', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(511)), (indices) => {
        const corners = [...miniaturePath(indices).matchAll(/M([\d.]+) ([\d.]+)/g)];
        expect(corners).toHaveLength(indices.length);
        for (const [, x, y] of corners) {
          expect(Number(x)).toBeLessThan(MINIATURE_WIDTH);
          expect(Number(y)).toBeLessThan(MINIATURE_HEIGHT);
        }
      }),
    );
  });
});

describe('lines', () => {
  const from = { left: 0, top: 100, width: 50, height: 20 };

  it('run straight between boxes of one height', () => {
    expect(acrossPath(from, { left: 80, top: 100, width: 50, height: 20 })).toBe('M50 110H80');
  });

  it('end at the box that they point to', () => {
    const above = { left: 80, top: 0, width: 50, height: 24 };
    expect(acrossPath(from, above)).toMatch(/^M50 110.*H80$/);
    const below = { left: 0, top: 200, width: 60, height: 100 };
    expect(arrival(below)).toBe(216);
    expect(downPath(from, below, 10)).toMatch(/^M0 110.*V210.*H0$/);
    expect(aroundPath(from, below, 10)).toMatch(/^M50 110.*V210.*H60$/);
  });
});
