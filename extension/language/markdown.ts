// A translation and a story, written as Markdown.
import type { EntryView, LevelView, StoryLine, WalkView } from '../../simulator/index.ts';

export interface ShowLink {
  readonly command: string;
  readonly argument: object;
}

/** The walk level by level, where it ends, the VMA, the page's state and what an access would do now. */
export function walkMarkdown(view: WalkView, expression: string, link: ShowLink): string {
  const same = expression.trim().toLowerCase() === view.address.toLowerCase();
  const title = same ? `\`${view.address}\`` : `\`${expression}\` = \`${view.address}\``;
  const parts = [`**${view.process}**: ${title} → ${physicalText(view)}`];
  parts.push(view.state);
  // Without an address space there is nothing to walk, and no access to speak of.
  if (view.canonical && view.levels.length === 0) return parts.join('\n\n');
  if (view.canonical) parts.push(walkTable(view));
  parts.push(['read', 'write', 'exec'].map((kind) => wouldLine(view, kind as keyof WalkView['would'])).join('\n'));
  parts.push(view.vma === null ? 'No VMA contains this address.' : `\`\`\`\n${view.vma.mapsLine}\n\`\`\``);
  parts.push(
    `[$(list-tree) Show in Page Tables](command:${link.command}?${encodeURIComponent(JSON.stringify([link.argument]))})`,
  );
  return parts.join('\n\n');
}

function physicalText(view: WalkView): string {
  return view.physical === null ? 'no physical address' : `physical \`${view.physical}\``;
}

function walkTable(view: WalkView): string {
  const rows = view.levels.map(levelRow);
  rows.push(`| offset | \`${hex3(view.offset)}\` | | | |`);
  return `| level | index&ensp; | entry | &ensp;flags | &ensp;frame |\n| :-- | --: | :-- | :-- | :-- |\n${rows.join('\n')}`;
}

function levelRow(level: LevelView): string {
  const { entry } = level;
  const where = `| ${level.level} | ${level.index}&ensp; |`;
  if (entry === null) return `${where} – | | &ensp;no table |`;
  // An entry that points somewhere says where; the others say what they stand for.
  const target = entry.pfn === null ? cell(entry.text) : `\`${entry.pfn}\``;
  return `${where} \`${entry.value}\` | &ensp;${flagsText(entry)} | &ensp;${target} |`;
}

function flagsText(entry: EntryView): string {
  return entry.flags.flatMap((flag) => (flag.on ? [flag.letter] : [])).join('&nbsp;');
}

function wouldLine(view: WalkView, kind: keyof WalkView['would']): string {
  const what = { read: 'A read', write: 'A write', exec: 'Executing here' }[kind];
  return `- ${what} ${view.would[kind]}`;
}

/** The sentences of a step, as a nested list. */
export function storyMarkdown(story: readonly StoryLine[]): string {
  return story.map((line) => `${'  '.repeat(line.depth)}- ${line.text}`).join('\n');
}

function hex3(value: number): string {
  return `0x${value.toString(16).padStart(3, '0')}`;
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|');
}

/** Text that Markdown is to leave as it is. */
export function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#|~]/g, (found) => `\\${found}`);
}
