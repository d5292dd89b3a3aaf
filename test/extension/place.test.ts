// Where a run stands after an edit of the text around it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Edit, type Place, shiftPlace } from '../../extension/place.ts';

const at = (line: number | null): Place => ({ position: 3, line, visits: 1, after: null });

function lineAfter(line: number, edit: Partial<Edit> & { firstLine: number }): number | null {
  const whole = { firstCharacter: 0, lastLine: edit.firstLine, insertedBreaks: 0, ...edit };
  return shiftPlace(at(line), whole).line;
}

test('edits below leave the place alone', () => {
  expect(lineAfter(5, { firstLine: 5, insertedBreaks: 2 })).toBe(5);
  expect(lineAfter(5, { firstLine: 4, firstCharacter: 9, insertedBreaks: 2 })).toBe(5);
});

test('lines put in above push the place down, lines taken out pull it up', () => {
  expect(lineAfter(5, { firstLine: 1, firstCharacter: 4, insertedBreaks: 2 })).toBe(7);
  expect(lineAfter(5, { firstLine: 1, lastLine: 3 })).toBe(3);
});

test('a line break at the very start of the line pushes it down', () => {
  expect(lineAfter(5, { firstLine: 4, insertedBreaks: 1 })).toBe(6);
});

test('taking out the whole line leaves the one that came behind it', () => {
  expect(lineAfter(5, { firstLine: 4, lastLine: 5 })).toBe(5);
});

test('an edit that begins above and reaches into the line leaves its rest', () => {
  expect(lineAfter(5, { firstLine: 2, firstCharacter: 3, lastLine: 4 })).toBe(3);
});

test('the end stays the end', () => {
  const edit: Edit = { firstLine: 0, firstCharacter: 0, lastLine: 2, insertedBreaks: 9 };
  expect(shiftPlace(at(null), edit)).toEqual(at(null));
});

test('a line that no edit touches is found again, whatever else is edited', () => {
  const line = fc.constantFrom<string>('a', 'b', 'c', '');
  const edits = fc.array(fc.record({ first: fc.nat(40), count: fc.nat(3), put: fc.array(line, { maxLength: 3 }) }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), fc.nat(19), edits, (before, index, changes) => {
      const lines = [...before];
      const start = index % lines.length;
      lines[start] = 'HERE';
      let place = at(start + 1);
      for (const change of changes) {
        const here = lines.indexOf('HERE');
        const first = change.first % (lines.length + 1);
        const taken = Math.min(change.count, first <= here ? here - first : lines.length - first);
        // Whole lines are taken out and put in before line `first`, as an editor reports it.
        if (first >= lines.length) continue;
        lines.splice(first, taken, ...change.put);
        const edit = {
          firstLine: first,
          firstCharacter: 0,
          lastLine: first + taken,
          insertedBreaks: change.put.length,
        };
        place = shiftPlace(place, edit);
      }
      expect(place.line).toBe(lines.indexOf('HERE') + 1);
    }),
  );
});
