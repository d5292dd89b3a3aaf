// The panel with the page-table view: its life, and the conversation with the page in it.
import {
  type Disposable,
  type ExtensionContext,
  Range,
  Selection,
  Uri,
  ViewColumn,
  type WebviewPanel,
  window,
  workspace,
} from 'vscode';
import type { FrameMapView } from '../../simulator/index.ts';
import { frameMap } from '../../simulator/index.ts';
import { type HostMessage, type SavedState, type ViewMessage, webviewHtml } from '../../webview/protocol.ts';
import { PANEL_TYPE } from '../names.ts';
import { report } from '../report.ts';
import type { Session } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { pickAnyProcess } from './process-pick.ts';
import { Focus } from './selection.ts';
import { chosenFrame, chosenSlot, stateMessage } from './state.ts';

export class PageTablePanel implements Disposable {
  private readonly extensionUri: Uri;
  private readonly sessions: Sessions;
  private readonly focuses = new WeakMap<Session, Focus>();
  private readonly subscriptions: Disposable[];
  private panel: WebviewPanel | null = null;
  private listening = false;
  private sent: { readonly session: Session; readonly frames: FrameMapView } | null = null;

  constructor(context: ExtensionContext, sessions: Sessions) {
    this.extensionUri = context.extensionUri;
    this.sessions = sessions;
    this.subscriptions = [
      sessions.onDidChangeActive(() => this.send()),
      sessions.onDidChange(({ session }) => {
        if (session === sessions.active) this.send();
      }),
      window.registerWebviewPanelSerializer(PANEL_TYPE, {
        deserializeWebviewPanel: async (panel) => this.adopt(panel),
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.panel?.dispose();
  }

  get isOpen(): boolean {
    return this.panel !== null;
  }

  /** Whether it is on the screen, and not behind another tab. */
  get isVisible(): boolean {
    return this.panel?.visible === true;
  }

  /** Shows the panel beside the editor, where the focus stays: the next thing to do is a step. */
  show(): void {
    if (this.panel !== null) {
      this.panel.reveal(undefined, true);
      return;
    }
    const place = { viewColumn: this.columnBeside(), preserveFocus: true };
    this.adopt(window.createWebviewPanel(PANEL_TYPE, 'Page Tables', place, {}));
  }

  /** Moves the focus into the panel. */
  enter(): void {
    this.panel?.reveal(undefined, false);
  }

  private columnBeside(): ViewColumn {
    const document = this.sessions.active?.document;
    const shown = window.visibleTextEditors.find((editor) => editor.document === document);
    return shown?.viewColumn === undefined ? ViewColumn.Beside : shown.viewColumn + 1;
  }

  /** Shows an address of a process; follow is turned off. `text` is what the address field shows. */
  showAddress(session: Session, pid: number, address: string, text = address): void {
    this.sessions.activate(session);
    this.focusOf(session).choose(pid, address, text);
    this.show();
    this.send();
  }

  /** What the view looks at in this session. */
  focusOf(session: Session): Focus {
    const known = this.focuses.get(session);
    if (known !== undefined) return known;
    const made = new Focus();
    this.focuses.set(session, made);
    return made;
  }

  private adopt(panel: WebviewPanel): void {
    this.panel?.dispose();
    this.panel = panel;
    this.listening = false;
    const { webview } = panel;
    const dist = Uri.joinPath(this.extensionUri, 'dist');
    const media = Uri.joinPath(this.extensionUri, 'media');
    panel.iconPath = { light: Uri.joinPath(media, 'panel-light.svg'), dark: Uri.joinPath(media, 'panel-dark.svg') };
    webview.options = { enableScripts: true, localResourceRoots: [dist] };
    webview.onDidReceiveMessage((message: ViewMessage) => void this.receive(message));
    panel.onDidDispose(() => {
      if (this.panel !== panel) return;
      this.panel = null;
      this.listening = false;
    });
    webview.html = webviewHtml({
      cspSource: webview.cspSource,
      nonce: nonce(),
      scriptUri: webview.asWebviewUri(Uri.joinPath(dist, 'webview.js')).toString(),
      styleUri: webview.asWebviewUri(Uri.joinPath(dist, 'webview.css')).toString(),
    });
  }

  private post(message: HostMessage): void {
    void this.panel?.webview.postMessage(message);
  }

  private send(): void {
    // A hidden page is gone; it says `ready` when it comes back.
    if (this.panel === null || !this.listening || !this.panel.visible) return;
    const { active } = this.sessions;
    if (active === null) {
      this.post({ type: 'empty', message: 'Open a scenario (.vas) to see its page tables.' });
      return;
    }
    const { timeline } = active;
    if (timeline === null) {
      this.post({ type: 'empty', message: active.obstacle ?? 'The scenario has not been read yet.' });
      return;
    }
    const base = this.sent?.session === active ? this.sent.frames : null;
    const { message, frames } = timeline.settled(() => stateMessage(active, timeline, this.focusOf(active), base));
    this.sent = { session: active, frames };
    this.post(message);
    if (active.obstacle !== null) this.notice('error', `Stepping waits: ${active.obstacle}`);
    else if (active.notice !== null) this.notice('info', active.notice);
  }

  private notice(severity: 'error' | 'info', message: string): void {
    this.post({ type: 'notice', severity, about: 'general', message });
  }

  private async receive(message: ViewMessage): Promise<void> {
    try {
      if (message.type === 'ready') await this.ready(message.saved);
      else if (message.type === 'problem') console.error(`Page tables: ${message.message}\n${message.stack}`);
      else if (this.sessions.active !== null) await this.obey(this.sessions.active, message);
    } catch (error) {
      report(error);
    }
  }

  private async ready(saved: SavedState | null): Promise<void> {
    this.listening = true;
    this.sent = null;
    if (saved !== null && this.sessions.active?.document.uri.toString() !== saved.scenario) await this.reopen(saved);
    const { active } = this.sessions;
    if (
      saved !== null &&
      active !== null &&
      active.document.uri.toString() === saved.scenario &&
      !this.focuses.has(active)
    ) {
      this.focusOf(active).restore(saved);
    }
    this.send();
  }

  /** After a reload, brings back the scenario that the page showed, unless another one has been opened since. */
  private async reopen(saved: SavedState): Promise<void> {
    if (this.sessions.active !== null) return;
    const uri = Uri.parse(saved.scenario);
    if (uri.scheme === 'untitled') return;
    try {
      await workspace.openTextDocument(uri);
    } catch {
      this.post({ type: 'empty', message: `${uri.path} is no longer there.` });
    }
  }

  private async obey(session: Session, message: Exclude<ViewMessage, { type: 'ready' | 'problem' }>): Promise<void> {
    switch (message.type) {
      case 'step':
        await session.step();
        return;
      case 'back':
        await session.stepBack();
        return;
      case 'start':
        await session.backToStart();
        return;
      case 'end':
        await session.runToEnd();
        return;
      case 'cancel':
        session.cancel();
        return;
      case 'revealLine':
        await revealLine(session, message.line);
        return;
      case 'listProcesses':
        await this.listProcesses(session);
        return;
      case 'resync':
        this.sent = null;
        this.send();
        return;
      default:
        session.timeline?.settled(() => this.choose(session, message));
    }
  }

  /** Lets the user choose among all processes, and comes back to the page. */
  private async listProcesses(session: Session): Promise<void> {
    const { timeline } = session;
    if (timeline === null) return;
    const focus = this.focusOf(session);
    const pid = await pickAnyProcess(
      timeline,
      timeline.settled(() => focus.selection(timeline)?.pid ?? null),
    );
    // An edit may have made another run meanwhile.
    if (pid !== null && session.timeline === timeline) {
      timeline.settled(() => this.choose(session, { type: 'selectProcess', pid }));
    }
    this.enter();
  }

  private choose(
    session: Session,
    message: Extract<
      ViewMessage,
      { type: 'selectProcess' | 'selectAddress' | 'goTo' | 'follow' | 'selectFrame' | 'selectSlot' }
    >,
  ): void {
    const { timeline } = session;
    if (timeline === null) return;
    const focus = this.focusOf(session);
    switch (message.type) {
      case 'selectProcess':
        focus.chooseProcess(timeline, message.pid);
        break;
      case 'selectAddress': {
        const chosen = focus.chooseText(timeline, message.text);
        if (chosen.ok) break;
        this.post({ type: 'notice', severity: 'error', about: 'address', message: chosen.message });
        return;
      }
      case 'goTo':
        focus.choose(message.pid, message.address, message.address);
        break;
      case 'follow':
        focus.follow = message.on;
        break;
      case 'selectFrame':
        focus.pfn = message.pfn;
        this.post({ type: 'frame', frame: chosenFrame(timeline, focus, frameMap(timeline)) });
        return;
      case 'selectSlot':
        focus.slot = message.slot;
        this.post({ type: 'slot', slot: chosenSlot(timeline, focus) });
        return;
    }
    this.send();
  }
}

/** Shows a line (1-based) of the scenario in an editor, beside the panel. */
export async function revealLine(session: Session, line: number): Promise<void> {
  const shown = window.visibleTextEditors.find((editor) => editor.document === session.document);
  const column = shown?.viewColumn ?? ViewColumn.One;
  const editor = await window.showTextDocument(session.document, { viewColumn: column });
  const index = Math.min(session.document.lineCount, line) - 1;
  const place = session.document.lineAt(Math.max(0, index)).range.start;
  editor.selection = new Selection(place, place);
  editor.revealRange(new Range(place, place));
}

function nonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
