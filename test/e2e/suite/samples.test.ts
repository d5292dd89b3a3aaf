// Samples open as copies: they can be changed, and nothing of it reaches the next copy.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { closeAll, openSample, replace } from './support/scenario.ts';

suite('copies of samples', () => {
  teardown(closeAll);

  test('are untitled, and can be stepped through at once', async () => {
    const { session, editor } = await openSample('fork');
    expect(editor.document.languageId).to.equal('vas');
    expect(editor.document.isUntitled).to.equal(true);
    await vscode.commands.executeCommand('vas.step');
    expect(session.position).to.equal(1);
  });

  test('a change stays in its copy', async () => {
    const first = await openSample('swap');
    const text = first.editor.document.getText();
    await replace(first.editor, 'swap=', 'swap =');
    const second = await openSample('swap');
    expect(second.editor.document.uri.toString()).not.to.equal(first.editor.document.uri.toString());
    expect(second.editor.document.getText()).to.equal(text);
    await closeAll();
    const third = await openSample('swap');
    expect(third.editor.document.getText()).to.equal(text);
    expect(third.session.position).to.equal(0);
  });

  test('a new scenario has the text to begin with, also under a name that is used again', async () => {
    const texts = new Set<string>();
    for (let time = 0; time < 3; time++) {
      await vscode.commands.executeCommand('vas.newScenario');
      const editor = vscode.window.activeTextEditor;
      if (editor === undefined) throw new Error('no scenario was opened');
      texts.add(editor.document.getText());
      await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), `# changed ${time}\n`));
      await closeAll();
    }
    expect([...texts]).to.have.length(1);
    expect([...texts][0]).to.contain('app = spawn()');
  });
});
