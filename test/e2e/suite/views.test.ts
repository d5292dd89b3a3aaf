// What the views say at a step: trees, hovers, /proc documents.
import * as vscode from 'vscode';
import { procText, walk } from '../../../simulator/index.ts';
import { expect } from './support/expect.ts';
import { api, closeAll, eventually, hoverAt, openSample, openText, treeText } from './support/scenario.ts';

suite('views', () => {
  teardown(closeAll);

  test('the tree shows the address space as /proc/PID/maps does, and marks what changed', async () => {
    const { session } = await openSample('first-steps');
    const { processes, machine } = await api();
    await session.goToStep(2);
    const rows = await treeText(processes);
    expect(rows[0]).to.match(/^app \(1000\) /);
    expect(rows.filter((row) => row.includes('7ffff7ff5000-7ffff7ff7000 rw-p 00000000 00:00 0'))).to.have.length(1);
    // Each row begins with what a narrow side bar would cut off the end of the line.
    const [process] = processes.getChildren();
    const areas = processes.getChildren(process).filter((node) => node.kind === 'vma');
    const lines = areas.map((node) => String(processes.getTreeItem(node).description));
    if (session.timeline === null) throw new Error('no timeline');
    const shown = procText(session.timeline, 1000, 'maps').trim().split('\n');
    expect(lines).to.deep.equal(shown.map((line) => line.replace(/ +/g, ' ').trim()).slice(0, lines.length));
    expect(lines).to.have.length.greaterThan(4);
    const labels = areas.map((node) => String(processes.getTreeItem(node).label));
    expect(labels).to.include.members(['puppet r-xp', 'anon rw-p', '[vdso] r-xp', '[stack] rw-p']);
    expect(rows.find((row) => row.includes('7ffff7ff5000-'))).to.match(/ ●$/);
    expect(rows.find((row) => row.includes('[stack]'))).to.not.match(/ ●$/);
    expect(rows.some((row) => row.trim().startsWith('map_count'))).to.equal(true);
    expect(
      (await treeText(machine)).filter((row) => !row.startsWith(' ')).map((row) => row.split(' ')[0]),
    ).to.deep.equal(['Page', 'Physical', 'Swap']);
  });

  test('a VMA tells all its fields and its operations', async () => {
    const { session } = await openSample('two-kinds-of-objects');
    const { processes } = await api();
    await session.goToStep(4);
    const [process] = processes.getChildren();
    const vma = processes.getChildren(process).find((node) => node.kind === 'vma' && node.view.vm_file === '/srv/data');
    if (vma === undefined) throw new Error('the mapping of /srv/data is not in the tree');
    const { tooltip } = processes.resolveTreeItem(processes.getTreeItem(vma), vma);
    const text = tooltip instanceof vscode.MarkdownString ? tooltip.value : String(tooltip);
    for (const field of [
      'vm_start',
      'vm_end',
      'vm_flags',
      'vm_page_prot',
      'vm_pgoff',
      'vm_file',
      'anon_vma',
      'vm_ops',
    ]) {
      expect(text).to.contain(field);
    }
    expect(text).to.contain('.fault');
  });

  test('a hover translates a name, level by level, in the process of its line', async () => {
    const { session, editor } = await openSample('fork');
    const { timeline } = session;
    if (timeline === null) throw new Error('no timeline');
    const lines = editor.document.getText().split('\n');
    const store = lines.findIndex((line) => line.startsWith('kid:  store(buf, "J")')) + 1;
    await session.runToLine(store + 1);
    const buf = timeline.bindings.get('buf');
    const kid = [...timeline.names].find(([, name]) => name === 'kid')?.[0];
    if (buf === undefined || kid === undefined) throw new Error('no buf or no kid');
    const expected = walk(timeline, kid, buf);
    const text = await hoverAt(editor.document, store, 'buf');
    expect(text).to.contain('**kid**');
    expect(text).to.contain(expected.physical);
    for (const level of expected.levels) {
      expect(text).to.contain(`| ${level.level} | ${level.index}&ensp; | \`${level.entry?.value}\``);
    }
    expect(text).to.contain(expected.state);
    expect(text).to.contain(expected.would.write);
    expect(text).to.contain(expected.vma?.mapsLine);
    const other = await hoverAt(editor.document, store - 2, 'buf');
    expect(other).to.contain('**kid**');
    const parent = await hoverAt(editor.document, store + 3, 'buf');
    expect(parent).to.contain('**bash**');
    expect(parent).to.not.contain(expected.physical);
  });

  test('a hover before anything runs says what is missing', async () => {
    const { editor } = await openText('app = spawn()\napp: buf = brk(0)\napp: load(buf)\n');
    expect(await hoverAt(editor.document, 3, 'buf')).to.contain('buf');
  });

  test('a hover on a descriptor tells its value, and one in an ended process only that it has ended', async () => {
    const text = [
      'file "/srv/data" size=4K',
      'app = spawn()',
      'app: fd = open("/srv/data", O_RDONLY)',
      'app: buf = mmap(NULL, 4K, PROT_READ, MAP_PRIVATE, fd, 0)',
      'app: exit(0)',
    ];
    const { session, editor } = await openText(`${text.join('\n')}\n`);
    await session.goToStep(3);
    const descriptor = await hoverAt(editor.document, 4, 'fd');
    expect(descriptor).to.contain('`fd` = `3`');
    expect(descriptor).to.not.contain('physical');
    expect(await hoverAt(editor.document, 4, 'buf')).to.contain('| PTE |');
    await session.goToStep(4);
    const ended = await hoverAt(editor.document, 4, 'buf');
    expect(ended).to.contain('The process is gone');
    expect(ended).to.not.contain('| offset |');
  });

  test('/proc/PID/maps is a document that follows the steps', async () => {
    const { session } = await openSample('first-steps');
    await session.goToStep(1);
    await vscode.commands.executeCommand('vas.openMaps');
    const maps = await eventually('the document', () =>
      vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'vas-proc' && uri.path === '/proc/1000/maps'),
    );
    expect(maps.getText()).to.match(/^00400000-00401000 r--p /);
    expect(maps.getText()).to.not.contain('7ffff7ff5000-');
    await vscode.commands.executeCommand('vas.step');
    await eventually('the new line', () =>
      maps.getText().includes('7ffff7ff5000-7ffff7ff7000 rw-p') ? true : undefined,
    );
    await vscode.commands.executeCommand('vas.stepBack');
    await eventually('the line to go', () => (maps.getText().includes('7ffff7ff5000-') ? undefined : true));
    for (const [command, file, word] of [
      ['openSmaps', 'smaps', 'Rss:'],
      ['openSmapsRollup', 'smaps_rollup', '[rollup]'],
      ['openStatus', 'status', 'VmSize:'],
    ] as const) {
      await vscode.commands.executeCommand(`vas.${command}`);
      const document = await eventually(file, () =>
        vscode.workspace.textDocuments.find(({ uri }) => uri.path === `/proc/1000/${file}`),
      );
      expect(document.getText()).to.contain(word);
    }
  });

  test('meminfo, vmstat and free are documents that follow the steps, both ways', async () => {
    const { session } = await openSample('swap');
    await session.goToStep(4);
    const opened = async (command: string, path: string) => {
      await vscode.commands.executeCommand(`vas.${command}`);
      return eventually(path, () =>
        vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'vas-proc' && uri.path === path),
      );
    };
    const vmstat = await opened('openVmstat', '/proc/vmstat');
    const documents = [vmstat, await opened('openMeminfo', '/proc/meminfo'), await opened('openFree', '/free')];
    const faults = () => /^pgfault (\d+)$/m.exec(vmstat.getText())?.[1];
    const before = documents.map((document) => document.getText());
    const first = faults();
    await vscode.commands.executeCommand('vas.step');
    await eventually('the fault to be counted', () => (faults() === first ? undefined : true));
    await eventually('all three to follow', () =>
      documents.some((document, i) => document.getText() === before[i]) ? undefined : true,
    );
    await vscode.commands.executeCommand('vas.stepBack');
    await eventually('all three to go back', () =>
      documents.every((document, i) => document.getText() === before[i]) ? true : undefined,
    );
    expect(documents.map(({ isDirty }) => isDirty)).to.deep.equal([false, false, false]);
    expect(documents.map((document) => document.getText().split(/\s+/).includes('MemFree:'))).to.deep.equal([
      false,
      true,
      false,
    ]);
  });

  test('with the focus in a document of /proc, the commands are about its scenario', async () => {
    const { session } = await openSample('swap');
    await session.goToStep(2);
    await vscode.commands.executeCommand('vas.openMeminfo');
    const { session: other } = await openSample('fork');
    const scenario = session.document.uri.toString();
    const document = await eventually('the document', () =>
      vscode.workspace.textDocuments.find(
        ({ uri }) => uri.scheme === 'vas-proc' && uri.path === '/proc/meminfo' && uri.query === scenario,
      ),
    );
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('vas.step');
    expect([session.position, other.position]).to.deep.equal([3, 0]);
    await vscode.commands.executeCommand('vas.stepBack');
    await vscode.commands.executeCommand('vas.stepBack');
    expect([session.position, other.position]).to.deep.equal([1, 0]);
    expect(vscode.window.activeTextEditor?.document).to.equal(document);
  });

  test('30,000 areas stay usable: grouped, and only what is open is made', async () => {
    const { session } = await openText(
      `machine max_map_count=100000
app = spawn()
app: big = mmap(NULL, 240M, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
repeat 30000
  app: mmap(NULL, 4K, PROT_READ, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
end
`,
    );
    await session.runToEnd();
    const { processes } = await api();
    const [process] = processes.getChildren();
    const children = processes.getChildren(process);
    expect(children.length).to.be.lessThan(110);
    const last = children.at(-1);
    expect(last?.kind).to.equal('chunk');
    const areas = processes.getChildren(last);
    const [first] = areas;
    if (last === undefined || first?.kind !== 'vma') throw new Error('the last group holds no area');
    expect(processes.getTreeItem(last).description).to.equal(`${first.view.mapsLine.split('-')[0]} …`);
    expect(areas.some((node) => node.kind === 'vma' && node.view.name === '[stack]')).to.equal(true);
  });
});
