// What the tree of the machine is made of: the page cache by file, physical memory by use, swap by slot.
import { cachedFiles, type FrameUse, frameMap, machineNumbers, swapMap, type Timeline } from '../../simulator/index.ts';
import { countText, numberText } from '../../webview/protocol.ts';
import type { NodeOf, TreeNode } from './nodes.ts';

const MAX_RUNS = 200;

/** Children of `node`, or the three roots when it is undefined. */
export function machineChildren(timeline: Timeline, node: TreeNode | undefined): TreeNode[] {
  if (node === undefined) {
    return [
      { kind: 'cache', id: 'cache', parent: null },
      { kind: 'memory', id: 'memory', parent: null },
      { kind: 'swap', id: 'swap', parent: null },
    ];
  }
  switch (node.kind) {
    case 'cache':
      return cachedFiles(timeline).map((view) => ({ kind: 'file', id: `cache/${view.path}`, parent: node, view }));
    case 'file':
      return fileRuns(node);
    case 'memory':
      return [...useNodes(timeline, node), ...numberNodes(timeline, node)];
    case 'swap':
      return slotNodes(timeline, node);
    default:
      return [];
  }
}

function numberNodes(timeline: Timeline, parent: TreeNode): TreeNode[] {
  return machineNumbers(timeline).map((view) => ({ kind: 'number', id: `${parent.id}/n/${view.name}`, parent, view }));
}

function fileRuns(node: NodeOf<'file'>): TreeNode[] {
  return node.view.runs.slice(0, MAX_RUNS).map((run) => ({
    kind: 'text',
    id: `${node.id}#${run.first}`,
    parent: node,
    label: run.pages === 1 ? `page ${run.first}` : `pages ${run.first}–${run.first + run.pages - 1}`,
    description: run.text,
    tooltip: `File offset 0x${(run.first * 4096).toString(16)}, ${run.pages * 4} KiB`,
    icon: run.writeback ? 'cloud-upload' : run.dirty ? 'circle-filled' : 'circle-outline',
    changed: false,
  }));
}

const useText: Readonly<Record<FrameUse, string>> = {
  free: 'free',
  anon: 'anonymous pages',
  'file-clean': 'file pages, clean',
  'file-dirty': 'file pages, dirty',
  shmem: 'shared memory (shmem)',
  zero: 'zero page',
  table: 'page tables',
  device: 'device pages',
  'swap-cache': 'swap cache',
};

function useNodes(timeline: Timeline, parent: TreeNode): TreeNode[] {
  const map = frameMap(timeline);
  const counts = map.legend.map(() => 0);
  for (const use of map.uses) counts[use] = (counts[use] ?? 0) + 1;
  const free = map.legend.indexOf('free');
  counts[free] = (counts[free] ?? 0) + map.total - map.uses.length;
  const changed = new Set(map.changed.map((pfn) => map.uses[pfn - map.first]));
  const nodes: TreeNode[] = [];
  map.legend.forEach((use, i) => {
    const count = counts[i] ?? 0;
    if (count === 0) return;
    nodes.push({
      kind: 'text',
      id: `${parent.id}/${use}`,
      parent,
      label: useText[use],
      description: countText(count, 'frame'),
      tooltip: `${numberText(count * 4)} KiB of RAM`,
      icon: use === 'free' ? 'circle-outline' : 'circle-large-filled',
      changed: changed.has(i),
    });
  });
  return nodes;
}

function slotNodes(timeline: Timeline, parent: TreeNode): TreeNode[] {
  const { counts, changed } = swapMap(timeline);
  const marks = new Set(changed);
  const nodes: TreeNode[] = [];
  for (let slot = 0; slot < counts.length && nodes.length < MAX_RUNS; slot++) {
    const users = counts[slot] ?? 0;
    if (users === 0) continue;
    nodes.push({
      kind: 'text',
      id: `swap/${slot}`,
      parent,
      label: `slot ${slot}`,
      description: users === 1 ? '1 user' : `${users} users`,
      tooltip: `${users} page-table entries or swap-cache pages refer to swap slot ${slot}`,
      icon: 'archive',
      changed: marks.has(slot),
    });
  }
  return nodes;
}
