// Where there is no disk, a real program is a clear error and nothing worse.
import { expect } from './support/expect.ts';
import { closeAll, errorsOf, openSample } from './support/scenario.ts';

suite('a real program, without a disk', () => {
  teardown(closeAll);

  test('the line says that it cannot be read here', async () => {
    const { session, editor } = await openSample('host-program');
    await session.step();
    const errors = await errorsOf(editor.document, (found) => found.length > 0);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.match(/desktop|disk|browser/);
  });
});
