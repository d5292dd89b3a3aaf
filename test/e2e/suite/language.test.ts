// What the editor offers while a scenario is written.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { closeAll, errorsOf, eventually, hoverAt, openText, replace } from './support/scenario.ts';

/** Opens `marked` and gives the place of its `|`, which is taken out. */
async function openAt(marked: string) {
  const at = marked.indexOf('|');
  const { editor } = await openText(marked.slice(0, at) + marked.slice(at + 1));
  const position = editor.document.positionAt(at);
  return { editor, document: editor.document, position };
}

async function labels(marked: string): Promise<string[]> {
  const { document, position } = await openAt(marked);
  const list = await vscode.commands.executeCommand<vscode.CompletionList>(
    'vscode.executeCompletionItemProvider',
    document.uri,
    position,
  );
  return list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
}

suite('language', () => {
  teardown(closeAll);

  test('calls, constants, names and paths are proposed where they fit', async () => {
    expect(await labels('app = spawn()\napp: m|')).to.include.members(['mmap', 'munmap', 'mprotect']);
    expect(await labels('app = spawn()\napp: mmap(NULL, 4K, PROT_|')).to.include.members(['PROT_READ', 'PROT_WRITE']);
    expect(await labels('app = spawn()\napp: buf = brk(0)\napp: load(|)')).to.include('buf');
    expect(await labels('file "/srv/data" size=4K\napp = spawn()\napp: open("|")')).to.include('/srv/data');
    expect(await labels('app = spawn()\napp: load(0x400000) = |')).to.include.members(['hit', 'minor', 'major']);
  });

  test('the parameter being written is told', async () => {
    const { document, position } = await openAt('app = spawn()\napp: mmap(NULL, 4K, |)');
    // The command answers with nothing while the editor has not yet taken up a document that was just opened.
    const help = await eventually('signature help', async () =>
      vscode.commands.executeCommand<vscode.SignatureHelp | undefined>(
        'vscode.executeSignatureHelpProvider',
        document.uri,
        position,
      ),
    );
    expect(help.signatures[0]?.label).to.match(/^mmap\(/);
    expect(help.activeParameter).to.equal(2);
  });

  test('the outline has files, processes and names; loops hold theirs', async () => {
    const { document } = await openAt('|file "/a" size=4K\napp = spawn()\nrepeat 2\n  app: x = brk(0)\nend\n');
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      document.uri,
    );
    expect(symbols.map(({ name }) => name)).to.deep.equal(['/a', 'app', 'repeat 2']);
    expect(symbols[2]?.children.map(({ name }) => name)).to.deep.equal(['x']);
  });

  test('a call and a constant explain themselves', async () => {
    const { document } = await openAt('|app = spawn()\napp: madvise(0x400000, 4K, MADV_DONTNEED)\n');
    expect(await hoverAt(document, 2, 'madvise')).to.contain('madvise(');
    expect(await hoverAt(document, 2, 'MADV_DONTNEED')).to.contain('MADV_DONTNEED');
  });

  test('mistakes are marked as they are typed, and go when they are mended', async () => {
    const { editor, document } = await openAt('|app = spawn()\napp: brk(0)\n');
    await errorsOf(document, (errors) => errors.length === 0);
    await replace(editor, 'brk(0)', 'brk(');
    const [error] = await errorsOf(document, (errors) => errors.length === 1);
    expect(error).to.match(/^2: /);
    await replace(editor, 'brk(', 'brk(0)');
    expect(await errorsOf(document, (errors) => errors.length === 0)).to.deep.equal([]);
  });
});
