// What must hold in every extension host: the extension is there and activates, knows its language, and brings its samples.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { eventually } from './support/scenario.ts';

const extension = vscode.extensions.getExtension('address-space-explorer.address-space-explorer');

suite('smoke', () => {
  test('the extension activates', async () => {
    await extension?.activate();
    expect(extension?.isActive).to.equal(true);
  });

  test('a scenario has the language vas', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'vas', content: 'p = spawn()\n' });
    expect(document.languageId).to.equal('vas');
    expect(await vscode.languages.getLanguages()).to.include('vas');
  });

  test('the samples are shipped', async () => {
    const uri = vscode.Uri.joinPath(extension?.extensionUri ?? vscode.Uri.file('/'), 'samples/fork.vas');
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    expect(text).to.include('fork()');
  });

  test('a mistake is reported on its line', async () => {
    const content = 'p = spawn()\np: mmap(\n';
    const document = await vscode.workspace.openTextDocument({ language: 'vas', content });
    await vscode.window.showTextDocument(document);
    const problems = await eventually('a diagnostic', () => {
      const found = vscode.languages.getDiagnostics(document.uri);
      return found.length > 0 ? found : undefined;
    });
    expect(problems.map((problem) => problem.range.start.line)).to.deep.equal([1]);
  });
});
