/** A map of any number of things: a window of them cell by cell, and above it, when there are many, all summed up. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { cellGrid, framesPerCell, roomyGrid, windowStart } from '../layout/cells.ts';
import type { Mark } from '../model/frames.ts';
import { CellMap } from './cell-map.tsx';
import type { Tile } from './tiles.ts';

/** How a cell of the overview looks; `share` (0 to 1) is how much of it is in use. */
export interface CellLook {
  readonly tile: Tile;
  readonly share: number;
}

export interface WindowedMapProps {
  readonly count: number;
  /** Pixels at hand. */
  readonly width: number;
  /** Changes whenever something looks different. */
  readonly version: unknown;
  /** Changes whenever all is drawn in another way. */
  readonly look?: unknown;
  /** `frames`, `swap slots`. */
  readonly what: string;
  /** How a thing is called: `0x9`, `slot 3`. */
  readonly nameOf: (index: number) => string;
  /** How some beside each other are called: `Frames 0x0 to 0xf`. */
  readonly span: (first: number, last: number) => string;
  readonly tileAt: (index: number) => Tile;
  readonly marksAt: (index: number) => readonly Mark[];
  readonly textAt: (index: number) => string;
  /** All of them in cells of `perCell`. */
  readonly overview: (perCell: number) => readonly CellLook[];
  readonly overviewText: (look: CellLook) => string;
  readonly selected: number | null;
  /** The thing that the walk or the story points at: the window goes there. */
  readonly marked: number | null;
  /** What the last step changed, and what has just become different. */
  readonly changed: readonly number[];
  readonly fresh: readonly number[];
  readonly onChoose: (index: number) => void;
}

const WINDOW_ROWS = 16;
const WINDOW_CELLS = { minPitch: 13, maxPitch: 18, gap: 2 };
/** Few cells grow to this, while the map is no higher than that. */
const FEW_CELLS = { roomyPitch: 28, height: 240 };

export function WindowedMap(props: WindowedMapProps) {
  const { count, width, marked } = props;
  const size = cellGrid({ cells: count, width, ...WINDOW_CELLS }).columns * WINDOW_ROWS;
  const [start, setStart] = useState(0);
  // The window follows the walk and the story, and otherwise stays where the user put it.
  useEffect(() => {
    if (marked !== null) setStart(windowStart(marked, size));
  }, [marked, size]);
  const from = Math.min(windowStart(start, size), windowStart(Math.max(0, count - 1), size));
  const cells = Math.min(size, count - from);
  const grid = useMemo(() => {
    const plain = { cells, width, ...WINDOW_CELLS };
    // The last window of many may be short: it looks like the others.
    return count > size ? cellGrid(plain) : roomyGrid({ ...plain, ...FEW_CELLS });
  }, [cells, width, count > size]);
  const inside = (index: number) => index >= from && index < from + cells;
  const here = (indices: readonly number[]) => indices.filter(inside).map((index) => index - from);
  const changed = useMemo(() => here(props.changed), [props.changed, from, cells]);
  const cellOf = (index: number | null) => (index !== null && inside(index) ? index - from : null);
  return (
    <>
      {count > size && (
        <Overview {...props} from={from} size={size} onMove={(index) => setStart(windowStart(index, size))} />
      )}
      <CellMap
        grid={grid}
        version={props.version}
        look={props.look}
        label={`${props.span(from, from + cells - 1)}: arrows move, Enter tells more`}
        tileAt={(cell) => ({ tile: props.tileAt(from + cell), marks: props.marksAt(from + cell) })}
        textAt={(cell) => props.textAt(from + cell)}
        selected={cellOf(props.selected)}
        marked={here(marked === null ? [] : [marked])}
        changed={changed}
        fresh={here(props.fresh)}
        onChoose={(cell) => props.onChoose(from + cell)}
        onLeave={(way) => {
          const next = from + way * size;
          if (next >= 0 && next < count) setStart(next);
        }}
      />
    </>
  );
}

interface OverviewProps extends WindowedMapProps {
  readonly from: number;
  readonly size: number;
  readonly onMove: (index: number) => void;
}

const OVERVIEW_ROWS = 16;
const OVERVIEW_CELLS = { minPitch: 6, maxPitch: 8, gap: 1 };
const NOTHING: CellLook = { tile: 'free', share: 0 };

/** All of them, some to a cell: choosing a cell moves the window there. */
function Overview(props: OverviewProps) {
  const { count, width, from, size, version, look, what, nameOf } = props;
  const { columns } = cellGrid({ cells: 1, width, ...OVERVIEW_CELLS });
  const perCell = framesPerCell(count, columns * OVERVIEW_ROWS);
  const cells = Math.ceil(count / perCell);
  const grid = useMemo(() => cellGrid({ cells, width, ...OVERVIEW_CELLS }), [cells, width]);
  const looks = useMemo(() => props.overview(perCell), [version, look, perCell]);
  const changed = useMemo(
    () => [...new Set(props.changed.map((index) => Math.floor(index / perCell)))],
    [props.changed, perCell],
  );
  const first = Math.floor(from / perCell);
  const last = Math.floor((from + size - 1) / perCell);
  const textAt = (cell: number) => {
    const end = Math.min((cell + 1) * perCell, count) - 1;
    return `${nameOf(cell * perCell)} to ${nameOf(end)}: ${props.overviewText(looks[cell] ?? NOTHING)}`;
  };
  return (
    <div class="overview">
      <CellMap
        grid={grid}
        version={version}
        look={look}
        label={`All ${what}, ${perCell} to a cell: Enter shows those of a cell`}
        tileAt={(cell) => looks[cell] ?? NOTHING}
        textAt={textAt}
        selected={null}
        marked={Array.from({ length: last - first + 1 }, (_, i) => first + i)}
        changed={changed}
        fresh={[]}
        onChoose={(cell) => props.onMove(cell * perCell)}
      />
    </div>
  );
}
