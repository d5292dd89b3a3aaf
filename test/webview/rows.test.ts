// What a column of the walk lists.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryView, LevelView } from '../../simulator/view/types.ts';
import { foldedText, levelRows, noTableText, type Row } from '../../webview/model/rows.ts';

function entry(index: number, state: EntryView['state'] = 'present'): EntryView {
  return { index, value: '0x1067', state, pfn: '0x1', flags: [], text: 'frame 0x1' };
}

function level(index: number, indices: readonly number[], own?: EntryView): LevelView {
  const entries = indices.map((i) => entry(i));
  const found = own ?? entries.find((e) => e.index === index) ?? entry(index, 'none');
  return { level: 'PTE', index, shift: 12, bits: 9, table: '0x4', entry: found, entries };
}

const words = (rows: readonly Row[]) =>
  rows.map((row) => (row.kind === 'entry' ? `${row.onPath ? '>' : ''}${row.entry.index}` : foldedText(row)));

describe('levelRows', () => {
  it('folds what is empty', () => {
    expect(words(levelRows(level(502, [502, 503, 506]), false))).toEqual([
      '… 502 empty',
      '>502',
      '503',
      '… 2 empty',
      '506',
      '… 5 empty',
    ]);
  });

  it('shows the entry on the path although it is empty', () => {
    expect(words(levelRows(level(7, [3]), false))).toEqual(['… 3 empty', '3', '… 3 empty', '>7', '… 504 empty']);
  });

  it('has no rows without a table', () => {
    expect(levelRows({ ...level(1, [1]), table: null, entry: null }, false)).toEqual([]);
  });

  it('folds entries far from the path, and unfolds them', () => {
    const full = level(
      100,
      Array.from({ length: 256 }, (_, i) => i * 2),
    );
    const rows = words(levelRows(full, false));
    const step = { ...full, entries: full.entries.map((e) => (e.index < 4 ? { ...e, before: '0x0' } : e)) };
    expect(words(levelRows(step, false))[0]).toBe('… 46 entries, 46 empty, 2 changed');
    expect(rows[0]).toBe('… 46 entries, 46 empty');
    expect(rows.at(-1)).toBe('… 201 entries, 202 empty');
    expect(rows).toContain('>100');
    expect(levelRows(full, true).filter((row) => row.kind === 'entry')).toHaveLength(256);
  });

  it('accounts for all 512 entries, whatever is there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(511), { maxLength: 512 }), fc.nat(511), fc.boolean(), (indices, index, all) => {
        const sorted = [...indices].sort((a, b) => a - b);
        const rows = levelRows(level(index, sorted), all);
        const sizes = rows.map((row) => {
          if (row.kind === 'entry') return 1;
          return row.kind === 'gap' ? row.count : row.entries + row.empty;
        });
        const onPath = rows.filter((row) => row.kind === 'entry' && row.onPath);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(512);
        expect(onPath).toHaveLength(1);
      }),
    );
  });
});

describe('noTableText', () => {
  const none = { ...level(0, []), table: null, entry: null };

  it('names the entry that ends the walk, once', () => {
    const top: LevelView = { ...level(36, []), level: 'PGD' };
    const levels = [top, none, none];
    expect(noTableText(levels, 1)).toBe('No table: PGD 36 points to none.');
    expect(noTableText(levels, 2)).toBe('No table.');
  });

  it('knows a large page', () => {
    const large: LevelView = { ...level(2, [2]), level: 'PMD' };
    expect(noTableText([large, none], 1)).toBe('No table: PMD 2 maps a large page.');
  });
});
