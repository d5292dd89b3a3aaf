// Hovers: how an address is translated at the place of the run, what a size comes to, what a word means, and what happened
// on the line.
import { Hover, type HoverProvider, MarkdownString, type Position, type TextDocument } from 'vscode';
import {
  type ExpressionAt,
  expressionAt,
  hoverDoc,
  lastAccess,
  type StepRecord,
  sizeAt,
  type Timeline,
  walk,
} from '../../simulator/index.ts';
import { toRange } from '../diagnostics.ts';
import { command } from '../names.ts';
import { firstProcess } from '../panel/selection.ts';
import type { Session } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { isTooLong } from './limits.ts';
import { storyMarkdown, walkMarkdown } from './markdown.ts';

export class ScenarioHover implements HoverProvider {
  private readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  provideHover(document: TextDocument, position: Position): Hover | null {
    if (isTooLong(document, position)) return null;
    const session = this.sessions.get(document);
    const explain = () => this.explain(session, document, position);
    const timeline = session?.timeline ?? null;
    return timeline === null ? explain() : timeline.settled(explain);
  }

  private explain(session: Session | undefined, document: TextDocument, position: Position): Hover | null {
    const size = sizeAt(document.getText(), position);
    if (size !== null) return new Hover(new MarkdownString(size.contents), toRange(size.range));
    const scenario = session?.currentScenario;
    const expression = expressionAt(document.getText(), position, scenario);
    const doc = hoverDoc(document.getText(), position, scenario);
    const small = expression === null ? null : smallValue(session, expression);
    if (expression !== null && (small === null || doc === null)) {
      const translation = translationOf(session, document, expression);
      if (translation !== null) return new Hover(translation, toRange(expression.range));
    }
    if (doc === null) return null;
    const texts = [new MarkdownString(doc.contents)];
    if (small !== null && expression !== null && scenario?.names.has(expression.text) === true) {
      texts.push(new MarkdownString(valueText(expression.text, small)));
    }
    const line = session?.runLine(position.line) ?? null;
    const record = line === null ? undefined : session?.timeline?.lineSummary(line)?.last;
    const story = record === undefined || !isCall(record, position) ? '' : storyMarkdown(record.story());
    if (story !== '') texts.push(new MarkdownString(`**What happened here**\n\n${story}`));
    return new Hover(texts, toRange(doc.range));
  }
}

/** Where nothing can be mapped (vm.mmap_min_addr): descriptors, lengths and counts are smaller than any address. */
const LEAST_ADDRESS = 0x10000n;

/** The story belongs to the call, not to every word of the line. */
function isCall(record: StepRecord, position: Position): boolean {
  const { start, end } = record.callRange;
  return start.character <= position.character && position.character < Math.min(end.character, start.character + 64);
}

/** The value of an expression that is no address: a descriptor, say. */
function smallValue(session: Session | undefined, expression: ExpressionAt): bigint | null {
  const answer = session?.timeline?.evaluate(expression.text);
  return answer !== undefined && 'value' in answer && answer.value < LEAST_ADDRESS ? answer.value : null;
}

function valueText(text: string, value: bigint): string {
  const hex = value < 10n ? '' : ` = \`0x${value.toString(16)}\``;
  return `\`${text}\` = \`${value}\`${hex}`;
}

function translationOf(
  session: Session | undefined,
  document: TextDocument,
  expression: ExpressionAt,
): MarkdownString | null {
  const timeline = session?.timeline;
  if (timeline == null) return null;
  const answer = timeline.evaluate(expression.text);
  if ('error' in answer) return new MarkdownString().appendText(answer.error);
  if (!('value' in answer)) return null;
  const pid = processOf(timeline, expression.process);
  if (pid === null) return null;
  const view = walk(timeline, pid, answer.value);
  const scenario = document.uri.toString();
  const argument = { pid, address: view.address, text: expression.text, scenario };
  const markdown = new MarkdownString(
    walkMarkdown(view, expression.text, { command: command.showAddress, argument }),
    true,
  );
  markdown.isTrusted = { enabledCommands: [command.showAddress] };
  return markdown;
}

/** The process that the line names; without one, the process that accessed memory last, or any that is alive. */
function processOf(timeline: Timeline, name: string | null): number | null {
  const named = name === null ? null : timeline.processNamed(name);
  return named ?? lastAccess(timeline)?.pid ?? firstProcess(timeline);
}
