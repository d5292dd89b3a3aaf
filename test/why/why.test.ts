// Why VMAs stand apart and why they are where they are: a scenario for each rule says what is to be answered, in lines
// `# why PROCESS ADDRESS below|above|place: TEXT` behind its steps.

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseScenario, processViews, Timeline, vmaViews, type WhyView, why } from '../../simulator/index.ts';
import { open, pidOf, play, valueOfName } from '../view/run.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const files = globSync(join(here, '*.vas')).sort();
const wholeSet = globSync(join(here, '../scenarios/**/*.vas')).sort();

/** What every rule and every place is called; each must occur in a scenario. */
const ALL = [
  'not adjacent; ',
  'vma_merge_new_range: VM_SPECIAL: ',
  'is_mergeable_vma: vm_flags differ: VM_ACCOUNT; ',
  'is_mergeable_vma: vm_file differs; ',
  'is_mergeable_anon_vma: anon_vma differs; ',
  'is_mergeable_anon_vma: anon_vma inherited by fork; ',
  'can_vma_merge_after: vm_pgoff not contiguous; ',
  'can_merge_remove_vma: vm_ops->close; ',
  'no rule forbids it now',
  'brk() extends only',
  'hint honoured',
  'mmap_min_addr: ',
  'gate_vma: ',
  'does not fit; top-down',
  'MAP_FIXED: ',
  'MAP_FIXED_NOREPLACE: ',
  'MAP_32BIT: ',
  '2 MiB aligned because the length is a multiple of 2 MiB',
  '2 MiB pieces of the file',
  'brk(): the heap',
  'VM_GROWSDOWN: ',
  'MREMAP_FIXED: ',
  'by fork on line',
  'a segment of the program',
  'the dynamic loader',
];

function textOf(view: WhyView, part: string): string {
  if (part !== 'place') return (part === 'above' ? view.above : view.below)?.text ?? 'nothing';
  return view.placed === null ? 'nothing' : `line ${view.placed.line}: ${view.placed.text}`;
}

function answer(timeline: Timeline, line: string): string {
  const [, process = '', expression = '', part = ''] = /^# why (\S+) (\S+) (\w+): /.exec(line) ?? [];
  const view = why(timeline, pidOf(timeline, process), valueOfName(timeline, expression));
  return `# why ${process} ${expression} ${part}: ${textOf(view, part)}`;
}

function wantedIn(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('# why '));
}

describe('each rule in a scenario', () => {
  test.each(files.map((file) => [basename(file), file] as const))('%s', (_name, file) => {
    const text = readFileSync(file, 'utf8');
    const wanted = wantedIn(text);
    expect(wanted.length).toBeGreaterThan(0);
    const timeline = play(text);
    expect(wanted.map((line) => answer(timeline, line))).toEqual(wanted);
  });

  test('every rule and place has one', () => {
    const answers = files.flatMap((file) => wantedIn(readFileSync(file, 'utf8'))).join('\n');
    expect(ALL.filter((text) => !answers.includes(text))).toEqual([]);
  });
});

test('the answers after going back are those of the way forward', () => {
  const text = readFileSync(join(here, 'placed-otherwise.vas'), 'utf8');
  const timeline = play(text);
  const there = timeline.position;
  const pid = pidOf(timeline, 'p');
  const at = (address: string) => why(timeline, pid, BigInt(address));
  const moved = valueOfName(timeline, 'moved').toString();
  const forward = [at('0x404000'), at(moved)];
  timeline.start();
  expect(at('0x404000')).toMatchObject({ vma: null, below: null, above: null, placed: null });
  timeline.seek(there);
  expect([at('0x404000'), at(moved)]).toEqual(forward);
});

test('asking leaves the run where it is', () => {
  const timeline = open(readFileSync(join(here, 'placed-by-mmap.vas'), 'utf8'));
  while (timeline.runToEnd({ budgetSteps: 3 }) === 'paused') {
    const { position } = timeline;
    const events = timeline.events;
    for (const view of vmaViews(timeline, 1000)) why(timeline, 1000, BigInt(view.start));
    expect(timeline.position).toBe(position);
    expect(timeline.events).toEqual(events);
  }
});

test('an address that no process can have, a process that is gone', () => {
  const timeline = play('p = spawn()\np: k = fork()\nk: exit(0)');
  const kid = why(timeline, pidOf(timeline, 'k'), 0x400000n);
  expect(kid).toMatchObject({ process: 'k', vma: null, below: null, above: null, placed: null });
  const far = why(timeline, pidOf(timeline, 'p'), 2n ** 64n - 1n);
  expect(far).toMatchObject({ address: '0xffffffffffffffff', vma: null, below: null, placed: null });
});

test('memory from before the steps that are known', () => {
  const { simulator, names } = play('p = spawn()');
  const placed = why({ simulator, names }, 1000, 0x400000n).placed;
  expect(placed).toEqual({ line: null, text: 'it was mapped before the steps that are still known' });
});

test('every page of every scenario was mapped by a step that is known', () => {
  const unknown: string[] = [];
  for (const file of wholeSet) {
    const timeline = Timeline.open(parseScenario(readFileSync(file, 'utf8')));
    timeline.runToEnd({ budgetSteps: 2000 });
    for (const { pid } of processViews(timeline)) {
      for (const { start, end } of vmaViews(timeline, pid, { from: 0, count: 32 })) {
        const ends = [BigInt(start), BigInt(end) - 1n];
        const lines = ends.map((address) => why(timeline, pid, address).placed?.line ?? null);
        if (lines.includes(null)) unknown.push(`${file}: ${pid} ${start}-${end}`);
      }
    }
  }
  expect(wholeSet.length).toBeGreaterThan(100);
  expect(unknown).toEqual([]);
});
