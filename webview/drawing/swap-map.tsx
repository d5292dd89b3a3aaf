/** The slots of the swap device, by how many refer to each. */
import { useMemo } from 'preact/hooks';
import type { SwapMapView } from '../../simulator/view/types.ts';
import { cellGrid } from '../layout/cells.ts';
import { CellMap } from './cell-map.tsx';
import { Legend } from './legend.tsx';
import type { SlotUse } from './tiles.ts';

interface SwapMapProps {
  readonly map: SwapMapView;
  readonly width: number;
  /** The slot that the walked page lies in, or that the story speaks of. */
  readonly lit: number | null;
}

/** Slots drawn at most: the highest one in use and some free ones after it; the rest is said in words. */
const SLOTS_DRAWN = 4096;
const ROW_SLOTS = 64;

export function SwapMap({ map, width, lit }: SwapMapProps) {
  const highest = useMemo(() => map.counts.findLastIndex((count) => count > 0), [map.counts]);
  const wanted = Math.max(ROW_SLOTS, Math.ceil((highest + 2) / ROW_SLOTS) * ROW_SLOTS);
  const cells = Math.min(map.slots, map.counts.length, SLOTS_DRAWN, wanted);
  const grid = useMemo(() => cellGrid({ cells, width, minPitch: 13, maxPitch: 18, gap: 2 }), [cells, width]);
  const shared = useMemo(() => map.counts.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0), [map.counts]);
  if (map.slots === 0)
    return (
      <h2>
        Swap <span class="dim">none</span>
      </h2>
    );
  return (
    <>
      <h2>
        Swap <span class="dim">{map.slots.toLocaleString('en')} slots,</span> {map.used.toLocaleString('en')} used
      </h2>
      <CellMap
        grid={grid}
        version={map.counts}
        label={`Swap slots 0 to ${cells - 1}`}
        tileAt={(cell) => ({ tile: slotUse(map.counts[cell] ?? 0) })}
        textAt={(cell) => slotText(cell, map.counts[cell] ?? 0)}
        selected={null}
        marked={lit === null ? [] : [lit]}
        changed={map.changed}
        fresh={map.changed}
        onChoose={() => {}}
      />
      {cells < map.slots && <p class="dim">… {(map.slots - cells).toLocaleString('en')} more slots</p>}
      <Legend label="Uses of swap slots" items={legend(map, shared)} />
    </>
  );
}

function legend(map: SwapMapView, shared: number) {
  return [
    { tile: 'slot-free', name: 'free', count: map.slots - map.used, text: 'Nobody refers to it.' },
    { tile: 'slot-used', name: 'one user', count: map.used - shared, text: 'One page-table entry refers to it.' },
    { tile: 'slot-shared', name: 'shared', count: shared, text: 'Several page-table entries refer to it.' },
  ].filter((item) => item.count > 0) as { tile: SlotUse; name: string; count: number; text: string }[];
}

function slotUse(count: number): SlotUse {
  return count === 0 ? 'slot-free' : count === 1 ? 'slot-used' : 'slot-shared';
}

function slotText(slot: number, count: number): string {
  return `slot ${slot}: ${count === 0 ? 'free' : `${count} ${count === 1 ? 'user' : 'users'}`}`;
}
