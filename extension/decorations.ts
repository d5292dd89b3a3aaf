// Marks in the editor: the line that comes next, and what each executed line came to.
import {
  type DecorationOptions,
  DecorationRangeBehavior,
  type Disposable,
  MarkdownString,
  OverviewRulerLane,
  type Position,
  Range,
  type TextEditor,
  type TextEditorDecorationType,
  type TextLine,
  ThemeColor,
  Uri,
  window,
} from 'vscode';
import type { StepRecord, Timeline } from '../simulator/index.ts';
import { plain } from './language/markdown.ts';
import { lineText, lineTone, type ResultTone } from './outcome-text.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

const TONES: readonly ResultTone[] = ['plain', 'fault', 'signal', 'failure'];
/** Lines above and below the visible ones that get their results too, so that scrolling shows no gaps. */
const MARGIN = 60;
const MAX_TEXT = 160;
/** Behind a statement that ends beyond this column there is little room, in an editor beside the page tables. */
const LONG_LINE = 56;

export class Decorations implements Disposable {
  private readonly sessions: Sessions;
  private readonly next: TextEditorDecorationType;
  private readonly results: ReadonlyMap<ResultTone, TextEditorDecorationType>;
  private readonly subscriptions: Disposable[];

  constructor(sessions: Sessions, extensionUri: Uri) {
    this.sessions = sessions;
    this.next = nextLineType(extensionUri);
    this.results = new Map(TONES.map((tone) => [tone, resultType(tone)]));
    this.subscriptions = [
      sessions.onDidChange(({ session, change }) => {
        // A text that can run shows its results when it has run again: to take the old ones away first would flicker.
        if (change === 'moved' || (change === 'parsed' && session.obstacle !== null)) this.refresh(session);
      }),
      sessions.onDidOpen((session) => this.refresh(session)),
      window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.show(editor);
      }),
      window.onDidChangeTextEditorVisibleRanges((event) => this.show(event.textEditor)),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.next.dispose();
    for (const type of this.results.values()) type.dispose();
  }

  private refresh(session: Session): void {
    for (const editor of window.visibleTextEditors) {
      if (editor.document === session.document) this.show(editor);
    }
  }

  private show(editor: TextEditor): void {
    const session = this.sessions.get(editor.document);
    if (session?.timeline == null) return;
    const next = session.nextLine;
    editor.setDecorations(this.next, next === null ? [] : [editor.document.lineAt(next).range]);
    const options = resultOptions(session, session.timeline, editor);
    for (const [tone, type] of this.results) editor.setDecorations(type, options.get(tone) ?? []);
  }
}

function nextLineType(extensionUri: Uri): TextEditorDecorationType {
  return window.createTextEditorDecorationType({
    isWholeLine: true,
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
    backgroundColor: new ThemeColor('vas.nextLineBackground'),
    overviewRulerColor: new ThemeColor('vas.nextLineForeground'),
    overviewRulerLane: OverviewRulerLane.Full,
    gutterIconSize: 'contain',
    light: { gutterIconPath: Uri.joinPath(extensionUri, 'media', 'next-line-light.svg') },
    dark: { gutterIconPath: Uri.joinPath(extensionUri, 'media', 'next-line-dark.svg') },
  });
}

function resultType(tone: ResultTone): TextEditorDecorationType {
  return window.createTextEditorDecorationType({
    rangeBehavior: DecorationRangeBehavior.ClosedOpen,
    after: { margin: '0 0 0 2ch', color: new ThemeColor(`vas.result.${tone}`), fontStyle: 'normal' },
  });
}

/** The results of the lines that are as they were when the run was made: an edited one has none until it runs again. */
function resultOptions(session: Session, timeline: Timeline, editor: TextEditor): Map<ResultTone, DecorationOptions[]> {
  const byTone = new Map<ResultTone, DecorationOptions[]>();
  const nameOf = (pid: number) => timeline.names.get(pid);
  const { document } = editor;
  const seen = new Set<number>();
  for (const visible of editor.visibleRanges) {
    const last = Math.min(document.lineCount - 1, visible.end.line + MARGIN);
    for (let index = Math.max(0, visible.start.line - MARGIN); index <= last; index++) {
      if (seen.has(index)) continue;
      seen.add(index);
      const line = session.runLine(index);
      const result = line === null ? undefined : timeline.lineSummary(line);
      if (line === null || result === undefined) continue;
      const end = statementEnd(document.lineAt(index), line, result.last);
      const full = lineText(result, nameOf);
      const text = end.character > LONG_LINE ? lineText(result, nameOf, 'brief') : full;
      const options = byTone.get(lineTone(result)) ?? [];
      // What the window's edge cuts off is told by the hover.
      const hoverMessage = new MarkdownString(plain(full));
      const range = new Range(end.translate(0, end.character > 0 ? -1 : 0), end);
      options.push({ range, hoverMessage, renderOptions: { after: { contentText: shortened(text) } } });
      byTone.set(lineTone(result), options);
    }
  }
  return byTone;
}

/**
 * Where the statement of a line (1-based in the run) ends and the line's comment has not begun: a result behind the comment
 * would be out of sight.
 */
function statementEnd(line: TextLine, runLine: number, record: StepRecord): Position {
  const { end } = record.range;
  return end.line === runLine - 1
    ? line.range.end.with({ character: Math.min(end.character, line.text.length) })
    : line.range.end;
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}
