/** Random calls about the heap, the stack and other mappings that grow, and the limits they meet. */
import { at, hex, type Operation, PAGE, type Writer } from './scenario-writer.ts';

function heapAddress(writer: Writer): string {
  const { random } = writer;
  return at({ value: 0x408000n }, BigInt(random.between(-1, 20)) * PAGE + BigInt(random.pick([0, 0, 0, 1, 100, 4095])));
}

/** The break of the program starts behind its bss, at 0x408000. */
function heap(writer: Writer): void {
  const { random } = writer;
  const to = random.weighted([
    [12, heapAddress(writer)],
    [1, 'NULL'],
    [1, hex(random.pick([0x1000n, 0x401000n, 1n << 40n, 1n << 47n, 0x20200000n]))],
    [1, hex(0x600000n + BigInt(random.below(4)) * PAGE)],
  ]);
  writer.say(writer.process(), `brk(${to})`);
}

function touchHeap(writer: Writer): void {
  const addr = heapAddress(writer);
  writer.say(writer.process(), writer.random.chance(70) ? `store(${addr}, 7)` : `load(${addr})`);
}

function mapAtHeap(writer: Writer): void {
  const { random } = writer;
  const value = 0x408000n + BigInt(random.between(0, 16)) * PAGE;
  const pages = random.between(1, 4);
  writer.say(
    writer.process(),
    `mmap(${hex(value)}, ${pages * 4}K, ${writer.prot()}, MAP_PRIVATE|MAP_ANONYMOUS|${random.pick(['MAP_FIXED', 'MAP_FIXED_NOREPLACE'])}, -1, 0)`,
  );
  writer.addRegion({ value }, pages);
}

function stackAddress(writer: Writer): bigint {
  const { random } = writer;
  return random.weighted([
    [5, 0x7ffffffde000n - BigInt(random.between(-3, 12)) * PAGE],
    [3, 0x7fffff7ff000n + BigInt(random.between(-2, 3)) * PAGE],
    [2, 0x7ffffff00000n - BigInt(random.below(256)) * PAGE],
  ]);
}

function touchStack(writer: Writer): void {
  const { random } = writer;
  const page = stackAddress(writer);
  const addr = hex(page + BigInt(random.pick([0, 0, 8, 4095])));
  writer.say(
    writer.process(),
    random.weighted([
      [6, `store(${addr}, 3)`],
      [4, `load(${addr})`],
      [1, `fetch(${hex(page)})`],
    ]),
  );
}

/** Growsdown mappings, and accesses in the gap below them. */
function growsdown(writer: Writer): void {
  const { random } = writer;
  const process = writer.process();
  const value = random.chance(60) ? 0x30000000n : 0x30000000n + BigInt(random.between(250, 270)) * PAGE;
  const pages = random.between(1, 6);
  writer.say(
    process,
    `mmap(${hex(value)}, ${pages * 4}K, ${writer.prot()}, MAP_PRIVATE|MAP_ANONYMOUS|MAP_GROWSDOWN|MAP_FIXED, -1, 0)`,
  );
  writer.addRegion({ value }, pages);
  if (random.chance(70)) {
    const below = value - BigInt(random.pick([1, 2, 3, 16, 255, 256, 257, 2046, 2048])) * PAGE;
    writer.say(process, random.chance(60) ? `store(${hex(below)}, 4)` : `load(${hex(below)})`);
  }
}

/** Mappings at the distances where the stack guard gap decides. */
function mapNearStack(writer: Writer): void {
  const { random } = writer;
  const value = 0x7ffffffde000n - BigInt(random.pick([1, 2, 8, 255, 256, 257, 258, 300])) * PAGE;
  const pages = random.between(1, 2);
  const fixed = random.weighted([
    [6, '|MAP_FIXED'],
    [3, ''],
    [1, '|MAP_FIXED_NOREPLACE'],
  ]);
  writer.say(
    writer.process(),
    `mmap(${hex(value)}, ${pages * 4}K, ${writer.prot()}, MAP_PRIVATE|MAP_ANONYMOUS${fixed}, -1, 0)`,
  );
  writer.addRegion({ value }, pages);
}

function limitStack(writer: Writer): void {
  writer.say(
    writer.process(),
    `setrlimit(RLIMIT_STACK, ${writer.random.pick(['8M', '1M', '132K', '136K', '64K', '16M', 'RLIM_INFINITY', '0'])})`,
  );
}

function limitLock(writer: Writer): void {
  writer.say(writer.process(), `setrlimit(RLIMIT_MEMLOCK, ${writer.random.pick(['0', '16K', '64K', '30000', '8M'])})`);
}

const RESOURCES = ['RLIMIT_AS', 'RLIMIT_AS', 'RLIMIT_DATA', 'RLIMIT_DATA', 'RLIMIT_STACK', 'RLIMIT_MEMLOCK', '99'];

/** All ways to set and to read a limit. */
function limit(writer: Writer): void {
  const { random } = writer;
  const process = writer.process();
  const soft = random.pick(['0', '4K', '64K', '200K', '220000', '256K', '1M', '8M', 'RLIM_INFINITY']);
  const hard = random.pick(['0', '8M', 'RLIM_INFINITY', 'RLIM_INFINITY']);
  const resource = random.pick(RESOURCES);
  const limits = `{rlim_cur=${soft}, rlim_max=${hard}}`;
  writer.say(
    process,
    random.weighted([
      [9, `setrlimit(${resource}, ${soft}${random.chance(10) ? `, ${hard}` : ''})`],
      [1, `setrlimit(${resource}, ${limits})`],
      [2, `prlimit64(0, ${resource}, ${limits}, NULL)`],
      [1, `prlimit64(${random.pick(writer.processes)}, ${resource}, ${limits}, NULL)`],
      [1, `prlimit64(0, ${resource}, NULL, ${writer.byteAddress()})`],
      [2, `getrlimit(${resource}, ${writer.byteAddress()})`],
    ]),
  );
}

export const HEAP_STACK_OPERATIONS = {
  heap,
  touchHeap,
  mapAtHeap,
  touchStack,
  growsdown,
  mapNearStack,
  limitStack,
  limitLock,
  limit,
} satisfies Record<string, Operation>;
