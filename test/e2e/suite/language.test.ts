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

  test('flags and advice are proposed before names, and no process among them', async () => {
    const app = 'app = spawn()\napp: buf = brk(0)\n';
    for (const [line, constant] of [
      ['app: mmap(NULL, 4K, PROT_READ|', 'PROT_WRITE'],
      ['app: madvise(buf, 4K, ', 'MADV_DONTNEED'],
    ] as const) {
      const offered = await labels(`${app}${line}|)`);
      expect(offered).to.include(constant);
      expect(offered).not.to.include('app');
    }
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

  test('a size tells its bytes, pages and hexadecimal, and an address its translation', async () => {
    const { session, editor } = await openText('app = spawn()\napp: mmap(0x10000000, 160K, PROT_READ, 34, -1, 0)\n');
    const { document } = editor;
    await session.step();
    expect(await hoverAt(document, 2, '160K')).to.equal('`160K` = 163,840 bytes = 40 pages = `0x28000`');
    expect(await hoverAt(document, 2, '0x10000000')).to.contain('no physical address');
  });

  test('deleting the line that binds a name is one error, where the name is used first', async () => {
    const uses = 'app: load(0x400000)\n'.repeat(15);
    const { editor, document } = await openAt(`|app = spawn()\n${uses}`);
    await errorsOf(document, (errors) => errors.length === 0);
    await replace(editor, 'app = spawn()', '');
    expect(await errorsOf(document, (errors) => errors.length > 0)).to.deep.equal(["2: 'app' is not bound"]);
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
