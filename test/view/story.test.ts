// Stories: a sentence for everything that happens, and why.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { KernelEvent } from '../../simulator/events.ts';
import { parseScenario, processViews, Timeline } from '../../simulator/index.ts';
import { open, play, storyText } from './run.ts';

const SMALL = `
machine ram=256K swap=64K
program "/bin/app" text=8K data=4K
app = spawn("/bin/app")
app: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
`;

/** The story of the last line of a scenario. */
function lastStory(text: string): string {
  return storyText(play(text));
}

describe('what is counted instead of told', () => {
  test('begins with a whole fault, also where reclaim lies in it', () => {
    const timeline = play(`
machine ram=128K swap=64K
app = spawn()
app: a = mmap(NULL, 160K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(a, 0xaa, 160K)
app: load(a, 160K)`);
    const lines = timeline.lastRecord?.story() ?? [];
    const counted = lines.flatMap(({ text }, i) => (text.startsWith('… ') ? [i] : []));
    expect(counted.length).toBeGreaterThan(2);
    for (const i of counted) expect(lines[i + 1]?.depth ?? 0, lines[i]?.text).toBeLessThanOrEqual(lines[i]?.depth ?? 0);
  });
});

describe('what a sentence claims is so', () => {
  const WRITTEN = `${SMALL}app: store(buf, 1, 16K)\n`;

  test('a VMA whose pages have all moved away gives up its anon_vma, one that has none keeps none', () => {
    const lost = 'rw-p: all its pages have moved away, so it gives up its anon_vma';
    const moved = lastStory(`${WRITTEN}app: mremap(buf, 16K, 16K, MREMAP_MAYMOVE|MREMAP_DONTUNMAP)`);
    expect(moved).toContain(`\n  VMA 7ffff7ff3000-7ffff7ff7000 ${lost}`);
    const untouched = lastStory(`${SMALL}app: mremap(buf, 16K, 16K, MREMAP_MAYMOVE|MREMAP_DONTUNMAP)`);
    expect(untouched).not.toMatch(/(gets an|gives up its) anon_vma/);
    const locked = lastStory(
      `${WRITTEN}app: mlock(buf, 16K)\napp: mremap(buf, 16K, 16K, MREMAP_MAYMOVE|MREMAP_DONTUNMAP)`,
    );
    expect(locked).toContain('−VM_LOCKED; all its pages have moved away');
  });

  test('an anon_vma comes with the first page, or for guard markers', () => {
    expect(lastStory(`${SMALL}app: store(buf, 1)`)).toContain('gets an anon_vma, for its first anonymous page');
    const guarded = lastStory(`${SMALL}app: madvise(buf, 4K, MADV_GUARD_INSTALL)`);
    expect(guarded).toContain('gets an anon_vma, so that a fork copies its guard markers');
    expect(guarded).not.toContain('first anonymous page');
  });

  test.each([
    ['fork()', 'its files are closed and its address space is given up'],
    ['vfork()', 'its files are closed; its address space goes on, others share it'],
    ['clone(CLONE_VM|SIGCHLD)', 'its files are closed; its address space goes on, others share it'],
    ['clone(CLONE_FILES|SIGCHLD)', 'its address space is given up; its open files stay, others share them'],
    ['clone(CLONE_VM|CLONE_FILES|SIGCHLD)', 'its open files and its address space go on, others share them'],
  ])('the child of %s ends with what is its own', (call, sentence) => {
    expect(lastStory(`${SMALL}app: kid = ${call}\nkid: exit(0)`)).toContain(`kid ends (exit status 0): ${sentence}`);
  });

  test('execve leaves an address space that others share to them', () => {
    const shared = 'the old address space is left to those that share it';
    expect(lastStory(`${SMALL}app: kid = vfork()\nkid: execve("/bin/app")`)).toContain(shared);
    const forked = lastStory(`${SMALL}app: kid = fork()\nkid: execve("/bin/app")`);
    expect(forked).toContain('the old address space goes: from here on');
    expect(forked).not.toContain(shared);
  });

  test('a hint below mmap_min_addr is raised', () => {
    const story = lastStory(`${SMALL}app: mmap(0x1000, 4K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)`);
    expect(story).toContain('1 page at 0x10000: what was asked for lies below mmap_min_addr (64 KiB)');
  });

  test('a page of [vvar] is the kernel’s, not one of a file', () => {
    const story = lastStory(`${SMALL}app: load(0x7ffff7ff7000)`);
    expect(story).toMatch(/^app reads .*: minor fault: the kernel's own page of \[vvar\]\n/);
    expect(story).toContain("the fault was minor: the kernel's own page of [vvar]");
    expect(lastStory(`${SMALL}app: fetch(0x402000)`)).not.toContain("kernel's own");
  });

  test('a SysV segment has shm_fault()', () => {
    const segment = 'app: s = shmget(IPC_PRIVATE, 4K, 0600)\napp: d = shmat(s, NULL, 0)\n';
    expect(lastStory(`${SMALL}${segment}app: load(d)`)).toContain('is shm_fault(), which asks shmem_fault()');
  });

  test.each(['insert', 'remap', 'fault'])('a driver has a fault operation only where it says so: %s', (kind) => {
    const device = `device "/dev/d" pages=4 mmap=${kind}\n`;
    const mapping = 'app: fd = open("/dev/d", O_RDWR)\napp: c = mmap(NULL, 4K, PROT_READ, MAP_SHARED, fd, 0)\n';
    const story = lastStory(`${device}${SMALL}app: signal(SIGBUS, handler)\n${mapping}app: load(c)`);
    const fails = 'do_fault(): the driver has no fault operation, and no page was mapped here: SIGBUS';
    expect(story.includes(fails)).toBe(kind === 'insert');
    expect(story.includes("the driver's fault()")).toBe(kind === 'fault');
  });
});

describe('what is done to the pages of a VMA', () => {
  const WRITTEN = `${SMALL}app: store(buf, 1, 16K)\n`;

  test('is told below it when it is unmapped, its entries as one', () => {
    expect(lastStory(`${WRITTEN}app: munmap(buf, 16K)`)).toBe(
      `
app calls munmap(): = 0
  VMA 7ffff7ff3000-7ffff7ff7000 rw-p is removed
    4 entries of [0x7ffff7ff3000, 0x7ffff7ff7000) cleared: 4 frames freed, nobody maps or holds them any more
    the TLB forgets 4 pages`.trim(),
    );
  });

  test('is told page by page, with addresses, while they are few', () => {
    const story = lastStory(`${WRITTEN}app: munmap(buf + 4K, 8K)`);
    expect(story).toContain(`
  VMA 7ffff7ff4000-7ffff7ff6000 rw-p is removed
    PTE 500 (0x7ffff7ff4000): 0x7 P W U A D NX → 0: unmapped
    frame 0x7 freed: nobody maps or holds it any more
    PTE 501 (0x7ffff7ff5000): 0x8 P W U A D NX → 0: unmapped
    frame 0x8 freed: nobody maps or holds it any more
    the TLB forgets 2 pages`);
  });

  test('is told below each of several, also where pages are in swap or absent', () => {
    const story = lastStory(`${WRITTEN}app: madvise(buf, 12K, MADV_PAGEOUT)
app: madvise(buf + 4K, 4K, MADV_DONTNEED)
app: mprotect(buf + 12K, 4K, PROT_READ)
app: more = mmap(buf - 16K, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0)
app: store(more, 1, 16K)
app: madvise(more + 4K, 4K, MADV_DONTNEED)
app: kid = fork()
kid: munmap(more, 32K)`);
    expect(story).toContain(`
  VMA 7ffff7fef000-7ffff7ff6000 rw-p is removed
    3 of 4 entries of [0x7ffff7fef000, 0x7ffff7ff3000) cleared: the frames stay, others hold them
    PTE 499 (0x7ffff7ff3000): swap slot 0 → 0: unmapped
    PTE 501 (0x7ffff7ff5000): swap slot 2 → 0: unmapped
    the TLB forgets 4 pages
  VMA 7ffff7ff6000-7ffff7ff7000 r--p is removed
    PTE 502 (0x7ffff7ff6000): 0x9 P U SD NX → 0: unmapped`);
  });

  test('is told below it when a process ends, and that below the end', () => {
    const story = lastStory(`${WRITTEN}app: kid = fork()\nkid: exit(3)`);
    expect(story).toContain(`
  kid ends (exit status 3): its files are closed and its address space is given up
    VMA 00400000-00401000 r--p /bin/app is removed
`);
    expect(story).toContain(`
    VMA 7ffff7ff3000-7ffff7ff7000 rw-p is removed
      4 entries of [0x7ffff7ff3000, 0x7ffff7ff7000) cleared: the frames stay, others hold them
`);
  });

  test('is told below it at a fork, with whose entries they are', () => {
    const story = lastStory(`${WRITTEN}app: kid = fork()`);
    expect(story).toContain(`
  kid: new VMA 7ffff7ff3000-7ffff7ff7000 rw-p
    app: 4 entries of [0x7ffff7ff3000, 0x7ffff7ff7000): −W −D +SD: write-protected, so that the next write faults; SD keeps that it was written
`);
  });

  test('leads to the first of the entries', () => {
    const story = play(`${WRITTEN}app: munmap(buf, 16K)`).lastRecord?.story() ?? [];
    const sum = story.find(({ text }) => text.startsWith('4 entries'));
    expect(sum).toMatchObject({ depth: 2, pid: 1000, va: '0x7ffff7ff3000' });
  });

  test('is told as far as it was recorded, and that there was more', () => {
    const story = lastStory(`
machine ram=300M
app = spawn()
app: buf = mmap(NULL, 240M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(buf, 1, 240M)
app: munmap(buf, 240M)`);
    expect(story).toMatch(/\n {2}50,000 entries of .* cleared: 50,000 frames freed/);
    expect(story).toMatch(/\n {2}… what happened after the first 100,000 events is not told$/);
  });

  test('is one line for thirty thousand pages, and a line for each of as many VMAs is cut in the middle', () => {
    const head = `
machine ram=256M max_map_count=100000
app = spawn()
app: buf = mmap(NULL, 120M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(buf, 1, 120M)
`;
    const sum = /30,720 entries of \[0x\w+, 0x\w+\) cleared: 30,720 frames freed/;
    expect(lastStory(`${head}app: exit(0)`)).toMatch(sum);
    const areas = 'app: mmap(NULL, 4K, PROT_READ, MAP_SHARED|MAP_ANONYMOUS, -1, 0)';
    const story = lastStory(`${head}repeat 30000\n  ${areas}\nend\napp: exit(0)`);
    expect(story.split('\n').length).toBeLessThan(260);
    expect(story).toMatch(/… 29,\d+ more events/);
  });
});

describe('the story of a step', () => {
  test('of a first write goes from the walk over the VMA to the new entry', () => {
    expect(lastStory(`${SMALL}app: store(buf + 0x1008, "hello")`)).toBe(
      `
app writes 5 bytes at 0x7ffff7ff4008: minor fault: demand-zero
  page walk stopped at PMD 447: there is no PTE table
  page fault: the CPU asks the kernel for a write at 0x7ffff7ff4008
    find_vma(): VMA 7ffff7ff3000-7ffff7ff7000 rw-p holds 0x7ffff7ff4008 and allows a write
    do_anonymous_page(): a write to a page without a frame, so it gets one of zeros (demand-zero)
    VMA 7ffff7ff3000-7ffff7ff7000 rw-p gets an anon_vma, for its first anonymous page
    frame 0x6 taken, zeroed
    PTE 500: 0 → 0x6 P W U A D NX
    the fault was minor: demand-zero
  page walk PGD 255 → PUD 511 → PMD 447 → PTE 500: 0x6 P W U A D NX; the TLB keeps it`.trim(),
    );
  });

  test('of a copy-on-write says who else has the page, and that the frame is a copy', () => {
    const story = lastStory(`${SMALL}app: store(buf, 1)\napp: kid = fork()\nkid: store(buf, 2)`);
    expect(story).toContain('kid writes 1 byte at 0x7ffff7ff3000: minor fault: copy-on-write');
    expect(story).toMatch(/page walk stopped at PTE 499: 0x\w+ P U .*NX: no W, so the write faults/);
    expect(story).toContain('wp_page_copy(): others have the page too, so the writer gets a copy');
    expect(story).toMatch(/frame (0x\w+) taken\n +frame 0x\w+ copied to frame \1\n/);
  });

  test('of a fork tells what the child gets, by its name', () => {
    const story = lastStory(`${SMALL}app: store(buf, 1)\napp: kid = fork()`);
    expect(story).toContain('kid: new VMA 7ffff7ff3000-7ffff7ff7000 rw-p');
    expect(story).toContain('kid (1001) gets copies of');
  });

  test('of a bad access says what forbids it', () => {
    const story = lastStory(`${SMALL}app: mprotect(buf, 16K, PROT_READ)\napp: store(buf, 1)`);
    expect(story).toContain('the VMA is r--p: writing is not allowed, so the fault cannot be served (SEGV_ACCERR)');
    expect(story).toContain('SIGSEGV (SEGV_ACCERR): the VMA forbids the access; no handler: it ends the process');
    expect(story).toContain('app ends (SIGSEGV)');
  });

  test('of a file fault tells what is read ahead, what is mapped around, and the older name of fault', () => {
    const story = lastStory(`
machine ram=1M
file "/f" size=256K
program "/bin/app" text=8K
app = spawn("/bin/app")
app: fd = open("/f", O_RDONLY)
app: buf = mmap(NULL, 256K, PROT_READ, MAP_PRIVATE, fd, 0)
app: load(buf)`);
    expect(story).toContain('do_read_fault(): a read; vm_ops->fault (nopage in older kernels) is filemap_fault()');
    expect(story).toMatch(/readahead: pages 0 to \d+ of \/f/);
    expect(story).toMatch(/fault-around: the page cache has \d+ pages of/);
    expect(story).toContain('the fault was major (it waited for a disk): a page of a file');
  });

  test('of mprotect and back is split, merge and grown VMA', () => {
    const head = `${SMALL}app: mprotect(buf + 4K, 4K, PROT_READ)`;
    expect(lastStory(head)).toContain('split_vma: only a part is meant');
    expect(lastStory(head)).toContain('−VM_WRITE');
    expect(lastStory(`${head}\napp: mprotect(buf + 4K, 4K, PROT_READ|PROT_WRITE)`)).toContain('vma_merge: same flags');
  });

  test('lights what it speaks of', () => {
    const timeline = play(`${SMALL}app: store(buf, 1)\napp: madvise(buf, 4K, MADV_PAGEOUT)`);
    const story = timeline.lastRecord?.story() ?? [];
    const entry = story.find(({ text }) => text.startsWith('PTE 499'));
    expect(entry).toMatchObject({ pid: 1000, va: '0x7ffff7ff3000', pfn: '0x6', slot: 0 });
    expect(story.find(({ text }) => text.startsWith('swap-out'))?.text).toContain('MADV_PAGEOUT gives it up');
  });

  test('of thousands of pages tells two and counts the rest', () => {
    const story = lastStory(`
machine ram=64M
program "/bin/app" text=8K
app = spawn("/bin/app")
app: buf = mmap(NULL, 32M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(buf, 1, 32M)`);
    expect(story.split('\n').length).toBeLessThan(120);
    const counted = [...story.matchAll(/… ([\d,]+) more pages? alike/g)].map(([, n]) => Number(n?.replaceAll(',', '')));
    const told = [...story.matchAll(/the fault was minor/g)].length;
    expect(counted.reduce((sum, n) => sum + n, 0) + told).toBe(8192);
  });

  test('is never longer than a few hundred lines, and keeps its end', () => {
    const timeline = play(`
machine ram=1M swap=4M
program "/bin/app" text=8K
app = spawn("/bin/app")
app: buf = mmap(NULL, 3M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(buf, 1, 3M)`);
    const story = timeline.lastRecord?.story() ?? [];
    expect(story.length).toBeLessThan(260);
    expect(story.some(({ text }) => /… [\d,]+ more events?$/.test(text))).toBe(true);
    expect(story.at(-1)?.text).toMatch(/^kswapd: of \d+ frames wanted/);
  });

  test('of an eviction tells who was looked at, spared and taken, and why', () => {
    const story = lastStory(`
machine ram=64K swap=64K
p = spawn()
p: locked = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: mlock(locked, 8K)
p: m = mmap(NULL, 44K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(m, 1, 40K)
p: store(m, 1, 44K)
p: n = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: store(n, 1, 8K)`);
    expect(story).toContain('direct reclaim: no frame is free; 1 frame wanted');
    expect(story).toMatch(/frame 0x\w+ is spared: it was used since reclaim looked last \(second chance\); it stays/);
    expect(story).toMatch(/frame 0x\w+ is spared: its code was executed; it goes to the active list/);
    expect(story).toMatch(
      /swap-out of frame 0x\w+: it was not used lately; its page goes to swap slot 0, written there/,
    );
    expect(story).toMatch(/direct reclaim: of 1 frame wanted 1 frame freed; \d+ pages looked at, \d+ spared/);
  });

  test('of the OOM killer weighs every process and says why it came to that', () => {
    const story = lastStory(`
machine ram=64K swap=0 overcommit=1
a = spawn()
b = spawn()
a: m = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
a: store(m, 1, 40K)
b: n = mmap(NULL, 64K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
b: store(n, 1, 24K)`);
    expect(story).toContain('there is no swap, so anonymous pages stay');
    expect(story).toMatch(/oom_badness\(\) of a: \d+ resident \+ 0 in swap \+ \d+ page tables = \d+/);
    expect(story).toMatch(/oom_badness\(\) of b: /);
    expect(story).toMatch(/the OOM killer takes a, which has the highest badness \(\d+\)/);
    const [head, choice] = story.split('\n');
    expect(head).toMatch(/6 page faults; OOM: a \(1000\) killed, badness \d+$/);
    expect(choice).toMatch(/OOM: a \(1000\) killed, badness (\d+) = \d+ resident \+ 0 swapped \+ \d+ tables; b \d+$/);
  });

  test('of a process that the OOM killer took: the tree says why it is dead', () => {
    const timeline = play(`
machine ram=64K swap=0
a = spawn()
kernel: oom()`);
    expect(processViews(timeline).map(({ ended }) => ended)).toEqual(['SIGKILL (out of memory)']);
  });

  test('is the same when the run comes back to the step', () => {
    const timeline = open(`${SMALL}app: store(buf, 1)\napp: load(buf)\napp: munmap(buf, 16K)`);
    const stories: string[] = [];
    for (let record = timeline.step(); record !== null; record = timeline.step()) stories.push(storyText(timeline));
    const again: string[] = [];
    for (; timeline.position > 0; timeline.back()) again.unshift(storyText(timeline));
    expect(again).toEqual(stories);
    expect(stories.every((story) => story !== '')).toBe(true);
  });

  test('of a new VMA says which rule keeps it from its neighbours', () => {
    const map = 'mmap(NULL, 8K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)';
    expect(lastStory(`${SMALL}app: low = ${map}`)).toContain(
      'not merged with the neighbour above, VMA 7ffff7ff3000-7ffff7ff7000 rw-p: ' +
        'is_mergeable_vma: vm_flags differ: VM_WRITE|VM_ACCOUNT\n  new VMA 7ffff7ff1000-7ffff7ff3000 r--p',
    );
    expect(lastStory(`${SMALL}app: low = ${map.replace('PRIVATE', 'SHARED')}`)).toContain(
      'not merged with the neighbour above, VMA 7ffff7ff3000-7ffff7ff7000 rw-p: is_mergeable_vma: vm_flags differ',
    );
    expect(lastStory(SMALL)).toContain('vma_merge_new_range: VM_SPECIAL: VM_PFNMAP|VM_IO');
    expect(lastStory(`${SMALL}app: low = ${map}\napp: lower = ${map}`)).not.toContain('not merged');
  });

  test('of a mapping that moves says what chose the place', () => {
    expect(lastStory(`${SMALL}app: to = mremap(buf, 16K, 64K, MREMAP_MAYMOVE)`)).toContain(
      'get_unmapped_area(): 16 pages at 0x7ffff7fe3000: the highest hole below mmap_base that is large enough',
    );
  });

  test.each([
    ['munmap(buf + 1, 4K)', 'EINVAL: the address is not page aligned'],
    ['munmap(buf, 0)', 'EINVAL: length 0'],
    ['mprotect(0x10000, 4K, PROT_READ)', 'ENOMEM: a part of the range is not mapped; what lies before it is changed'],
    ['madvise(buf, 4K, 77)', 'EINVAL: there is no such advice'],
    ['madvise(0x10000, 4K, MADV_DONTNEED)', 'ENOMEM: a part of the range is not mapped'],
    ['mlock(buf, 16M)', 'ENOMEM: RLIMIT_MEMLOCK: 16384 kB would be locked, 8192 kB may be'],
    ['mlock(0x10000, 4K)', 'ENOMEM: a part of the range is not mapped'],
    ['mremap(buf, 16K, 64K, 0)', 'ENOMEM: the mapping cannot grow where it is'],
    ['msync(0x10000, 4K, MS_SYNC)', 'ENOMEM: a part of the range is not mapped'],
    ['mincore(0x10000, 4K, buf)', 'ENOMEM: a part of the range is not mapped'],
  ])('of %s says which rule refused it', (call, rule) => {
    expect(lastStory(`${SMALL}app: ${call}`)).toContain(rule);
  });

  test('of a driver and of a fork that fail says why', () => {
    const device = `device "/dev/d" pages=1 mmap=insert\n${SMALL}
app: fd = open("/dev/d", O_RDWR)
app: map = mmap(NULL, 4K, PROT_READ, MAP_SHARED, fd, 0)
kernel: vm_insert_page(app, map, "/dev/d", 0)
`;
    expect(lastStory(`${device}kernel: vm_insert_page(app, map, "/dev/d", 0)`)).toContain(
      'EBUSY: the page-table entry',
    );
    expect(lastStory(`${device}kernel: vm_insert_page(app, map, "/dev/d", 1)`)).toContain('EINVAL: the device has no');
    expect(lastStory(`${device}kernel: vm_insert_page(app, 64K, "/dev/d", 0)`)).toContain('EFAULT: no VMA holds');
    const tight = `machine overcommit=2 ram=1M swap=0
program "/bin/app" text=8K
app = spawn("/bin/app")
app: buf = mmap(NULL, 320K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
`;
    expect(lastStory(`${tight}app: fork() = ENOMEM`)).toContain('ENOMEM: overcommit');
  });

  test('of an assert is empty', () => {
    expect(play(`${SMALL}assert vmas(app) > 3`).lastRecord?.story()).toEqual([]);
  });
});

/** Scenarios that, with the samples, make every event happen. */
const EXTRA = [
  // Memory runs out, and nothing can be swapped.
  `machine ram=256K swap=0
program "/bin/app" text=8K
app = spawn("/bin/app")
big = spawn("/bin/app")
big: a = mmap(NULL, 160K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
big: store(a, 1, 160K)
app: b = mmap(NULL, 160K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(b, 1, 160K)
app: load(0x7ffffffd0000)
app: store(0x401000, 1)`,
  // Nobody may be killed; and a page is given up before memory is short.
  `machine ram=64K swap=0
app = spawn()
app: a = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(a, 1, 8K)
app: madvise(a, 4K, MADV_FREE)
kernel: reclaim(8)
kernel: oom_score_adj(app, -1000)
kernel: oom()`,
  `machine ram=16K swap=64K replacement=fifo
app = spawn()
app: a = mmap(NULL, 20K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(a, 1, 20K)`,
  // The disk is slow, and what could be freed is on its way there.
  `machine ram=128K swap=1M writeback=3
app = spawn()
app: m = mmap(NULL, 256K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(m, 1, 256K)
app: load(m, 4K)
app: load(m, 4K)
app: load(m, 4K)
app: load(m, 4K)`,
];

describe('every kind of event', () => {
  test('happens in the samples, and has a sentence that is about it', () => {
    const folder = join(import.meta.dirname, '../../samples');
    const samples = readdirSync(folder).filter((name) => name.endsWith('.vas') && name !== 'host-program.vas');
    const seen = new Map<string, string>();
    for (const text of [...samples.map((name) => readFileSync(join(folder, name), 'utf8')), ...EXTRA]) {
      const timeline = Timeline.open(parseScenario(text));
      for (let record = timeline.step(); record !== null; record = timeline.step()) {
        for (const event of timeline.events) seen.set(event.type, timeline.scenario.lines[record.line - 1] ?? '');
        for (const { text: sentence, depth } of record.story()) {
          expect(depth).toBeGreaterThanOrEqual(0);
          expect(sentence).not.toMatch(/undefined|NaN|\[object|null/);
        }
      }
    }
    const all: Record<KernelEvent['type'], true> = {
      'context-switch': true,
      'tlb-hit': true,
      'page-walk': true,
      'tlb-flush': true,
      fault: true,
      'find-vma': true,
      'access-error': true,
      'expand-stack': true,
      handler: true,
      'fault-done': true,
      'frame-alloc': true,
      'frame-free': true,
      'frame-copy': true,
      pte: true,
      'map-around': true,
      readahead: true,
      'writeback-start': true,
      'writeback-end': true,
      'swap-written': true,
      throttled: true,
      'cache-drop': true,
      'swap-out': true,
      'lazyfree-drop': true,
      'swap-cache-drop': true,
      'swap-in': true,
      'reclaim-start': true,
      reclaim: true,
      deactivated: true,
      'oom-badness': true,
      spared: true,
      victim: true,
      'oom-kill': true,
      'oom-nobody': true,
      'vma-insert': true,
      'vma-remove': true,
      'vma-change': true,
      'vma-split': true,
      'vma-merge': true,
      'vma-apart': true,
      placement: true,
      refused: true,
      fork: true,
      exec: true,
      'loader-call': true,
      exit: true,
      signal: true,
    };
    expect(Object.keys(all).filter((type) => !seen.has(type))).toEqual([]);
  });
});
