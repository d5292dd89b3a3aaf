/** What the colours and patterns of a map mean, with how many cells have each. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useTheme } from './hooks.ts';
import { painter, type Tile } from './tiles.ts';

export interface LegendItem {
  readonly tile: Tile;
  readonly name: string;
  readonly count: number;
  readonly text: string;
}

export function Legend({ label, items }: { label: string; items: readonly LegendItem[] }) {
  return (
    <ul class="legend" aria-label={label}>
      {items.map((item) => (
        <li key={item.tile} title={item.text}>
          <Swatch tile={item.tile} />
          <span>{item.name}</span>
          <span class="dim">{item.count.toLocaleString('en')}</span>
        </li>
      ))}
    </ul>
  );
}

const SIZE = 13;

function Swatch({ tile }: { tile: Tile }) {
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
    painter(context, canvas)(tile, { x: 0, y: 0, size: SIZE });
  }, [tile, theme]);
  return (
    <span class="swatch" aria-hidden="true">
      <canvas ref={ref} />
    </span>
  );
}
