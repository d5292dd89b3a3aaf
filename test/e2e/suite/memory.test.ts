// Large scenarios side by side: those that are not shown give their memory back, and run to their place again when they are.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { closeAll, eventually, openText } from './support/scenario.ts';

/** Counts as some 700 MB of the host's memory, mostly for its text. */
const large = (name: string) => `${`# ${'-'.repeat(1_000_000)}\n`.repeat(5)}${name} = spawn()
${name}: buf = mmap(NULL, 1G, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
${name}: store(buf, 1, 256M)
${name}: load(buf) = 1
`;

suite('memory', () => {
  teardown(closeAll);

  test('a scenario in the background rests, and stands where it stood when it is chosen again', async function () {
    this.timeout(120_000);
    const first = await openText(large('a'));
    await first.session.goToStep(3);
    expect(first.session.bytes).to.be.greaterThan(200_000_000);
    const others = [];
    for (const name of ['b', 'c', 'd']) {
      const other = await openText(large(name));
      await other.session.goToStep(3);
      others.push(other.session);
    }
    const sessions = [first.session, ...others];
    expect(sessions.at(-1)?.position).to.equal(3);
    expect(sessions.filter((session) => session.timeline === null).length).to.be.greaterThan(0);
    expect(sessions.reduce((sum, { bytes }) => sum + bytes, 0)).to.be.lessThan(2 ** 31);
    await vscode.window.showTextDocument(first.session.document);
    await eventually('the same place', () => (first.session.position === 3 ? true : undefined));
    expect([first.session.obstacle, first.session.notice]).to.deep.equal([null, null]);
    expect((await first.session.step())?.outcome.result).to.deep.equal({ kind: 'value', value: 1n });
  });
});
