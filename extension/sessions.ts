// All sessions: one for each open scenario document, and the one that the views show.
import {
  type Disposable,
  type Event,
  EventEmitter,
  type TextDocument,
  type TextEditor,
  window,
  workspace,
} from 'vscode';
import { LANGUAGE, PROC_SCHEME } from './names.ts';
import { type Left, Session, type SessionChange, type TimelineOptions } from './session.ts';

/** Bytes that all scenarios together may take before those that nobody looks at give theirs back, about. */
const ALL_BYTES = 3 * 2 ** 29;
/** How often that is looked at while something runs. */
const LOOK_MS = 1000;

/** Between the closing of an untitled document that is saved and the opening of its file there is no more time. */
const SAVING_MS = 5000;

/** What happened lately; `at` is Date.now() then. Of a closed document no session is kept, for its run is large. */
interface Lately {
  readonly opened: { readonly session: Session; readonly at: number } | null;
  readonly closed: { readonly left: Left; readonly at: number } | null;
}

const NOTHING_LATELY: Lately = { opened: null, closed: null };

export interface SessionEvent {
  readonly session: Session;
  readonly change: SessionChange;
}

export class Sessions implements Disposable {
  private readonly options: TimelineOptions;
  private readonly byUri = new Map<string, Session>();
  private readonly changeEmitter = new EventEmitter<SessionEvent>();
  private readonly activeEmitter = new EventEmitter<Session | null>();
  private readonly openEmitter = new EventEmitter<Session>();
  private readonly closeEmitter = new EventEmitter<Session>();
  private readonly subscriptions: Disposable[];
  private current: Session | null = null;
  private timer: unknown;
  /** The file that was opened last, and the untitled document that was closed last. */
  private lately = NOTHING_LATELY;

  readonly onDidChange: Event<SessionEvent> = this.changeEmitter.event;
  readonly onDidChangeActive: Event<Session | null> = this.activeEmitter.event;
  readonly onDidOpen: Event<Session> = this.openEmitter.event;
  readonly onDidClose: Event<Session> = this.closeEmitter.event;

  constructor(options: TimelineOptions) {
    this.options = options;
    this.subscriptions = [
      workspace.onDidOpenTextDocument((document) => this.opened(document)),
      workspace.onDidCloseTextDocument((document) => this.closed(document)),
      workspace.onDidChangeTextDocument((event) => {
        if (event.contentChanges.length > 0) this.get(event.document)?.edited(event);
      }),
      window.onDidChangeActiveTextEditor((editor) => this.focused(editor)),
    ];
  }

  /** Takes up the documents that are open already. Call once, when everybody listens. */
  start(): void {
    for (const document of workspace.textDocuments) this.opened(document);
    this.focused(window.activeTextEditor);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const session of this.byUri.values()) session.dispose();
    this.byUri.clear();
    for (const emitter of [this.changeEmitter, this.activeEmitter, this.openEmitter, this.closeEmitter])
      emitter.dispose();
  }

  /** The session that the views show: that of the editor used last. */
  get active(): Session | null {
    return this.current;
  }

  get(document: TextDocument): Session | undefined {
    return this.find(document.uri.toString());
  }

  /** The session that a document belongs to: a scenario's own, or that of the scenario that a /proc document tells of. */
  ownerOf(document: TextDocument): Session | undefined {
    return document.uri.scheme === PROC_SCHEME ? this.find(document.uri.query) : this.get(document);
  }

  find(uri: string): Session | undefined {
    return this.byUri.get(uri);
  }

  all(): IterableIterator<Session> {
    return this.byUri.values();
  }

  /** Makes the views show this session. */
  activate(session: Session): void {
    if (session !== this.current) this.setActive(session);
  }

  private opened(document: TextDocument): void {
    const uri = document.uri.toString();
    if (document.languageId !== LANGUAGE || isForeign(document) || this.byUri.has(uri)) return;
    const session = new Session(document, this.options);
    this.byUri.set(uri, session);
    session.onDidChange((change) => {
      this.changeEmitter.fire({ session, change });
      if (change !== 'parsed') this.makeRoom();
    });
    this.openEmitter.fire(session);
    if (window.activeTextEditor?.document === document || this.current === null) this.setActive(session);
    if (!document.isUntitled) this.lately = { ...this.lately, opened: { session, at: Date.now() } };
    this.goOn();
  }

  private closed(document: TextDocument): void {
    const uri = document.uri.toString();
    const session = this.byUri.get(uri);
    if (session === undefined) return;
    this.byUri.delete(uri);
    this.closeEmitter.fire(session);
    if (this.current === session) this.setActive([...this.byUri.values()].at(-1) ?? null);
    session.dispose();
    if (this.lately.opened?.session === session) this.lately = { ...this.lately, opened: null };
    const left = session.whereLeft;
    if (document.isUntitled && left !== null) this.lately = { ...this.lately, closed: { left, at: Date.now() } };
    this.goOn();
  }

  /** An untitled document that is saved closes, and a file with its text opens, whichever is first: the run goes on there. */
  private goOn(): void {
    const { opened, closed } = this.lately;
    if (opened === null || closed === null || Math.abs(opened.at - closed.at) > SAVING_MS) return;
    this.lately = NOTHING_LATELY;
    opened.session.takeOver(closed.left);
  }

  private focused(editor: TextEditor | undefined): void {
    const session = editor === undefined ? undefined : this.ownerOf(editor.document);
    if (session !== undefined && session !== this.current) this.setActive(session);
  }

  /** Those that are not in sight rest, the largest first; where that is not enough, long runs of theirs end. */
  private makeRoom(): void {
    const all = [...this.byUri.values()];
    const inSight = new Set(window.visibleTextEditors.map(({ document }) => this.ownerOf(document)));
    const bytes = (): number => all.reduce((sum, session) => sum + session.bytes, 0);
    for (const session of all.toSorted((a, b) => b.bytes - a.bytes)) {
      if (bytes() <= ALL_BYTES) break;
      if (session === this.current || inSight.has(session)) continue;
      if (session.busy === null) session.rest();
      else if (bytes() > 2 * ALL_BYTES) session.cancel();
    }
    // A long run takes more and more.
    if (this.timer !== undefined || all.every(({ busy }) => busy === null)) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.makeRoom();
    }, LOOK_MS);
  }

  private setActive(session: Session | null): void {
    this.current = session;
    void session?.settle();
    this.makeRoom();
    this.activeEmitter.fire(session);
  }
}

/** Schemes of old revisions, which a diff shows, and of our own documents: they are read, not run (package.json too). */
const READ_ONLY: readonly string[] = [PROC_SCHEME, 'git', 'vscode-local-history'];

function isForeign(document: TextDocument): boolean {
  return READ_ONLY.includes(document.uri.scheme);
}
