// Where errors that nobody expected go.
import { window } from 'vscode';

/** Tells the user, and leaves the trace in the extension host's log. */
export function report(error: unknown): void {
  console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  void window.showErrorMessage(`Address Space Explorer: ${message}`);
}
