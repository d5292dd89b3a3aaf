// How a page stands is told in four places: the row of its entry, the sentence, the run of the tree, and what an access
// would do. Whatever happened before, none says what another denies, and all say what the machine knows.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type PageRunView,
  pageRuns,
  parseScenario,
  processViews,
  Timeline,
  type VmaView,
  vmaViews,
  type WalkView,
  walk,
} from '../../simulator/index.ts';
import { play } from './run.ts';

/** What words say of where a page is, in one word. */
const SAID: readonly (readonly [what: string, words: RegExp])[] = [
  ['outside', /nothing (is )?mapped/i],
  ['guard', /guard marker/i],
  ['prot-none', /PROT_NONE/],
  ['end', /behind the end/i],
  ['cache', /in the page cache/i],
  ['disk', /on disk only/i],
  ['swap', /swap slot|slot \d+|\bin swap\b/i],
  ['none', /no frame/i],
  ['zero', /zero page/i],
  ['absent', /^not mapped/i],
  ['present', /^present|^frame|^device page|^kernel page|^anonymous|^of the|^shared memory|^the kernel's own/i],
];

function said(words: string): string {
  return SAID.find(([, pattern]) => pattern.test(words))?.[0] ?? `nothing known: ${words}`;
}

/** What the tree may say of a page of which the sentence says this: it tells less, and nothing else. */
const IN_TREE: Readonly<Record<string, readonly string[]>> = {
  end: ['absent'],
  none: ['none', 'absent'],
};

/** What is asked of the machine itself: the queries of `assert`. */
function ask(timeline: Timeline, question: string): bigint {
  const answer = timeline.evaluate(question);
  if (!('value' in answer)) throw new Error(`ask: ${question}: ${JSON.stringify(answer)}`);
  return answer.value;
}

/** Complaints about one page; none when all agree. */
function complaints(timeline: Timeline, view: WalkView, run: PageRunView | null): string[] {
  const found: string[] = [];
  const { state, would } = view;
  const word = said(state);
  const leaf = view.levels.at(-1)?.entry ?? null;
  if (leaf !== null && said(leaf.text) !== word) found.push(`row "${leaf.text}"`);
  const inTree = state.startsWith('Not mapped') ? ['absent'] : (IN_TREE[word] ?? [word]);
  if (run !== null && !inTree.includes(said(run.text))) found.push(`tree "${run.text}"`);
  const served = !would.read.startsWith('would be SIG') && !would.read.startsWith('cannot');
  const expected: Readonly<Record<string, RegExp>> = {
    outside: /^would grow the stack/,
    none: /zero page|of zeros/,
    cache: /from the page cache|of the page|would map/,
    disk: /from disk/,
    swap: /swap|would map page|zeros/,
    end: /^never$/,
    guard: /^never$/,
    'prot-none': /^never$/,
    zero: /succeed without a fault/,
    present: /succeed without a fault/,
    absent: /would map/,
  };
  if (served && expected[word]?.test(would.read) !== true) found.push(`read "${would.read}"`);
  if (word === 'cache' && /from disk/.test(would.read)) found.push(`read "${would.read}"`);
  const name = timeline.names.get(view.pid);
  if (name !== undefined && timeline.processNamed(name) === view.pid) {
    const isPresent = ask(timeline, `present(${name}, ${view.address})`) !== 0n;
    const isSwapped = ask(timeline, `swapped(${name}, ${view.address})`) !== 0n;
    if (isPresent !== ['present', 'zero', 'prot-none'].includes(word)) found.push(`present is ${isPresent}`);
    if (isSwapped !== (leaf?.state === 'swap')) found.push(`swapped is ${isSwapped}`);
  }
  return found.map((what) => `${view.process} ${view.address} "${state}" against ${what}`);
}

const RUNS = 4;
const VMAS = 6;
const PROCESSES = 2;

/** Some pages of a VMA: the first of each of its first runs, with the run. */
function somePages(timeline: Timeline, pid: number, vma: VmaView): [address: bigint, run: PageRunView | null][] {
  return [
    ...pageRuns(timeline, pid, vma.start, RUNS).map((run): [bigint, PageRunView] => [BigInt(run.start), run]),
    [BigInt(vma.start) - 4096n, null],
  ];
}

/** The VMAs that a step has most likely changed: those that have no name, and then the others. */
function someVmas(timeline: Timeline, pid: number): VmaView[] {
  const all = vmaViews(timeline, pid, { from: 0, count: 60 });
  const rank = (vma: VmaView) => (vma.changed ? 0 : vma.name.startsWith('[') ? 2 : 1);
  return [...all].sort((a, b) => rank(a) - rank(b)).slice(0, VMAS);
}

/** Complaints at every step of a scenario, and how many pages were looked at. */
function lookAtAll(file: string): { readonly wrong: string[]; readonly looked: Map<string, number> } {
  const timeline = Timeline.open(parseScenario(readFileSync(file, 'utf8')));
  const wrong: string[] = [];
  const looked = new Map<string, number>();
  for (let steps = 0; steps < STEPS; steps++) {
    const record = timeline.step();
    if (record === null) break;
    const alive = processViews(timeline).filter(({ state }) => state === 'alive');
    for (const { pid } of alive.slice(-PROCESSES)) {
      for (const vma of someVmas(timeline, pid)) {
        for (const [address, run] of somePages(timeline, pid, vma)) {
          const view = walk(timeline, pid, address);
          if (run === null && view.vma !== null) continue;
          looked.set(said(view.state), (looked.get(said(view.state)) ?? 0) + 1);
          wrong.push(...complaints(timeline, view, run).map((what) => `line ${record.line}: ${what}`));
        }
      }
    }
  }
  return { wrong, looked };
}

/** Steps looked at of one scenario. */
const STEPS = 60;
const root = join(import.meta.dirname, '../..');
const files = globSync(['samples/*.vas', 'test/scenarios/**/*.vas'], { cwd: root }).sort();

describe('row, sentence, tree and accesses agree', () => {
  const states = new Map<string, number>();
  const topics = new Set(files.map((file) => file.split('/').slice(0, -1).join('/')));
  test.each([...topics])('%s', (topic) => {
    for (const file of files.filter((one) => one.startsWith(`${topic}/`))) {
      const { wrong, looked } = lookAtAll(join(root, file));
      expect(wrong.slice(0, 5), file).toEqual([]);
      for (const [state, count] of looked) states.set(state, (states.get(state) ?? 0) + count);
    }
  });

  test('in each state that there is', () => {
    expect([...states.keys()].sort()).toEqual(SAID.map(([what]) => what).sort());
  });
});

describe('the row of a page without an entry', () => {
  const head =
    'machine ram=1M swap=256K\nfile "/f" size=8K\nprogram "/bin/app" text=8K data=4K\napp = spawn("/bin/app")\n';
  const file =
    'app: fd = open("/f", O_RDWR)\napp: near = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\n' +
    'app: store(near, 1)\napp: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)\n';
  const anonymous = 'app: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\n';
  const shared = anonymous.replace('MAP_PRIVATE', 'MAP_SHARED');
  // A neighbour in the same table, so that there is a row to read.
  const beside = 'app: store(buf + 12K, 1)\n';
  test.each([
    ['anonymous, never touched', anonymous + beside, 'no frame'],
    [
      'anonymous, given back',
      `${anonymous}${beside}app: store(buf, 1)\napp: madvise(buf, 4K, MADV_DONTNEED)\n`,
      'no frame',
    ],
    ['of a file on disk', file, 'not mapped: on disk only'],
    ['of a file in the page cache', `${file}app: pread(fd, 0x7fffffffe000, 16, 0)\n`, 'not mapped: in the page cache'],
    ['behind the end', `${file}app: ftruncate(fd, 0)\n`, 'behind the end of the file'],
    ['a hole of shared memory', shared + beside, 'no frame'],
    [
      'shared memory in swap',
      `${shared}${beside}app: store(buf, 1)\napp: madvise(buf, 4K, MADV_PAGEOUT)\n`,
      'not mapped: in swap slot 0',
    ],
    ['unmapped', `${anonymous}${beside}app: munmap(buf, 4K)\n`, 'nothing mapped'],
  ])('%s', (_what, text, row) => {
    const timeline = play(head + text);
    const pid = timeline.processNamed('app') ?? 0;
    const view = walk(timeline, pid, ask(timeline, 'buf'));
    expect(view.levels.at(-1)?.entry?.text).toBe(row);
    expect(complaints(timeline, view, null)).toEqual([]);
  });
});
