/** Random calls on the address space of a process, and its loads, stores and fetches. */
import {
  ARENA,
  at,
  type Base,
  hex,
  ODD_LENGTHS,
  type Operation,
  PAGE,
  size,
  TASK_SIZE,
  type Writer,
} from './scenario-writer.ts';

const ADVICES = [
  'MADV_NORMAL',
  'MADV_RANDOM',
  'MADV_SEQUENTIAL',
  'MADV_WILLNEED',
  'MADV_DONTNEED',
  'MADV_FREE',
  'MADV_REMOVE',
  'MADV_DONTFORK',
  'MADV_DOFORK',
  'MADV_MERGEABLE',
  'MADV_UNMERGEABLE',
  'MADV_HUGEPAGE',
  'MADV_NOHUGEPAGE',
  'MADV_DONTDUMP',
  'MADV_DODUMP',
  'MADV_WIPEONFORK',
  'MADV_KEEPONFORK',
  'MADV_COLD',
  'MADV_PAGEOUT',
  'MADV_POPULATE_READ',
  'MADV_POPULATE_WRITE',
  'MADV_DONTNEED_LOCKED',
  'MADV_COLLAPSE',
  'MADV_GUARD_INSTALL',
  'MADV_GUARD_REMOVE',
  '5',
  '77',
] as const;

/** Advices that need memory to be touched to be seen, and so deserve more turns. */
const USUAL_ADVICES = [
  'MADV_DONTNEED',
  'MADV_FREE',
  'MADV_POPULATE_READ',
  'MADV_POPULATE_WRITE',
  'MADV_GUARD_INSTALL',
  'MADV_GUARD_REMOVE',
  'MADV_PAGEOUT',
  'MADV_COLD',
  'MADV_WILLNEED',
] as const;

function anonymousFlags(writer: Writer): string {
  const { random } = writer;
  const extra = random.weighted<readonly string[]>([
    [14, []],
    [3, ['MAP_POPULATE']],
    [2, ['MAP_NORESERVE']],
    [1, ['MAP_STACK']],
    [1, ['MAP_LOCKED']],
    [1, ['MAP_POPULATE', 'MAP_NONBLOCK']],
    [1, ['MAP_GROWSDOWN']],
    [1, random.some(['MAP_POPULATE', 'MAP_NORESERVE', 'MAP_STACK', 'MAP_LOCKED', 'MAP_GROWSDOWN', 'MAP_32BIT'], 40)],
  ]);
  return ['MAP_PRIVATE', 'MAP_ANONYMOUS', ...extra].join('|');
}

/** Whether a base is a segment of the program: nothing may be put below it, where its text is. */
function isProgram(base: Base): boolean {
  return base.name === undefined && base.value < 0x500000n;
}

function mapFixed(writer: Writer): void {
  const { random } = writer;
  const pages = writer.pages();
  const region = writer.region();
  const base = random.chance(50) ? { value: writer.arenaAddress() } : { ...region.base, value: region.base.value };
  const offset =
    base.name === undefined && base.value >= ARENA
      ? 0n
      : BigInt(random.pick([0, region.pages, 1, ...(isProgram(base) ? [] : [-pages])])) * PAGE;
  const fixed = random.chance(15) ? 'MAP_FIXED_NOREPLACE' : 'MAP_FIXED';
  const length = random.chance(6) ? random.pick(ODD_LENGTHS) : BigInt(pages) * PAGE;
  const addr = random.chance(3) ? at(base, 100n) : at(base, offset);
  writer.say(
    writer.process(),
    `mmap(${addr}, ${size(length)}, ${writer.prot()}, ${anonymousFlags(writer)}|${fixed}, -1, 0)`,
  );
  if (base.name === undefined && length === BigInt(pages) * PAGE)
    writer.addRegion({ value: base.value + offset }, pages);
}

function mapAnywhere(writer: Writer): void {
  const { random } = writer;
  const pages = random.chance(6) ? random.pick([512, 511, 1024, 513]) : writer.pages();
  const length = random.chance(5) ? random.pick(ODD_LENGTHS) : BigInt(pages) * PAGE;
  const flags = pages >= 511 ? 'MAP_PRIVATE|MAP_ANONYMOUS' : anonymousFlags(writer);
  const name = writer.bind(writer.process(), `mmap(NULL, ${size(length)}, ${writer.prot()}, ${flags}, -1, 0)`);
  writer.addRegion({ name, value: 0n }, Math.min(pages, 48));
}

function mapHint(writer: Writer): void {
  const { random } = writer;
  const pages = writer.pages();
  const { base, pages: behind } = writer.region();
  const hint = random.weighted([
    [6, at(base, BigInt(random.pick([0, behind, -pages, -1, 1])) * PAGE + BigInt(random.pick([0, 0, 100])))],
    [
      2,
      hex(
        random.pick([
          1n,
          0x1000n,
          0xffffn,
          0x10000n,
          TASK_SIZE - PAGE,
          TASK_SIZE - 16n * PAGE,
          TASK_SIZE,
          0x7ffff8000000n,
        ]),
      ),
    ],
    [2, hex(random.pick([0x8000000000000000n, 0xfffffffffffff000n, 0x7fffff700000n, 0x400000n]))],
    [3, hex(writer.arenaAddress())],
  ]);
  const name = writer.bind(
    writer.process(),
    `mmap(${hint}, ${size(BigInt(pages) * PAGE)}, ${writer.prot()}, ${anonymousFlags(writer)}, -1, 0)`,
  );
  // Mappings relative to one that lies below the program could hit its text, without which it cannot go on.
  if (!isProgram(base)) writer.addRegion({ name, value: 0n }, pages);
}

/** Sizes around 2M, and sizes that overcommit judges. They are not populated. */
function mapHuge(writer: Writer): void {
  const { random } = writer;
  const megabyte = 1n << 20n;
  const length = random.weighted([
    [6, random.pick([2n, 4n, 6n, 1n, 3n]) * megabyte + random.pick([0n, 0n, PAGE, -PAGE])],
    [2, random.pick([1n << 30n, 1n << 35n, 1n << 40n, 1n << 46n, (1n << 46n) + (1n << 45n), TASK_SIZE, 1n << 47n])],
    [1, random.pick(ODD_LENGTHS)],
  ]);
  const flags = `${random.pick(['MAP_PRIVATE', 'MAP_PRIVATE', 'MAP_SHARED'])}|MAP_ANONYMOUS${random.chance(40) ? '|MAP_NORESERVE' : ''}`;
  const name = writer.bind(writer.process(), `mmap(NULL, ${size(length)}, ${writer.prot()}, ${flags}, -1, 0)`);
  if (length < 8n * megabyte) writer.addRegion({ name, value: 0n }, 16);
}

/** Every combination of flags, also senseless ones, most of them refused. */
function mapOdd(writer: Writer): void {
  const { random } = writer;
  const flags = random.some(
    [
      'MAP_SHARED',
      'MAP_PRIVATE',
      'MAP_ANONYMOUS',
      'MAP_FIXED',
      'MAP_GROWSDOWN',
      'MAP_SHARED_VALIDATE',
      'MAP_FIXED_NOREPLACE',
      'MAP_SYNC',
      'MAP_32BIT',
      'MAP_NORESERVE',
      'MAP_DENYWRITE',
      'MAP_DROPPABLE',
      'MAP_STACK',
    ],
    28,
  );
  const { addr, length } = random.chance(50) ? writer.range() : { addr: hex(writer.arenaAddress()), length: '8K' };
  const fd = random.pick(['-1', '-1', '9']);
  writer.say(
    writer.process(),
    `mmap(${addr}, ${length}, ${random.pick([writer.prot(), '0xff', '0x10'])}, ${flags.join('|') || '0'}, ${fd}, ${random.pick(['0', '0', '4K', '1', hex(-4096n)])})`,
  );
}

function mapShared(writer: Writer): void {
  const { random } = writer;
  const pages = writer.pages();
  const flags = `MAP_SHARED|MAP_ANONYMOUS${random.chance(20) ? '|MAP_POPULATE' : ''}${random.chance(10) ? '|MAP_NORESERVE' : ''}`;
  if (random.chance(50)) {
    const value = writer.arenaAddress();
    writer.say(
      writer.process(),
      `mmap(${hex(value)}, ${size(BigInt(pages) * PAGE)}, ${writer.prot()}, ${flags}|MAP_FIXED, -1, 0)`,
    );
    writer.addRegion({ value }, pages);
    return;
  }
  const name = writer.bind(
    writer.process(),
    `mmap(NULL, ${size(BigInt(pages) * PAGE)}, ${writer.prot()}, ${flags}, -1, 0)`,
  );
  writer.addRegion({ name, value: 0n }, pages);
}

function unmap(writer: Writer): void {
  const { addr, length } = writer.range();
  writer.say(writer.process(), `munmap(${addr}, ${length})`);
}

function protect(writer: Writer): void {
  const { random } = writer;
  const { addr, length } = writer.range();
  const prot = random.chance(94)
    ? writer.prot()
    : random.pick([
        'PROT_READ|PROT_SEM',
        '0x10',
        'PROT_READ|PROT_WRITE|PROT_GROWSDOWN',
        'PROT_READ|PROT_GROWSUP',
        'PROT_GROWSDOWN|PROT_GROWSUP',
      ]);
  writer.say(writer.process(), `mprotect(${addr}, ${length}, ${prot})`);
}

function remap(writer: Writer): void {
  const { random } = writer;
  const { addr, length } = writer.range();
  const pages = writer.pages();
  const newSize = random.weighted([
    [5, length],
    [7, size(BigInt(pages) * PAGE)],
    [1, size(random.pick(ODD_LENGTHS))],
    [1, '2M'],
  ]);
  const oldSize = random.chance(6) ? '0' : length;
  const flags = random.weighted([
    [4, '0'],
    [8, 'MREMAP_MAYMOVE'],
    [7, 'MREMAP_MAYMOVE|MREMAP_FIXED'],
    [3, 'MREMAP_MAYMOVE|MREMAP_DONTUNMAP'],
    [2, 'MREMAP_MAYMOVE|MREMAP_FIXED|MREMAP_DONTUNMAP'],
    [1, random.pick(['MREMAP_FIXED', 'MREMAP_DONTUNMAP', '8', 'MREMAP_MAYMOVE|16'])],
  ]);
  const target = flags.includes('FIXED') || random.chance(10);
  const { base, pages: there } = writer.region();
  const to = random.weighted([
    [6, hex(writer.arenaAddress())],
    [4, at(base, BigInt(random.pick([0, there, 1, ...(isProgram(base) ? [] : [-pages])])) * PAGE)],
    [1, at(base, 100n)],
    [1, hex(random.pick([0x1000n, 0n, TASK_SIZE - PAGE, TASK_SIZE, 0xfffffffffffff000n]))],
  ]);
  const size2 = flags.includes('DONTUNMAP') && random.chance(85) ? oldSize : newSize;
  const name = writer.bind(
    writer.process(),
    `mremap(${addr}, ${oldSize}, ${size2}, ${flags}${target ? `, ${to}` : ''})`,
  );
  if (random.chance(70)) writer.addRegion({ name, value: 0n }, pages);
}

function advise(writer: Writer): void {
  const { random } = writer;
  const { addr, length } = writer.range();
  const advice = random.chance(50) ? random.pick(USUAL_ADVICES) : random.pick(ADVICES);
  // The harness's own instructions would make the text young again.
  const everything = advice === 'MADV_COLD' && length.length > 10;
  writer.say(writer.process(), `madvise(${addr}, ${everything ? '64K' : length}, ${advice})`);
}

function pageOut(writer: Writer): void {
  const { addr, length } = writer.range();
  writer.say(writer.process(), `madvise(${addr}, ${length}, MADV_PAGEOUT)`);
}

function swapping(writer: Writer): void {
  writer.kernel(writer.random.pick(['swapoff()', 'swapoff()', 'swapon()']));
}

function lock(writer: Writer): void {
  const { random } = writer;
  const { addr, length } = writer.range();
  const call = random.weighted([
    [8, `mlock(${addr}, ${length})`],
    [4, `mlock2(${addr}, ${length}, ${random.pick(['0', 'MLOCK_ONFAULT', 'MLOCK_ONFAULT', '2'])})`],
    [6, `munlock(${addr}, ${length})`],
    [
      2,
      `mlockall(${random.pick(['MCL_CURRENT', 'MCL_FUTURE', 'MCL_CURRENT|MCL_FUTURE', 'MCL_CURRENT|MCL_ONFAULT', 'MCL_FUTURE|MCL_ONFAULT', 'MCL_ONFAULT', '0', '8'])})`,
    ],
    [1, 'munlockall()'],
  ]);
  writer.say(writer.process(), call);
}

/** The reference kernel is built without CONFIG_ANON_VMA_NAME. */
function nameRange(writer: Writer): void {
  const { addr, length } = writer.range();
  writer.say(writer.process(), `prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ${addr}, ${length}, NULL)`);
}

function mincore(writer: Writer): void {
  const { random } = writer;
  const { addr, length } = writer.range();
  const vec = random.chance(25) ? writer.byteAddress() : hex(0x404000n + BigInt(random.below(4000)));
  writer.say(writer.process(), `mincore(${addr}, ${length}, ${vec})`);
  if (random.chance(60)) writer.say(writer.process(), `load(${vec}, 16)`);
}

function sync(writer: Writer): void {
  const { random } = writer;
  const { addr, length } = writer.range();
  const flags = random.weighted([
    [5, 'MS_SYNC'],
    [2, 'MS_ASYNC'],
    [2, 'MS_INVALIDATE'],
    [1, 'MS_SYNC|MS_INVALIDATE'],
    [1, random.pick(['MS_SYNC|MS_ASYNC', '0', '8'])],
  ]);
  writer.say(writer.process(), `msync(${addr}, ${length}, ${flags})`);
}

function touchLength(writer: Writer): string {
  const { random } = writer;
  return random.weighted([
    [10, ''],
    [2, `, ${random.between(2, 300)}`],
    [4, `, ${size(BigInt(random.between(1, 6)) * PAGE)}`],
    [1, `, ${size(BigInt(random.between(6, 20)) * PAGE)}`],
  ]);
}

function load(writer: Writer): void {
  writer.say(writer.process(), `load(${writer.byteAddress()}${touchLength(writer)})`);
}

function store(writer: Writer): void {
  const { random } = writer;
  const value = random.chance(8) ? '"abcdefgh"' : null;
  writer.say(
    writer.process(),
    value === null
      ? `store(${writer.byteAddress()}, ${random.between(1, 255)}${touchLength(writer)})`
      : `store(${writer.byteAddress()}, ${value})`,
  );
}

/**
 * Fetches aim at the start of a page: what lies there may be executed, and an instruction within 15 bytes of the end
 * of a page would reach into the next one.
 */
function fetch(writer: Writer): void {
  const { random } = writer;
  const { base, pages } = writer.region();
  writer.say(writer.process(), `fetch(${at(base, BigInt(random.between(0, pages)) * PAGE)})`);
}

export const MEMORY_OPERATIONS = {
  load,
  store,
  fetch,
  mapFixed,
  mapAnywhere,
  mapHint,
  mapHuge,
  mapOdd,
  mapShared,
  unmap,
  protect,
  remap,
  advise,
  pageOut,
  swapping,
  lock,
  mincore,
  nameRange,
  sync,
} satisfies Record<string, Operation>;
