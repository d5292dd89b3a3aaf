// Samples open as copies under their own names: they can be changed, and nothing of it reaches a disk or the next copy.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { closeAll, openSample, replace } from './support/scenario.ts';

suite('copies of samples', () => {
  teardown(closeAll);

  test('have their own names, are not to be saved, and can be stepped through at once', async () => {
    const { session, editor } = await openSample('fork');
    const { document } = editor;
    expect(document.uri.path).to.match(/\/fork\.vas$/);
    expect(document.languageId).to.equal('vas');
    expect([document.isUntitled, document.isDirty]).to.deep.equal([false, false]);
    await vscode.commands.executeCommand('vas.step');
    expect(session.position).to.equal(1);
    expect(vscode.window.tabGroups.activeTabGroup.activeTab?.label).to.equal('fork.vas');
  });

  test('a change stays in its copy, which is saved elsewhere or not at all', async () => {
    const first = await openSample('swap');
    const text = first.editor.document.getText();
    await replace(first.editor, 'swap=', 'swap =');
    expect(first.editor.document.isDirty).to.equal(true);
    expect(await first.editor.document.save()).to.equal(false);
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
