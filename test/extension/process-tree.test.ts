// The tree of processes, when there are more of them than anybody wants to see.
import { expect, test } from 'vitest';
import type { TreeNode } from '../../extension/tree/nodes.ts';
import { processChildren } from '../../extension/tree/process-children.ts';
import { processViews, type Timeline } from '../../simulator/index.ts';
import { open, play } from '../view/run.ts';

const clones = (count: number): Timeline => play(`p = spawn()\nrepeat ${count}\np: k = clone(CLONE_VM, NULL)\nend\n`);

const childrenOf = (timeline: Timeline, node?: TreeNode): TreeNode[] => processChildren(timeline, node);

const labels = (nodes: readonly TreeNode[]): string[] =>
  nodes.map((node) => (node.kind === 'processes' ? node.label : node.id));

const rootsOf = (count: number): string[] => labels(childrenOf(clones(count)));

test('a hundred processes are all there', () => {
  expect(rootsOf(99)).toHaveLength(100);
});

test('of thousands, the oldest and the newest are shown and the others counted', () => {
  const roots = rootsOf(2_000);
  expect(roots).toHaveLength(101);
  expect(roots[50]).toBe('… 1,901 more processes');
  expect([roots[0], roots[100]]).toEqual(['p1000', 'p3000']);
});

test('the others are there in groups, each process once', () => {
  const timeline = clones(2_000);
  const processes = (nodes: readonly TreeNode[]): string[] =>
    nodes.flatMap((node) => (node.kind === 'processes' ? processes(childrenOf(timeline, node)) : [node.id]));
  const roots = childrenOf(timeline);
  const groups = childrenOf(timeline, roots[50]);
  expect(labels(groups).slice(0, 2)).toEqual(['Processes 51–150', 'Processes 151–250']);
  expect(processes(roots)).toEqual(Array.from({ length: 2_001 }, (_, i) => `p${1_000 + i}`));
});

test('a process that shares its memory with thousands names some of them', () => {
  const timeline = play('p = spawn()\nrepeat 2000\np: k = clone(CLONE_VM, NULL)\nend\n');
  for (const { sharesMmWith } of processViews(timeline)) expect(sharesMmWith).toHaveLength(32);
});

test('only the oldest of many processes show their areas without being asked, and they go on doing so', () => {
  const open = (count: number) =>
    childrenOf(clones(count)).flatMap((node) => (node.kind === 'process' && node.isOpen ? [node.id] : []));
  expect(open(2)).toEqual(['p1000', 'p1001', 'p1002']);
  expect(open(2_000)).toEqual(open(7));
});

test('an area is marked when the last step took pages from it or gave it some, and only then', () => {
  const timeline = open(`machine ram=1M swap=1M
p = spawn()
p: a = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, 1, 16K)
p: madvise(a, 4K, MADV_DONTNEED)
p: madvise(a + 4K, 4K, MADV_PAGEOUT)
p: brk(0)
p: load(a + 4K)
`);
  const marks = (): boolean | undefined => {
    const [p] = childrenOf(timeline);
    const area = childrenOf(timeline, p).find((node) => node.kind === 'vma' && node.view.start === '0x7ffff7ff3000');
    return area && area.kind === 'vma' && area.changed;
  };
  const seen = new Map<number, boolean | undefined>();
  while (timeline.step() !== null) seen.set(timeline.position, marks());
  expect([...seen.values()]).toEqual([undefined, true, true, true, true, false, true]);
  while (timeline.position > 0) {
    expect(marks(), `back at ${timeline.position}`).toBe(seen.get(timeline.position));
    timeline.back();
  }
});
