// Feeds the two tree views from the active session.
import {
  type Disposable,
  EventEmitter,
  type FileDecoration,
  type FileDecorationProvider,
  ThemeColor,
  type TreeDataProvider,
  type TreeItem,
  type TreeView,
  type Uri,
  window,
} from 'vscode';
import type { Timeline } from '../../simulator/index.ts';
import { TREE_SCHEME, view } from '../names.ts';
import type { Session } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { itemOf, resolveItem } from './items.ts';
import { machineChildren } from './machine-children.ts';
import type { TreeNode } from './nodes.ts';
import { processChildren } from './process-children.ts';

type Children = (timeline: Timeline, node: TreeNode | undefined) => TreeNode[];

export class SessionTree implements TreeDataProvider<TreeNode>, Disposable {
  private readonly emitter = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly children: Children;
  private timeline: Timeline | null = null;

  constructor(children: Children) {
    this.children = children;
  }

  dispose(): void {
    this.emitter.dispose();
  }

  show(timeline: Timeline | null): void {
    this.timeline = timeline;
    this.emitter.fire(undefined);
  }

  getChildren(node?: TreeNode): TreeNode[] {
    const { timeline } = this;
    return timeline === null ? [] : timeline.settled(() => this.children(timeline, node));
  }

  getParent(node: TreeNode): TreeNode | null {
    return node.parent;
  }

  getTreeItem(node: TreeNode): TreeItem {
    return itemOf(node);
  }

  resolveTreeItem(item: TreeItem, node: TreeNode): TreeItem {
    const { timeline } = this;
    return timeline === null ? item : timeline.settled(() => resolveItem(timeline, item, node));
  }
}

/** Marks what the last step changed; the mark travels in the item's URI. */
const decorations: FileDecorationProvider = {
  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    if (uri.scheme !== TREE_SCHEME || uri.query !== 'changed') return undefined;
    return { badge: '●', color: new ThemeColor('vas.changedForeground'), tooltip: 'changed by the last step' };
  },
};

/** The views of the container, kept on the active session. */
export class Trees implements Disposable {
  readonly processes = new SessionTree(processChildren);
  readonly machine = new SessionTree(machineChildren);
  private readonly sessions: Sessions;
  private readonly views: readonly [TreeView<TreeNode>, TreeView<TreeNode>];
  private readonly subscriptions: Disposable[];

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    this.views = [
      window.createTreeView(view.processes, { treeDataProvider: this.processes, showCollapseAll: true }),
      window.createTreeView(view.machine, { treeDataProvider: this.machine, showCollapseAll: true }),
    ];
    this.subscriptions = [
      window.registerFileDecorationProvider(decorations),
      sessions.onDidChangeActive(() => this.refresh()),
      sessions.onDidChange(({ session, change }) => {
        if (session !== sessions.active) return;
        if (change === 'moved') this.refresh();
        else this.describe(session);
      }),
    ];
    this.refresh();
  }

  dispose(): void {
    for (const disposable of [...this.subscriptions, ...this.views, this.processes, this.machine]) disposable.dispose();
  }

  private refresh(): void {
    const { active } = this.sessions;
    // Before the first step there is nothing to see; the empty view says what to do.
    const timeline = active?.timeline ?? null;
    this.processes.show(timeline);
    this.machine.show(timeline);
    this.describe(active);
  }

  private describe(session: Session | null): void {
    for (const tree of this.views) tree.description = session === null ? '' : fileName(session);
    const [processes] = this.views;
    processes.message = session === null ? '' : (session.busy?.title ?? messageOf(session));
  }
}

function messageOf(session: Session): string {
  if (session.obstacle !== null) return `Stepping waits: ${session.obstacle}`;
  return session.notice ?? '';
}

function fileName(session: Session): string {
  return session.document.uri.path.split('/').pop() ?? '';
}
