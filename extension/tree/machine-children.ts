// What the tree of the machine is made of: the page cache by file, physical memory by use, swap by slot.
import {
  cachedFiles,
  type FrameUse,
  frameUses,
  machineNumbers,
  machineView,
  swapMap,
  type Timeline,
} from '../../simulator/index.ts';
import { countText, numberText } from '../../webview/protocol.ts';
import type { NodeOf, TreeNode } from './nodes.ts';

const MAX_RUNS = 200;

/** Children of `node`, or the three roots when it is undefined. */
export function machineChildren(timeline: Timeline, node: TreeNode | undefined): TreeNode[] {
  if (node === undefined) {
    const { cache, memory, swap } = machineView(timeline);
    return [
      { kind: 'cache', id: 'cache', parent: null, view: cache },
      { kind: 'memory', id: 'memory', parent: null, view: memory },
      { kind: 'swap', id: 'swap', parent: null, view: swap },
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
    changed: run.changed,
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
  return frameUses(timeline).map(({ use, frames, changed }) => ({
    kind: 'text',
    id: `${parent.id}/${use}`,
    parent,
    label: useText[use],
    description: countText(frames, 'frame'),
    tooltip: `${numberText(frames * 4)} KiB of RAM`,
    icon: use === 'free' ? 'circle-outline' : 'circle-large-filled',
    changed,
  }));
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
