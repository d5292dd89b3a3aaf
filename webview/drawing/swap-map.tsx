/** The slots of the swap device, by how many refer to each. */
import { useMemo } from 'preact/hooks';
import type { SwapMapView } from '../../simulator/view/types.ts';
import type { Mark, Names } from '../model/frames.ts';
import { cachedSlots, sharedSlots, slotCached, slotRuns, slotShares, slotText, slotUse } from '../model/slots.ts';
import { Legend, type LegendItem } from './legend.tsx';
import { WindowedMap } from './windowed-map.tsx';

interface SwapMapProps {
  readonly map: SwapMapView;
  readonly names: Names;
  readonly width: number;
  /** The slot that the walked page lies in, or that the story speaks of. */
  readonly lit: number | null;
  readonly chosen: number | null;
  /** Slots that just became different. */
  readonly fresh: readonly number[];
  readonly onChoose: (slot: number) => void;
}

/** A device with more slots than this is drawn only once one is in use. */
const SMALL = 256;

export function SwapMap({ map, names, width, lit, chosen, fresh, onChoose }: SwapMapProps) {
  const cached = useMemo(() => cachedSlots(map), [map.cached]);
  const shared = useMemo(() => sharedSlots(map), [map.counts]);
  const changed = useMemo(() => new Set(map.changed), [map.changed]);
  const drawn = map.slots > 0 && (map.used > 0 || map.slots <= SMALL);
  return (
    <>
      <h2>
        Swap <span class="dim">{map.slots === 0 ? 'none' : `${map.slots.toLocaleString('en')} slots,`}</span>
        {map.slots > 0 && ` ${map.used.toLocaleString('en')} used`}
      </h2>
      {drawn && (
        <>
          <WindowedMap
            count={map.counts.length}
            width={width}
            version={map.counts}
            what="swap slots"
            nameOf={(slot) => `slot ${slot}`}
            span={(first, last) => `Swap slots ${first} to ${last}`}
            tileAt={(slot) => slotUse(map, slot)}
            marksAt={(slot) => (slotCached(map, slot) ? CACHED : NO_MARKS)}
            textAt={(slot) => `${slotText(map, slot, names)}${changed.has(slot) ? ', changed' : ''}`}
            overview={(perCell) => slotShares(map, perCell).map(lookOf)}
            overviewText={({ share }) => (share === 0 ? 'free' : `${Math.max(1, Math.round(share * 100))} % in use`)}
            selected={chosen !== null && chosen < map.counts.length ? chosen : null}
            marked={lit}
            changed={map.changed}
            fresh={fresh}
            onChoose={onChoose}
          />
          <Legend label="Uses of swap slots" items={legend(map, shared)} />
          {cached > 0 && <Legend label="Marks on swap slots" items={[{ ...IN_CACHE, count: cached }]} />}
          <RunsTable map={map} names={names} />
        </>
      )}
    </>
  );
}

const NO_MARKS: readonly Mark[] = [];
const CACHED: readonly Mark[] = ['cached'];
const IN_CACHE = {
  tile: 'slot-free',
  marks: CACHED,
  name: 'in the swap cache',
  text: 'Its page is in RAM as well: the two are the same.',
} as const;

function lookOf(share: number) {
  return { tile: share === 0 ? 'slot-free' : 'slot-used', share } as const;
}

function legend(map: SwapMapView, shared: number): LegendItem[] {
  const items: LegendItem[] = [
    { tile: 'slot-free', name: 'free', count: map.slots - map.used, text: 'Nobody refers to it.' },
    { tile: 'slot-used', name: 'one user', count: map.used - shared, text: 'One page-table entry refers to it.' },
    { tile: 'slot-shared', name: 'shared', count: shared, text: 'Several page-table entries refer to it.' },
  ];
  return items.filter((item) => item.count > 0);
}

const TWIN_RUNS = 100;

/** The map in words. */
function RunsTable({ map, names }: { map: SwapMapView; names: Names }) {
  const runs = useMemo(() => slotRuns(map, names, TWIN_RUNS), [map, names]);
  return (
    <div class="visually-hidden">
      <table>
        <caption>Swap slots in use{runs.length === TWIN_RUNS ? `, the first ${TWIN_RUNS} runs` : ''}</caption>
        <thead>
          <tr>
            <th>From</th>
            <th>To</th>
            <th>Each</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.first}>
              <td>{run.first}</td>
              <td>{run.last}</td>
              <td>{run.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
