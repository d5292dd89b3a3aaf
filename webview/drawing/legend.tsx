/** What the colours and patterns of a map mean, with how many cells have each. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Mark } from '../model/frames.ts';
import { useTheme } from './hooks.ts';
import { markPainter, painter, type Tile } from './tiles.ts';

export interface LegendItem {
  readonly tile: Tile;
  /** Signs on the tile, when they are what it is about. */
  readonly marks?: readonly Mark[];
  readonly name: string;
  readonly count: number;
  readonly text: string;
}

export function Legend({ label, items }: { label: string; items: readonly LegendItem[] }) {
  return (
    <ul class="legend" aria-label={label}>
      {items.map((item) => (
        <li key={item.name} title={item.text}>
          <Swatch tile={item.tile} marks={item.marks ?? []} />
          <span>{item.name}</span>
          <span class="dim">{item.count.toLocaleString('en')}</span>
        </li>
      ))}
    </ul>
  );
}

const SIZE = 13;

function Swatch({ tile, marks }: { tile: Tile; marks: readonly Mark[] }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (canvas === null || !context) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = SIZE * scale;
    canvas.height = SIZE * scale;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const rect = { x: 0, y: 0, size: SIZE };
    painter(context, canvas)(tile, rect);
    const sign = markPainter(context, canvas);
    for (const mark of marks) sign(mark, rect);
  }, [tile, marks, theme]);
  return (
    <span class="swatch" aria-hidden="true">
      <canvas ref={ref} />
    </span>
  );
}
