// Steps that take long come in parts: whatever happens between the parts, the run is the same, and a step can be given up.
import { describe, expect, test } from 'vitest';
import { dumpKernel } from '../../simulator/dump.ts';
import { checkKernel, parseScenario, Timeline, walk } from '../../simulator/index.ts';
import { tryAccess } from '../../simulator/view/verdict.ts';

/** Every kind of step that comes in parts, where frames are short and where they are not. */
const scenario = (ram: string): string => `machine ram=${ram} swap=64M
file "/data" size=10M
p = spawn()
p: a = mmap(NULL, 9M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE, -1, 0)
p: store(a + 100, 7, 8M)
p: store(a + 4000, "text that crosses a page", 5M)
p: load(a, 9M)
p: madvise(a, 9M, MADV_PAGEOUT)
p: madvise(a, 9M, MADV_WILLNEED)
p: madvise(a, 6M, MADV_POPULATE_WRITE)
p: b = mremap(a, 9M, 10M, MREMAP_MAYMOVE)
p: mlock(b, 5M)
p: munlock(b, 5M)
kernel: reclaim(2000)
p: load(b, 9M)
kernel: reclaim(100000)
p: f = open("/data", O_RDWR)
p: read(f, b, 9M)
p: pwrite(f, b, 5M, 1M)
p: m = memfd_create("m", 0)
p: write(m, b, 5M)
p: pread(m, b, 5M, 5)
p: s = mmap(NULL, 10M, PROT_READ|PROT_WRITE, MAP_SHARED, f, 0)
p: load(s, 10M)
p: old = brk(0)
p: mlockall(MCL_FUTURE)
p: brk(old + 5M)
p: q = fork()
q: store(b, 1, 9M)
p: madvise(b, 10M, MADV_WILLNEED)
o = spawn()
o: c = mmap(NULL, 200M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)
o: store(c, 1, 200M)
o: store(0x1000, 1, 64K)
`;

function open(ram: string): Timeline {
  const parsed = parseScenario(scenario(ram));
  expect(parsed.diagnostics).toEqual([]);
  return Timeline.open(parsed);
}

/** All there is to see of the step that led here. */
function seen(timeline: Timeline): unknown {
  const { simulator, lastRecord, position } = timeline;
  const { line, outcome, call } = lastRecord ?? {};
  const { length } = timeline.events;
  const events = { length, last: timeline.events[length - 1] };
  // The whole state as text takes its time.
  const state = position % 5 === 0 || timeline.next === null ? dumpKernel(simulator.state) : '';
  return { position, line, call, outcome, events, state };
}

/** Looks at the machine in all the ways of a view, as somebody does who moves the mouse meanwhile. */
function lookAround(timeline: Timeline): void {
  const pid = timeline.processNamed('p');
  if (pid === null) return;
  tryAccess(timeline.simulator, pid, 0x7ffff7000000n, 'write');
  tryAccess(timeline.simulator, pid, 0x400000n, 'write');
  walk(timeline, pid, 0x7ffff7000000n);
  expect(timeline.before).not.toBeNull();
  expect(timeline.events.length).toBeGreaterThanOrEqual(0);
  timeline.evaluate('rss(p)');
  timeline.settled(() => {
    walk(timeline, pid, 0x7ffff7000000n);
    tryAccess(timeline.simulator, pid, 0x7ffff7000000n, 'write');
    expect(timeline.before).not.toBeNull();
  });
}

/** Makes the next step in as many parts as there are; how many that were. */
function stepByParts(timeline: Timeline): number {
  let parts = 1;
  while (timeline.stepInParts(() => true) === 'paused') {
    parts++;
    lookAround(timeline);
  }
  return parts;
}

describe('steps in parts', () => {
  /** Enough for the first steps; later ones evict. */
  const ram = '20M';

  test('in parts a run is what it is in one go', () => {
    const whole = open(ram);
    const parted = open(ram);
    const counts: number[] = [];
    while (whole.step() !== null) {
      counts.push(stepByParts(parted));
      expect(seen(parted)).toEqual(seen(whole));
    }
    expect(parted.next).toBeNull();
    expect(checkKernel(parted.simulator.state)).toEqual([]);
    expect(counts.filter((count) => count > 2).length).toBeGreaterThan(8);
  });

  test('a run that pauses in its steps ends where one does that does not', () => {
    const whole = open(ram);
    const parted = open(ram);
    whole.runToEnd({ budgetSteps: 1000 });
    let pauses = 0;
    let odd = false;
    const pause = (): boolean => {
      odd = !odd;
      return odd;
    };
    while (parted.runToEnd({ budgetSteps: 5, pause }) === 'paused') if (pauses++ % 4 === 0) lookAround(parted);
    expect(pauses).toBeGreaterThan(10);
    expect(seen(parted)).toEqual(seen(whole));
    expect(parted.totals).toEqual(whole.totals);
  });

  test('a step that is given up was never made', () => {
    const whole = open(ram);
    const tried = open(ram);
    while (whole.next !== null) {
      const dump = (): string => (tried.position % 4 === 0 ? dumpKernel(tried.simulator.state) : '');
      const before = dump();
      if (tried.stepInParts(() => true) === 'paused') {
        expect(tried.progress).not.toBeNull();
        lookAround(tried);
        expect(tried.settled(dump)).toBe(before);
        expect(tried.progress).not.toBeNull();
        tried.abandon();
        expect(tried.progress).toBeNull();
        expect(dump()).toBe(before);
        tried.runToEnd({ budgetSteps: 1, pause: () => true });
        if (tried.position === whole.position) tried.step();
      }
      whole.step();
      expect([tried.position, tried.lastRecord?.outcome]).toEqual([whole.position, whole.lastRecord?.outcome]);
    }
    expect(seen(tried)).toEqual(seen(whole));
  });
});

test('while a step is begun, what is seen stays that of the step before', () => {
  const timeline = open('20M');
  timeline.step();
  const resident = (): unknown => timeline.evaluate('rss(p)');
  let parts = 0;
  let halfSeen = 0;
  while (timeline.next !== null) {
    const before = resident();
    while (timeline.stepInParts(() => true) === 'paused') {
      parts++;
      if (JSON.stringify(resident(), bigintText) !== JSON.stringify(before, bigintText)) halfSeen++;
      expect(timeline.settled(resident)).toEqual(before);
    }
  }
  expect(parts).toBeGreaterThan(10);
  expect(halfSeen).toBeGreaterThan(0);
});

function bigintText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

test('going back takes a step back that was only begun', () => {
  const timeline = open('20M');
  timeline.step();
  const before = seen(timeline);
  timeline.step();
  expect(timeline.stepInParts(() => true)).toBe('paused');
  expect(timeline.back()).toBe(true);
  expect(timeline.progress).toBeNull();
  expect(seen(timeline)).toEqual(before);
});
