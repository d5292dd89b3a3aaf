/** The lines of the walk, drawn over the columns from where the browser put them. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { WalkView } from '../../simulator/view/types.ts';
import { acrossPath, aroundPath, arrival, arrowHead, arrowHeadLeft, type Box, downPath } from '../layout/connector.ts';

interface Line {
  readonly key: string;
  readonly d: string;
  readonly head: string;
}

/** Pixels to the left of stacked columns in which the lines run. */
const GUTTER = 10;

export function Connectors({ area, walk }: { area: RefObject<HTMLDivElement | null>; walk: WalkView }) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    const measure = () =>
      setLines((before) => {
        const now = measureLines(element, walk);
        return same(before, now) ? before : now;
      });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    for (const column of element.querySelectorAll('.level, [data-anchor="frame"]')) observer.observe(column);
    return () => observer.disconnect();
  }, [area, walk]);
  return (
    <svg class="connectors" aria-hidden="true">
      {lines.map((line) => (
        <g key={line.key}>
          <path class="connector" d={line.d} />
          <path class="connector-head" d={line.head} />
        </g>
      ))}
    </svg>
  );
}

function same(a: readonly Line[], b: readonly Line[]): boolean {
  return a.length === b.length && a.every((line, i) => line.d === b[i]?.d);
}

function measureLines(area: Element, walk: WalkView): Line[] {
  const origin = area.getBoundingClientRect();
  const box = (element: Element): Box => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { left: left - origin.left, top: top - origin.top, width, height };
  };
  /** The card's width and its first line's height: lines leave beside the index. */
  const entryBox = (level: string): Box | null => {
    const entry = area.querySelector(`[data-level="${level}"] [data-anchor="entry"]`);
    const line = entry?.querySelector('.entry-line');
    if (entry == null || line == null) return null;
    const { top, height } = box(line);
    return { ...box(entry), top, height };
  };
  const lines: Line[] = [];
  for (const [at, level] of walk.levels.entries()) {
    const from = entryBox(level.level);
    const next = walk.levels[at + 1];
    const table = next && area.querySelector(`[data-level="${next.level}"] [data-anchor="table"]`);
    const frame = area.querySelector('[data-anchor="frame"]');
    if (from === null) continue;
    if (level.entry?.state === 'table' && table != null) lines.push(tableLine(level.level, from, box(table)));
    if (level.entry?.state === 'present' && frame !== null) lines.push(frameLine(from, box(frame), area));
  }
  return lines;
}

function tableLine(key: string, from: Box, table: Box): Line {
  const heading: Box = { ...table, height: Math.min(table.height, 24) };
  if (table.left > from.left + from.width) {
    const d = acrossPath(from, heading);
    return { key, d, head: arrowHead(table.left, heading.top + heading.height / 2) };
  }
  return { key, d: downPath(from, table, GUTTER), head: arrowHead(table.left, arrival(table)) };
}

function frameLine(from: Box, frame: Box, area: Element): Line {
  const stacked = area.querySelector('.level:nth-child(2)')?.getBoundingClientRect().left;
  const first = area.querySelector('.level')?.getBoundingClientRect().left;
  if (stacked === first) {
    return { key: 'frame', d: downPath(from, frame, GUTTER), head: arrowHead(frame.left, arrival(frame)) };
  }
  const head = arrowHeadLeft(frame.left + frame.width, arrival(frame));
  return { key: 'frame', d: aroundPath(from, frame, GUTTER), head };
}
