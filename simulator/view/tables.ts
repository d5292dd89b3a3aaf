/** Page tables in views: the levels of a walk, and which table a frame is. */

import { entryIndex, hex, type VirtAddr } from '../machine/address.ts';
import type { PteTable, UpperTable } from '../machine/pagetable.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';
import { pteBits, pteView, tableBits, tableEntryView } from './entries.ts';
import { type Moment, mmBefore, ownersOfMms, processName } from './place.ts';
import type { EntryView, LevelName, LevelView } from './types.ts';

type AnyTable = UpperTable | PteTable;

/** Level names from the PTE up. */
const NAMES_4: readonly LevelName[] = ['PTE', 'PMD', 'PUD', 'PGD'];
const NAMES_5: readonly LevelName[] = ['PTE', 'PMD', 'PUD', 'P4D', 'PGD'];

export function levelName(level: number, levels: 4 | 5): LevelName {
  const name = (levels === 5 ? NAMES_5 : NAMES_4)[level];
  if (name === undefined) throw new Error(`levelName: there is no level ${level}`);
  return name;
}

function kidOf(table: AnyTable | undefined, index: number): AnyTable | undefined {
  return table !== undefined && 'kids' in table ? table.kids[index] : undefined;
}

/** Earlier value of an entry if it differs; null when nothing changed or there is nothing to compare with. */
function earlier(moment: Moment, now: bigint, then: bigint): bigint | null {
  return moment.before === null || now === then ? null : then;
}

function upperEntry(
  moment: Moment,
  below: LevelName,
  table: UpperTable,
  old: AnyTable | undefined,
  index: number,
): EntryView {
  const pfn = kidOf(table, index)?.pfn ?? 0;
  const oldPfn = kidOf(old, index)?.pfn ?? 0;
  const bits = (p: number): bigint => (p === 0 ? 0n : tableBits(p));
  return tableEntryView(below, index, pfn, table === old ? null : earlier(moment, bits(pfn), bits(oldPfn)));
}

function leafEntry(
  moment: Moment,
  table: PteTable,
  old: AnyTable | undefined,
  index: number,
  text?: string,
): EntryView {
  const flags = table.words[2 * index] as number;
  const value = table.words[2 * index + 1] as number;
  const words = old !== undefined && 'words' in old ? old.words : undefined;
  const then = pteBits(words?.[2 * index] ?? 0, words?.[2 * index + 1] ?? 0);
  const before = table === old ? null : earlier(moment, pteBits(flags, value), then);
  return pteView(moment.k.frames, index, flags, value, before, text);
}

function entriesOf(moment: Moment, below: LevelName, table: AnyTable, old: AnyTable | undefined): EntryView[] {
  const entries: EntryView[] = [];
  if ('kids' in table) {
    table.kids.forEach((kid, index) => {
      if (kid !== undefined) entries.push(upperEntry(moment, below, table, old, index));
    });
  } else {
    for (let index = 0; index < 512; index++) {
      if (table.words[2 * index] !== 0) entries.push(leafEntry(moment, table, old, index));
    }
  }
  return entries;
}

/** The walk of `addr`, from the top; levels below the last table have none. `row` is what its PTE stands for. */
export function levelsOf(moment: Moment, mm: Mm, addr: VirtAddr, row: string): LevelView[] {
  const { levels } = mm.pt;
  const views: LevelView[] = [];
  let table: AnyTable | undefined = mm.pt.top;
  let old: AnyTable | undefined = mmBefore(moment, mm)?.pt.top;
  for (let level = levels - 1; level >= 0; level--) {
    const name = levelName(level, levels);
    const below = levelName(Math.max(0, level - 1), levels);
    const index = entryIndex(addr, level);
    const place = { level: name, index, shift: 12 + 9 * level, bits: 9 };
    if (table === undefined) views.push({ ...place, table: null, entry: null, entries: [] });
    else {
      const entry: EntryView =
        'kids' in table ? upperEntry(moment, below, table, old, index) : leafEntry(moment, table, old, index, row);
      views.push({ ...place, table: hex(table.pfn), entry, entries: entriesOf(moment, below, table, old) });
    }
    table = kidOf(table, index);
    old = kidOf(old, index);
  }
  return views;
}

/** Start of what a table covers and its level, by its PFN; null when no table under `table` has it. */
function findTable(
  table: AnyTable,
  level: number,
  base: VirtAddr,
  pfn: number,
): { level: number; base: number } | null {
  if (table.pfn === pfn) return { level, base };
  if (!('kids' in table)) return null;
  const span = 2 ** (12 + 9 * level);
  for (let i = 0; i < table.kids.length; i++) {
    const kid = table.kids[i];
    const found = kid === undefined ? null : findTable(kid, level - 1, base + i * span, pfn);
    if (found !== null) return found;
  }
  return null;
}

/** A sentence about the page table in frame `pfn`. */
export function tableUse(k: Kernel, names: ReadonlyMap<number, string>, pfn: number): string {
  for (const mm of k.mms.values()) {
    const found = findTable(mm.pt.top, mm.pt.levels - 1, 0, pfn);
    if (found === null) continue;
    const pid = ownersOfMms(k).get(mm.id) ?? 0;
    const name = levelName(found.level, mm.pt.levels);
    const end = found.base + 2 ** (21 + 9 * found.level);
    return `${name} table of ${processName(names, pid)} for ${hex(found.base)}-${hex(end)}.`;
  }
  return 'A page table that is no longer in use.';
}
