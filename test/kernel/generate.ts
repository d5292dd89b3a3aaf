/** Random scenarios: `generate(seed, group, steps)` gives the text of a `.vas` file, always the same for the same seed. */
import { FILE_OPERATIONS } from './generate-files.ts';
import { HEAP_STACK_OPERATIONS } from './generate-heap-stack.ts';
import { MEMORY_OPERATIONS } from './generate-memory.ts';
import { PROCESS_OPERATIONS } from './generate-processes.ts';
import { Random } from './random.ts';
import { type Operation, type Setting, Writer } from './scenario-writer.ts';

const OPERATIONS = { ...MEMORY_OPERATIONS, ...HEAP_STACK_OPERATIONS, ...FILE_OPERATIONS, ...PROCESS_OPERATIONS };
type OperationName = keyof typeof OPERATIONS;
type Weights = Partial<Record<OperationName, number>>;

interface Group extends Setting {
  readonly weights: Weights;
  /** Works on the swap of the whole machine, which it must have for itself: such scenarios run alone, behind the others. */
  readonly exclusive?: true;
}

const TOUCH: Weights = { load: 9, store: 12, fetch: 2 };
const MAPS: Weights = { mapFixed: 10, mapAnywhere: 7, unmap: 8, protect: 10 };

/** Each group stresses one part; `mixed` everything. */
export const GROUPS: Readonly<Record<string, Group>> = {
  anonymous: { weights: { ...TOUCH, ...MAPS } },
  placement: { weights: { ...TOUCH, mapAnywhere: 14, mapFixed: 6, mapHint: 12, mapHuge: 10, unmap: 10, mapOdd: 6 } },
  mremap: { weights: { ...TOUCH, mapFixed: 9, mapAnywhere: 5, mapShared: 3, unmap: 4, protect: 4, remap: 24 } },
  madvise: { weights: { ...TOUCH, ...MAPS, mapShared: 2, advise: 26 } },
  mlock: { weights: { ...TOUCH, ...MAPS, lock: 22, remap: 3, limitLock: 1, advise: 3, fork: 1 } },
  brk: { weights: { ...TOUCH, mapFixed: 3, unmap: 3, protect: 4, heap: 24, touchHeap: 10, mapAtHeap: 4, remap: 2 } },
  stack: { weights: { ...TOUCH, touchStack: 18, growsdown: 8, mapNearStack: 4, protect: 5, unmap: 3, limitStack: 2 } },
  limits: {
    weights: {
      ...TOUCH,
      ...MAPS,
      limit: 12,
      heap: 6,
      remap: 4,
      lock: 4,
      touchStack: 3,
      fork: 1,
      exec: 1,
      nameRange: 1,
    },
  },
  residency: { weights: { ...TOUCH, ...MAPS, mapShared: 4, mincore: 12, sync: 10, advise: 4 } },
  files: {
    files: true,
    weights: {
      ...TOUCH,
      mapFile: 22,
      unmap: 5,
      protect: 7,
      sync: 4,
      mapFixed: 2,
      advise: 3,
      open: 4,
      unlink: 2,
      persona: 1,
    },
  },
  truncation: {
    files: true,
    weights: { ...TOUCH, load: 14, store: 14, mapFile: 12, truncate: 14, pwrite: 6, sync: 3, caches: 3, unmap: 2 },
  },
  input: { files: true, weights: { ...TOUCH, mapFile: 8, mapFixed: 6, protect: 4, unmap: 3, transfer: 24, open: 4 } },
  shared: {
    files: true,
    weights: {
      ...TOUCH,
      mapShared: 8,
      memfd: 5,
      mapMemfd: 12,
      sysv: 8,
      unmap: 4,
      protect: 5,
      truncate: 5,
      fork: 3,
      remap: 4,
    },
  },
  fork: {
    weights: {
      ...TOUCH,
      store: 20,
      load: 14,
      ...MAPS,
      fork: 6,
      clone: 2,
      leave: 3,
      wait: 1,
      advise: 5,
      remap: 3,
      mapShared: 3,
    },
  },
  exec: {
    files: true,
    weights: {
      ...TOUCH,
      mapFixed: 6,
      mapAnywhere: 3,
      fork: 4,
      exec: 8,
      vfork: 5,
      clone: 8,
      persona: 2,
      handle: 1,
      leave: 5,
      wait: 3,
      heap: 3,
      mapFile: 4,
    },
  },
  swap: {
    weights: {
      ...TOUCH,
      load: 16,
      store: 16,
      mapFixed: 8,
      mapShared: 4,
      pageOut: 16,
      advise: 4,
      fork: 3,
      leave: 1,
      remap: 3,
    },
  },
  inherit: {
    files: true,
    weights: {
      ...TOUCH,
      store: 16,
      mapFile: 12,
      mapMemfd: 3,
      unmap: 4,
      protect: 5,
      fork: 5,
      leave: 2,
      truncate: 4,
      sync: 3,
      pageOut: 3,
      exec: 1,
    },
  },
  large: {
    files: true,
    large: true,
    weights: { ...TOUCH, mapFile: 14, mapHuge: 8, remap: 8, unmap: 6, protect: 5, mapMemfd: 3, advise: 4, mapHint: 3 },
  },
  tmpfs: {
    files: true,
    filesystem: 'tmpfs',
    weights: {
      ...TOUCH,
      mapFile: 14,
      truncate: 8,
      pwrite: 5,
      transfer: 4,
      unmap: 4,
      protect: 4,
      pageOut: 5,
      advise: 4,
      fork: 2,
      caches: 2,
      sync: 2,
    },
  },
  programs: {
    programs: true,
    weights: {
      ...TOUCH,
      load: 14,
      store: 14,
      start: 6,
      exec: 6,
      fork: 4,
      leave: 3,
      protect: 6,
      unmap: 3,
      mapFixed: 3,
      heap: 5,
      advise: 4,
      lock: 2,
    },
  },
  swapoff: {
    exclusive: true,
    weights: {
      ...TOUCH,
      load: 16,
      store: 16,
      mapFixed: 8,
      mapShared: 6,
      pageOut: 16,
      swapping: 6,
      fork: 4,
      leave: 1,
      remap: 3,
      advise: 4,
    },
  },
  mixed: {
    files: true,
    weights: {
      ...TOUCH,
      ...MAPS,
      mapHint: 2,
      mapShared: 4,
      remap: 6,
      advise: 7,
      lock: 4,
      heap: 3,
      touchHeap: 2,
      touchStack: 2,
      mincore: 1,
      sync: 2,
      mapFile: 7,
      truncate: 2,
      transfer: 2,
      memfd: 1,
      mapMemfd: 3,
      fork: 2,
      leave: 1,
      pageOut: 3,
      exec: 1,
      clone: 1,
      limit: 1,
      persona: 1,
      unlink: 1,
      open: 1,
      sysv: 1,
    },
  },
};

export const GROUP_NAMES = Object.keys(GROUPS);

/** The group of a seed: seeds go round all. */
export function groupOfSeed(seed: number): string {
  return GROUP_NAMES[seed % GROUP_NAMES.length] ?? 'mixed';
}

/** The text of a random scenario of about `steps` steps. An unknown group throws. */
export function generate(seed: number, group = groupOfSeed(seed), steps = 50): string {
  const plan = GROUPS[group];
  if (plan === undefined) throw new Error(`generate: no group ${group}; there are ${GROUP_NAMES.join(', ')}`);
  const random = new Random(seed);
  const writer = new Writer(random);
  writer.begin(plan);
  const operations = Object.entries(plan.weights).map(([name, weight]): [number, Operation] => [
    weight,
    OPERATIONS[name as OperationName],
  ]);
  while (writer.steps < steps) random.weighted(operations)(writer);
  return writer.text(`seed ${seed}, group ${group}`);
}
