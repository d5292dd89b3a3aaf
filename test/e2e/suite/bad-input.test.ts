// Nothing that anybody writes may crash or hang the extension host: each mistake is one clear error in its place.
import * as vscode from 'vscode';
import { expect } from './support/expect.ts';
import { closeAll, errorsOf, eventually, openText } from './support/scenario.ts';

async function errorsIn(text: string): Promise<string[]> {
  const { editor } = await openText(text);
  return errorsOf(editor.document, (errors) => errors.length > 0);
}

suite('bad input', () => {
  teardown(closeAll);

  test('binary garbage is one error', async () => {
    const errors = await errorsIn(
      `\u007fELF\u0002\u0001\u0001\0\0\0\n\ufffd\ufffd\0\u0001 = (\n${'\0\u0003'.repeat(5000)}`,
    );
    expect(errors).to.have.length(1);
  });

  test('binary garbage without NUL bytes is one error too, with its place', async () => {
    // As the editor reads bytes of 1 to 255: those that are no UTF-8 are one character.
    const garbage = Array.from({ length: 200_000 }, (_, i) => {
      const byte = 1 + ((i * 7919 + (i >> 8) * 104_729) % 255);
      if (byte >= 0x80) return '\ufffd';
      // Carriage returns are the editor's to change.
      return byte === 0x0d ? '\u000e' : String.fromCharCode(byte);
    });
    const errors = await errorsIn(`# a comment\n${garbage.join('')}`);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.match(/^2: this is not a text file/);
  });

  test('a line of ten million characters is one error', async () => {
    const errors = await errorsIn(`app = spawn()\napp: load(${'1+'.repeat(5_000_000)}1)\napp: load(0x400000)\n`);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.match(/^2: /);
  });

  test('broken syntax, unknown calls and unknown names: one error each, on their lines', async () => {
    const errors = await errorsIn(
      'app = spawn()\napp: load(\napp: mmapp(NULL, 4K)\napp: load(nowhere)\nbob: load(0)\n',
    );
    expect(errors.map((error) => error.split(':')[0])).to.deep.equal(['2', '3', '4', '5']);
  });

  test('absurd sizes are refused, by the parser or by the kernel', async () => {
    const [error = ''] = await errorsIn('machine ram=999999T\napp = spawn()\n');
    expect(error).to.match(/^1: /);
    const { session, editor } = await openText(
      'app = spawn()\napp: mmap(NULL, 0xffffffffffffffff, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ENOMEM\n',
    );
    await session.runToEnd();
    expect(session.position).to.equal(2);
    expect(await errorsOf(editor.document, () => true)).to.deep.equal([]);
  });

  test('a real program where there is none is an error on its line', async () => {
    const { session, editor } = await openText('program "/no/such/program" host\napp = spawn("/no/such/program")\n');
    await session.step();
    const errors = await errorsOf(editor.document, (found) => found.length > 0);
    expect(errors[0]).to.match(/^1: .*\/no\/such\/program/);
  });

  test('a step of gigabytes can be cancelled while it goes on, and was never made then', async () => {
    const { session } = await openText(`machine ram=4G
app = spawn()
app: mmap(NULL, 3G, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE, -1, 0)
`);
    await vscode.commands.executeCommand('vas.step');
    const step = session.step();
    await eventually('the step to take long', () => (session.busy?.isOneStep === true ? true : undefined));
    expect(session.timeline?.progress?.of).to.equal(786_432);
    await vscode.commands.executeCommand('vas.cancel');
    expect(await step).to.equal(null);
    expect(session.position).to.equal(1);
    expect(session.timeline?.simulator.state.mms.get(1).total_vm).to.be.lessThan(100_000);
    expect((await session.step())?.outcome.minflt).to.equal(786_432);
    expect(session.timeline?.simulator.state.mms.get(1).rss_anon).to.be.greaterThan(786_432);
  });

  test('a run of a million million steps can be cancelled, and the host answers in between', async () => {
    const { session } = await openText('app = spawn()\nrepeat 1000000000000\n  app: load(0x400000)\nend\n');
    const run = session.runToEnd();
    await eventually('the run to get going', () => (session.position > 1000 ? true : undefined));
    expect(session.busy).to.not.equal(null);
    await vscode.commands.executeCommand('vas.cancel');
    expect(await run).to.equal('cancelled');
    expect(session.busy).to.equal(null);
    const { position } = session;
    expect(position).to.be.lessThan(1e12);
    await vscode.commands.executeCommand('vas.stepBack');
    expect(session.position).to.equal(position - 1);
  });

  test('while a long run goes on, an edit ends it', async () => {
    const { session, editor } = await openText('app = spawn()\nrepeat 1000000000000\n  app: load(0x400000)\nend\n');
    const run = session.runToEnd();
    await eventually('the run to get going', () => (session.position > 100 ? true : undefined));
    await editor.edit((edit) => edit.replace(new vscode.Range(1, 7, 1, 20), '2'));
    expect(await run).to.equal('cancelled');
    await session.settle();
    expect(session.total).to.equal(3);
    expect(session.position).to.equal(3);
    expect(session.notice).to.match(/removed the place/);
  });

  test('a run that an edit ended goes on from where it was', async () => {
    const { session, editor } = await openText('app = spawn()\nrepeat 1000000000000\n  app: load(0x400000)\nend\n');
    const run = session.runToEnd();
    await eventually('the run to get going', () => (session.position > 5000 ? true : undefined));
    await editor.edit((edit) => edit.insert(new vscode.Position(3, 3), ' # a remark'));
    const { position } = session;
    expect(await run).to.equal('cancelled');
    await session.settle();
    expect(session.position).to.equal(position);
    expect(session.notice).to.equal(null);
  });
});
