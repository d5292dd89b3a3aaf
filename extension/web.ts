// Entry of the web extension host (a worker, without Node): no disk to read real programs from.
import type { ExtensionContext } from 'vscode';
import { activateExtension, type ExtensionApi } from './activate.ts';

export function activate(context: ExtensionContext): ExtensionApi {
  return activateExtension(context, {});
}
