/** The frames of RAM: map, what its colours tell, legend, and a table of runs for those who do not see the map. */
import { useMemo } from 'preact/hooks';
import type { FrameMapView } from '../../simulator/view/types.ts';
import { hex } from '../model/address.ts';
import {
  frameIndex,
  frameRuns,
  frameText,
  type LookCount,
  lookCounts,
  looksOf,
  type Mark,
  markCounts,
  marksAt,
  type Names,
  overview,
} from '../model/frames.ts';
import type { FrameColouring } from '../protocol.ts';
import { Choice } from './choice.tsx';
import { Legend, type LegendItem } from './legend.tsx';
import type { CellLook } from './windowed-map.tsx';
import { WindowedMap } from './windowed-map.tsx';

export interface FrameMapProps {
  readonly map: FrameMapView;
  readonly names: Names;
  readonly colouring: FrameColouring;
  readonly onColour: (colouring: FrameColouring) => void;
  readonly width: number;
  /** PFN of the frame that the walk ends at, or that the story speaks of. */
  readonly walked: string | null;
  readonly chosen: string | null;
  /** Indices of frames that just became different. */
  readonly fresh: readonly number[];
  readonly onChoose: (pfn: string) => void;
}

const COLOURINGS: readonly (readonly [value: FrameColouring, label: string, title: string])[] = [
  ['use', 'use', 'What a frame is used for'],
  ['list', 'list', 'The list that reclaim finds a frame on'],
  ['owner', 'owner', 'Who maps a frame'],
];

export function FrameMap(props: FrameMapProps) {
  const { map, names, colouring, width, walked, chosen, fresh, onChoose } = props;
  const { uses, states, owners, hand } = map;
  const version = useMemo(() => ({}), [uses, states, owners, hand]);
  const looks = useMemo(() => looksOf(map, colouring, names), [version, colouring, names]);
  const counts = useMemo(() => lookCounts(map, looks), [looks]);
  const changed = useMemo(() => map.changed.map((pfn) => pfn - map.first), [map.changed, map.first]);
  const changedSet = useMemo(() => new Set(changed), [changed]);
  const nameOf = (index: number) => hex(map.first + index);
  return (
    <>
      <h2>
        RAM <span class="dim">{map.total.toLocaleString('en')} frames,</span> {map.free.toLocaleString('en')} free
      </h2>
      <Choice label="Colour by" options={COLOURINGS} value={colouring} onChange={props.onColour} />
      <WindowedMap
        count={map.total}
        width={width}
        version={version}
        look={looks}
        what="frames"
        nameOf={nameOf}
        span={(first, last) => `Frames ${nameOf(first)} to ${nameOf(last)}`}
        tileAt={(index) => looks.look(looks.keyAt(index)).tile}
        marksAt={(index) => marksAt(map, index)}
        textAt={(index) => {
          const note = changedSet.has(index) ? ', changed' : '';
          return `${nameOf(index)} ${frameText(map, index, names)}${note}`;
        }}
        overview={(perCell) => overview(map, looks, perCell)}
        overviewText={usedText}
        selected={frameIndex(map, chosen)}
        marked={frameIndex(map, walked)}
        changed={changed}
        fresh={fresh}
        onChoose={(index) => onChoose(nameOf(index))}
      />
      <Legend label={`Frames by ${colouring}`} items={legend(counts)} />
      <Marks map={map} version={version} />
      <p class="dim map-scope">{WITHOUT_TABLES}</p>
      {!map.exact && <p class="dim map-note">{NOT_EXACT}</p>}
      <RunsTable map={map} names={names} version={version} />
    </>
  );
}

function usedText({ share }: CellLook): string {
  return share === 0 ? 'free' : `${Math.max(1, Math.round(share * 100))} % in use`;
}

const WITHOUT_TABLES =
  'Page tables are not among these frames: they lie in kernel memory of their own, beyond this RAM, and are counted as VmPTE and PageTables.';

const NOT_EXACT =
  'Too many page tables to read at each step: the bits are those of the frames alone, and owners have no names. Choose a frame to see who maps it.';

/** Looks that a legend lists at most; a run can have thousands of processes. */
const MAX_LOOKS = 14;

function legend(counts: readonly LookCount[]): LegendItem[] {
  if (counts.length <= MAX_LOOKS) return [...counts];
  const others = counts.slice(MAX_LOOKS - 1);
  const count = others.reduce((sum, look) => sum + look.count, 0);
  const name = `${others.length} others`;
  return [...counts.slice(0, MAX_LOOKS - 1), { tile: 'owner-somebody', name, count, text: 'Other processes.' }];
}

const ACCESSED: readonly Mark[] = ['accessed'];
const REFERENCED: readonly Mark[] = ['referenced'];
const DIRTY: readonly Mark[] = ['dirty'];
const WRITEBACK: readonly Mark[] = ['writeback'];

/** Most machines finish a write in the step that began it: then there is nothing to explain. */
const ON_ITS_WAY = {
  tile: 'free',
  marks: WRITEBACK,
  name: 'under writeback',
  text: 'On its way to the disk or to its swap slot: reclaim leaves it until it is there.',
} as const;
const HAND: readonly Mark[] = ['hand'];

const HAND_ITEM: LegendItem = {
  tile: 'free',
  marks: HAND,
  name: 'hand',
  count: 1,
  text: 'Where the hand of clock points: this frame is looked at next, and taken unless it was used lately.',
};

/** What the signs in the corners of cells mean. */
function Marks({ map, version }: { map: FrameMapView; version: unknown }) {
  const counts = useMemo(() => markCounts(map), [version]);
  return (
    <Legend
      label="Marks on frames"
      items={[
        {
          tile: 'free',
          marks: ACCESSED,
          name: 'accessed',
          count: counts.accessed,
          text: 'Used since reclaim looked last: the CPU set the accessed bit of a PTE that maps it.',
        },
        {
          tile: 'free',
          marks: REFERENCED,
          name: 'referenced',
          count: counts.referenced,
          text: 'PG_referenced of the frame itself: read() and write() set it, and reclaim where it found the page accessed.',
        },
        {
          tile: 'free',
          marks: DIRTY,
          name: 'dirty',
          count: counts.dirty,
          text: 'Newer than its copy on disk or in swap, if there is one: by the bit of the frame or of a PTE.',
        },
        ...(counts.writeback === 0 ? [] : [{ ...ON_ITS_WAY, count: counts.writeback }]),
        ...(map.hand === null ? [] : [HAND_ITEM]),
      ]}
    />
  );
}

const TWIN_RUNS = 100;

/** The map in words. */
function RunsTable({ map, names, version }: { map: FrameMapView; names: Names; version: unknown }) {
  const runs = useMemo(() => frameRuns(map, names, TWIN_RUNS), [version, names]);
  return (
    <div class="visually-hidden">
      <table>
        <caption>Frames of RAM{runs.length === TWIN_RUNS ? `, the first ${TWIN_RUNS} runs` : ''}</caption>
        <thead>
          <tr>
            <th>From</th>
            <th>To</th>
            <th>Frames</th>
            <th>Use, list, bits, owner</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.first}>
              <td>{run.first}</td>
              <td>{run.last}</td>
              <td>{run.count}</td>
              <td>{run.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
