// What the tree of processes is made of: processes, their mm_struct, their VMAs, the runs of pages in them.
import { type ProcessView, pageRuns, processViews, type Timeline, vmaViews } from '../../simulator/index.ts';
import { countText } from '../../webview/protocol.ts';
import { chunks } from './chunks.ts';
import type { NodeOf, TreeNode } from './nodes.ts';

/** Runs shown under one VMA; the webview shows the rest. */
const MAX_RUNS = 200;

/** Processes shown at each end of a long list. */
const MAX_PROCESSES = 50;

/** Children of `node`, or the processes when it is undefined. */
export function processChildren(timeline: Timeline, node: TreeNode | undefined): TreeNode[] {
  if (node === undefined) {
    return processNodes(processViews(timeline));
  }
  switch (node.kind) {
    case 'process':
      return ofProcess(timeline, node);
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

/** The oldest and the newest processes; of those between only the number, for a tree of ten thousand roots takes seconds. */
function processNodes(views: readonly ProcessView[]): TreeNode[] {
  const nodeOf = (view: ProcessView): TreeNode => ({ kind: 'process', id: `p${view.pid}`, parent: null, view });
  const left = views.length - 2 * MAX_PROCESSES;
  if (left <= 0) return views.map(nodeOf);
  const more: TreeNode = {
    kind: 'text',
    id: 'more-processes',
    parent: null,
    label: `… ${countText(left, 'more process', 'more processes')}`,
    description: '',
    tooltip: 'The view of page tables can show each of them.',
    icon: 'ellipsis',
    changed: false,
  };
  return [...views.slice(0, MAX_PROCESSES).map(nodeOf), more, ...views.slice(-MAX_PROCESSES).map(nodeOf)];
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
    return pieces.map((piece) => ({
      kind: 'chunk',
      id: `p${pid}/c${piece.from}-${piece.count}`,
      parent,
      pid,
      ...piece,
    }));
  }
  const touched = touchedPages(timeline, pid);
  return vmaViews(timeline, pid, { from, count }).map((view) => {
    const [start, end] = [Number(view.start), Number(view.end)];
    const changed = view.changed || touched.some((address) => start <= address && address < end);
    return { kind: 'vma', id: `p${pid}/v${view.start}`, parent, pid, view, changed };
  });
}

/** Where the last step took page faults in a process: an area whose pages changed is marked although its fields did not. */
function touchedPages(timeline: Timeline, pid: number): number[] {
  const record = timeline.lastRecord;
  if (record === null || (record.pid !== pid && record.outcome.child !== pid)) return [];
  return record.outcome.faults.map((fault) => fault.addr);
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
