// Steps that are too much for any machine: they end at once, with an error on their line, and the run goes on.

import { expect, test } from 'vitest';
import { parseScenario, Timeline } from '../../simulator/index.ts';
import { heldBytes, tooMuchHeld } from '../../simulator/kernel/host-limit.ts';
import { parseText } from '../../simulator/scenario/parser.ts';
import { SnapshotStore } from '../../simulator/scenario/snapshot-store.ts';

/** The run of a scenario to its end. */
function run(text: string): Timeline {
  const scenario = parseScenario(text);
  expect(scenario.diagnostics).toEqual([]);
  const timeline = Timeline.open(scenario);
  while (timeline.step() !== null);
  return timeline;
}

const HUGE = `file "/huge" size=16T
p = spawn()
p: fd = open("/huge", O_RDWR)
p: file = mmap(NULL, 15T, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
p: anon = mmap(NULL, 60T, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)
`;

test.each(['load(anon, 60T)', 'store(file, 1, 15T)', 'mincore(anon, 60T, anon)'])(
  '%s is more than one step may touch',
  (call) => {
    const { lastRecord } = run(`${HUGE}p: ${call}`);
    expect(lastRecord?.error?.message).toMatch(/^\d+ bytes are more than one step may touch/);
  },
);

test('a hole takes no memory, however large it is; what is written into it stands there', () => {
  const { simulator, totals } = run(`${HUGE}p: store(file + 1T, 7)
p: madvise(file + 8K, 14T, MADV_REMOVE) = 0
p: madvise(file + 14T, 1T, MADV_REMOVE) = 0
p: load(file + 4K) = 2
p: load(file + 8K) = 0
p: load(file + 1T) = 0
p: store(file + 2T, 9)
kernel: writeback()
kernel: drop_caches()
p: munmap(file, 15T) = 0
p: again = mmap(NULL, 15T, PROT_READ, MAP_SHARED, fd, 0)
p: load(again + 2T, 2) = "\\x09\\x00"
p: load(again + 2T + 4K) = 0
assert disk("/huge", 15T - 4K) == 0
assert disk("/huge", 15T) != 0`);
  expect(totals).toMatchObject({ failures: 0, errors: 0 });
  const inode = [...simulator.state.inodes.values()].find(({ path }) => path === '/huge');
  expect(inode?.holes).toEqual([2, 15 * 2 ** 28]);
  expect(inode?.written.size).toBe(1);
});

test('advice about pages that shared memory does not have costs nothing', () => {
  const { lastRecord } = run(`p = spawn()
p: fd = memfd_create("m", 0)
p: ftruncate(fd, 8T)
p: map = mmap(NULL, 8T, PROT_READ, MAP_SHARED, fd, 0)
p: madvise(map, 8T, MADV_WILLNEED) = 0`);
  expect(lastRecord?.expected).toBe(true);
});

test('a file that is larger than RAM fills the warm page cache, and the run begins', () => {
  const timeline = run(`machine ram=4M page_cache=warm
file "/huge" size=16T
p = spawn()
p: load(0x401000) = hit`);
  expect(timeline.lastRecord?.failure).toBeUndefined();
});

test('what is read from a file into memory is what the file holds, and a page of one byte needs no bytes', () => {
  const timeline = run(`file "/f" size=16K
file "/t" text="hello"
p = spawn()
p: buf = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: fd = open("/f", O_RDWR)
p: read(fd, buf, 16K)
p: load(buf, 2) = "\\x01\\x01"
p: load(buf + 8K, 2) = "\\x03\\x03"
p: store(buf + 16, 7)
p: lseek(fd, 0, SEEK_SET)
p: write(fd, buf, 8K)
p: pread64(fd, buf + 16K + 3, 100, 0)
p: load(buf + 16K + 18, 3) = "\\x01\\x07\\x01"
p: t = open("/t", O_RDONLY)
p: read(t, buf + 100, 5)
p: load(buf + 99, 7) = "\\x01hello\\x01"`);
  expect(timeline.records.filter(({ expected }) => expected === false)).toEqual([]);
});

test('beyond what the host can keep, steps that take memory are not made; those that give it back are', () => {
  const { simulator } = run(`p = spawn()
p: m = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE, -1, 0)`);
  const { state } = simulator;
  const store = { op: 'store', pid: 1000, addr: 0n, value: 1 } as const;
  const call = (name: string) => ({ op: 'syscall', pid: 1000, name, args: [] }) as const;
  expect(tooMuchHeld(state, store, 1000)).toBeNull();
  for (const request of [store, call('mmap'), call('fork')]) expect(tooMuchHeld(state, request, 10)).toMatch(/in use/);
  for (const name of ['munmap', 'exit', 'kill']) expect(tooMuchHeld(state, call(name), 10)).toBeNull();
});

test.each(['page_cache=warm', 'filesystem=tmpfs'])(
  '%s: more of files than can be read in at once is an error',
  (key) => {
    const { diagnostics } = Timeline.open(
      parseScenario(`machine ram=1T ${key}\nfile "/a" size=1T\nfile "/b" size=1T\np = spawn()`),
    );
    expect(diagnostics[0]?.message).toMatch(/GiB of files would be in RAM from the start/);
    expect(diagnostics[0]?.range.start.line).toBe(1);
  },
);

test.each([
  ['VMAs', 'p: c = fork()', /\d+ VMAs with \d+ anon_vmas/],
  ['page tables', 'p: c = mmap(NULL, 4M, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE, -1, 0)', /\d+ page tables/],
  ['contents', 'p: write(fd, "two bytes and more", 5000)', /\d+ pages with contents of their own/],
  ['descriptors', 'p: d = dup(fd)\np: e = dup(fd)\np: g = dup(fd)\np: c = fork()', /\d+ open descriptors/],
  ['processes', 'p: c = fork()\nc: exit(0)\np: wait4(-1, NULL, 0, NULL)', /\d+ processes, dead ones included/],
])('what takes memory of the host beside pages is bounded: %s', (_kind, lines, message) => {
  const { simulator } = run(`p = spawn()
p: fd = open("/f", O_RDWR|O_CREAT, 0600)
repeat 200
${lines}
end`);
  const request = { op: 'syscall', pid: 1000, name: 'mmap', args: [] } as const;
  const held = heldBytes(simulator.state);
  expect(tooMuchHeld(simulator.state, request)).toBeNull();
  expect(tooMuchHeld(simulator.state, request, undefined, held)).toBeNull();
  expect(tooMuchHeld(simulator.state, request, undefined, held - 1)).toMatch(message);
  // A copy of the address space has to fit in, too.
  expect(tooMuchHeld(simulator.state, { ...request, name: 'fork' }, undefined, held)).toMatch(message);
  expect(tooMuchHeld(simulator.state, { ...request, name: 'munmap' }, undefined, 0)).toBeNull();
});

test('the snapshots of a run that changes much in each step weigh no more than they may, and each place can be reached', () => {
  const store = new SnapshotStore<string>(1000);
  const positions = Array.from({ length: 5000 }, (_, position) => position);
  for (const position of positions) {
    store.put(position, `at ${position}`, { made: 100, whole: 300 });
    expect(store.weight).toBeLessThanOrEqual(1300);
    expect(store.atOrBefore(position)).toMatchObject({ position, snapshot: `at ${position}` });
  }
  for (const position of positions) expect(store.atOrBefore(position).position).toBeLessThanOrEqual(position);
  expect(store.atOrBefore(4998).position).toBeGreaterThan(4900);
});

test('what a growing run keeps is no reason to forget places that share it', () => {
  const store = new SnapshotStore<number>(1000);
  for (let position = 0; position < 1000; position++) store.put(position, position, { made: 50, whole: 50 * position });
  expect(store.size).toBe(1000);
});

test('of an endless text no more is read than the host can keep: an error on the line where it ends', () => {
  const lines = ['p = spawn()', 'p: brk(0)', '', '# a comment', 'p: brk(0)', 'p: brk(0)'];
  // A spawn has 6 tokens with the end of its line, a brk 7, an empty line 1.
  expect(parseText(lines.join('\n'), 6 + 7 + 1 + 1 + 7 + 7).diagnostics).toEqual([]);
  const { statements, diagnostics } = parseText(lines.join('\n'), 6 + 7 + 1 + 1 + 7 + 6);
  expect(statements).toHaveLength(3);
  expect(diagnostics).toEqual([
    {
      severity: 'error',
      code: 'too-many',
      message: 'more than 28 words, numbers and marks: the file is not read from this line on',
      range: { start: { line: 5, character: 0 }, end: { line: 5, character: 9 } },
    },
  ]);
});
