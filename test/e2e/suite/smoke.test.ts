// What must hold in every extension host: the extension is there, activates, and knows its language.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { activated, eventually, sampleText, showScenario } from './support/scenarios.ts';

suite('smoke', () => {
  test('the extension activates', async () => {
    const extension = await activated();
    expect(extension.isActive).to.equal(true);
  });

  test('a scenario has the language vas', async () => {
    const editor = await showScenario('p = spawn()\n');
    expect(editor.document.languageId).to.equal('vas');
    expect(await vscode.languages.getLanguages()).to.include('vas');
  });

  test('a shipped sample opens', async () => {
    const text = await sampleText('fork.vas');
    const editor = await showScenario(text);
    expect(editor.document.getText()).to.equal(text);
    expect(text).to.include('fork()');
  });

  test('a mistake is reported on its line', async () => {
    const { document } = await showScenario('p = spawn()\np: mmap(\n');
    const problems = await eventually('a diagnostic', () => {
      const found = vscode.languages.getDiagnostics(document.uri);
      return found.length > 0 ? found : undefined;
    });
    expect(problems.map((problem) => problem.range.start.line)).to.deep.equal([1]);
  });
});
