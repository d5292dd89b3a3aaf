/** The simulator's side: the operations of bench/native.c through the kernel's functions, with nobody listening. */
import { DEFAULT_MACHINE, Simulator } from '../simulator/index.ts';
import { mmput } from '../simulator/kernel/exit.ts';
import { fillFrame } from '../simulator/machine/content.ts';
import { PSWPIN } from '../simulator/machine/vm-events.ts';
import { cpu_access } from '../simulator/mm/access.ts';
import { dup_mm } from '../simulator/mm/copy.ts';
import { do_mmap } from '../simulator/mm/mmap.ts';
import { do_mprotect } from '../simulator/mm/mprotect.ts';
import { do_munmap } from '../simulator/mm/munmap.ts';
import type { Kernel } from '../simulator/state/kernel.ts';
import type { Mm } from '../simulator/state/records.ts';
import { MAP, PROT } from '../simulator/uapi.ts';
import type { Samples } from './native.ts';
import { median } from './table.ts';

const PAGE = 4096;
const PAGES = 16384;
const PAIRS = 20000;
const VMAS = 30000;
const PROTECTS = 20000;
const FORK_PAGES = 65536;
const SCATTER = 7919;
/** Rounds before the measured ones: the compiler has seen all of an operation then. */
const WARM_UP = 16;
const RW = PROT.READ | PROT.WRITE;
const ANON = MAP.PRIVATE | MAP.ANONYMOUS;

/** Those of a page that may be written by turns, then those of one that may not. */
const PROTECTIONS = [RW, RW | PROT.EXEC, PROT.READ, PROT.NONE] as const;

/** A process on a machine of its own. */
export interface Process {
  readonly k: Kernel;
  readonly mm: Mm;
}

/** A fresh machine with a process that runs. */
export function newProcess(ram: number, swap = 0): Process {
  const simulator = new Simulator();
  const config = { ...DEFAULT_MACHINE, ram, swap, overcommit: 1 as const };
  const wrong = simulator.declare({ kind: 'machine', config });
  if (wrong !== null) throw new Error(`newProcess: ${wrong}`);
  const { result } = simulator.execute({ op: 'spawn', path: '/bin/puppet', argv: [] });
  if (result.kind !== 'value') throw new Error('newProcess: spawn failed');
  const k = simulator.state;
  return { k, mm: k.mms.edit(k.tasks.get(Number(result.value)).mm) };
}

/** mmap(NULL, pages): the address. */
export function map({ k, mm }: Process, pages: number, prot: number = RW): number {
  const mapped = do_mmap(k, mm, { addr: 0, length: pages * PAGE, prot, flags: ANON, file: null, pgoff: 0 });
  if (typeof mapped === 'string') throw new Error(`map: ${mapped}`);
  return mapped.addr;
}

export function unmap({ k, mm }: Process, at: number, pages: number): void {
  if (do_munmap(k, mm, at, pages * PAGE) !== 0) throw new Error('unmap: refused');
}

/** Stores a byte to each page. */
export function touch({ k, mm }: Process, at: number, pages: number): void {
  const end = at + pages * PAGE;
  for (let addr = at; addr < end; addr += PAGE) {
    const pfn = cpu_access(k, mm, addr, 'write');
    if (pfn < 0) throw new Error('touch: refused');
    fillFrame(k.frames, k.epoch, pfn, 0, 1, 1);
  }
}

function fork({ k, mm }: Process): Mm {
  const copy = dup_mm(k, mm);
  if (copy === null) throw new Error('fork: refused');
  return copy.mm;
}

/** Nanoseconds of one run of `act`. */
function timed(act: () => void): number {
  const start = process.hrtime.bigint();
  act();
  return Number(process.hrtime.bigint() - start);
}

/** Neighbours differ in their protection, so none merge. Returns the addresses. */
function grow(p: Process): number[] {
  const vmas: number[] = [];
  for (let i = 0; i < VMAS; i++) vmas.push(map(p, 1, i % 2 === 0 ? RW : PROT.READ));
  return vmas;
}

function shrink(p: Process, vmas: readonly number[]): void {
  for (const at of vmas) unmap(p, at, 1);
}

function protect({ k, mm }: Process, at: number, prot: number): void {
  if (do_mprotect(k, mm, at, PAGE, prot) !== 0) throw new Error('protect: refused');
}

/** The number behind `at` of a row that comes to all pages in no order. */
function shuffled(at: number): number {
  return (at * 48271) % 2147483647;
}

/** Of one mapping of `VMAS` pages, of which each other may not be written, lets one be written and forbids it again. */
function joinAndSplit(p: Process, base: number): void {
  let at = 1;
  for (let i = 0; i < PROTECTS; i += 2) {
    at = shuffled(at);
    const page = base + ((at % (VMAS - 2)) & ~1) * PAGE;
    protect(p, page, RW);
    protect(p, page, PROT.READ);
  }
}

/** Gives pages all over `vmas` their other protection, by turns. */
function protectApart(p: Process, vmas: readonly number[], turn: Uint8Array): void {
  let at = 1;
  for (let i = 0; i < PROTECTS; i++) {
    at = shuffled(at);
    const page = at % VMAS;
    const next = (turn[page] as number) ^ 1;
    turn[page] = next;
    protect(p, vmas[page] as number, PROTECTIONS[2 * (page % 2) + next] as number);
  }
}

type Operation = (p: Process) => number;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'first-write': (p) => {
    const at = map(p, PAGES);
    const spent = timed(() => touch(p, at, PAGES));
    unmap(p, at, PAGES);
    return spent / PAGES;
  },
  'copy-on-write': (p) => {
    const at = map(p, PAGES);
    touch(p, at, PAGES);
    const child = fork(p);
    const spent = timed(() => touch(p, at, PAGES));
    mmput(p.k, child.id);
    unmap(p, at, PAGES);
    return spent / PAGES;
  },
  'munmap-page': (p) => {
    const at = map(p, PAGES);
    touch(p, at, PAGES);
    return timed(() => unmap(p, at, PAGES)) / PAGES;
  },
  'mmap-munmap': (p) =>
    timed(() => {
      for (let i = 0; i < PAIRS; i++) unmap(p, map(p, 1), 1);
    }) / PAIRS,
  'mmap-growing': (p) => {
    let vmas: number[] = [];
    const spent = timed(() => {
      vmas = grow(p);
    });
    shrink(p, vmas);
    return spent / VMAS;
  },
  // Pages that may be written lie beside pages that may not: one that changes joins both neighbours, then splits off.
  mprotect: (p) => {
    const base = map(p, VMAS);
    touch(p, base, VMAS);
    for (let i = 0; i < VMAS; i += 2) protect(p, base + i * PAGE, PROT.READ);
    const spent = timed(() => joinAndSplit(p, base));
    unmap(p, base, VMAS);
    return spent / PROTECTS;
  },
  fork: (p) => {
    const at = map(p, FORK_PAGES);
    touch(p, at, FORK_PAGES);
    let child: Mm | undefined;
    const spent = timed(() => {
      child = fork(p);
    });
    if (child !== undefined) mmput(p.k, child.id);
    unmap(p, at, FORK_PAGES);
    return spent;
  },
  'mmap-write-munmap': (p) => {
    const spent = timed(() => {
      for (let i = 0; i < PAIRS; i++) {
        const at = map(p, 1);
        touch(p, at, 1);
        unmap(p, at, 1);
      }
    });
    return spent / PAIRS;
  },
  'mmap-joining': (p) => {
    const pages: number[] = [];
    const spent = timed(() => {
      for (let i = 0; i < VMAS; i++) pages.push(map(p, 1));
    });
    shrink(p, pages);
    return spent / VMAS;
  },
  'munmap-scattered': (p) => {
    const base = map(p, PAGES);
    touch(p, base, PAGES);
    const spent = timed(() => {
      for (let i = 0, page = 0; i < PAGES; i++, page = (page + SCATTER) % PAGES) unmap(p, base + page * PAGE, 1);
    });
    return spent / PAGES;
  },
  // VMAs of pages that nobody touched yet; none merge and none split.
  'mprotect-apart': (p) => {
    const vmas = grow(p);
    const turn = new Uint8Array(VMAS);
    const spent = timed(() => protectApart(p, vmas, turn));
    shrink(p, vmas);
    return spent / PROTECTS;
  },
};

/** Runs each operation (or those of `names`) for `rounds` rounds, after some that warm the compiler up. */
export function runSimulator(rounds: number, names: readonly string[] = Object.keys(OPERATIONS)): Samples {
  const p = newProcess(2 ** 30);
  const samples = new Map<string, number[]>();
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (!names.includes(name)) continue;
    for (let i = 0; i < WARM_UP; i++) operation(p);
    samples.set(
      name,
      Array.from({ length: rounds }, () => operation(p)),
    );
  }
  return samples;
}

/**
 * Evictions with the fault that brings the page back, a second: a working set twice as large as RAM is written again and
 * again. The median of `rounds`, after some that warm the compiler up.
 */
export function evictionsPerSecond(rounds: number): number {
  const frames = 4096;
  const p = newProcess(frames * PAGE, 4 * frames * PAGE);
  const at = map(p, 2 * frames);
  const swapped = (): number => p.k.frames.counters.events[PSWPIN] as number;
  for (let i = 0; i < 6; i++) touch(p, at, 2 * frames);
  const samples = Array.from({ length: rounds }, () => {
    const before = swapped();
    const spent = timed(() => touch(p, at, 2 * frames));
    return ((swapped() - before) * 1e9) / spent;
  });
  return median(samples);
}
