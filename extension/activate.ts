// What both entries share: the wiring of the extension into VS Code.
import type { ExtensionContext } from 'vscode';

/** Registers everything that works in every host; disposables go to `context.subscriptions`. */
export function activateExtension(_context: ExtensionContext): void {}
