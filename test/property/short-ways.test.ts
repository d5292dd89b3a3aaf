// With nobody listening the memory manager takes short ways: they lead to the same state, byte for byte.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dumpKernel } from '../../simulator/dump.ts';
import { driveSync, initialState, parseScenario, performStep } from '../../simulator/index.ts';
import { difference, GROUPS, holdsFor, MACHINES, open } from './scenarios.ts';

/** Makes the same steps with nobody listening and with somebody, whom the short ways do not serve. */
function listenedTo(source: string): string | null {
  const scenario = parseScenario(source);
  const [silent, heard] = [open(source).simulator, open(source).simulator];
  let [quiet, told] = [initialState(scenario), initialState(scenario)];
  while (quiet.cursor !== null && told.cursor !== null) {
    silent.listen(false);
    quiet = driveSync(performStep(scenario, quiet), silent).state;
    heard.listen(true);
    told = driveSync(performStep(scenario, told), heard).state;
    const wrong = difference(dumpKernel(heard.state), dumpKernel(silent.state));
    if (wrong !== null) return wrong;
  }
  return null;
}

test('listening changes nothing', async () => {
  const plan = { groups: GROUPS, machines: MACHINES, runs: 30, steps: 40 };
  await expect(holdsFor(plan, listenedTo)).resolves.toBeUndefined();
});

/** Pages of the mapping that all calls are about. */
const PAGES = 10;

const place = fc.tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: 4 }));
const protections = fc.constantFrom('PROT_NONE', 'PROT_READ', 'PROT_READ|PROT_WRITE', 'PROT_READ|PROT_EXEC');
const mapFlags = fc.constantFrom(
  'MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED',
  'MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_NORESERVE',
  'MAP_SHARED|MAP_ANONYMOUS|MAP_FIXED',
);

type Write = (at: string, bytes: string, protection: string, flags: string) => string;
const oneOf = (...writes: Write[]): fc.Arbitrary<Write> => fc.constantFrom(...writes);
const writes = fc.oneof(
  { weight: 8, arbitrary: oneOf((at, bytes, protection) => `mprotect(${at}, ${bytes}, ${protection})`) },
  { weight: 4, arbitrary: oneOf((at) => `store(${at}, 1)`) },
  {
    weight: 3,
    arbitrary: oneOf(
      (at) => `load(${at})`,
      (at, bytes) => `munmap(${at}, ${bytes})`,
      (at, bytes, protection, flags) => `mmap(${at}, ${bytes}, ${protection}, ${flags}, -1, 0)`,
      (_, bytes, protection) => `mmap(NULL, ${bytes}, ${protection}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)`,
    ),
  },
  {
    weight: 3,
    arbitrary: oneOf(
      (at, bytes) => `madvise(${at}, ${bytes}, MADV_DONTNEED)`,
      (at, bytes) => `madvise(${at}, ${bytes}, MADV_GUARD_INSTALL)`,
      (at, bytes) => `madvise(${at}, ${bytes}, MADV_DONTFORK)`,
      (at, bytes) => `mlock(${at}, ${bytes})`,
      (at, bytes) => `mremap(${at}, ${bytes}, 8K, MREMAP_MAYMOVE)`,
    ),
  },
);

const call = fc
  .tuple(writes, place, protections, mapFlags)
  .map(([write, [page, pages], protection, flags]) => write(`m + ${page * 4}K`, `${pages * 4}K`, protection, flags));

/** A call of the first process; or another process that begins, or a call of it. */
const line = fc.oneof(
  { weight: 12, arbitrary: call.map((text) => `a: ${text}`) },
  { weight: 3, arbitrary: call.map((text) => `b: ${text}`) },
);

test('private memory that is protected, split and merged comes to the same on the short ways', () => {
  const machines = fc.constantFrom(
    '',
    'machine max_map_count=11\n',
    'machine ram=1M overcommit=2\n',
    'machine tlb=8\n',
  );
  fc.assert(
    fc.property(machines, fc.array(line, { minLength: 30, maxLength: 60 }), fc.nat(40), (machine, lines, forkAt) => {
      const bytes = `${PAGES * 4}K`;
      const start = `a = spawn()\na: m = mmap(NULL, ${bytes}, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\n`;
      const before = lines.slice(0, forkAt).filter((text) => text.startsWith('a'));
      const text = `${machine}${start}${[...before, 'a: b = fork()', ...lines.slice(forkAt)].join('\n')}\n`;
      expect(parseScenario(text).diagnostics).toEqual([]);
      expect(listenedTo(text)).toBeNull();
    }),
    { numRuns: 300 },
  );
});
