// What the tree tells about a node when the mouse rests on it.
import { type BoundaryView, type ProcessView, type Timeline, type VmaView, why } from '../../simulator/index.ts';
import { countText, numberText } from '../../webview/protocol.ts';
import { plain } from '../language/markdown.ts';
import type { TreeNode } from './nodes.ts';

export type Tooltip = string | { readonly markdown: string } | null;

export function tooltipOf(timeline: Timeline, node: TreeNode): Tooltip {
  switch (node.kind) {
    case 'vma':
      return { markdown: `${vmaMarkdown(node.view)}\n\n${whyMarkdown(timeline, node.pid, node.view)}` };
    case 'process':
      return { markdown: processMarkdown(node.view) };
    case 'number':
      return { markdown: `\`${node.view.name}\` = \`${node.view.value}\`\n\n${node.view.text}` };
    case 'run':
      return { markdown: `\`${node.view.start}-${node.view.end}\`\n\n${node.view.text}` };
    case 'text':
      return node.tooltip;
    case 'mm':
      return 'The numbers that the kernel keeps about this address space (struct mm_struct).';
    case 'cache':
      return 'Pages of files that are in RAM, mapped or not. One copy each, however many processes map it.';
    case 'memory':
      return 'The frames of RAM by what they are used for. Page tables are not among them: they lie in kernel memory of their own, and are counted as VmPTE and PageTables.';
    case 'swap':
      return 'Pages that were put out to the swap device, by slot.';
    default:
      return null;
  }
}

/** All fields of the VMA and its operation table, as a Markdown table. */
export function vmaMarkdown(view: VmaView): string {
  const rows: [string, string][] = [
    ['vm_start', code(view.start)],
    ['vm_end', code(view.end)],
    ['size', `${countText(view.pages, 'page')} (${numberText(view.pages * 4)} KiB)`],
    ['vm_flags', `${code(view.vmFlags)} ${escapePipes(view.flagNames)}`],
    ['vm_page_prot', code(view.vm_page_prot)],
    ['vm_pgoff', code(view.vm_pgoff)],
    ['vm_file', view.vm_file === null ? 'none: anonymous' : code(view.vm_file)],
    ['anon_vma', view.anon_vma === null ? 'none' : code(view.anon_vma)],
    ['vm_ops', view.vm_ops === null ? 'none: anonymous memory' : code(view.vm_ops.name)],
    ...operationRows(view),
    ['present', countText(view.rssPages, 'page')],
    ['swapped', countText(view.swapPages, 'page')],
  ];
  const table = rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n');
  return `**vm_area_struct**\n\n\`\`\`\n${view.mapsLine}\n\`\`\`\n\n| field | value |\n| :-- | :-- |\n${table}`;
}

/** Why the VMA is where it is, and which rules keep it apart from its neighbours. */
function whyMarkdown(timeline: Timeline, pid: number, view: VmaView): string {
  const { placed, below, above } = why(timeline, pid, BigInt(view.start));
  const lines = [
    ...(placed === null
      ? []
      : [`**Why here:** ${placed.line === null ? '' : `line ${placed.line}: `}${plain(placed.text)}`]),
    ...borderLines('below', below),
    ...borderLines('above', above),
  ];
  return lines.join('\n\n');
}

function borderLines(side: string, border: BoundaryView | null): string[] {
  // Memory further away is no neighbour that somebody would expect to merge.
  if (border === null || border.rule === 'not adjacent') return [];
  return [`**Why not one with the VMA ${side}:** ${plain(border.text)}`];
}

function operationRows(view: VmaView): [string, string][] {
  const operations = Object.entries(view.vm_ops?.operations ?? {});
  return operations.map(([name, serves]) => [`&nbsp;&nbsp;.${name}`, code(serves)]);
}

function processMarkdown(view: ProcessView): string {
  const lines = [`**${view.name}**, PID ${view.pid}`, `executes \`${view.exe}\``, countText(view.vmaCount, 'VMA')];
  if (view.stopped) lines.push('stopped: it goes on at SIGCONT');
  if (view.ended !== null) lines.push(`${view.state}: ${view.ended}`);
  if (view.sharesMmWith.length > 0) lines.push(`shares its mm_struct with PID ${view.sharesMmWith.join(', ')}`);
  return lines.join('  \n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function escapePipes(text: string): string {
  return text.replace(/[|_]/g, (found) => `\\${found}`);
}
