// Random scenarios: two processes on a tiny machine that map, touch, protect, swap and fork.

import fc from 'fast-check';

const HEAD = `
machine ram=96K swap=64K stack_limit=192K fault_around=16K readahead=16K
program "/bin/app" text=8K data=8K bss=4K
file "/f" size=26000
device "/dev/lazy" pages=4 mmap=fault
device "/dev/all" pages=4 mmap=remap
a = spawn("/bin/app")
a: fd = open("/f", O_RDWR)
a: ro = open("/f", O_RDONLY)
a: lazy = open("/dev/lazy", O_RDWR)
a: all = open("/dev/all", O_RDWR)
a: anon = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)
a: shared = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
a: private = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_NORESERVE, fd, 0)
a: text = mmap(NULL, 32K, PROT_READ|PROT_EXEC, MAP_PRIVATE, ro, 0)
a: shm = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)
a: dev = mmap(NULL, 32K, PROT_READ|PROT_WRITE, MAP_SHARED, lazy, 0)
a: regs = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_SHARED, all, 0)
`;

/** Names of the mappings of the head. */
export const AREAS = ['anon', 'shared', 'private', 'text', 'shm', 'dev', 'regs'] as const;

const page = fc.integer({ min: 0, max: 7 });
/** Half of what happens happens to anonymous memory, which has the most states. */
const area = fc.constantFrom(...AREAS, 'anon', 'anon', 'anon', 'anon', 'private');
const place = fc.tuple(area, page).map(([name, at]) => `${name} + ${at * 4096}`);
const length = fc.integer({ min: 1, max: 8 }).map((pages) => `${pages * 4096}`);
const who = fc.constantFrom('a', 'kid');
const prot = fc.constantFrom('PROT_NONE', 'PROT_READ', 'PROT_READ|PROT_WRITE', 'PROT_READ|PROT_EXEC');
const advice = fc.constantFrom(
  'MADV_DONTNEED',
  'MADV_PAGEOUT',
  'MADV_PAGEOUT',
  'MADV_PAGEOUT',
  'MADV_FREE',
  'MADV_GUARD_INSTALL',
  'MADV_GUARD_REMOVE',
  'MADV_POPULATE_READ',
);

/** One step as a line of the language. `kid` may not be there: the step is then one of `a`. */
const command = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(who, place, length).map(([p, at, n]) => `${p}: store(${at}, 7, ${n})`) },
  { weight: 4, arbitrary: fc.tuple(who, place, length).map(([p, at, n]) => `${p}: load(${at}, ${n})`) },
  { weight: 1, arbitrary: fc.tuple(who, place).map(([p, at]) => `${p}: fetch(${at})`) },
  {
    weight: 2,
    arbitrary: fc.tuple(who, place, length, prot).map(([p, at, n, f]) => `${p}: mprotect(${at}, ${n}, ${f})`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(who, place, length, advice).map(([p, at, n, f]) => `${p}: madvise(${at}, ${n}, ${f})`),
  },
  { weight: 1, arbitrary: fc.tuple(who, place, length).map(([p, at, n]) => `${p}: munmap(${at}, ${n})`) },
  { weight: 1, arbitrary: fc.constantFrom('a: ftruncate(fd, 9000)', 'a: ftruncate(fd, 26000)', 'a: fsync(fd)') },
);

/** A scenario in which signals are caught, so that a bad access ends nobody; `fork` says behind which step. */
export const scenario = fc
  .tuple(fc.array(command, { minLength: 3, maxLength: 16 }), fc.integer({ min: 0, max: 16 }))
  .map(([commands, forkAt]) => {
    const lines = commands.map((line, i) => (i < forkAt ? line.replace(/^kid:/, 'a:') : line));
    if (forkAt < lines.length) lines.splice(forkAt, 0, 'a: kid = fork()');
    return `${HEAD}a: signal(SIGSEGV, handler)\na: signal(SIGBUS, handler)\n${lines.join('\n')}\n`;
  });

/** An address expression: in or near the areas, the stack, the program. */
export const somewhere = fc.oneof(
  { weight: 5, arbitrary: place },
  { weight: 1, arbitrary: fc.integer({ min: -60, max: 2 }).map((pages) => `0x7ffffffde000 + ${pages * 4096}`) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 7 }).map((pages) => `0x400000 + ${pages * 4096}`) },
  { weight: 1, arbitrary: fc.constantFrom('0', '0x7ffffffff000', '0x800000000000', '0xffff888000000000') },
);
