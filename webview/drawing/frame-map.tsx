/** The frames of RAM by use: map, legend, and a table of runs for those who do not see the map. */
import { useMemo } from 'preact/hooks';
import type { FrameMapView } from '../../simulator/view/types.ts';
import { hex } from '../model/address.ts';
import { frameIndex, overview, useAt, useCounts, useName, useRuns, useText } from '../model/uses.ts';
import { Legend } from './legend.tsx';
import type { CellLook } from './windowed-map.tsx';
import { WindowedMap } from './windowed-map.tsx';

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

export function FrameMap({ map, width, walked, chosen, fresh, onChoose }: FrameMapProps) {
  const counts = useMemo(() => useCounts(map), [map.uses]);
  const changed = useMemo(() => map.changed.map((pfn) => pfn - map.first), [map.changed, map.first]);
  const changedSet = useMemo(() => new Set(changed), [changed]);
  const nameOf = (index: number) => hex(map.first + index);
  return (
    <>
      <h2>
        RAM <span class="dim">{map.total.toLocaleString('en')} frames,</span> {map.free.toLocaleString('en')} free
      </h2>
      <WindowedMap
        count={map.uses.length}
        width={width}
        version={map.uses}
        what="frames"
        nameOf={nameOf}
        tileAt={(index) => useAt(map, index)}
        textAt={(index) => {
          const note = changedSet.has(index) ? ', changed by the last step' : '';
          return `${nameOf(index)} ${useName(useAt(map, index))}${note}`;
        }}
        overview={(perCell) => overview(map, perCell).map(({ use, share }) => ({ tile: use, share }))}
        overviewText={usedText}
        selected={frameIndex(map, chosen)}
        marked={frameIndex(map, walked)}
        changed={changed}
        fresh={fresh}
        onChoose={(index) => onChoose(nameOf(index))}
      />
      <Legend
        label="Uses of frames"
        items={counts.map(({ use, count }) => ({ tile: use, name: useName(use), count, text: useText(use) }))}
      />
      <RunsTable map={map} />
    </>
  );
}

function usedText({ share }: CellLook): string {
  return share === 0 ? 'free' : `${Math.max(1, Math.round(share * 100))} % in use`;
}

const TWIN_RUNS = 100;

/** The map in words. */
function RunsTable({ map }: { map: FrameMapView }) {
  const runs = useMemo(() => useRuns(map, TWIN_RUNS), [map.uses]);
  return (
    <div class="visually-hidden">
      <table>
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
    </div>
  );
}
