// Keeps the context keys of the `when` clauses in step with the active session.
import { commands, type Disposable } from 'vscode';
import { contextKey } from './names.ts';
import type { Sessions } from './sessions.ts';

export class ContextKeys implements Disposable {
  private readonly sessions: Sessions;
  private readonly values = new Map<string, boolean>();
  private readonly subscriptions: Disposable[];

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    this.subscriptions = [
      sessions.onDidChangeActive(() => this.update()),
      sessions.onDidChange(({ session }) => {
        if (session === sessions.active) this.update();
      }),
    ];
    this.update();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private update(): void {
    const session = this.sessions.active;
    this.set(contextKey.hasSession, session !== null);
    this.set(contextKey.canStep, session?.canStep ?? false);
    this.set(contextKey.canStepBack, session?.canStepBack ?? false);
    this.set(contextKey.running, session !== null && session.busy !== null);
    this.set(contextKey.hasProcess, (session?.timeline?.names.size ?? 0) > 0);
  }

  private set(key: string, value: boolean): void {
    if (this.values.get(key) === value) return;
    this.values.set(key, value);
    void commands.executeCommand('setContext', key, value);
  }
}
