// Entry of the web extension host (a worker, without Node).
import type { ExtensionContext } from 'vscode';
import { activateExtension } from './activate.ts';

export function activate(context: ExtensionContext): void {
  activateExtension(context);
}
