// Stepping through scenarios: results, trees, places kept over edits.
import * as vscode from 'vscode';
import { lineText } from '../../../extension/outcome-text.ts';
import { samples } from '../../../extension/sample-list.ts';
import type { Session } from '../../../extension/session.ts';
import type { StepRecord } from '../../../simulator/index.ts';
import { expect } from './support/expect.ts';
import { api, closeAll, errorsOf, openSample, openText, replace, treeText } from './support/scenario.ts';

const step = () => vscode.commands.executeCommand('vas.step');
const stepBack = () => vscode.commands.executeCommand('vas.stepBack');

const loop = `app = spawn()
app: buf = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
repeat 3
  app: store(buf, "x")
  app: load(buf)
end
app: munmap(buf, 64K) = 0
`;

function resultOn(session: Session, line: number): string | undefined {
  const summary = session.timeline?.lineSummary(line);
  return summary === undefined ? undefined : lineText(summary, (pid) => session.timeline?.names.get(pid));
}

function recordOf(session: Session): StepRecord {
  const record = session.timeline?.lastRecord;
  if (record == null) throw new Error('no step was made');
  return record;
}

suite('stepping', () => {
  teardown(closeAll);

  test('a step executes the next line and shows what it came to', async () => {
    const { session } = await openSample('fork');
    expect(session.position).to.equal(0);
    const first = session.timeline?.next?.line ?? 0;
    await step();
    expect(session.position).to.equal(1);
    expect(resultOn(session, first)).to.contain('= 1000 (bash)');
    const second = session.timeline?.next?.line ?? 0;
    expect(second).to.be.greaterThan(first);
    await step();
    expect(resultOn(session, second)).to.contain('= 0x7ffff7ff5000');
    await stepBack();
    expect(session.position).to.equal(1);
    expect(resultOn(session, second)).to.equal(undefined);
    expect(session.timeline?.next?.line).to.equal(second);
  });

  test('the commands run to the end, to a line and back to the start', async () => {
    const { session, editor } = await openText(loop);
    await vscode.commands.executeCommand('vas.runToEnd');
    expect(session.timeline?.next).to.equal(null);
    expect(session.position).to.equal(session.total);
    expect(session.position).to.equal(9);
    expect(session.timeline?.lineSummary(4)?.executions).to.equal(3);
    await vscode.commands.executeCommand('vas.backToStart');
    expect(session.position).to.equal(0);
    expect([...(session.timeline?.lineSummaries() ?? [])]).to.deep.equal([]);
    editor.selection = new vscode.Selection(4, 0, 4, 0);
    await vscode.commands.executeCommand('vas.runToCursor');
    expect(session.timeline?.next?.line).to.equal(5);
    expect(session.position).to.equal(3);
  });

  for (const sample of samples.filter(({ desktop }) => desktop !== true)) {
    test(`the sample ${sample.name} meets its expectations, and going back shows what was there before`, async () => {
      const { session, editor } = await openSample(sample.name);
      const { processes, machine } = await api();
      const shown = async () => [...(await treeText(processes)), ...(await treeText(machine))];
      const seen: string[][] = [];
      while (session.timeline?.next !== null) {
        seen.push(await shown());
        const before = session.position;
        await step();
        expect(session.position, session.obstacle ?? '').to.equal(before + 1);
      }
      expect(await errorsOf(editor.document, () => true)).to.deep.equal([]);
      for (const before of seen.reverse()) {
        await stepBack();
        expect(await shown()).to.deep.equal(before);
      }
      expect(session.position).to.equal(0);
    });
  }

  test('with replacement=opt an edit behind the place changes who goes before it', async () => {
    const uses = (first: number, second: number) => `p: load(a + ${first}K)\np: load(a + ${second}K)\n`;
    const { session, editor } = await openText(`machine ram=12K swap=64K replacement=opt
p = spawn()
p: a = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, 1, 12K)
p: store(a + 12K, 1)
${uses(4, 0)}p: load(a + 8K)
`);
    const swapped = async (page: number) => session.timeline?.evaluate(`swapped(p, a + ${page}K)`);
    for (let i = 0; i < 4; i++) await step();
    expect(session.position).to.equal(4);
    expect(await swapped(8)).to.deep.equal({ value: 1n });
    const told = recordOf(session)
      .story()
      .map(({ text }) => text);
    expect(
      told.some((text) => text.includes('next used in line 8')),
      told.join('\n'),
    ).to.equal(true);
    await stepBack();
    await step();
    expect(await swapped(8)).to.deep.equal({ value: 1n });
    await replace(editor, 'p: load(a + 8K)\n', `${uses(8, 4)}p: load(a)\n`);
    await replace(editor, uses(4, 0), '');
    await session.settle();
    expect(session.position).to.equal(4);
    expect(await swapped(8)).to.deep.equal({ value: 0n });
    expect(await swapped(0)).to.deep.equal({ value: 1n });
  });

  test('with replacement=opt the first step of a long run can be cancelled while it foresees', async () => {
    const { session } = await openText(`machine ram=1M swap=4M replacement=opt
p = spawn()
p: a = mmap(NULL, 2M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
repeat 100000
p: store(a, 1, 2M)
end
`);
    const first = session.step();
    while (session.busy === null) await new Promise((resolve) => setTimeout(() => resolve(null), 1));
    expect(session.busy.title).to.contain('Foreseeing');
    session.cancel();
    expect(await first).to.equal(null);
    expect(session.position).to.equal(0);
    expect(session.busy).to.equal(null);
  });

  test('a failed expectation is an error on its line, and the run goes on', async () => {
    const { session, editor } = await openText('app = spawn()\napp: munmap(0, 4K) = 5\napp: load(0x400000) = minor\n');
    await vscode.commands.executeCommand('vas.runToEnd');
    expect(session.position).to.equal(3);
    const errors = await errorsOf(editor.document, (found) => found.length > 0);
    expect(errors.map((error) => error.split(':')[0])).to.deep.equal(['2']);
    await stepBack();
    await stepBack();
    await errorsOf(editor.document, (found) => found.length === 0);
  });
});

suite('editing while stepped', () => {
  teardown(closeAll);

  async function at(position: number, text = loop) {
    const opened = await openText(text);
    await opened.session.goToStep(position);
    expect(opened.session.position).to.equal(position);
    return opened;
  }

  test('lines put in above keep the place: the same line, in the same iteration', async () => {
    const { session, editor } = await at(6);
    expect(session.timeline?.next?.line).to.equal(4);
    await replace(editor, 'repeat 3', '# a remark\napp: brk(0)\nrepeat 3');
    await session.settle();
    expect(session.timeline?.next?.line).to.equal(6);
    expect(session.position).to.equal(7);
    expect(session.timeline?.lineSummary(6)?.executions).to.equal(2);
    expect(session.notice).to.equal(null);
  });

  test('a changed line that was executed is executed again', async () => {
    const { session, editor } = await at(3);
    await replace(editor, 'store(buf, "x")', 'store(buf, "y")');
    await session.settle();
    expect(session.position).to.equal(3);
    expect(session.textOf(recordOf(session))).to.contain('"y"');
  });

  test('a mistake keeps the place until it is mended', async () => {
    const { session, editor } = await at(3);
    await replace(editor, 'store(buf', 'stoer(buf');
    await session.settle();
    const errors = await errorsOf(editor.document, (found) => found.length > 0);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.match(/^4: /);
    expect(session.obstacle).to.match(/^Line 4: /);
    expect(session.canStep).to.equal(false);
    await step();
    expect(session.position).to.equal(3);
    await replace(editor, 'stoer(buf', 'store(buf');
    await session.settle();
    expect(session.obstacle).to.equal(null);
    expect(session.position).to.equal(3);
    expect(session.timeline?.next?.line).to.equal(5);
    await errorsOf(editor.document, (found) => found.length === 0);
  });

  test('a place that is gone is said to be gone', async () => {
    const { session, editor } = await at(8);
    expect(session.timeline?.next?.line).to.equal(7);
    await replace(editor, 'repeat 3', 'repeat 1');
    await session.settle();
    expect(session.timeline?.next?.line, 'the line is still there').to.equal(7);
    await replace(editor, 'app: munmap(buf, 64K) = 0\n', '');
    await session.settle();
    expect(session.timeline?.next).to.equal(null);
    expect(session.notice).to.be.a('string');
  });

  test('an edit that is undone ends where the user left the run', async () => {
    const { session, editor } = await at(6);
    const { document } = editor;
    const whole = () => new vscode.Range(0, 0, document.lineCount, 0);
    const taken = [new vscode.Range(3, 0, 4, 0), new vscode.Range(0, 0, 4, 0), whole()];
    for (const range of taken) {
      await editor.edit((edit) => edit.delete(range));
      await session.settle();
      await vscode.commands.executeCommand('undo');
      await session.settle();
      expect(document.getText(), 'the text is there again').to.equal(loop);
      expect(session.position, `after ${range.end.line} lines`).to.equal(6);
      expect(session.timeline?.next?.line).to.equal(4);
      expect(session.notice).to.equal(null);
    }
  });

  test('a run that stands at the end stands at the end after an edit, but for steps that are put in behind it', async () => {
    const { session, editor } = await at(9);
    const edits: readonly (readonly [string, string, number])[] = [
      ['repeat 3', 'app: brk(0)\nrepeat 3', 10],
      ['repeat 3', 'repeat 5', 14],
      ['  app: load(buf)\n', '', 9],
      ['app: brk(0)\n', '', 8],
      ['app: munmap(buf, 64K) = 0\n', '', 7],
      ['repeat 5', 'repeat 6', 8],
    ];
    for (const [before, after, position] of edits) {
      await replace(editor, before, after);
      await session.settle();
      expect(session.timeline?.next, after).to.equal(null);
      expect(session.position, after).to.equal(position);
      expect(session.notice).to.equal(null);
    }
    await replace(editor, 'end\n', 'end\napp: brk(0)\napp: exit(0)\n');
    await session.settle();
    expect(session.position, 'what was put in behind comes next').to.equal(8);
    expect(session.timeline?.next?.text).to.equal('app: brk(0)');
  });

  test('a number that is typed digit by digit leads back to the place that it took away meanwhile', async () => {
    const { session, editor } = await at(7, loop.replace('repeat 3', 'repeat 5'));
    expect(session.timeline?.next?.line).to.equal(5);
    await replace(editor, 'repeat 5', 'repeat 2');
    await session.settle();
    expect(session.timeline?.next).to.equal(null);
    expect(session.notice).to.match(/removed the place/);
    expect(session.nextLine, 'the mark is where the run stands').to.equal(null);
    await replace(editor, 'repeat 2', 'repeat 20');
    await session.settle();
    expect(session.position).to.equal(7);
    expect(session.timeline?.next?.line).to.equal(5);
    expect(session.timeline?.lineSummary(5)?.executions).to.equal(2);
    expect(session.notice).to.equal(null);
  });

  test('an edit that comes while the one before is run again goes to the place of both', async () => {
    const { session, editor } = await at(200_003, loop.replace('repeat 3', 'repeat 100000'));
    expect(session.timeline?.next, 'at the end').to.equal(null);
    await session.stepBack();
    await replace(editor, 'app = spawn()', '# a remark\napp = spawn()');
    while (session.busy === null) await new Promise((resolve) => setTimeout(() => resolve(null), 1));
    expect(session.position).to.be.lessThan(200_002);
    await replace(editor, '# a remark', '# another remark');
    await session.settle();
    expect(session.position).to.equal(200_002);
    expect(session.timeline?.next?.line).to.equal(8);
    expect(session.notice).to.equal(null);
  });

  test('a text emptied under a run says that the place is gone', async () => {
    const { session, editor } = await at(6);
    await editor.edit((edit) => edit.delete(new vscode.Range(0, 0, editor.document.lineCount, 0)));
    await session.settle();
    expect(session.position).to.equal(0);
    expect(session.notice).to.match(/removed the place/);
    expect(session.nextLine).to.equal(null);
  });

  test('while the text is broken, each line that was not edited keeps its result, wherever it is now', async () => {
    const { session, editor } = await at(5);
    await replace(editor, 'app: store(buf, "x")', '# put in\n  app: stoer(buf, "x")');
    await session.settle();
    expect(session.obstacle).to.match(/^Line 5: /);
    const lines = [...Array(editor.document.lineCount).keys()].map((index) => session.runLine(index));
    expect(lines).to.deep.equal([1, 2, 3, null, null, 5, 6, 7, 8]);
    expect(session.nextLine, 'the load of the second iteration').to.equal(5);
  });

  test('the lines of a dead process are one error, where the first of them is not run', async () => {
    const { session, editor } = await openText(
      'app = spawn()\napp: load(0)\napp: brk(0)\napp: load(0)\nassert rss(app) == 0\nother = spawn()\nother: brk(0) = 7\n',
    );
    const { document } = editor;
    await session.runToEnd();
    const [death = '', failure] = await errorsOf(document, (errors) => errors.length === 2);
    expect(death).to.equal("3: process 'app' is dead: SIGSEGV ended it; 2 more lines are not run");
    expect(failure).to.match(/^7: expected 7, got 0x/);
    await session.goToStep(3);
    expect(await errorsOf(document, (errors) => errors.length === 1)).to.deep.equal([
      "3: process 'app' is dead: SIGSEGV ended it",
    ]);
    await session.goToStep(2);
    await errorsOf(document, (errors) => errors.length === 0);
  });
});
