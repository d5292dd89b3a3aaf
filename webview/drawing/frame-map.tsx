/** The frames of RAM: a window of them cell by cell, and above it, when there are many, all of them summed up. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { FrameMapView, FrameUse } from '../../simulator/view/types.ts';
import { cellGrid, framesPerCell, windowStart } from '../layout/cells.ts';
import { hex } from '../model/address.ts';
import { frameIndex, overview, useAt, useCounts, useName, useRuns, useText } from '../model/uses.ts';
import { CellMap } from './cell-map.tsx';
import { Legend } from './legend.tsx';

export interface FrameMapProps {
  readonly map: FrameMapView;
  readonly width: number;
  /** PFN of the frame that the walk ends at, or that the story speaks of. */
  readonly walked: string | null;
  readonly chosen: string | null;
  /** Indices of frames that just became different. */
  readonly fresh: readonly number[];
  readonly onChoose: (pfn: string) => void;
}

const WINDOW_ROWS = 16;
const OVERVIEW_ROWS = 24;

export function FrameMap(props: FrameMapProps) {
  const { map, width } = props;
  const counts = useMemo(() => useCounts(map), [map.uses]);
  return (
    <>
      <h2>
        RAM <span class="dim">{map.total.toLocaleString('en')} frames,</span> {map.free.toLocaleString('en')} free
      </h2>
      {width > 0 && <Maps {...props} />}
      <Legend
        label="Uses of frames"
        items={counts.map(({ use, count }) => ({ tile: use, name: useName(use), count, text: useText(use) }))}
      />
      <RunsTable map={map} />
    </>
  );
}

function Maps({ map, width, walked, chosen, fresh, onChoose }: FrameMapProps) {
  const total = map.uses.length;
  const grid = useMemo(() => cellGrid({ cells: total, width, minPitch: 13, maxPitch: 18, gap: 2 }), [total, width]);
  const size = grid.columns * WINDOW_ROWS;
  const [start, setStart] = useState(0);
  const walkedAt = frameIndex(map, walked);
  const chosenAt = frameIndex(map, chosen);
  // The window follows the walk and the story, and otherwise stays where the user put it.
  useEffect(() => {
    if (walkedAt !== null) setStart(windowStart(walkedAt, size));
  }, [walkedAt, size]);
  const from = Math.min(windowStart(start, size), windowStart(Math.max(0, total - 1), size));
  const inWindow = (indices: readonly number[]) => indices.map((i) => i - from).filter((i) => i >= 0 && i < size);
  const changed = useMemo(() => map.changed.map((pfn) => pfn - map.first), [map.changed, map.first]);
  const cells = Math.min(size, total - from);
  const windowGrid = useMemo(() => cellGrid({ cells, width, minPitch: 13, maxPitch: 18, gap: 2 }), [cells, width]);
  const windowChanged = useMemo(() => inWindow(changed), [changed, from, size]);
  const changedSet = useMemo(() => new Set(changed), [changed]);
  return (
    <>
      {total > size && (
        <Overview map={map} width={width} from={from} size={size} onMove={(i) => setStart(windowStart(i, size))} />
      )}
      <CellMap
        grid={windowGrid}
        version={map.uses}
        label={`Frames ${hex(map.first + from)} to ${hex(map.first + from + cells - 1)}: arrows move, Enter shows a frame`}
        tileAt={(cell) => ({ tile: useAt(map, from + cell) })}
        textAt={(cell) => frameText(map, from + cell, changedSet)}
        selected={chosenAt === null ? null : (inWindow([chosenAt])[0] ?? null)}
        marked={walkedAt === null ? [] : inWindow([walkedAt])}
        changed={windowChanged}
        fresh={inWindow(fresh)}
        onChoose={(cell) => onChoose(hex(map.first + from + cell))}
        onLeave={(way) => {
          const next = from + way * size;
          if (next >= 0 && next < total) setStart(next);
        }}
      />
    </>
  );
}

function frameText(map: FrameMapView, i: number, changed: ReadonlySet<number>): string {
  return `${hex(map.first + i)} ${useName(useAt(map, i))}${changed.has(i) ? ', changed by the last step' : ''}`;
}

interface OverviewProps {
  readonly map: FrameMapView;
  readonly width: number;
  readonly from: number;
  readonly size: number;
  readonly onMove: (index: number) => void;
}

/** All frames, some to a cell: choosing a cell moves the window there. */
function Overview({ map, width, from, size, onMove }: OverviewProps) {
  const total = map.uses.length;
  const shape = { width, minPitch: 6, maxPitch: 8, gap: 1 };
  const columns = cellGrid({ cells: 1, ...shape }).columns;
  const perCell = framesPerCell(total, columns * OVERVIEW_ROWS);
  const cellCount = Math.ceil(total / perCell);
  const grid = useMemo(() => cellGrid({ cells: cellCount, ...shape }), [cellCount, width]);
  const cells = useMemo(() => overview(map, perCell), [map.uses, perCell]);
  const changed = useMemo(
    () => [...new Set(map.changed.map((pfn) => Math.floor((pfn - map.first) / perCell)))],
    [map.changed, perCell],
  );
  const inView = Array.from(
    { length: Math.max(1, Math.ceil(size / perCell)) },
    (_, i) => Math.floor(from / perCell) + i,
  );
  return (
    <div class="overview">
      <CellMap
        grid={grid}
        version={map.uses}
        label={`All frames, ${perCell} to a cell: Enter shows the frames of a cell`}
        tileAt={(cell) => {
          const { use, share } = cells[cell] ?? FREE;
          return { tile: use, share };
        }}
        textAt={(cell) => overviewText(map, cell, perCell, cells[cell] ?? FREE)}
        selected={null}
        marked={inView}
        changed={changed}
        fresh={[]}
        onChoose={(cell) => onMove(cell * perCell)}
      />
    </div>
  );
}

const FREE = { use: 'free' as FrameUse, share: 0 };

function overviewText(map: FrameMapView, cell: number, perCell: number, what: typeof FREE): string {
  const first = map.first + cell * perCell;
  const last = Math.min(first + perCell, map.first + map.uses.length) - 1;
  const used =
    what.share === 0 ? 'free' : `${Math.max(1, Math.round(what.share * 100))} % in use, most ${useName(what.use)}`;
  return `${hex(first)} to ${hex(last)}: ${used}`;
}

const TWIN_RUNS = 100;

/** The map in words. */
function RunsTable({ map }: { map: FrameMapView }) {
  const runs = useMemo(() => useRuns(map, TWIN_RUNS), [map.uses]);
  return (
    <table class="visually-hidden">
      <caption>Frames of RAM by use{runs.length === TWIN_RUNS ? `, the first ${TWIN_RUNS} runs` : ''}</caption>
      <thead>
        <tr>
          <th>From</th>
          <th>To</th>
          <th>Frames</th>
          <th>Use</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.first}>
            <td>{run.first}</td>
            <td>{run.last}</td>
            <td>{run.count}</td>
            <td>{useName(run.use)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
