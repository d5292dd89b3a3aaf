// Lines of a run found again in the edited text.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineMap } from '../../extension/line-map.ts';

interface Change {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Makes the change (offsets of the text) and tells the map, as an editor does. */
function change(text: string, map: LineMap, { from, to, text: put }: Change): string {
  const [before, taken] = [text.slice(0, from), text.slice(from, to)];
  const breaks = (of: string) => of.split('\n').length - 1;
  map.edit({
    firstLine: breaks(before),
    firstCharacter: before.length - (before.lastIndexOf('\n') + 1),
    lastLine: breaks(before) + breaks(taken),
    insertedBreaks: breaks(put),
  });
  return before + put + text.slice(to);
}

/** For each line of the edited text the line that it was, where the text of both is the same. */
function lineage(before: string, changes: readonly Change[]): (string | null)[] {
  const map = new LineMap();
  const lines = before.split('\n');
  const after = changes.reduce((text, each) => change(text, map, each), before);
  return after.split('\n').map((text, index) => {
    const line = map.runLine(index);
    return line !== null && lines[line] === text ? `${line}:${text}` : null;
  });
}

test('a line taken out takes nothing else with it', () => {
  expect(lineage('a\nb\nc', [{ from: 2, to: 4, text: '' }])).toEqual(['0:a', '2:c']);
  // The last line goes with the break before it.
  expect(lineage('a\nb\nc', [{ from: 3, to: 5, text: '' }])).toEqual(['0:a', '1:b']);
});

test('an edited line is another one, those around it are the same', () => {
  expect(lineage('a\nb\nc', [{ from: 3, to: 3, text: 'x' }])).toEqual(['0:a', null, '2:c']);
});

test('a line put in before, after and between', () => {
  expect(lineage('a\nb', [{ from: 0, to: 0, text: 'x\n' }])).toEqual([null, '0:a', '1:b']);
  expect(lineage('a\nb', [{ from: 1, to: 1, text: '\nx' }])).toEqual(['0:a', null, '1:b']);
  expect(lineage('a\nb', [{ from: 3, to: 3, text: '\nx' }])).toEqual(['0:a', '1:b', null]);
});

test('a line broken in two is neither half, joined again it is itself', () => {
  const broken = { from: 3, to: 3, text: '\n' };
  expect(lineage('a\nbb\nc', [broken])).toEqual(['0:a', null, null, '2:c']);
  expect(lineage('a\nbb\nc', [broken, { from: 3, to: 4, text: '' }])).toEqual(['0:a', '1:bb', '2:c']);
});

test('after a replacement in ten thousand lines no line is taken for another, and none is looked for', () => {
  const map = new LineMap();
  for (let line = 9_999; line >= 0; line--)
    map.edit({ firstLine: line, firstCharacter: 0, lastLine: line, insertedBreaks: 1 });
  expect(map.runLine(15_000)).toBe(null);
  map.reset();
  for (let line = 9_999; line >= 0; line--)
    map.edit({ firstLine: line, firstCharacter: 3, lastLine: line, insertedBreaks: 0 });
  expect(map.runLine(15_000)).toBe(15_000);
});

test('a text replaced as a whole has none of the lines before', () => {
  expect(lineage('a\nb\nc', [{ from: 0, to: 5, text: '' }]).filter((line) => line !== null)).toEqual([]);
});

test('a line that no edit touches is itself, and no other line is taken for it', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 1, maxLength: 12 });
  const put = fc.stringMatching(/^[A-Z\n]{0,4}$/);
  const changes = fc.array(fc.record({ at: fc.nat(60), length: fc.nat(8), put }), { maxLength: 8 });
  fc.assert(
    fc.property(names, changes, (lines, wanted) => {
      const map = new LineMap();
      let text = lines.join('\n');
      for (const { at, length, put: letters } of wanted) {
        const from = at % (text.length + 1);
        text = change(text, map, { from, to: Math.min(text.length, from + length), text: letters });
      }
      for (const [index, line] of text.split('\n').entries()) {
        const was = map.runLine(index);
        // Changes put in capitals only: a line of small letters that is whole stands where its name says.
        if (was !== null && lines[was] === line) expect(lines.indexOf(line)).toBe(was);
      }
    }),
  );
});

test('whole lines taken out and put in leave all others known', () => {
  const edits = fc.array(fc.record({ first: fc.nat(40), count: fc.nat(3), put: fc.nat(3) }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), edits, (count, changes) => {
      const map = new LineMap();
      const lines: (number | null)[] = Array.from({ length: count }, (_, index) => index);
      for (const { first, count: taken, put } of changes) {
        if (first + taken >= lines.length) continue;
        lines.splice(first, taken, ...Array.from({ length: put }, () => null));
        map.edit({ firstLine: first, firstCharacter: 0, lastLine: first + taken, insertedBreaks: put });
      }
      for (const [index, was] of lines.entries()) if (was !== null) expect(map.runLine(index)).toBe(was);
    }),
  );
});
