// What must hold in every extension host: the extension is there, activates, and knows its language.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';

const extensionId = 'address-space-explorer.address-space-explorer';

suite('smoke', () => {
  test('the extension is found and activates', async () => {
    const extension = vscode.extensions.getExtension(extensionId);
    expect(extension, extensionId).to.not.equal(undefined);
    await extension?.activate();
    expect(extension?.isActive).to.equal(true);
  });

  test('a scenario has the language vas', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'vas', content: 'p = spawn()\n' });
    await vscode.window.showTextDocument(document);
    expect(vscode.window.activeTextEditor?.document.languageId).to.equal('vas');
    expect(await vscode.languages.getLanguages()).to.include('vas');
  });
});
