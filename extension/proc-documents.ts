// Files of /proc, and what free(1) prints, as read-only documents that change with each step.
import {
  type Disposable,
  EventEmitter,
  type TextDocumentContentProvider,
  Uri,
  ViewColumn,
  window,
  workspace,
} from 'vscode';
import type { MemoryFile, ProcFile } from '../simulator/index.ts';
import { PROC_SCHEME } from './names.ts';
import { documentText, memoryPath, processPath } from './proc-text.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

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

  /** Opens a file of a process beside the scenario. */
  openProcess(session: Session, pid: number, file: ProcFile): Promise<void> {
    return this.open(session, processPath(pid, file));
  }

  /** Opens a text about the machine's memory beside the scenario. */
  openMemory(session: Session, file: MemoryFile): Promise<void> {
    return this.open(session, memoryPath(file));
  }

  provideTextDocumentContent(uri: Uri): string {
    const timeline = this.sessions.find(uri.query)?.timeline ?? null;
    const read = () => documentText(timeline, uri.path);
    return timeline === null ? read() : timeline.settled(read);
  }

  private async open(session: Session, path: string): Promise<void> {
    const uri = Uri.from({ scheme: PROC_SCHEME, path, query: session.document.uri.toString() });
    const document = await workspace.openTextDocument(uri);
    await window.showTextDocument(document, { viewColumn: ViewColumn.Beside, preserveFocus: true, preview: false });
  }

  private refresh(session: Session): void {
    const owner = session.document.uri.toString();
    for (const document of workspace.textDocuments) {
      if (document.uri.scheme === PROC_SCHEME && document.uri.query === owner) this.emitter.fire(document.uri);
    }
  }
}
