// Whatever processes do, what is counted stays true, no frame is lost, and nothing crashes.
import { describe, expect, test } from 'vitest';
import { checkKernel } from '../../simulator/index.ts';
import { PG_FILE, PG_WRITEBACK } from '../../simulator/machine/frames.ts';
import { PTE_RW, type PteTable, type UpperTable } from '../../simulator/machine/pagetable.ts';
import { PGSTEAL, PSWPIN, PSWPOUT } from '../../simulator/machine/vm-events.ts';
import type { Kernel } from '../../simulator/state/kernel.ts';
import { GROUPS, holdsFor, MACHINES, open, sourceOf } from './scenarios.ts';

const event = (k: Kernel, index: number): number => k.frames.counters.events[index] as number;

function broken(k: Kernel): string | null {
  const violations = checkKernel(k);
  return violations.length === 0 ? null : violations.slice(0, 5).join('\n');
}

/** Runs a scenario; the first step behind which an invariant is broken. */
function firstBroken(source: string): string | null {
  const t = open(source);
  for (let step = t.step(); step !== null; step = t.step()) {
    const wrong = broken(t.simulator.state);
    if (wrong !== null) return `behind line ${step.line}: ${wrong}`;
  }
  return null;
}

function killAll(source: string): Kernel {
  const t = open(source);
  t.runToEnd({ budgetSteps: 10000 });
  const k = t.simulator.state;
  for (const task of [...k.tasks.values()]) {
    if (task.state === 'alive') t.simulator.execute({ op: 'syscall', pid: task.pid, name: 'exit_group', args: [0n] });
  }
  return k;
}

/** What is left when every process is gone and should not be. */
function leftover(source: string): string | null {
  const k = killAll(source);
  const wrong = broken(k);
  if (wrong !== null) return wrong;
  const alive = [...k.tasks.values()].filter((task) => task.state === 'alive').length;
  const counts = { alive, mms: k.mms.size, files: k.files.size, anonVmas: k.anonVmas.size };
  const kept = Object.entries(counts).filter(([, n]) => n > 0);
  if (kept.length > 0) return `left: ${kept.map(([name, n]) => `${n} ${name}`).join(', ')}`;
  for (let pfn = 1; pfn < k.frames.counters.fresh; pfn++) {
    const cached = (k.frames.flagsOf(pfn) & PG_FILE) !== 0;
    if (k.frames.refsOf(pfn) > 0 && !cached) return `frame ${pfn} is in use and is no page of a file`;
  }
  const cachedPages = [...k.inodes.values()].reduce((n, inode) => n + inode.nrpages, 0);
  const used = k.frames.total - k.frames.counters.free;
  return used === cachedPages ? null : `${used} frames are in use, ${cachedPages} pages are cached`;
}

describe('random steps keep every invariant', () => {
  test.each(GROUPS)('%s', async (group) => {
    const plan = { groups: [group], machines: MACHINES, runs: 40, steps: 60 };
    await expect(holdsFor(plan, firstBroken)).resolves.toBeUndefined();
  });
});

test('killing every process frees every frame but the cache', async () => {
  await expect(
    holdsFor({ groups: GROUPS, machines: MACHINES, runs: 200, steps: 50 }, leftover),
  ).resolves.toBeUndefined();
});

test('the small machines do run out of memory', () => {
  const seen = { pgsteal: 0, pswpin: 0, pswpout: 0, killed: 0 };
  for (let seed = 0; seed < 60; seed++) {
    const t = open(sourceOf(seed, 'swap', 'ram=64K swap=32K overcommit=1', 60));
    t.runToEnd({ budgetSteps: 1000 });
    const k = t.simulator.state;
    seen.pgsteal += event(k, PGSTEAL) + event(k, PGSTEAL + 1);
    seen.pswpin += event(k, PSWPIN);
    seen.pswpout += event(k, PSWPOUT);
    for (const task of k.tasks.values())
      if (task.end?.kind === 'signal' && task.end.signal === 'SIGKILL') seen.killed++;
  }
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(1);
});

describe('the checks see what is broken', () => {
  function machine(): Kernel {
    const t = open(
      [
        'file "/f" size=16K',
        'p = spawn()',
        'p: a = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)',
        'p: store(a, 1, 16K)',
        'p: fd = open("/f", O_RDWR)',
        'p: f = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)',
        'p: store(f, 1, 16K)',
        'p: madvise(a, 8K, MADV_PAGEOUT)',
        'p: kid = fork()',
        'p: store(a + 8K, 2)',
      ].join('\n'),
    );
    t.runToEnd({ budgetSteps: 100 });
    return t.simulator.state;
  }

  function firstLeaf(table: UpperTable): PteTable {
    const kid = table.kids.find((child) => child !== undefined);
    return table.level === 1 ? (kid as PteTable) : firstLeaf(kid as UpperTable);
  }

  const sabotages: readonly (readonly [string, (k: Kernel) => void])[] = [
    ['nothing', () => {}],
    ['mapcount', (k) => void k.frames.edit(5).mapcount.fill(7, 5, 6)],
    ['refs', (k) => void k.frames.edit(5).refs.fill(7, 5, 6)],
    ['free frames', (k) => void k.frames.counters.free--],
    ['length', (k) => k.frames.counters.count.fill(1)],
    ['locks', (k) => k.frames.setMlocks(5, 3)],
    ['rss_anon', (k) => void [...k.mms.values()].map((mm) => k.mms.edit(mm.id).rss_anon++)],
    ['swapents', (k) => void [...k.mms.values()].map((mm) => k.mms.edit(mm.id).swapents++)],
    ['total_vm', (k) => void [...k.mms.values()].map((mm) => k.mms.edit(mm.id).total_vm++)],
    ['locked_vm', (k) => void [...k.mms.values()].map((mm) => k.mms.edit(mm.id).locked_vm--)],
    ['page tables', (k) => void [...k.mms.values()].map((mm) => k.mms.edit(mm.id).pt.tables++)],
    ['committed', (k) => void k.scalars.committed++],
    ['swap slots in use', (k) => void k.swap.take()],
    ['under writeback', (k) => k.frames.setFlags(5, PG_WRITEBACK)],
    ['is not marked', (k) => k.writes.add(5, null)],
    ['pages in the swap cache', (k) => void k.swap.cachedPages++],
    ['only the swap cache holds', (k) => void k.swap.cacheOnly++],
    ['swap slot 0: users', (k) => k.swap.duplicate(0)],
    ['TLB', (k) => k.tlb.fill(0x123000, 5, 7)],
    [
      'lies in no VMA',
      (k) => void [...k.mms.values()].map((mm) => k.mms.edit(mm.id).pt.edit(0x10000).words.fill(1, 0, 1)),
    ],
    [
      'writable, its VMA is not',
      (k) => {
        for (const mm of k.mms.values()) {
          const { words } = firstLeaf(k.mms.edit(mm.id).pt.top);
          for (let i = 0; i < words.length; i += 2) if (words[i] !== 0) words[i] = (words[i] as number) | PTE_RW;
        }
      },
    ],
    ['open file', (k) => void [...k.files.values()].map((file) => k.files.edit(file.id).refs++)],
    ['users', (k) => void [...k.inodes.values()].map((inode) => k.inodes.edit(inode.id).users++)],
    ['nrpages', (k) => void [...k.inodes.values()].map((inode) => k.inodes.edit(inode.id).nrpages++)],
    ['chains', (k) => void [...k.anonVmas.values()].map((anon) => k.anonVmas.edit(anon.id).chains++)],
    ['children', (k) => void [...k.anonVmas.values()].map((anon) => k.anonVmas.edit(anon.id).num_children++)],
  ];

  test.each(sabotages)('%s', (what, sabotage) => {
    const k = machine();
    sabotage(k);
    const found = checkKernel(k).join('\n');
    if (what === 'nothing') expect(found).toBe('');
    else expect(found).toContain(what);
  });
});
