// The tree of the machine: which rows say that the last step changed them.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { machineChildren } from '../../extension/tree/machine-children.ts';
import { isChanged, type TreeNode } from '../../extension/tree/nodes.ts';
import type { Timeline } from '../../simulator/index.ts';
import { open } from '../view/run.ts';

function all(timeline: Timeline, node?: TreeNode): TreeNode[] {
  return machineChildren(timeline, node).flatMap((child) => [child, ...all(timeline, child)]);
}

const marked = (timeline: Timeline, kinds: readonly string[]): string[] =>
  all(timeline).flatMap((node) => (kinds.includes(node.kind) && isChanged(node) ? [node.id] : []));

const ROOTS = ['cache', 'memory', 'swap'];

test('the rows that are there when all is folded are marked: the sample about swap, where RAM fills', () => {
  const sample = readFileSync(new URL('../../samples/swap.vas', import.meta.url), 'utf8');
  const timeline = open(sample);
  const seen = new Map<number, string[]>();
  while (timeline.step() !== null) seen.set(timeline.position, marked(timeline, ROOTS));
  expect(seen.get(1)).toContain('memory');
  expect(seen.get(12)).toEqual(ROOTS);
  // An assert changes nothing.
  expect(seen.get(13)).toEqual([]);
  while (timeline.position > 0) {
    expect(marked(timeline, ROOTS), `back at ${timeline.position}`).toEqual(seen.get(timeline.position));
    timeline.back();
  }
  expect(marked(timeline, ROOTS)).toEqual([]);
});

const FILES = `machine ram=1M fault_around=4K readahead=4K writeback=2
file "/f" size=40K
file "/g" size=8K
p = spawn()
p: f = open("/f", O_RDWR)
p: g = open("/g", O_RDWR)
p: m = mmap(NULL, 40K, PROT_READ|PROT_WRITE, MAP_SHARED, f, 0)
p: n = mmap(NULL, 8K, PROT_READ, MAP_SHARED, g, 0)
p: load(m, 40K)
p: load(n)
p: store(m + 16K, 1)
p: store(m + 16K, 2)
kernel: writeback()
p: ftruncate(g, 0)
`;
const LINES = FILES.split('\n');
/** What is marked after the step of a line of FILES. */
const marksAfter = (line: string) => {
  const timeline = open(FILES);
  while (timeline.lastRecord?.line !== LINES.indexOf(line) + 1) if (timeline.step() === null) throw new Error(line);
  const rows = all(timeline).filter((node) => node.id.startsWith('cache') && isChanged(node));
  return rows.map(({ id }) => id);
};

test('a file whose pages come is marked, with its pages, and another one is not', () => {
  expect(marksAfter('p: load(m, 40K)')).toEqual(['cache', 'cache//f', 'cache//f#0']);
  expect(marksAfter('p: load(n)')).toEqual(['cache', 'cache//g', 'cache//g#0']);
});

test('a page that becomes dirty, and one whose writeback begins, mark their runs; one that is dirty already does not', () => {
  const split = ['cache', 'cache//f', 'cache//f#0', 'cache//f#4', 'cache//f#5'];
  expect(marksAfter('p: store(m + 16K, 1)')).toEqual(split);
  expect(marksAfter('p: store(m + 16K, 2)')).toEqual([]);
  expect(marksAfter('kernel: writeback()')).toEqual(['cache', 'cache//f', 'cache//f#4']);
});

test('of a file that left the cache wholly the root tells', () => {
  expect(marksAfter('p: ftruncate(g, 0)')).toEqual(['cache']);
});
