// Entry of the desktop and remote extension host (Node), which can read real programs from the disk.
import type { ExtensionContext } from 'vscode';
import { activateExtension, type ExtensionApi } from './activate.ts';
import { readHostElf } from './desktop/real-programs.ts';

export function activate(context: ExtensionContext): ExtensionApi {
  return activateExtension(context, { readHostElf });
}
