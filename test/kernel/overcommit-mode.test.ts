// A kernel that promises memory in another way is told apart before anything is compared with it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkOvercommit } from './driver.ts';

test.each([
  ['0', null],
  ['1', 'vm.overcommit_memory of this kernel is 1, and the comparison needs 0'],
  ['2', 'vm.overcommit_memory of this kernel is 2, and the comparison needs 0'],
])('mode %s', (mode, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'vas-overcommit-'));
  try {
    const file = join(folder, 'overcommit_memory');
    writeFileSync(file, `${mode}\n`);
    const check = () => checkOvercommit(file);
    if (message === null) expect(check).not.toThrow();
    else expect(check).toThrow(message);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
