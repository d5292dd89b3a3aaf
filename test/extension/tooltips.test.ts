// What the tree tells of a VMA when the mouse rests on it.

import { expect, test } from 'vitest';
import { tooltipOf } from '../../extension/tree/tooltips.ts';
import { vmaViews } from '../../simulator/index.ts';
import { pidOf, play } from '../view/run.ts';

function tooltipOfVma(text: string, start: string): string {
  const timeline = play(text);
  const pid = pidOf(timeline, 'p');
  const view = vmaViews(timeline, pid).find((candidate) => candidate.start === start);
  if (view === undefined) throw new Error(`tooltipOfVma: none starts at ${start}`);
  const tooltip = tooltipOf(timeline, { kind: 'vma', id: 'v', parent: null, pid, view, changed: false });
  return typeof tooltip === 'object' && tooltip !== null ? tooltip.markdown : '';
}

const TWO = `p = spawn()
p: mmap(0x10000000, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10000000
p: mmap(0x10001000, 4K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0) = 0x10001000
`;

test('the place and the border to a neighbour that touches it', () => {
  const lower = tooltipOfVma(TWO, '0x10000000');
  expect(lower).toContain('| vm_start | `0x10000000` |');
  expect(lower).toContain('**Why here:** line 2: mmap\\(\\): hint honoured: nothing is mapped there');
  expect(lower).toContain('**Why not one with the VMA above:** is\\_mergeable\\_vma: vm\\_flags differ: VM\\_WRITE');
  expect(lower).not.toContain('the VMA below');
  const upper = tooltipOfVma(TWO, '0x10001000');
  expect(upper).toContain('**Why here:** line 3: mmap\\(\\): MAP\\_FIXED');
  expect(upper).toContain('**Why not one with the VMA below:**');
});
