// /proc/PID/maps, smaps and status as read-only documents that change with each step.
import {
  type Disposable,
  EventEmitter,
  type TextDocumentContentProvider,
  Uri,
  ViewColumn,
  window,
  workspace,
} from 'vscode';
import { procText } from '../simulator/index.ts';
import { PROC_SCHEME } from './names.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

export type ProcFile = 'maps' | 'smaps' | 'status';

const PATH = /^\/proc\/(\d+)\/(maps|smaps|status)$/;

export class ProcDocuments implements TextDocumentContentProvider, Disposable {
  private readonly sessions: Sessions;
  private readonly emitter = new EventEmitter<Uri>();
  readonly onDidChange = this.emitter.event;
  private readonly subscriptions: Disposable[];

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    this.subscriptions = [
      workspace.registerTextDocumentContentProvider(PROC_SCHEME, this),
      sessions.onDidChange(({ session, change }) => {
        if (change === 'moved') this.refresh(session);
      }),
      sessions.onDidOpen((session) => this.refresh(session)),
      sessions.onDidClose((session) => this.refresh(session)),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.emitter.dispose();
  }

  /** Opens the file of a process beside the scenario. */
  async open(session: Session, pid: number, file: ProcFile): Promise<void> {
    const uri = Uri.from({ scheme: PROC_SCHEME, path: `/proc/${pid}/${file}`, query: session.document.uri.toString() });
    const document = await workspace.openTextDocument(uri);
    await window.showTextDocument(document, { viewColumn: ViewColumn.Beside, preserveFocus: true, preview: false });
  }

  provideTextDocumentContent(uri: Uri): string {
    const [, pid, file] = PATH.exec(uri.path) ?? [];
    const timeline = this.sessions.find(uri.query)?.timeline;
    if (pid === undefined || !isProcFile(file)) return `${uri.path} is not a file that is shown here.\n`;
    if (timeline === null || timeline === undefined) return `The scenario of ${uri.path} is not open.\n`;
    if (!timeline.names.has(Number(pid))) return `There is no process ${pid} at this step.\n`;
    return procText(timeline, Number(pid), file);
  }

  private refresh(session: Session): void {
    const owner = session.document.uri.toString();
    for (const document of workspace.textDocuments) {
      if (document.uri.scheme === PROC_SCHEME && document.uri.query === owner) this.emitter.fire(document.uri);
    }
  }
}

function isProcFile(text: string | undefined): text is ProcFile {
  return text === 'maps' || text === 'smaps' || text === 'status';
}
