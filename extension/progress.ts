// Shows a notification with a cancel button for runs that take long.
import { type Disposable, ProgressLocation, window } from 'vscode';
import { countText, numberText, positionText } from '../webview/protocol.ts';
import type { Busy, Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** A run shorter than this comes and goes without a notification. */
const PATIENCE_MS = 400;
const REPORT_MS = 200;

export class RunProgress implements Disposable {
  private readonly subscription: Disposable;
  private readonly waiting = new Set<Busy>();

  constructor(sessions: Sessions) {
    this.subscription = sessions.onDidChange(({ session, change }) => {
      const { busy } = session;
      if (change !== 'busy' || busy === null || this.waiting.has(busy)) return;
      this.waiting.add(busy);
      setTimeout(() => {
        this.waiting.delete(busy);
        if (session.busy === busy) void show(session, busy);
      }, PATIENCE_MS);
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }
}

function show(session: Session, busy: Busy): Thenable<void> {
  const options = { location: ProgressLocation.Notification, title: busy.title, cancellable: true };
  return window.withProgress(options, async (progress, token) => {
    token.onCancellationRequested(() => {
      busy.signal.aborted = true;
    });
    let shown = 0;
    while (session.busy === busy) {
      const { total } = session;
      const step = session.timeline?.progress ?? null;
      const [done, of] = busy.isOneStep && step !== null ? [step.done, step.of] : [session.position, total ?? 0];
      const percent = of === 0 ? 0 : (done / of) * 100;
      const pages = step === null ? '' : `, ${numberText(step.done)} of ${countText(step.of, 'page')}`;
      progress.report({
        message: positionText(session.position, session.total) + pages,
        increment: Math.max(0, percent - shown),
      });
      shown = Math.max(shown, percent);
      await new Promise<void>((resolve) => setTimeout(resolve, REPORT_MS));
    }
  });
}
