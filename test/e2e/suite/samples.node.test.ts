// The sample that needs a disk.
import { expect } from './support/expect.ts';
import { closeAll, errorsOf, openSample } from './support/scenario.ts';

suite('a real program', () => {
  teardown(closeAll);

  test('its ELF headers are read, and the scenario runs to its end', async () => {
    const { session, editor } = await openSample('host-program');
    await session.runToEnd();
    expect(session.obstacle).to.equal(null);
    expect(session.timeline?.next).to.equal(null);
    expect(await errorsOf(editor.document, () => true)).to.deep.equal([]);
  });
});
