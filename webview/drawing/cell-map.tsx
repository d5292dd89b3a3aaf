/** A map of many cells on one canvas: pointer, keyboard, cursor and marks, and words for screen readers. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type CellGrid, cellAt, cellRect, moveCursor } from '../layout/cells.ts';
import type { Mark } from '../model/frames.ts';
import { stillness, useTheme } from './hooks.ts';
import { markPainter, painter, type Tile } from './tiles.ts';

/** How a cell is drawn; `share` (0 to 1) is how much of an overview's cell is in use. */
export interface CellDrawing {
  readonly tile: Tile;
  readonly share?: number;
  /** Signs in its corners. */
  readonly marks?: readonly Mark[];
}

export interface CellMapProps {
  readonly grid: CellGrid;
  /** Changes whenever a cell looks different. */
  readonly version: unknown;
  readonly label: string;
  /** Changes whenever all cells are drawn in another way, though nothing happened to them. */
  readonly look?: unknown;
  readonly tileAt: (cell: number) => CellDrawing;
  /** The cell in words, for the caption and for screen readers. */
  readonly textAt: (cell: number) => string;
  readonly selected: number | null;
  /** Cells the walk or the story points at. */
  readonly marked: readonly number[];
  /** Cells that the last step changed: they keep a notch until the next one. */
  readonly changed: readonly number[];
  /** Cells that just became different: they light up once. */
  readonly fresh: readonly number[];
  readonly onChoose: (cell: number) => void;
  /** A key that would leave the grid upwards (-1) or downwards (1). */
  readonly onLeave?: (way: -1 | 1) => void;
}

export function CellMap(props: CellMapProps) {
  const { grid, selected, textAt } = props;
  const id = useId();
  const [hover, setHover] = useState<number | null>(null);
  const [cursor, setCursor] = useState(0);
  const [focused, setFocused] = useState(false);
  const at = Math.min(cursor, Math.max(0, grid.cells - 1));
  const told = hover ?? (focused ? at : (selected ?? props.marked[0] ?? null));
  const cellOf = (event: MouseEvent) => cellAt(grid, event.offsetX, event.offsetY);
  const onPick = (event: MouseEvent) => {
    const cell = cellOf(event);
    if (cell === null) return;
    setCursor(cell);
    props.onChoose(cell);
  };
  const onFocus = () => {
    setFocused(true);
    if (selected !== null) setCursor(selected);
  };
  return (
    <div class="cell-map">
      {/* biome-ignore lint/a11y/useSemanticElements: a table of thousands of cells is what the canvas avoids */}
      <div
        class="cell-map-grid"
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={grid.rows}
        aria-colcount={grid.columns}
        aria-activedescendant={`${id}-cell`}
        onKeyDown={(event) => onKey(event, at, props, setCursor)}
        onFocus={onFocus}
        onBlur={() => setFocused(false)}
      >
        <CellCanvas
          {...props}
          onMove={(event) => setHover(cellOf(event))}
          onOut={() => setHover(null)}
          onPick={onPick}
        />
        <Rings {...props} cursor={focused ? at : null} hover={hover} />
        <ActiveCell id={`${id}-cell`} columns={grid.columns} at={at} selected={selected === at}>
          {grid.cells > 0 ? textAt(at) : ''}
        </ActiveCell>
      </div>
      <p class="cell-map-caption" aria-hidden="true">
        {told !== null && told < grid.cells ? textAt(told) : ''}
      </p>
    </div>
  );
}

/** Rows that Page Up and Page Down jump over. */
const PAGE_ROWS = 8;

function onKey(event: KeyboardEvent, at: number, props: CellMapProps, move: (cell: number) => void): void {
  const { columns, cells } = props.grid;
  const next = moveCursor(event.key, at, { columns, count: cells, page: columns * PAGE_ROWS });
  if (event.key === 'Enter' || event.key === ' ') props.onChoose(at);
  else if (next !== null) move(next);
  else if (event.key === 'PageUp') props.onLeave?.(-1);
  else if (event.key === 'PageDown') props.onLeave?.(1);
  else return;
  event.preventDefault();
}

interface ActiveCellProps {
  readonly id: string;
  readonly columns: number;
  readonly at: number;
  readonly selected: boolean;
  readonly children: ComponentChildren;
}

/** The cell under the cursor as an element: it stands for the canvas's cell, for screen readers. */
function ActiveCell({ id, columns, at, selected, children }: ActiveCellProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: it stands for a cell of the canvas
    // biome-ignore lint/a11y/useFocusableInteractive: focus stays on the grid (aria-activedescendant)
    <div role="row" class="visually-hidden" aria-rowindex={Math.floor(at / columns) + 1}>
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: as above */}
      <div role="gridcell" id={id} aria-colindex={(at % columns) + 1} aria-selected={selected}>
        {children}
      </div>
    </div>
  );
}

interface CanvasProps extends CellMapProps {
  readonly onMove: (event: MouseEvent) => void;
  readonly onOut: () => void;
  readonly onPick: (event: MouseEvent) => void;
}

function CellCanvas({ grid, version, look, tileAt, changed, onMove, onOut, onPick }: CanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  // `version`, `look` and `changed` stand for what tileAt would answer.
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (canvas === null || !context) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.ceil(grid.width * scale);
    canvas.height = Math.ceil(grid.height * scale);
    canvas.style.width = `${grid.width}px`;
    canvas.style.height = `${grid.height}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const paint = painter(context, canvas);
    const sign = markPainter(context, canvas);
    for (let cell = 0; cell < grid.cells; cell++) {
      const { tile, share, marks } = tileAt(cell);
      paint(tile, cellRect(grid, cell), share);
      for (const mark of marks ?? []) sign(mark, cellRect(grid, cell));
    }
    paintNotches(context, canvas, grid, changed);
  }, [grid.width, grid.height, grid.cells, version, look, changed, theme]);
  return <canvas ref={ref} onMouseMove={onMove} onMouseLeave={onOut} onClick={onPick} />;
}

/** The lasting mark of a cell that the last step changed: a filled corner. */
function paintNotches(
  context: CanvasRenderingContext2D,
  canvas: Element,
  grid: CellGrid,
  changed: readonly number[],
): void {
  const style = getComputedStyle(canvas);
  for (const cell of changed) {
    if (cell < 0 || cell >= grid.cells) continue;
    const { x, y, size } = cellRect(grid, cell);
    const notch = Math.min(10, Math.max(3, size / 2));
    for (const [extent, colour] of [
      [notch + 1.5, style.getPropertyValue('--ase-background')],
      [notch, style.getPropertyValue('--ase-changed')],
    ] as const) {
      context.fillStyle = colour.trim();
      context.beginPath();
      context.moveTo(x + size, y);
      context.lineTo(x + size, y + extent);
      context.lineTo(x + size - extent, y);
      context.fill();
    }
  }
}

interface RingProps extends CellMapProps {
  readonly cursor: number | null;
  readonly hover: number | null;
}

/** Rings around cells, as elements over the canvas: they move without a redraw. */
function Rings({ grid, selected, marked, fresh, version, cursor, hover }: RingProps) {
  const inside = (cell: number) => cell >= 0 && cell < grid.cells;
  return (
    <>
      {marked.filter(inside).map((cell) => (
        <Ring key={`marked-${cell}`} kind="marked" grid={grid} cell={cell} />
      ))}
      {selected !== null && inside(selected) && <Ring kind="selected" grid={grid} cell={selected} />}
      {hover !== null && inside(hover) && <Ring kind="hover" grid={grid} cell={hover} />}
      {cursor !== null && inside(cursor) && <Ring kind="cursor" grid={grid} cell={cursor} />}
      <Flashes key={String(grid.columns)} grid={grid} cells={fresh.filter(inside)} version={version} />
    </>
  );
}

function Ring({ kind, grid, cell }: { kind: string; grid: CellGrid; cell: number }) {
  const { x, y, size } = cellRect(grid, cell);
  const style = { left: `${x}px`, top: `${y}px`, width: `${size}px`, height: `${size}px` };
  return <span class={`ring ring-${kind}`} style={style} aria-hidden="true" />;
}

/** One pulse around each cell whenever `version` changes. */
function Flashes({ grid, cells, version }: { grid: CellGrid; cells: readonly number[]; version: unknown }) {
  const ref = useRef<HTMLSpanElement>(null);
  const before = useRef(version);
  useEffect(() => {
    if (before.current === version) return;
    before.current = version;
    if (stillness()) return;
    for (const ring of ref.current?.children ?? []) {
      ring.animate(
        [
          { opacity: 1, transform: 'scale(1.7)' },
          { opacity: 0, transform: 'scale(1)' },
        ],
        { duration: 900, easing: 'ease-out' },
      );
    }
  }, [version]);
  return (
    <span ref={ref} aria-hidden="true">
      {cells.map((cell) => (
        <Ring key={cell} kind="flash" grid={grid} cell={cell} />
      ))}
    </span>
  );
}
