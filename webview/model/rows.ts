/** What a column of the walk lists: the entries that exist, with gaps and far-away entries folded. */
import type { EntryView, LevelView } from '../../simulator/view/types.ts';

export type Row =
  | { readonly kind: 'entry'; readonly entry: EntryView; readonly onPath: boolean }
  /** `count` empty entries from index `from`. */
  | { readonly kind: 'gap'; readonly from: number; readonly count: number }
  /** Entries that exist but are too far from the path to be drawn, with the empty ones among them. */
  | {
      readonly kind: 'folded';
      readonly from: number;
      readonly entries: number;
      readonly empty: number;
      /** How many of them the last step changed. */
      readonly changed: number;
    };

const TABLE_ENTRIES = 512;

/** Entries drawn at most before far ones are folded, and how many stay on each side of the path then. */
const UNFOLDED_LIMIT = 13;
const NEIGHBOURS = 4;

/**
 * The rows of a level in index order; none when it has no table.
 * @param expanded draw every entry, however many
 */
export function levelRows(level: LevelView, expanded: boolean): Row[] {
  if (level.table === null) return [];
  const entries = withPath(level);
  const at = entries.findIndex((entry) => entry.index === level.index);
  const fold = !expanded && entries.length > UNFOLDED_LIMIT;
  const first = fold ? Math.max(0, at - NEIGHBOURS) : 0;
  const last = fold ? Math.min(entries.length, at + NEIGHBOURS + 1) : entries.length;
  const changed = (some: readonly EntryView[]) => some.filter((entry) => entry.before !== undefined).length;
  const rows: Row[] = [];
  let next = 0;
  if (first > 0) {
    const from = entries[first]?.index ?? 0;
    rows.push({
      kind: 'folded',
      from: 0,
      entries: first,
      empty: from - first,
      changed: changed(entries.slice(0, first)),
    });
    next = from;
  }
  for (const entry of entries.slice(first, last)) {
    if (entry.index > next) rows.push({ kind: 'gap', from: next, count: entry.index - next });
    rows.push({ kind: 'entry', entry, onPath: entry.index === level.index });
    next = entry.index + 1;
  }
  const hidden = entries.length - last;
  if (hidden > 0) {
    const empty = TABLE_ENTRIES - next - hidden;
    rows.push({ kind: 'folded', from: next, entries: hidden, empty, changed: changed(entries.slice(last)) });
  } else if (next < TABLE_ENTRIES) {
    rows.push({ kind: 'gap', from: next, count: TABLE_ENTRIES - next });
  }
  return rows;
}

/** The entries in index order, the one on the path among them even when it is empty. */
function withPath(level: LevelView): EntryView[] {
  const others = level.entries.filter((entry) => entry.index !== level.index);
  const own = level.entry ?? level.entries.find((entry) => entry.index === level.index);
  const all = own === undefined ? others : [...others, own];
  return all.sort((a, b) => a.index - b.index);
}

/** `… 255 empty`, `… 40 entries, 12 empty`. */
export function foldedText(row: Row & { kind: 'gap' | 'folded' }): string {
  if (row.kind === 'gap') return `… ${row.count} empty`;
  const entries = `… ${row.entries} ${row.entries === 1 ? 'entry' : 'entries'}`;
  const empty = row.empty > 0 ? `, ${row.empty} empty` : '';
  return `${entries}${empty}${row.changed > 0 ? `, ${row.changed} changed` : ''}`;
}

/** Why a level of the walk has no table; said once, at the first such level. Levels come highest first. */
export function noTableText(levels: readonly LevelView[], at: number): string {
  const above = levels[at - 1];
  if (above === undefined || above.entry === null) return 'No table.';
  const reason = above.entry.state === 'present' ? 'maps a large page' : 'points to none';
  return `No table: ${above.level} ${above.index} ${reason}.`;
}
