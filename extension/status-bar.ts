// The status bar item: where the run stands.
import { type Disposable, MarkdownString, StatusBarAlignment, type StatusBarItem, window } from 'vscode';
import { positionText } from '../webview/protocol.ts';
import { command } from './names.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

const REFRESH_MS = 200;

/** `step 7 of 12`, or `step 7` while the length of the run is not known. */
function placeText(session: Session): string {
  return positionText(session.position, session.total);
}

export class StatusBar implements Disposable {
  private readonly sessions: Sessions;
  private readonly item: StatusBarItem;
  private readonly subscriptions: Disposable[];
  private waiting = false;
  private disposed = false;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    this.item = window.createStatusBarItem('vas.position', StatusBarAlignment.Left, 50);
    this.item.name = 'Address Space Explorer';
    this.subscriptions = [
      sessions.onDidChangeActive(() => this.show()),
      sessions.onDidChange(({ session }) => {
        if (session === sessions.active) this.show();
      }),
    ];
    this.show();
  }

  dispose(): void {
    this.disposed = true;
    for (const subscription of this.subscriptions) subscription.dispose();
    this.item.dispose();
  }

  /** A long run changes the position all the time and says nothing. */
  private showAgain(): void {
    if (this.waiting) return;
    this.waiting = true;
    setTimeout(() => {
      this.waiting = false;
      if (!this.disposed) this.show();
    }, REFRESH_MS);
  }

  private show(): void {
    const session = this.sessions.active;
    if (session === null) {
      this.item.hide();
      return;
    }
    if (session.busy !== null) this.showAgain();
    this.item.text = statusText(session);
    this.item.tooltip = tooltip(session);
    this.item.command = session.busy === null ? command.goToStep : command.cancel;
    this.item.accessibilityInformation = { label: `Address Space Explorer: ${spoken(session)}` };
    this.item.show();
  }
}

function statusText(session: Session): string {
  if (session.busy !== null) return `$(sync~spin) ${placeText(session)}`;
  if (session.obstacle !== null) return `$(warning) ${placeText(session)}`;
  return `$(${session.notice === null ? 'layers' : 'info'}) ${placeText(session)}`;
}

function spoken(session: Session): string {
  if (session.obstacle !== null) return `${placeText(session)}, stepping waits: ${session.obstacle}`;
  return session.notice === null ? placeText(session) : `${placeText(session)}. ${session.notice}`;
}

function tooltip(session: Session): MarkdownString {
  const text = new MarkdownString('', true);
  if (session.busy !== null) return text.appendText(`${session.busy.title}. Select to cancel.`);
  if (session.obstacle !== null) return text.appendText(`Stepping waits: ${session.obstacle}`);
  if (session.notice !== null) text.appendText(session.notice).appendMarkdown('\n\n');
  const next = session.timeline?.next ?? null;
  if (next === null) text.appendText('At the end of the scenario.');
  else text.appendText(`Next, line ${next.line}:`).appendCodeblock(next.text, 'vas');
  return text.appendMarkdown('\n\nSelect to go to a step.');
}
