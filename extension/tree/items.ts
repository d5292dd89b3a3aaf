// How the tree's nodes look: label, icon, description, tooltip, click.
import { type Command, MarkdownString, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState, Uri } from 'vscode';
import type { PageRunView, Timeline, VmaView } from '../../simulator/index.ts';
import { countText, numberText } from '../../webview/protocol.ts';
import { command, TREE_SCHEME } from '../names.ts';
import { isChanged, type NodeOf, type TreeNode } from './nodes.ts';
import { tooltipOf } from './tooltips.ts';

const { Collapsed, Expanded, None } = TreeItemCollapsibleState;

/** The tree item of a node; the tooltip is made when it is asked for (`resolveItem`). */
export function itemOf(node: TreeNode): TreeItem {
  const item = shape(node);
  item.id = node.id;
  if (isChanged(node)) {
    item.resourceUri = Uri.from({ scheme: TREE_SCHEME, path: `/${node.id}`, query: 'changed' });
    const spoken = item.accessibilityInformation?.label ?? `${String(item.label)} ${String(item.description ?? '')}`;
    item.accessibilityInformation = { label: `${spoken}, changed by the last step` };
  }
  return item;
}

function shape(node: TreeNode): TreeItem {
  switch (node.kind) {
    case 'process':
      return processItem(node);
    case 'processes':
      return makeItem(node.label, Collapsed, 'list-tree', '');
    case 'mm':
      return makeItem('mm_struct', Collapsed, 'symbol-structure', mmSummary(node));
    case 'number':
      return makeItem(node.view.name, None, 'symbol-number', node.view.value);
    case 'chunk':
      return makeItem(
        `VMAs ${numberText(node.from + 1)}–${numberText(node.from + node.count)}`,
        Collapsed,
        'list-tree',
        `${node.start.slice(2).padStart(8, '0')} …`,
      );
    case 'vma':
      return vmaItem(node);
    case 'run':
      return runItem(node);
    case 'cache':
      return cacheItem(node);
    case 'file':
      return fileItem(node);
    case 'memory':
      return memoryItem(node);
    case 'swap':
      return swapItem(node);
    case 'nobody':
      return nobodyItem(node);
    case 'text':
      return textItem(node);
  }
}

function makeItem(label: string, state: TreeItemCollapsibleState, icon: string, description: string): TreeItem {
  const item = new TreeItem(label, state);
  item.iconPath = new ThemeIcon(icon);
  item.description = description;
  return item;
}

function processItem({ view, isOpen }: NodeOf<'process'>): TreeItem {
  const alive = view.state === 'alive';
  const running = view.stopped ? `${view.exe} · stopped` : view.exe;
  const fate = alive ? running : `${view.state}: ${view.ended ?? 'gone'}`;
  const shares = view.sharesMmWith.length > 0 ? ` · shares its mm with ${view.sharesMmWith.join(', ')}` : '';
  const children = isOpen ? Expanded : Collapsed;
  const item = makeItem(`${view.name} (${view.pid})`, alive ? children : None, 'server-process', fate + shares);
  item.iconPath = alive
    ? new ThemeIcon('server-process', new ThemeColor('charts.green'))
    : new ThemeIcon('circle-slash', new ThemeColor('disabledForeground'));
  item.contextValue = alive ? 'process' : 'deadProcess';
  return item;
}

function mmSummary({ view }: NodeOf<'mm'>): string {
  const wanted = ['map_count', 'total_vm'];
  const found = view.numbers.filter((number) => wanted.includes(number.name));
  return found.map((number) => `${number.name} ${number.value}`).join(', ');
}

/**
 * What stands, with the permissions, before the line of /proc/PID/maps: the name, which that line has at its end, where a
 * narrow side bar cuts it off. Of a file the last part of its path.
 */
function vmaLabel({ name, vm_file }: VmaView): string {
  if (name === '') return 'anon';
  return vm_file === null ? name : (name.split('/').at(-1) ?? name);
}

function vmaItem({ pid, view }: NodeOf<'vma'>): TreeItem {
  const maps = view.mapsLine.replace(/\s+/g, ' ').trim();
  const [, perms = ''] = maps.split(' ');
  const item = new TreeItem(`${vmaLabel(view)} ${perms}`, Collapsed);
  const held = view.rssPages > 0 || view.swapPages > 0;
  item.iconPath = new ThemeIcon(held ? 'symbol-array' : 'dash', new ThemeColor(permColor(perms)));
  item.description = maps;
  item.contextValue = 'vma';
  item.command = showCommand(pid, view.start);
  item.accessibilityInformation = { label: `${maps}, ${residentText(view)}` };
  return item;
}

function residentText({ rssPages, pages }: VmaView): string {
  return `${numberText(rssPages)} of ${countText(pages, 'page')} present`;
}

function permColor(perms: string): string {
  if (perms.includes('x')) return 'charts.red';
  return perms.includes('w') ? 'charts.blue' : 'charts.foreground';
}

/** Looks like `file`, which VS Code replaces by the icon of the kind of file once the row has a URI, as marked rows have. */
const FILE_ICON = 'symbol-file';

const runIcon: Readonly<Record<PageRunView['state'], string>> = {
  untouched: 'circle-outline',
  'zero-page': 'circle-slash',
  anon: 'circle-filled',
  file: FILE_ICON,
  shmem: 'references',
  device: 'circuit-board',
  swapped: 'archive',
  guard: 'lock',
};

function runItem({ pid, view }: NodeOf<'run'>): TreeItem {
  const item = makeItem(view.start, None, runIcon[view.state], `${countText(view.pages, 'page')}: ${view.text}`);
  item.contextValue = 'run';
  item.command = showCommand(pid, view.start);
  return item;
}

function showCommand(pid: number, address: string): Command {
  return { command: command.showAddress, title: 'Show in Page Tables', arguments: [{ pid, address }] };
}

function cacheItem({ view }: NodeOf<'cache'>): TreeItem {
  return makeItem('Page cache', view.files > 0 ? Collapsed : None, 'files', countText(view.pages, 'page'));
}

function fileItem({ view }: NodeOf<'file'>): TreeItem {
  const dirty = view.dirtyPages > 0 ? `, ${numberText(view.dirtyPages)} dirty` : '';
  const writing = view.writebackPages > 0 ? `, ${numberText(view.writebackPages)} under writeback` : '';
  const of = Math.ceil(view.size / 4096);
  const cached = `${numberText(view.cachedPages)} of ${countText(of, 'page')}`;
  return makeItem(view.path, Collapsed, FILE_ICON, `${cached}${dirty}${writing}`);
}

function memoryItem({ view }: NodeOf<'memory'>): TreeItem {
  const { frames, free } = view;
  const item = makeItem(
    'Physical memory',
    Collapsed,
    'chip',
    `${countText(frames, 'frame')}, ${numberText(free)} free`,
  );
  item.contextValue = 'memory';
  return item;
}

function swapItem({ view }: NodeOf<'swap'>): TreeItem {
  const { slots, used } = view;
  const children = used > 0 ? Collapsed : None;
  const item = makeItem('Swap', children, 'database', `${countText(slots, 'slot')}, ${numberText(used)} used`);
  item.contextValue = 'swap';
  return item;
}

function nobodyItem({ canBegin }: NodeOf<'nobody'>): TreeItem {
  if (!canBegin) return makeItem('No process', None, 'info', 'the scenario starts none');
  const item = makeItem('No process yet', None, 'info', 'step to begin');
  item.command = { command: command.step, title: 'Step' };
  return item;
}

function textItem(node: NodeOf<'text'>): TreeItem {
  const item = makeItem(node.label, None, node.icon, node.description);
  if (node.address !== undefined) item.command = showCommand(node.address.pid, node.address.address);
  return item;
}

/** Adds the tooltip. */
export function resolveItem(timeline: Timeline, item: TreeItem, node: TreeNode): TreeItem {
  const text = tooltipOf(timeline, node);
  if (text !== null) item.tooltip = typeof text === 'string' ? text : new MarkdownString(text.markdown, true);
  return item;
}
