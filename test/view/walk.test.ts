// Translations: what the MMU sees, where a walk ends, what an access would do.

import { describe, expect, test } from 'vitest';
import { frameView, pageRuns, vmaViews, type WalkView, walk } from '../../simulator/index.ts';
import { PTE_GUARD, PTE_NX, PTE_PROTNONE, PTE_SWAP, PTE_SWP_EXCLUSIVE } from '../../simulator/machine/pagetable.ts';
import { pteBits, tableBits } from '../../simulator/view/entries.ts';
import { open, pidOf, play, valueOfName } from './run.ts';

const SMALL = `
machine ram=256K swap=64K
program "/bin/app" text=8K data=4K
app = spawn("/bin/app")
`;
const MAP = 'app: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\n';

function walkOf(text: string, name = 'buf', offset = 0n, process = 'app'): WalkView {
  const timeline = play(text);
  return walk(timeline, pidOf(timeline, process), valueOfName(timeline, name) + offset);
}

function leaf(view: WalkView) {
  const entry = view.levels.at(-1)?.entry;
  if (entry == null) throw new Error('leaf: the walk ended above');
  return entry;
}

describe('the value of an entry', () => {
  test('a page has its frame above bit 12 and NX in bit 63', () => {
    expect(pteBits(0x67 | PTE_NX, 9)).toBe(0x8000_0000_0000_9067n);
    expect(pteBits(0x25, 0x1_0000)).toBe(0x1000_0025n);
    expect(tableBits(0x12)).toBe(0x12027n);
  });

  test('the dirty bit of an entry that is not writable is kept in bit 58', () => {
    expect(pteBits(0x65 | PTE_NX, 9)).toBe(0x8400_0000_0000_9025n);
    expect(pteBits(PTE_PROTNONE | 0x40, 9)).toBe(0x040f_ffff_ffff_6100n);
    const view = walkOf(`${SMALL}${MAP}app: store(buf, 1)\napp: mprotect(buf, 16K, PROT_READ)`);
    expect(
      leaf(view)
        .flags.filter(({ on }) => on)
        .map(({ letter }) => letter),
    ).toEqual(['P', 'U', 'A', 'SD', 'NX']);
    const again = walkOf(`${SMALL}${MAP}app: store(buf, 1)\napp: c = fork()\napp: store(buf, 2)`);
    expect(
      leaf(again)
        .flags.filter(({ on }) => on)
        .map(({ letter }) => letter),
    ).toEqual(['P', 'W', 'U', 'A', 'D', 'NX']);
  });

  test('PROT_NONE inverts the frame, so that a speculative walk finds memory that is not there', () => {
    expect(pteBits(PTE_PROTNONE, 9)).toBe(0x000f_ffff_ffff_6100n);
  });

  test('a swap entry is not present, has its type above bit 59 and its offset inverted', () => {
    const value = pteBits(PTE_SWAP, 3);
    expect(value & 1n).toBe(0n);
    expect(value >> 59n).toBe(0n);
    expect(~(value >> 9n) & ((1n << 50n) - 1n)).toBe(3n);
    expect(pteBits(PTE_SWAP | PTE_SWP_EXCLUSIVE, 3) ^ value).toBe(8n);
  });

  test('a guard is a marker of the last swap type', () => {
    expect(pteBits(PTE_GUARD, 0) >> 59n).toBe(31n);
  });
});

describe('pages that no file stands behind', () => {
  test('[vdso] and [vvar] have pages of the kernel, before the first touch and behind it', () => {
    for (const name of ['[vdso]', '[vvar]', '[vvar_vclock]']) {
      const timeline = play(`${SMALL}app: load(0x7ffff7ff7000)\n`);
      const pid = pidOf(timeline, 'app');
      const start = vmaViews(timeline, pid).find((vma) => vma.name === name)?.start ?? '';
      const { state, would } = walk(timeline, pid, BigInt(start));
      const page = `the kernel's own page of ${name}`;
      if (name === '[vvar]') expect(state).toBe(`Present: ${page}, write-protected.`);
      else expect(would.read).toBe(`would map ${page} (minor fault)`);
    }
  });

  test('[vdso] and [vvar] do not have the same pages, and none of a device', () => {
    const timeline = play(
      `device "/dev/d" pages=1 mmap=remap\n${SMALL}app: load(0x7ffff7ff7000)\napp: load(0x7ffff7ffd000)\n`,
    );
    const [vvar, vdso] = [0x7ffff7ff7000n, 0x7ffff7ffd000n].map((at) => walk(timeline, pidOf(timeline, 'app'), at));
    expect(vvar?.frame?.pfn).not.toBe(vdso?.frame?.pfn);
    for (const view of [vvar, vdso]) {
      expect(view?.frame?.text).toContain("The kernel's own page");
      expect(view?.levels.at(-1)?.entry?.text).toContain('kernel page 0x');
    }
    const runs = pageRuns(timeline, pidOf(timeline, 'app'), 0x7ffff7ffd000, 10);
    expect(runs[0]?.text).toBe("the kernel's own, write-protected");
  });

  test('[vsyscall] has three calls, which the kernel emulates', () => {
    const timeline = play(SMALL);
    const view = (address: bigint) => walk(timeline, pidOf(timeline, 'app'), address);
    for (const call of [0xffffffffff600000n, 0xffffffffff600400n, 0xffffffffff600800n]) {
      expect(view(call).would.exec).toContain('would be emulated');
      expect(view(call).state).toContain('[vsyscall]');
      expect(view(call).would.read).toContain('would be SIGSEGV (SEGV_MAPERR)');
    }
    expect(view(0xffffffffff600001n).would.exec).toBe(
      'would be SIGSEGV (SI_KERNEL): none of the three calls of [vsyscall] begins there',
    );
    expect(view(0xffffffffff601000n).state).toContain('not for user mode');
  });
});

describe('a walk', () => {
  test('of a written page names every level, the frame and the physical address', () => {
    const view = walkOf(`${SMALL}${MAP}app: store(buf + 0x1008, "hello")`, 'buf', 0x1008n);
    expect(view.levels.map(({ level }) => level)).toEqual(['PGD', 'PUD', 'PMD', 'PTE']);
    expect(view.levels.map(({ index }) => BigInt(index))).toEqual(
      [39n, 30n, 21n, 12n].map((shift) => (BigInt(view.address) >> shift) & 511n),
    );
    const entry = leaf(view);
    expect(entry.flags.filter(({ on }) => on).map(({ letter }) => letter)).toEqual(['P', 'W', 'U', 'A', 'D', 'NX']);
    expect(BigInt(view.physical ?? 0)).toBe(BigInt(entry.pfn ?? 0) * 4096n + 8n);
    expect(view.frame?.bytes.startsWith(`${'00'.repeat(8)}68656c6c6f`)).toBe(true);
    expect(view.frame?.mappers).toEqual([
      { pid: view.pid, process: 'app', va: `0x${(BigInt(view.address) - 8n).toString(16)}`, writable: true },
    ]);
    for (const [at, level] of view.levels.slice(0, -1).entries()) {
      expect(level.entry?.pfn).toBe(view.levels[at + 1]?.table);
      expect(BigInt(level.entry?.value ?? 0)).toBe(tableBits(Number(level.entry?.pfn)));
    }
    expect(BigInt(view.cr3)).toBe(BigInt(view.levels[0]?.table ?? 0) * 4096n);
  });

  test('marks what the last step changed with its value before', () => {
    const timeline = play(`${SMALL}${MAP}app: load(buf)\napp: store(buf, "x")`);
    const view = walk(timeline, pidOf(timeline, 'app'), valueOfName(timeline, 'buf'));
    const entry = leaf(view);
    timeline.back();
    const before = leaf(walk(timeline, pidOf(timeline, 'app'), valueOfName(timeline, 'buf')));
    expect(entry.before).toBe(before.value);
    expect(view.levels.slice(0, -1).flatMap(({ entries }) => entries.filter((e) => e.before !== undefined))).toEqual(
      [],
    );
    timeline.step();
    timeline.back();
    timeline.back();
    const untouched = walk(timeline, pidOf(timeline, 'app'), valueOfName(timeline, 'buf'));
    expect(before.before ?? '').toBe('0x0');
    expect(untouched.physical).toBeNull();
  });

  test('of five levels has a P4D', () => {
    const view = walkOf(`${SMALL.replace('swap=64K', 'swap=64K levels=5')}${MAP}app: store(buf, 1)`);
    expect(view.levels.map(({ level }) => level)).toEqual(['PGD', 'P4D', 'PUD', 'PMD', 'PTE']);
    expect(view.levels[0]?.shift).toBe(48);
    expect(view.levels[0]?.entry?.text).toContain('P4D table');
    expect(view.physical).not.toBeNull();
  });

  test.each([
    [0xf_ffff_ffff_f000n, [15, 511, 511, 511, 511], 0],
    [0x10_0000_0000_0000n, [16, 0, 0, 0, 0], 0],
    [0x1f_ffff_ffff_ffffn, [31, 511, 511, 511, 511], 0xfff],
    [0x20_0000_0000_0001n, [32, 0, 0, 0, 0], 1],
    [0x12_3456_789a_bcden, [18, 104, 345, 452, 427], 0xcde],
    [0xff_ffff_ffff_ffffn, [255, 511, 511, 511, 511], 0xfff],
    [0xff00_0000_0000_0000n, [256, 0, 0, 0, 0], 0],
  ])('of five levels cuts the unmapped address %#x by its exact bits', (address, indexes, offset) => {
    const timeline = play(SMALL.replace('swap=64K', 'swap=64K levels=5'));
    const view = walk(timeline, pidOf(timeline, 'app'), address);
    expect(view.levels.map(({ index }) => index)).toEqual(indexes);
    expect([view.offset, view.canonical, view.physical]).toEqual([offset, true, null]);
    for (const text of Object.values(view.would)) expect(text).toMatch(/^would be SIGSEGV \(SEGV_MAPERR\)/);
  });

  test('of five levels ends where addresses are canonical no more', () => {
    const timeline = play(SMALL.replace('swap=64K', 'swap=64K levels=5'));
    const view = walk(timeline, pidOf(timeline, 'app'), 0x100_0000_0000_0000n);
    expect([view.canonical, view.levels]).toEqual([false, []]);
    expect(view.would.read).toBe('would be SIGSEGV (SI_KERNEL): the address is not canonical');
  });

  test('beyond the canonical half, in the kernel half and of a dead process ends with words', () => {
    const timeline = play(`${SMALL}app: exit(3)`);
    const pid = pidOf(timeline, 'app');
    expect(walk(timeline, pid, 0n).state).toContain('gone');
    timeline.back();
    const wild = walk(timeline, pid, 0x8000_0000_0000n);
    expect([wild.canonical, wild.levels, wild.would.read]).toEqual([
      false,
      [],
      'would be SIGSEGV (SI_KERNEL): the address is not canonical',
    ]);
    const kernel = walk(timeline, pid, 0xffff_8880_0000_0000n);
    expect([kernel.canonical, kernel.levels.length, kernel.levels[0]?.index]).toEqual([true, 4, 273]);
    expect(kernel.would.write).toBe('would be SIGSEGV (SEGV_MAPERR): the upper half belongs to the kernel');
  });

  test('changes nothing: a run with walks in between is the same run', () => {
    const text = `${SMALL}${MAP}app: store(buf, 1, 16K)\napp: kid = fork()\nkid: store(buf, 2)\napp: store(buf, 3)`;
    const [watched, alone] = [open(text), open(text)];
    while (watched.step() !== null) {
      alone.step();
      for (const address of [0n, 0x401000n, 0x7fff_f7ff_3000n, 0x7fff_ffff_e000n]) walk(watched, 1000, address);
      expect(watched.simulator.reportMachine()).toEqual(alone.simulator.reportMachine());
      for (const pid of alone.names.keys()) {
        expect(watched.simulator.reportProcess(pid)).toEqual(alone.simulator.reportProcess(pid));
      }
      expect(watched.events).toEqual(alone.events);
    }
  });
});

test('a page of more processes than are looked at is of at least so many', () => {
  const text = `${SMALL.replace('ram=256K', 'ram=16M')}${MAP}app: store(buf, 1)\nrepeat 300\napp: kid = fork()\nend\n`;
  const view = walkOf(text);
  expect(view.frame?.mapcount).toBe(301);
  expect(view.frame?.text).toContain('mapped by at least 256 processes');
  expect(view.state).toContain('shared with at least 255 processes');
});

describe('what an access would do', () => {
  const cases: readonly (readonly [what: string, text: string, offset: bigint, would: Partial<WalkView['would']>])[] = [
    [
      'never touched',
      MAP,
      0n,
      {
        read: 'would map the zero page: a read needs no frame of its own (minor fault)',
        write: 'would take a frame of zeros for it (minor fault)',
        exec: 'would be SIGSEGV (SEGV_ACCERR): the VMA is rw-p, which allows no execution',
      },
    ],
    [
      'the zero page',
      `${MAP}app: load(buf)`,
      0n,
      {
        read: 'would succeed without a fault: the entry allows it',
        write: 'would take a frame of zeros in the place of the zero page (minor fault)',
      },
    ],
    [
      'shared since a fork',
      `${MAP}app: store(buf, 1)\napp: kid = fork()`,
      0n,
      {
        read: 'would succeed without a fault: the entry allows it',
        write: 'would copy the page: it is shared with kid (minor fault)',
      },
    ],
    [
      'the last owner',
      `${MAP}app: store(buf, 1)\napp: kid = fork()\nkid: store(buf, 2)`,
      0n,
      { write: 'would make the page writable where it is: nobody else has it any more (minor fault)' },
    ],
    [
      'read-only',
      `${MAP}app: store(buf, 1)\napp: mprotect(buf, 4K, PROT_READ)`,
      0n,
      { write: 'would be SIGSEGV (SEGV_ACCERR): the VMA is r--p, which allows no write' },
    ],
    [
      'PROT_NONE',
      `${MAP}app: store(buf, 1)\napp: mprotect(buf, 4K, PROT_NONE)`,
      0n,
      { read: 'would be SIGSEGV (SEGV_ACCERR): the VMA is PROT_NONE' },
    ],
    [
      'in swap',
      `${MAP}app: store(buf, 1)\napp: madvise(buf, 4K, MADV_PAGEOUT)`,
      0n,
      { read: 'would read it back from swap slot 0 (major fault)' },
    ],
    [
      'a guard',
      `${MAP}app: madvise(buf, 4K, MADV_GUARD_INSTALL)`,
      0n,
      { read: 'would be SIGSEGV (SEGV_MAPERR): a guard marker of MADV_GUARD_INSTALL is there' },
    ],
    [
      'unmapped',
      `${MAP}app: munmap(buf, 4K)`,
      0n,
      { read: 'would be SIGSEGV (SEGV_MAPERR): no VMA contains the address' },
    ],
  ];
  test.each(cases)('%s', (_what, text, offset, would) => {
    expect(walkOf(SMALL + text, 'buf', offset).would).toMatchObject(would);
  });

  test('a file: from disk, from the cache, copied, dirtied, behind its end', () => {
    const head = `machine ram=256K\nfile "/f" size=6K\n${SMALL.replace(/machine.*\n/, '')}app: fd = open("/f", O_RDWR)\n`;
    const map = (flags: string) => `${head}app: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, ${flags}, fd, 0)\n`;
    expect(walkOf(map('MAP_SHARED')).would.read).toBe(
      'would map page 0 of /f, after reading it from disk (readahead reads 2 pages), and 1 more by fault-around (major fault)',
    );
    const touched = `${map('MAP_SHARED')}app: load(buf)`;
    expect(walkOf(touched).would.write).toContain('page_mkwrite');
    expect(walkOf(touched, 'buf', 0x2000n).would.read).toBe(
      'would be SIGBUS (BUS_ADRERR): page 2 lies behind the end of /f (6144 bytes)',
    );
    expect(walkOf(`${map('MAP_PRIVATE')}app: load(buf)`).would.write).toBe(
      'would copy page 0 of /f from the page cache: the mapping is private (minor fault)',
    );
  });

  test('a private page of a file that may not be written: its state does not say that a write would be copied', () => {
    const { state, would } = walkOf(
      `${SMALL}app: buf = mmap(NULL, 4K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\n`,
      '0x401000',
    );
    expect(state).toBe('Present: frame 0x2, page 1 of /bin/app, write-protected.');
    expect(would.write).toContain('SIGSEGV (SEGV_ACCERR)');
  });

  test("a driver's page, mapped privately: copied from the device, which has no page cache", () => {
    const head = `device "/dev/fb" pages=8 mmap=remap\n${SMALL}app: fd = open("/dev/fb", O_RDWR)\n`;
    const walk = walkOf(`${head}app: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE, fd, 0)\n`);
    expect(walk.would.write).toBe('would copy page 0 of /dev/fb: the mapping is private (minor fault)');
    expect(walk.frame?.text).toBe('A page of a device; no part of RAM.');
  });

  test('below the stack: growth while the limits allow it', () => {
    const timeline = play(SMALL.replace('swap=64K', 'swap=64K stack_limit=256K'));
    const pid = pidOf(timeline, 'app');
    const stack = vmaViews(timeline, pid).at(-1);
    const start = BigInt(stack?.start ?? 0);
    const near = walk(timeline, pid, start - 8n);
    expect(near.vma).toBeNull();
    expect(near.would.write).toBe(
      `would grow the stack down by 1 page to 0x${(start - 4096n).toString(16)} and serve the fault there (minor fault)`,
    );
    expect(walk(timeline, pid, start - 0x100000n).would.write).toBe(
      'would be SIGSEGV (SEGV_MAPERR): the stack above may not grow down to it: RLIMIT_STACK',
    );
  });
});

test('a signal that would be caught says so', () => {
  const caught = walkOf(`${SMALL}${MAP}app: signal(SIGSEGV, handler)\napp: munmap(buf, 16K)`).would;
  expect(caught.read).toBe('would be SIGSEGV (SEGV_MAPERR): no VMA contains the address; app has a handler for it');
});

describe('a frame', () => {
  test('knows the table that it is', () => {
    const timeline = play(`${SMALL}${MAP}app: store(buf, 1)`);
    const view = walk(timeline, pidOf(timeline, 'app'), valueOfName(timeline, 'buf'));
    const table = frameView(timeline, Number(view.levels.at(-1)?.table));
    expect([table.use, table.text]).toEqual(['table', expect.stringMatching(/^PTE table of app for 0x7fff/)]);
  });
});
