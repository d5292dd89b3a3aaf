// A page walk as text: the address cut up, one line a level, and where it ends.

import type { EntryView, LevelView, WalkView } from '../simulator/view/types.ts';
import { labelOf } from './processes.ts';

/** The walk for a terminal, ending in a newline. */
export function walkText(walk: WalkView): string {
  const lines = [
    `${labelOf(walk)}  ${walk.address}`,
    indexLine(walk),
    `  CR3   ${walk.cr3}`,
    ...walk.levels.map(levelLine),
    walk.physical === null ? '  physical  none: the page is not present' : `  physical  ${walk.physical}`,
    ...(walk.frame === null ? [] : [`  frame     ${walk.frame.text}`]),
    ...(walk.frame?.mappers ?? []).map((m) => `            mapped by ${labelOf(m)} at ${m.va}`),
    `  VMA       ${walk.vma?.mapsLine ?? 'none'}`,
    `  state     ${walk.state}`,
    `  a read    ${walk.would.read}`,
    `  a write   ${walk.would.write}`,
    `  a fetch   ${walk.would.exec}`,
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function indexLine(walk: WalkView): string {
  if (!walk.canonical) return '  not canonical: the upper bits are no copy of the highest one that is translated';
  const indexes = walk.levels.map((level) => `${level.level} ${level.index}`);
  return `  ${[...indexes, `offset 0x${walk.offset.toString(16)}`].join('  ')}`;
}

function levelLine(level: LevelView): string {
  const place = `${level.table ?? '-'}[${level.index}]`;
  return `  ${level.level.padEnd(5)} ${place.padEnd(14)} ${entryText(level.entry)}`;
}

function entryText(entry: EntryView | null): string {
  if (entry === null) return 'no table: the walk ended above';
  const flags = entry.flags.filter((flag) => flag.on).map((flag) => flag.letter);
  return [entry.value.padEnd(18), flags.join(' ').padEnd(12), entry.text].join('  ').trimEnd();
}
