// Hovers: what a call or a constant means, and how an address is translated at the place of the run.
import {
  type CancellationToken,
  Hover,
  type HoverProvider,
  MarkdownString,
  type Position,
  type TextDocument,
} from 'vscode';
import { expressionAt, hoverDoc, lastAccess, type Timeline, walk } from '../../simulator/index.ts';
import { toRange } from '../diagnostics.ts';
import { command } from '../names.ts';
import { firstProcess } from '../panel/selection.ts';
import type { Session } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { MAX_LINE } from './limits.ts';
import { processNameAt } from './line.ts';
import { storyMarkdown, walkMarkdown } from './markdown.ts';

export class ScenarioHover implements HoverProvider {
  private readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  provideHover(document: TextDocument, position: Position, _token: CancellationToken): Hover | null {
    const line = document.lineAt(position.line).text;
    if (line.length > MAX_LINE) return null;
    const session = this.sessions.get(document);
    const translation = session === undefined ? null : translationAt(session, document, position, line);
    if (translation !== null) return translation;
    const doc = hoverDoc(document.getText(), position);
    if (doc === null) return null;
    const texts = [trusted(doc.markdown)];
    const result = session?.timeline?.lineSummary(position.line + 1);
    if (result !== undefined) texts.push(new MarkdownString(storyMarkdown(result.last.story())));
    return new Hover(texts, doc.range === undefined ? undefined : toRange(doc.range));
  }
}

function translationAt(session: Session, document: TextDocument, position: Position, line: string): Hover | null {
  const { timeline } = session;
  const expression = expressionAt(document.getText(), position);
  if (expression === null || timeline === null) return null;
  const range = toRange(expression.range);
  const answer = timeline.evaluate(expression.text);
  if ('error' in answer) return new Hover(new MarkdownString().appendText(answer.error), range);
  if (!('value' in answer)) return null;
  const pid = processAt(timeline, line, position.character);
  if (pid === null) return null;
  const view = walk(timeline, pid, answer.value);
  const link = {
    command: command.showAddress,
    argument: { pid, address: view.address, text: expression.text, scenario: document.uri.toString() },
  };
  return new Hover(trusted(walkMarkdown(view, expression.text, link)), range);
}

/** The process of the line; without one, the process that accessed memory last, or any that is alive. */
function processAt(timeline: Timeline, line: string, character: number): number | null {
  const name = processNameAt(line, character);
  const named = name === null ? null : timeline.processNamed(name);
  return named ?? lastAccess(timeline)?.pid ?? firstProcess(timeline);
}

function trusted(markdown: string): MarkdownString {
  const text = new MarkdownString(markdown, true);
  text.isTrusted = { enabledCommands: [command.showAddress] };
  return text;
}
