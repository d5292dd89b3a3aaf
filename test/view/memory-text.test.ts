// free, /proc/meminfo, /proc/vmstat and /proc/PID/smaps_rollup: the layout is that of a real kernel (Linux 6.18, procps 4),
// and the numbers are those of the frames.
import { expect, test } from 'vitest';
import { memoryCounters, memoryText, procText } from '../../simulator/index.ts';
import { play } from './run.ts';

const SCENARIO = `
machine ram=4M swap=1M
file "/f" size=64K
p = spawn()
p: fd = open("/f", O_RDWR)
p: f = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
p: store(f, 1, 8K)
p: s = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
p: store(s, 2, 12K)
p: a = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(a, 3, 32K)
p: mlock(a, 8K)
p: madvise(a + 16K, 16K, MADV_PAGEOUT)
p: k = fork()
k: load(a + 16K)
`;

/** A line `Name:  N kB` of a text. */
function kb(text: string, name: string): number {
  return Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
}

test('meminfo', () => {
  expect(memoryText(play(SCENARIO), 'meminfo')).toBe(
    [
      'MemTotal:           4096 kB',
      'MemFree:            3988 kB',
      'MemAvailable:       3944 kB',
      'Buffers:               0 kB',
      'Cached:               84 kB',
      'SwapCached:            4 kB',
      'Active:                8 kB',
      'Inactive:             92 kB',
      'Active(anon):          8 kB',
      'Inactive(anon):       20 kB',
      'Active(file):          0 kB',
      'Inactive(file):       72 kB',
      'Unevictable:           8 kB',
      'Mlocked:               8 kB',
      'SwapTotal:          1024 kB',
      'SwapFree:           1008 kB',
      'Dirty:                 8 kB',
      'Writeback:             0 kB',
      'AnonPages:            24 kB',
      'Mapped:               24 kB',
      'Shmem:                12 kB',
      'PageTables:           64 kB',
      'CommitLimit:        3072 kB',
      'Committed_AS:        408 kB',
      '',
    ].join('\n'),
  );
});

test('free', () => {
  expect(memoryText(play(SCENARIO), 'free')).toBe(
    [
      '               total        used        free      shared  buff/cache   available',
      'Mem:            4096         152        3988          12          84        3944',
      'Swap:           1024          16        1008',
      '',
    ].join('\n'),
  );
});

test('vmstat counts what happened, a name and a number a line', () => {
  const timeline = play(SCENARIO);
  const text = memoryText(timeline, 'vmstat');
  expect(text).toMatch(/^([a-z_]+ \d+\n)+$/);
  const { vmstat, watermarks } = memoryCounters(timeline);
  expect(vmstat).toMatchObject({
    nr_free_pages: 997,
    nr_mlock: 2,
    nr_dirty: 2,
    nr_swapcached: 1,
    pswpout: 4,
    pswpin: 1,
    pgmajfault: 2,
    // 16 pages of the file, two of the program and one from swap were read; four went to swap.
    pgpgin: 19 * 4,
    pgpgout: 4 * 4,
    workingset_refault_anon: 1,
    workingset_activate_anon: 1,
    unevictable_pgs_mlocked: 2,
  });
  expect(watermarks).toEqual({ min: 4, low: 12, high: 20 });
});

test('smaps_rollup is the sum of smaps', () => {
  const timeline = play(SCENARIO);
  const rollup = procText(timeline, 1000, 'smaps_rollup');
  const smaps = procText(timeline, 1000, 'smaps');
  expect(rollup.split('\n')[0]).toBe(
    '00400000-7ffffffff000 ---p 00000000 00:00 0                              [rollup]',
  );
  expect(rollup.split('\n')[1]).toBe('Rss:                  44 kB');
  const names = [...rollup.matchAll(/^(\w+):/gm)].map(([, name]) => name ?? '');
  expect(names.slice(0, 7)).toEqual(['Rss', 'Pss', 'Pss_Dirty', 'Pss_Anon', 'Pss_File', 'Pss_Shmem', 'Shared_Clean']);
  for (const name of names.filter((n) => !/^(Pss|Swap|Locked)/.test(n))) {
    const sum = [...smaps.matchAll(new RegExp(`^${name}: +(\\d+) kB$`, 'gm'))].reduce((n, [, v]) => n + Number(v), 0);
    expect(kb(rollup, name), name).toBe(sum);
  }
  const parts = ['Pss_Anon', 'Pss_File', 'Pss_Shmem'].reduce((n, name) => n + kb(rollup, name), 0);
  expect(Math.abs(kb(rollup, 'Pss') - parts)).toBeLessThan(3);
  expect(kb(rollup, 'Locked')).toBe(4);
});
