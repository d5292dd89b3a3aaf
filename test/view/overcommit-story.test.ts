// Why memory is not promised: the story says the sums that were compared.
import { expect, test } from 'vitest';
import { play, storyText } from './run.ts';

const ANON = 'PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0';

test('mode 2 tells what is promised, the limit and the reserves', () => {
  const story = storyText(play(`machine ram=16M swap=8M overcommit=2\np = spawn()\np: mmap(NULL, 32M, ${ANON})`));
  expect(story).toContain(
    "overcommit: 33 pages are promised; 8192 more do not stay below the limit of 4096, less 128 for the administrator and 1 for the user's recovery",
  );
});

test('mode 0 tells that no memory is so large', () => {
  const story = storyText(play(`machine ram=16M swap=8M\np = spawn()\np: mmap(NULL, 32M, ${ANON})`));
  expect(story).toContain('overcommit: 8192 pages at once are more than RAM and swap have together (6144)');
});

test('a page of a memfd that cannot be promised is told too', () => {
  const story = storyText(
    play(`machine ram=1M swap=0 overcommit=2
p = spawn()
p: f = memfd_create("m", 0)
p: ftruncate(f, 1M)
p: m = mmap(NULL, 1M, PROT_READ|PROT_WRITE, MAP_SHARED, f, 0)
p: store(m, 1, 1M)`),
  );
  expect(story).toMatch(/ENOSPC: overcommit: \d+ pages are promised; 1 more do not stay below the limit of 128/);
  expect(story).toContain('SIGBUS');
});
