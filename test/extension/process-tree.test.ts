// The tree of processes, when there are more of them than anybody wants to see.
import { expect, test } from 'vitest';
import { processChildren } from '../../extension/tree/process-children.ts';
import { processViews } from '../../simulator/index.ts';
import { play } from '../view/run.ts';

const rootsOf = (forks: number): string[] => {
  const timeline = play(`p = spawn()\nrepeat ${forks}\np: k = clone(CLONE_VM, NULL)\nend\n`);
  return processChildren(timeline, undefined).map((node) => (node.kind === 'text' ? node.label : node.id));
};

test('a hundred processes are all there', () => {
  expect(rootsOf(99)).toHaveLength(100);
});

test('of thousands, the oldest and the newest are shown and the others counted', () => {
  const roots = rootsOf(2_000);
  expect(roots).toHaveLength(101);
  expect(roots[50]).toBe('… 1,901 more processes');
  expect([roots[0], roots[100]]).toEqual(['p1000', 'p3000']);
});

test('a process that shares its memory with thousands names some of them', () => {
  const timeline = play('p = spawn()\nrepeat 2000\np: k = clone(CLONE_VM, NULL)\nend\n');
  for (const { sharesMmWith } of processViews(timeline)) expect(sharesMmWith).toHaveLength(32);
});
