// After a failed UI test: a picture of what was on the screen, `out/screenshots/failed-….png`.
import { afterEach } from 'vitest';
import { sharedEditorIfAny } from './editor.ts';

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  const editor = await sharedEditorIfAny();
  const name = task.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const path = await editor?.screenshot(`failed-${name.slice(0, 60)}`);
  if (path !== undefined) console.log(`what was on the screen: ${path}`);
});
