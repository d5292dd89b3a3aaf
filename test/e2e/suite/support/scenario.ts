// Opens scenarios in the editor and reads what the extension shows of them.
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../../../extension/activate.ts';
import type { Session } from '../../../../extension/session.ts';
import type { SessionTree } from '../../../../extension/tree/provider.ts';

const extensionId = 'address-space-explorer.address-space-explorer';

/** The extension's API; activates it. */
export async function api(): Promise<ExtensionApi> {
  const extension = vscode.extensions.getExtension<ExtensionApi>(extensionId);
  if (extension === undefined) throw new Error(`no extension ${extensionId}`);
  return extension.activate();
}

/** A scenario in an editor, with its session. */
export interface Opened {
  readonly editor: vscode.TextEditor;
  readonly session: Session;
}

let texts = 0;

/**
 * Opens `content` as a new untitled scenario in front. Its name is one that no document had before: under a name used
 * again, VS Code shows what it had backed up of the document closed a moment ago, while that backup still exists.
 */
export async function openText(content: string): Promise<Opened> {
  const uri = vscode.Uri.from({ scheme: 'untitled', path: `text-${++texts}.vas` });
  const document = await vscode.workspace.openTextDocument(uri);
  const found = await opened(await vscode.window.showTextDocument(document));
  await found.editor.edit((edit) => edit.insert(new vscode.Position(0, 0), content));
  const lines = (text: string): string => text.replaceAll('\r', '');
  if (lines(document.getText()) !== lines(content)) throw new Error(`${uri} does not have the text it was given`);
  await found.session.settle();
  return found;
}

/** Opens a copy of a sample by the extension's own command. @param name without `.vas` */
export async function openSample(name: string): Promise<Opened> {
  await vscode.commands.executeCommand('vas.openSample', name);
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) throw new Error(`the sample ${name} did not open`);
  return opened(editor);
}

async function opened(editor: vscode.TextEditor): Promise<Opened> {
  const { session: find } = await api();
  const uri = editor.document.uri.toString();
  const own = (): Session | undefined => {
    const session = find(uri);
    return session?.document === editor.document ? session : undefined;
  };
  return { editor, session: await eventually('a session', own) };
}

/** Closes every editor without saving. */
export async function closeAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if (!(document.isUntitled || document.isDirty) || document.isClosed) continue;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

/** Tries `probe` until it returns something. @throws Error naming `what` when that takes too long */
export async function eventually<T>(what: string, probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const value = await probe();
    if (value !== undefined) return value;
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Every row of a tree, all opened: label, description and the mark of a change, indented by level. */
export async function treeText(tree: SessionTree): Promise<string[]> {
  const rows: string[] = [];
  const walk = (nodes: ReturnType<SessionTree['getChildren']>, indent: string): void => {
    for (const node of nodes) {
      const item = tree.getTreeItem(node);
      const mark = item.resourceUri === undefined ? '' : ' ●';
      rows.push(`${indent}${String(item.label)} ${String(item.description ?? '')}${mark}`.trimEnd());
      if (item.collapsibleState !== vscode.TreeItemCollapsibleState.None) walk(tree.getChildren(node), `${indent}  `);
    }
  };
  walk(tree.getChildren(), '');
  return rows;
}

/** The text of the hovers at a place; line from 1, at the first occurrence of `text` in it. */
export async function hoverAt(document: vscode.TextDocument, line: number, text: string): Promise<string> {
  const column = document.lineAt(line - 1).text.indexOf(text);
  if (column < 0) throw new Error(`hoverAt: no ${text} in line ${line}`);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    new vscode.Position(line - 1, column),
  );
  const parts = hovers.flatMap((hover) => hover.contents);
  return parts.map((part) => (typeof part === 'string' ? part : part.value)).join('\n\n');
}

/** The errors on a document, as `LINE: message`, once `suits` accepts them. */
export async function errorsOf(
  document: vscode.TextDocument,
  suits: (errors: readonly string[]) => boolean,
): Promise<string[]> {
  let errors: string[] = [];
  try {
    return await eventually('the errors', () => {
      errors = vscode.languages
        .getDiagnostics(document.uri)
        .filter(({ severity }) => severity === vscode.DiagnosticSeverity.Error)
        .map(({ range, message }) => `${range.start.line + 1}: ${message}`);
      return suits(errors) ? errors : undefined;
    });
  } catch {
    throw new Error(`the errors are not as they should be: ${JSON.stringify(errors.slice(0, 10))}`);
  }
}

/** Replaces the first occurrence of `before` in the document. */
export async function replace(editor: vscode.TextEditor, before: string, after: string): Promise<void> {
  const { document } = editor;
  const at = document.getText().indexOf(before);
  if (at < 0) throw new Error(`replace: no ${before} in the document`);
  const range = new vscode.Range(document.positionAt(at), document.positionAt(at + before.length));
  await editor.edit((edit) => edit.replace(range, after));
}
