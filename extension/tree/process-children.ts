// What the tree of processes is made of: processes, their mm_struct, their VMAs, the runs of pages in them.
import { pageRuns, processPids, processViews, type Timeline, vmaStarts, vmaViews } from '../../simulator/index.ts';
import { countText, numberText } from '../../webview/protocol.ts';
import { chunks } from './chunks.ts';
import type { NodeOf, TreeNode } from './nodes.ts';

/** Runs shown under one VMA; the webview shows the rest. */
const MAX_RUNS = 200;

/** Processes at each end of a long list that stand in no group. */
const MAX_PROCESSES = 50;
/** So many processes, the oldest ones, show their areas without being asked. */
const MAX_OPEN = 8;

/** Children of `node`, or the processes when it is undefined. */
export function processChildren(timeline: Timeline, node: TreeNode | undefined): TreeNode[] {
  if (node === undefined) {
    return rootNodes(timeline);
  }
  switch (node.kind) {
    case 'process':
      return ofProcess(timeline, node);
    case 'processes':
      return processNodes(timeline, node, node.from, node.count);
    case 'mm':
      return node.view.numbers.map((view) => ({ kind: 'number', id: `${node.id}/${view.name}`, parent: node, view }));
    case 'chunk':
      return vmaNodes(timeline, node, node.pid, node.from, node.count);
    case 'vma':
      return runNodes(timeline, node);
    default:
      return [];
  }
}

/** The oldest and the newest processes, and those between in groups: a tree of ten thousand roots takes seconds. */
function rootNodes(timeline: Timeline): TreeNode[] {
  const { length } = processPids(timeline);
  if (length === 0) return [{ kind: 'nobody', id: 'nobody', parent: null, canBegin: timeline.next !== null }];
  const left = length - 2 * MAX_PROCESSES;
  if (left <= 0) return processNodes(timeline, null, 0, length);
  const more: TreeNode = {
    kind: 'processes',
    id: 'more-processes',
    parent: null,
    label: `… ${countText(left, 'more process', 'more processes')}`,
    from: MAX_PROCESSES,
    count: left,
  };
  return [
    ...processNodes(timeline, null, 0, MAX_PROCESSES),
    more,
    ...processNodes(timeline, null, length - MAX_PROCESSES, MAX_PROCESSES),
  ];
}

function processNodes(timeline: Timeline, parent: TreeNode | null, from: number, count: number): TreeNode[] {
  const pieces = chunks(from, count);
  if (pieces.length > 0) {
    return pieces.map((piece) => ({
      kind: 'processes',
      id: `processes${piece.from}-${piece.count}`,
      parent,
      label: `Processes ${numberText(piece.from + 1)}–${numberText(piece.from + piece.count)}`,
      ...piece,
    }));
  }
  const views = processViews(timeline, processPids(timeline).slice(from, from + count));
  return views.map((view, i) => ({ kind: 'process', id: `p${view.pid}`, parent, view, isOpen: from + i < MAX_OPEN }));
}

function ofProcess(timeline: Timeline, node: NodeOf<'process'>): TreeNode[] {
  const { view } = node;
  if (view.state !== 'alive') return [];
  const mm: TreeNode = { kind: 'mm', id: `${node.id}/mm`, parent: node, view };
  return [mm, ...vmaNodes(timeline, node, view.pid, 0, view.vmaCount)];
}

function vmaNodes(timeline: Timeline, parent: TreeNode, pid: number, from: number, count: number): TreeNode[] {
  const pieces = chunks(from, count);
  if (pieces.length > 0) {
    const starts = vmaStarts(
      timeline,
      pid,
      pieces.map((piece) => piece.from),
    );
    return pieces.map((piece, i) => ({
      kind: 'chunk',
      id: `p${pid}/c${piece.from}-${piece.count}`,
      parent,
      pid,
      start: starts[i] ?? '',
      ...piece,
    }));
  }
  return vmaViews(timeline, pid, { from, count }).map((view) => {
    const changed = view.changed || view.pagesChanged;
    return { kind: 'vma', id: `p${pid}/v${view.start}`, parent, pid, view, changed };
  });
}

function runNodes(timeline: Timeline, node: NodeOf<'vma'>): TreeNode[] {
  const runs = pageRuns(timeline, node.pid, node.view.start, MAX_RUNS + 1);
  const nodes: TreeNode[] = runs.slice(0, MAX_RUNS).map((view) => ({
    kind: 'run',
    id: `p${node.pid}/r${view.start}`,
    parent: node,
    pid: node.pid,
    view,
  }));
  const rest = runs[MAX_RUNS];
  if (rest !== undefined) {
    nodes.push({
      kind: 'text',
      id: `${node.id}/rest`,
      parent: node,
      label: `more from ${rest.start} on`,
      description: 'in the page tables',
      tooltip: 'This area has more runs of pages than a tree can show well. Select to see them in the page tables.',
      icon: 'ellipsis',
      changed: false,
      address: { pid: node.pid, address: rest.start },
    });
  }
  return nodes;
}
