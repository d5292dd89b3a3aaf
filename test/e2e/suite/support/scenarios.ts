// Scenarios for the suite to work on, in any host.
import * as vscode from 'vscode';

/** The extension's identifier. */
export const extensionId = 'address-space-explorer.address-space-explorer';

/** The extension, activated. @throws Error when it is not there */
export async function activated(): Promise<vscode.Extension<unknown>> {
  const extension = vscode.extensions.getExtension(extensionId);
  if (extension === undefined) throw new Error(`activated: there is no extension ${extensionId}`);
  await extension.activate();
  return extension;
}

/** The text of a shipped sample. @param name of its file, `fork.vas` */
export async function sampleText(name: string): Promise<string> {
  const { extensionUri } = await activated();
  const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extensionUri, 'samples', name));
  return new TextDecoder().decode(bytes);
}

/** Shows an untitled scenario with that text; it needs no file system, so it works in the web host too. */
export async function showScenario(text: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument({ language: 'vas', content: text });
  return vscode.window.showTextDocument(document);
}

/** Tries `probe` until it returns something other than undefined. @throws Error naming `what` after 10 s */
export async function eventually<T>(what: string, probe: () => Thenable<T | undefined> | T | undefined): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const value = await probe();
    if (value !== undefined) return value;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  throw new Error(`waited 10 s in vain for ${what}`);
}
