// Processes, VMAs, frames, swap and the page cache as the tree and the picture are told of them.

import { describe, expect, test } from 'vitest';
import {
  cachedFiles,
  frameMap,
  frameView,
  lastAccess,
  machineNumbers,
  memoryMaps,
  pageRuns,
  processViews,
  procText,
  swapMap,
  vmaStarts,
  vmaViews,
  walk,
} from '../../simulator/index.ts';
import { open, pidOf, play, valueOfName } from './run.ts';

const SMALL = `
machine ram=256K swap=64K
program "/bin/app" text=8K data=4K
app = spawn("/bin/app")
app: buf = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
`;

describe('processes', () => {
  test('are there when they have ended, and say why', () => {
    const timeline = play(`${SMALL}app: kid = fork()\nkid: exit(3)\napp: thread = clone(CLONE_VM)`);
    const views = processViews(timeline);
    expect(views.map(({ name, state, ended }) => [name, state, ended])).toEqual([
      ['app', 'alive', null],
      ['kid', 'zombie', 'exit status 3'],
      ['thread', 'alive', null],
    ]);
    expect(views.map(({ pid, sharesMmWith }) => [pid, sharesMmWith])).toEqual([
      [1000, [1002]],
      [1001, []],
      [1002, [1000]],
    ]);
    expect(vmaViews(timeline, 1001)).toEqual([]);
    expect([procText(timeline, 1001, 'maps'), procText(timeline, 1001, 'status')]).toEqual([
      '',
      expect.stringContaining('Z (zombie)'),
    ]);
  });

  test('are marked when the step touched them', () => {
    const timeline = play(`${SMALL}app: kid = fork()\napp: store(buf, 1)`);
    expect(processViews(timeline).map(({ name, changed }) => [name, changed])).toEqual([
      ['app', true],
      ['kid', false],
    ]);
    const [app] = processViews(timeline);
    expect(app?.numbers.filter(({ changed }) => changed).map(({ name, value }) => [name, value])).toEqual([
      ['MM_ANONPAGES', '2'],
      ['pgtables_bytes', expect.stringMatching(/^\d+$/)],
      ['min_flt', '3'],
    ]);
  });
});

describe('VMAs', () => {
  test('print the lines of maps, all fields, and what serves them', () => {
    const timeline = play(SMALL);
    const pid = pidOf(timeline, 'app');
    const lines = procText(timeline, pid, 'maps').trimEnd().split('\n');
    const views = vmaViews(timeline, pid);
    expect(views.map(({ mapsLine }) => mapsLine.trimEnd())).toEqual(lines.slice(0, -1).map((line) => line.trimEnd()));
    const text = views.find(({ perms }) => perms === 'r-xp');
    expect(text?.vm_ops).toMatchObject({ name: 'ext4_file_vm_ops', operations: { fault: 'filemap_fault' } });
    expect(text?.vm_file).toBe('/bin/app');
    const anonymous = views.find(({ start }) => start === `0x${valueOfName(timeline, 'buf').toString(16)}`);
    expect(anonymous).toMatchObject({
      pages: 8,
      perms: 'rw-p',
      vmFlags: 'rd wr mr mw me ac',
      flagNames: 'VM_READ|VM_WRITE|VM_MAYREAD|VM_MAYWRITE|VM_MAYEXEC|VM_ACCOUNT',
      vm_page_prot: '0x8000000000000025',
      vm_ops: null,
      anon_vma: null,
      changed: true,
    });
    expect(views.filter(({ changed }) => changed)).toEqual([anonymous]);
  });

  test('can be taken a few at a time', () => {
    const timeline = play(SMALL);
    const pid = pidOf(timeline, 'app');
    const all = vmaViews(timeline, pid);
    expect(vmaViews(timeline, pid, { from: 2, count: 3 })).toEqual(all.slice(2, 5));
    expect(vmaViews(timeline, pid, { from: all.length, count: 3 })).toEqual([]);
  });

  test('change when a step changes a field, not when it only touches pages again', () => {
    const changed = (text: string) => {
      const timeline = play(SMALL + text);
      return vmaViews(timeline, pidOf(timeline, 'app')).flatMap((vma) => (vma.changed ? [vma.perms] : []));
    };
    expect(changed('app: store(buf, 1)\napp: store(buf + 4K, 1)')).toEqual([]);
    expect(changed('app: mprotect(buf, 4K, PROT_READ)')).toEqual(['r--p', 'rw-p']);
  });
});

describe('runs of pages', () => {
  const runs = (text: string) => {
    const timeline = play(SMALL + text);
    const start = `0x${valueOfName(timeline, 'buf').toString(16)}`;
    return pageRuns(timeline, pidOf(timeline, 'app'), start, 100).map(({ pages, state, changed }) =>
      [pages, state, ...(changed ? ['changed'] : [])].join(' '),
    );
  };

  test('join neighbours in the same state', () => {
    expect(runs('app: store(buf + 4K, 1, 12K)\napp: load(buf + 20K)')).toEqual([
      '1 untouched',
      '3 anon',
      '1 untouched',
      '1 zero-page changed',
      '2 untouched',
    ]);
    expect(runs('app: store(buf, 1, 32K)\napp: madvise(buf + 8K, 8K, MADV_PAGEOUT)')).toEqual([
      '2 anon',
      '2 swapped changed',
      '4 anon',
    ]);
  });

  test('tell what was unmapped, also when its page table went with it', () => {
    expect(runs('app: store(buf, 1, 8K)\napp: madvise(buf, 8K, MADV_DONTNEED)')).toEqual([
      '2 untouched changed',
      '6 untouched',
    ]);
  });

  test('of a terabyte that nobody touched are one', () => {
    const timeline = play(`
a = spawn()
a: big = mmap(NULL, 1T, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)
a: load(big + 512G)`);
    const big = valueOfName(timeline, 'big');
    const found = pageRuns(timeline, pidOf(timeline, 'a'), Number(big), 10);
    expect(found.map(({ pages, state }) => [pages, state])).toEqual([
      [2 ** 27, 'untouched'],
      [1, 'zero-page'],
      [2 ** 27 - 1, 'untouched'],
    ]);
    expect(pageRuns(timeline, pidOf(timeline, 'a'), Number(big), 2)).toEqual(found.slice(0, 2));
  });
});

describe('physical memory', () => {
  test('of four gibibytes is told as far as frames were ever taken', () => {
    const timeline = play(
      'machine ram=4G\na = spawn()\na: b = mmap(NULL, 8K, PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\na: store(b, 1)',
    );
    const map = frameMap(timeline);
    expect([map.first, map.total, map.uses.length]).toEqual([1, 2 ** 20, 255]);
    expect(map.free).toBe(2 ** 20 - map.uses.filter((use) => use !== 0).length);
    const pfn = Number(walk(timeline, 1000, valueOfName(timeline, 'b')).frame?.pfn);
    expect(map.changed).toEqual([pfn]);
    expect(map.legend[map.uses[pfn - 1] ?? 0]).toBe('anon');
    expect(frameView(timeline, pfn)).toMatchObject({ use: 'anon', mapcount: 1, refcount: 1, dirty: true });
    expect(frameView(timeline, 2 ** 20).use).toBe('free');
  });

  test('a frame of the zero page, of a device and of a file say what they are', () => {
    const timeline = play(`${SMALL}app: load(buf)`);
    const pid = pidOf(timeline, 'app');
    const zero = walk(timeline, pid, valueOfName(timeline, 'buf')).frame;
    expect([zero?.use, zero?.bytes]).toEqual(['zero', '00'.repeat(64)]);
    const text = walk(timeline, pid, 0x401000n).frame;
    expect(text).toMatchObject({
      use: 'file-clean',
      file: { path: '/bin/app', index: 1 },
      list: expect.stringMatching(/file/),
    });
    expect(text?.mappers).toEqual([{ pid, process: 'app', va: '0x401000', writable: false }]);
  });

  test('swap slots count their users and mark what changed', () => {
    const timeline = play(`${SMALL}app: store(buf, 1, 8K)\napp: kid = fork()\napp: madvise(buf, 8K, MADV_PAGEOUT)`);
    timeline.back();
    expect(swapMap(timeline)).toMatchObject({ slots: 16, used: 0, changed: [] });
    const alone = play(`${SMALL}app: store(buf, 1, 8K)\napp: madvise(buf, 8K, MADV_PAGEOUT)`);
    const { used, counts, changed } = swapMap(alone);
    expect([used, [...counts.slice(0, 3)], changed]).toEqual([2, [1, 1, 0], [0, 1]]);
  });

  test('swap slots tell who waits for them, and whether the page is in RAM as well', () => {
    const timeline = play(`${SMALL}app: store(buf, 1, 12K)
app: madvise(buf, 12K, MADV_PAGEOUT)
app: kid = fork()
kid: madvise(buf, 4K, MADV_DONTNEED)
app: shm = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
app: store(shm, 1)
app: madvise(shm, 4K, MADV_PAGEOUT)
kid: load(buf + 4K)`);
    const { swap, frames } = memoryMaps(timeline);
    const [app, kid] = [pidOf(timeline, 'app'), pidOf(timeline, 'kid')];
    const owners = Array.from(swap.owners.slice(0, 4), (owner) => swap.sharedUses[owner] ?? owner);
    expect(owners).toEqual([app, app, 'several', 'cache']);
    expect(swap.shared).toEqual([{ slot: 2, owners: [app, kid] }]);
    expect([...swap.cached.slice(0, 4)]).toEqual([0, 1, 0, 0]);
    const [frame] = frames.changed.filter((pfn) => frames.legend[frames.uses[pfn - 1] ?? 0] === 'swap-cache');
    expect(frames.owners[(frame ?? 0) - 1]).toBe(kid);
  });

  test('a machine with a textbook policy has the one list of it', () => {
    const timeline = play(`machine ram=1M replacement=fifo
a = spawn()
a: b = mmap(NULL, 4K, PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
a: store(b, 1)`);
    const frame = walk(timeline, 1000, valueOfName(timeline, 'b')).frame;
    expect(frame?.list).toBe('fifo list');
    const map = frameMap(timeline);
    expect(map.lists[(map.states[Number(frame?.pfn) - 1] ?? 0) & 7]).toBe('fifo list');
  });

  test('the hand of clock points at the frame that goes next, once nobody used it since', () => {
    const timeline = play(`machine ram=1M replacement=clock
a = spawn()
a: b = mmap(NULL, 32K, PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
a: store(b, 1, 32K)
kernel: reclaim(4)
kernel: reclaim(1)`);
    timeline.back();
    const { hand, states, first } = memoryMaps(timeline).frames;
    if (hand === null) throw new Error('there is no hand');
    // The first reclaim went all around: no bit is left where the hand is.
    expect((states[hand - first] ?? 0) & (8 | 64)).toBe(0);
    expect(frameView(timeline, hand)).toMatchObject({ use: 'anon', accessed: false, referenced: false });
    timeline.step();
    expect(frameView(timeline, hand).use).toBe('free');
    expect(memoryMaps(timeline).frames.hand).not.toBe(hand);
    expect(frameMap(play('a = spawn()')).hand).toBe(null);
  });

  test('more page tables than can be read at each step leave owners without names', () => {
    const timeline = play(`machine ram=8G overcommit=1
a = spawn()
a: b = mmap(NULL, 1200M, PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
a: store(b, 1, 1200M)`);
    const { frames, swap } = memoryMaps(timeline);
    expect([frames.exact, swap.owners.length]).toEqual([false, 0]);
    expect(frames.sharedUses[frames.owners[1000] ?? 0]).toBe('somebody');
    timeline.back();
    expect(memoryMaps(timeline).frames.exact).toBe(true);
  });

  test('the page cache by file, with its dirty runs', () => {
    const timeline = play(`
machine ram=1M
file "/f" size=40K
a = spawn()
a: fd = open("/f", O_RDWR)
a: m = mmap(NULL, 40K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
a: store(m, 1)
a: store(m + 16K, 1, 8K)`);
    const file = cachedFiles(timeline).find(({ path }) => path === '/f');
    expect(file).toMatchObject({ size: 40960, cachedPages: 10, dirtyPages: 3 });
    const dirty = { dirty: true, writeback: false, text: 'dirty: differs from the disk' };
    const clean = { dirty: false, writeback: false, text: 'clean' };
    expect(file?.runs).toEqual([
      { first: 0, pages: 1, ...dirty, changed: false },
      { first: 1, pages: 3, ...clean, changed: true },
      { first: 4, pages: 2, ...dirty, changed: true },
      { first: 6, pages: 4, ...clean, changed: true },
    ]);
  });

  test('pages on their way to the disk, in the page cache, the map of frames and one frame', () => {
    const timeline = play(`
machine ram=1M writeback=2
file "/f" size=16K
a = spawn()
a: fd = open("/f", O_RDWR)
a: m = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
a: store(m, 1, 8K)
kernel: writeback()
a: store(m, 2)`);
    const file = cachedFiles(timeline).find(({ path }) => path === '/f');
    expect(file).toMatchObject({ dirtyPages: 1, writebackPages: 2 });
    expect(file?.runs.map(({ pages, text }) => [pages, text])).toEqual([
      [1, 'under writeback, and dirty again'],
      [1, 'under writeback: on its way to the disk'],
      [2, 'clean'],
    ]);
    const { frames } = memoryMaps(timeline);
    const marked = [...frames.states].flatMap((state, i) =>
      (state & 32) === 0 ? [] : [[frames.first + i, state & 16]],
    );
    expect(marked.map(([, dirty]) => dirty)).toEqual([16, 0]);
    const [first = 0, second = 0] = marked.map(([pfn]) => pfn);
    expect(frameView(timeline, first)).toMatchObject({ dirty: true, writeback: true });
    expect(frameView(timeline, second)).toMatchObject({ dirty: false, writeback: true });
    expect(frameView(timeline, second).text).toContain(
      'page 1 of /f, sent to the disk, mapped by a. Under writeback: the disk will have it in 1 step.',
    );
    expect(machineNumbers(timeline).find(({ name }) => name === 'nr_writeback')?.value).toBe('2');
    timeline.back();
    timeline.back();
    const before = cachedFiles(timeline).find(({ path }) => path === '/f');
    expect(before).toMatchObject({ dirtyPages: 2, writebackPages: 0 });
  });

  test('the pages that wait to be written back are counted as meminfo counts them', () => {
    const timeline = play(`
machine ram=1M
file "/f" size=40K
a = spawn()
a: fd = open("/f", O_RDWR)
a: m = mmap(NULL, 40K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
a: store(m, 1, 12K)
a: shm = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
a: store(shm, 1)
assert meminfo("Dirty") == 12K`);
    const dirty = () => machineNumbers(timeline).find(({ name }) => name === 'nr_dirty')?.value;
    expect(dirty()).toBe('3');
    timeline.start();
    expect(dirty()).toBe('0');
  });

  test('numbers of the machine are marked when they change', () => {
    const timeline = play(`${SMALL}app: store(buf, 1)`);
    const changed = machineNumbers(timeline).filter((number) => number.changed);
    expect(changed.map(({ name }) => name)).toEqual(expect.arrayContaining(['nr_free_pages', 'pgfault']));
    expect(changed.map(({ name }) => name)).not.toContain('swap_used');
  });
});

describe('a run', () => {
  test('looks at the address accessed last', () => {
    const timeline = open(`${SMALL}app: store(buf + 8, 1)\napp: kid = fork()\nkid: load(buf)\nassert vmas(app) > 1`);
    const seen: (string | null)[] = [];
    const buf = 0x7ffff7fef000n;
    while (timeline.step() !== null) {
      const access = lastAccess(timeline);
      seen.push(access === null ? null : `${access.pid} ${access.address - buf}`);
    }
    expect(valueOfName(timeline, 'buf')).toBe(buf);
    expect(seen.slice(2)).toEqual(['1000 8', '1000 8', '1001 0', '1001 0']);
  });

  test('at its start, and after a jump, has the same views as step by step', () => {
    const text = `${SMALL}app: store(buf, 1, 16K)\napp: kid = fork()\nkid: store(buf, 2, 8K)\napp: munmap(buf, 4K)`;
    const [jumped, stepped] = [open(text), open(text)];
    const views = (t: typeof jumped) => [
      processViews(t),
      vmaViews(t, 1000),
      frameMap(t),
      swapMap(t),
      cachedFiles(t),
      machineNumbers(t),
      t.position < 2 ? null : walk(t, 1000, 0x7ffff7fef000n),
    ];
    expect(processViews(jumped)).toEqual([]);
    expect(frameMap(jumped).changed).toEqual([]);
    jumped.runToEnd({ budgetSteps: 1000 });
    while (stepped.step() !== null);
    for (;;) {
      expect(views(jumped)).toEqual(views(stepped));
      if (!stepped.back()) break;
      jumped.back();
    }
  });
});

test('starts of some VMAs are those that their views tell', () => {
  const timeline = play(`
a = spawn()
repeat 500
  a: mmap(NULL, 4K, PROT_READ, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
end`);
  const pid = pidOf(timeline, 'a');
  const starts = vmaViews(timeline, pid).map(({ start }) => start);
  expect(starts.length).toBeGreaterThan(500);
  expect(vmaStarts(timeline, pid, [0, 1, 130, 499, 9999])).toEqual([0, 1, 130, 499].map((i) => starts[i]));
  expect(vmaViews(timeline, pid, { from: 130, count: 2 }).map(({ start }) => start)).toEqual(starts.slice(130, 132));
  expect(vmaStarts(timeline, 77, [0])).toEqual([]);
});
