// Entry of the web extension host (a worker, without Node): no disk to read real programs from. The desktop's entry takes
// the core of the extension from this one's bundle (scripts/bundle.ts).
import type { ExtensionContext } from 'vscode';
import { activateExtension, type ExtensionApi } from './activate.ts';

export { readHostProgram } from '../simulator/index.ts';
export { activateExtension };

export function activate(context: ExtensionContext): ExtensionApi {
  return activateExtension(context, {});
}
