// Entry of the desktop and remote extension host (Node).
import type { ExtensionContext } from 'vscode';
import { activateExtension } from './activate.ts';

export function activate(context: ExtensionContext): void {
  activateExtension(context);
}
