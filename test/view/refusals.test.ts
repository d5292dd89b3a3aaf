// The errno that the story of a refused call names, where the call itself answers something else, or nothing.
import { describe, expect, test } from 'vitest';
import { play, storyText } from './run.ts';

const PUPPET = 'p = spawn()\n';
const ANON = 'PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS';

/** Fills the address space with VMAs until one more than `limit` would be there. */
function crowded(limit: number): string {
  const maps = Array.from(
    { length: limit - 5 },
    (_, i) => `p: mmap(${0x10000000 + i * 8192}, 4K, ${ANON}|MAP_FIXED, -1, 0)\n`,
  );
  return `machine max_map_count=${limit}\n${PUPPET}${maps.join('')}`;
}

describe('the story names the errno', () => {
  test.each([
    ['brk over RLIMIT_DATA', `${PUPPET}p: setrlimit(RLIMIT_DATA, 4K)\np: brk(0x404000)`, 'ENOMEM: RLIMIT_DATA'],
    ['brk over RLIMIT_AS', `${PUPPET}p: setrlimit(RLIMIT_AS, 4K)\np: brk(0x404000)`, 'ENOMEM: RLIMIT_AS'],
    ['brk over max_map_count', `${crowded(8)}p: brk(0x404000)`, 'ENOMEM: max_map_count'],
    ['brk over all memory', `${PUPPET}p: brk(0x40000402000)`, 'ENOMEM: overcommit: '],
    [
      'brk into a mapping',
      `${PUPPET}p: mmap(0x404000, 4K, ${ANON}|MAP_FIXED, -1, 0)\np: brk(0x404000)`,
      'ENOMEM: a mapping is in the way',
    ],
    [
      'mremap over all memory',
      `${PUPPET}p: m = mmap(NULL, 4K, ${ANON}, -1, 0)\np: mremap(m, 4K, 16T, MREMAP_MAYMOVE)`,
      'ENOMEM: overcommit: ',
    ],
    [
      'fork over what may be promised',
      `machine ram=8M swap=0 overcommit=2\n${PUPPET}p: mmap(NULL, 3M, ${ANON}, -1, 0)\np: fork()`,
      'ENOMEM: overcommit: ',
    ],
  ])('of %s', (_what, text, told) => {
    expect(storyText(play(text))).toContain(told);
  });
});
