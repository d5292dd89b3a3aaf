/** The walk: one column a level, the entries that exist, and lines from each entry on the path to what it points to. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { EntryView, LevelView, WalkView } from '../../simulator/view/types.ts';
import type { Post } from '../host.ts';
import { MINIATURE_HEIGHT, MINIATURE_WIDTH, miniaturePath } from '../layout/miniature.ts';
import { entryAddress, entrySpan } from '../model/address.ts';
import { foldedText, levelRows, noTableText, type Row } from '../model/rows.ts';
import { Connectors } from './connectors.tsx';
import { Entry } from './entry.tsx';

interface WalkProps {
  readonly walk: WalkView;
  /** The level whose part of the address is looked at. */
  readonly lit: string | null;
  readonly onLight: (level: string | null) => void;
  readonly post: Post;
  /** What the walk leads to, below the columns; a line runs to the element anchored as `frame`. */
  readonly children: ComponentChildren;
}

/** Where the keyboard is: level number and index of the entry. */
interface Spot {
  readonly level: number;
  readonly index: number;
}

export function Walk({ walk, lit, onLight, post, children }: WalkProps) {
  const area = useRef<HTMLDivElement>(null);
  const [spot, setSpot] = useState<Spot | null>(null);
  const deepest = walk.levels.findLastIndex((level) => level.entry !== null);
  const start: Spot = { level: deepest, index: walk.levels[deepest]?.index ?? 0 };
  const current = spot !== null && exists(walk.levels, spot) ? spot : start;
  const choose = (level: number, entry: EntryView, onPath: boolean) => {
    if (!onPath) {
      post({ type: 'goTo', pid: walk.pid, address: entryAddress(walk.address, walk.levels, level, entry.index) });
    } else if (entry.state === 'present' && entry.pfn !== null) {
      post({ type: 'selectFrame', pfn: entry.pfn });
    }
  };
  return (
    <div class="walk" ref={area}>
      <div class="columns" data-levels={walk.levels.length}>
        {walk.levels.map((level, at) => (
          <Column
            key={level.level}
            walk={walk}
            level={level}
            at={at}
            lit={lit === level.level}
            onLight={onLight}
            tabStop={current.level === at ? current.index : null}
            onFocus={(index) => setSpot({ level: at, index })}
            onChoose={(entry, onPath) => choose(at, entry, onPath)}
            onKey={(event) => travel(event, area.current)}
          />
        ))}
      </div>
      {children}
      <Connectors area={area} walk={walk} />
    </div>
  );
}

function exists(levels: readonly LevelView[], spot: Spot): boolean {
  const level = levels[spot.level];
  return level?.table != null && (level.index === spot.index || level.entries.some((e) => e.index === spot.index));
}

/** Up and down inside a column, left and right to the entry on the path of the neighbour. */
function travel(event: KeyboardEvent, area: Element | null): void {
  const focused = document.activeElement;
  const column = focused?.closest('.level');
  if (area === null || column == null || !focused?.matches('[data-row]')) return;
  const columns = [...area.querySelectorAll('.level')];
  const rows = [...column.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.indexOf(focused as HTMLElement);
  const beside = (way: number) =>
    columns[columns.indexOf(column) + way]?.querySelector<HTMLElement>('[data-row="path"]');
  const targets: Readonly<Record<string, HTMLElement | null | undefined>> = {
    ArrowUp: rows[at - 1],
    ArrowDown: rows[at + 1],
    Home: rows[0],
    End: rows.at(-1),
    ArrowLeft: beside(-1),
    ArrowRight: beside(1),
  };
  const target = targets[event.key];
  if (target == null) return;
  event.preventDefault();
  target.focus();
}

interface ColumnProps {
  readonly walk: WalkView;
  readonly level: LevelView;
  readonly at: number;
  readonly lit: boolean;
  readonly onLight: (level: string | null) => void;
  /** Index of the entry in the tab order; null when it is in another column. */
  readonly tabStop: number | null;
  readonly onFocus: (index: number) => void;
  readonly onChoose: (entry: EntryView, onPath: boolean) => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

function Column(props: ColumnProps) {
  const { walk, level, at } = props;
  const [expanded, setExpanded] = useState(false);
  useLayoutEffect(() => setExpanded(false), [level.table]);
  const rows = levelRows(level, expanded);
  const title = `${level.level}${level.table === null ? '' : ` table ${level.table}`}`;
  return (
    <section
      class="level"
      data-level={level.level}
      data-lit={props.lit}
      aria-label={title}
      onMouseEnter={() => props.onLight(level.level)}
      onMouseLeave={() => props.onLight(null)}
    >
      <div class="level-head" data-anchor="table">
        <h2 title={`Each entry covers ${entrySpan(level.shift)}`}>
          {level.level} {level.table !== null && <span class="address dim">{level.table}</span>}
          {at === 0 && ' '}
          {at === 0 && (
            <span class="root dim" title={`CR3 = ${walk.cr3}`}>
              from CR3
            </span>
          )}
        </h2>
        <Miniature level={level} />
      </div>
      {level.table === null ? (
        <p class="no-table">{noTableText(walk.levels, at)}</p>
      ) : (
        <div
          role="listbox"
          class="entries"
          tabIndex={-1}
          aria-label={`Entries of ${title}, ${level.entries.length} of 512 in use`}
          onKeyDown={props.onKey}
        >
          {rows.map((row) => (
            <RowView key={rowKey(level, row)} {...props} row={row} onExpand={() => setExpanded(true)} />
          ))}
        </div>
      )}
    </section>
  );
}

function rowKey(level: LevelView, row: Row): string {
  return row.kind === 'entry' ? `${level.table}:${row.entry.index}` : `${row.kind}:${row.from}`;
}

function RowView({ row, onExpand, ...props }: ColumnProps & { row: Row; onExpand: () => void }) {
  if (row.kind === 'gap') {
    return (
      <p class="gap" aria-hidden="true">
        {foldedText(row)}
      </p>
    );
  }
  if (row.kind === 'folded') {
    return (
      <button
        type="button"
        role="option"
        aria-selected={false}
        class="gap folded"
        data-row="folded"
        tabIndex={-1}
        title="Show all entries"
        onClick={onExpand}
      >
        {foldedText(row)}
      </button>
    );
  }
  return (
    <Entry
      entry={row.entry}
      onPath={row.onPath}
      tabbable={props.tabStop === row.entry.index}
      onFocus={() => props.onFocus(row.entry.index)}
      onChoose={() => props.onChoose(row.entry, row.onPath)}
    />
  );
}

function Miniature({ level }: { level: LevelView }) {
  if (level.table === null) return null;
  const used = level.entries.map((entry) => entry.index).filter((index) => index !== level.index);
  return (
    <svg
      class="miniature"
      viewBox={`0 0 ${MINIATURE_WIDTH} ${MINIATURE_HEIGHT}`}
      width={MINIATURE_WIDTH}
      height={MINIATURE_HEIGHT}
      aria-hidden="true"
    >
      <path class="miniature-all" d={ALL_CELLS} />
      <path class="miniature-used" d={miniaturePath(used)} />
      <path class="miniature-path" d={miniaturePath([level.index])} />
    </svg>
  );
}

const ALL_CELLS = miniaturePath(Array.from({ length: 512 }, (_, i) => i));
