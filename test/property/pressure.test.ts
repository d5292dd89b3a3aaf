// Memory pressure against a plain copy of every byte: several processes on machines of one frame and more, with and
// without swap, map, store, fork, lock, protect and truncate; whatever is evicted on the way, every page of every process
// reads what was last written to it, and the run ends as Linux would end it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallResult, checkKernel, DEFAULT_MACHINE, type MachineConfig, Simulator } from '../../simulator/index.ts';
import { pteIndex } from '../../simulator/machine/address.ts';
import { contentBytes, readFrame } from '../../simulator/machine/content.ts';
import { PG_ANON } from '../../simulator/machine/frames.ts';
import { PTE_MAPPED, PTE_SWAP } from '../../simulator/machine/pagetable.ts';
import { PGSTEAL } from '../../simulator/machine/vm-events.ts';
import { cache_entry, disk_page, file_pages } from '../../simulator/mm/page-cache.ts';
import { linear_page_index } from '../../simulator/mm/vma.ts';
import { page_state } from '../../simulator/proc/vmstat.ts';
import type { Kernel } from '../../simulator/state/kernel.ts';
import type { Mm } from '../../simulator/state/records.ts';
import { MADV, MAP, PROT } from '../../simulator/uapi.ts';
import {
  FILE_PAGES,
  PAGE,
  PlainFile,
  type PlainPage,
  type PlainSpace,
  plainFork,
  plainStore,
  shown,
} from './plain-memory.ts';

/** Pages that the steps are about: they cross the border between two page tables. */
const ARENA = 0x201f4000;
const ARENA_PAGES = 24;
const MAX_PROCESSES = 6;
const PATH = { text: '/f', bytes: new TextEncoder().encode('/f') };

/** Numbers from a seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let a = seed;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Arg = bigint | { text: string; bytes: Uint8Array };

/** What the page at `addr` holds, found without an access; null behind the end of a file. */
function pageOf(k: Kernel, mm: Mm, addr: number): Uint8Array | null {
  const table = mm.pt.find(addr);
  const flags = table?.words[2 * pteIndex(addr)] ?? 0;
  const value = table?.words[2 * pteIndex(addr) + 1] ?? 0;
  if ((flags & PTE_MAPPED) !== 0) return contentBytes(readFrame(k.frames, value));
  if ((flags & PTE_SWAP) !== 0) {
    const cached = k.swap.cached(value);
    return contentBytes(cached !== 0 ? readFrame(k.frames, cached) : k.swap.content(value));
  }
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) throw new Error(`pageOf: nothing is mapped at ${addr.toString(16)}`);
  if (vma.inode === 0) return new Uint8Array(PAGE);
  const inode = k.inodes.get(vma.inode);
  const index = linear_page_index(vma, addr);
  if (index >= file_pages(inode)) return null;
  const entry = cache_entry(inode, index);
  if (entry > 0) return contentBytes(readFrame(k.frames, entry));
  if (entry < 0) return contentBytes(k.swap.content(-entry - 1));
  return inode.kind === 'shmem' ? new Uint8Array(PAGE) : contentBytes(disk_page(inode, index));
}

/** The simulator and the plain copy side by side. */
class Pair {
  readonly simulator = new Simulator();
  readonly spaces = new Map<number, PlainSpace>();
  readonly file = new PlainFile();
  private readonly random: (below: number) => number;
  private fd = 3n;
  /** Steps made, processes killed. */
  steps = 0;
  killed = 0;

  constructor(seed: number, config: Partial<MachineConfig>) {
    this.random = randomFrom(seed);
    this.simulator.declare({ kind: 'machine', config: { ...DEFAULT_MACHINE, overcommit: 1, ...config } });
    this.simulator.declare({ kind: 'file', path: '/f', size: FILE_PAGES * PAGE });
  }

  private spawn(): void {
    const { child, result } = this.simulator.execute({ op: 'spawn', path: '/bin/puppet', argv: [] });
    this.forgetDead();
    if (child === undefined || result.kind !== 'value') {
      // Too little memory for one process: that is said, and nothing else happens.
      const said = result.kind === 'errno' ? result.errno : result.kind === 'signal' ? result.signal : result.kind;
      expect(['ENOMEM', 'SIGKILL', 'SIGSEGV']).toContain(said);
      return;
    }
    for (const signal of ['SIGSEGV', 'SIGBUS']) {
      this.simulator.execute({ op: 'signal', pid: child, signal, handler: true });
    }
    if (this.simulator.state.tasks.get(child).state === 'alive') this.spaces.set(child, new Map());
    this.fd = this.call(child, 'open', PATH, 2n) ?? 3n;
  }

  private run(pid: number, name: string, args: readonly Arg[]): CallResult {
    const { result } = this.simulator.execute({ op: 'syscall', pid, name, args });
    this.forgetDead();
    return result;
  }

  /** The value of a system call; null when it failed. */
  private call(pid: number, name: string, ...args: Arg[]): bigint | null {
    const result = this.run(pid, name, args);
    return result.kind === 'value' ? result.value : null;
  }

  private forgetDead(): void {
    for (const pid of this.spaces.keys()) {
      const { state, end } = this.simulator.state.tasks.get(pid);
      if (state === 'alive') continue;
      this.spaces.delete(pid);
      if (end?.kind !== 'signal') continue;
      expect(end.signal).toBe('SIGKILL');
      this.killed++;
    }
  }

  step(): void {
    this.steps++;
    const pids = [...this.spaces.keys()];
    if (pids.length === 0 || (pids.length < MAX_PROCESSES && this.random(60) === 0)) {
      this.spawn();
      return;
    }
    const pid = pids[this.random(pids.length)] as number;
    const at = this.random(ARENA_PAGES);
    const what = this.random(100);
    if (what < 38) this.store(pid, at);
    else if (what < 62) this.load(pid, at);
    else if (what < 70) this.map(pid, at);
    else if (what < 76) this.wholeFile(pid);
    else if (what < 92) this.range(pid, at);
    else if (what < 96) this.processes(pid);
    else this.kernel();
  }

  private store(pid: number, at: number): void {
    const space = this.spaces.get(pid) as PlainSpace;
    const there = space.get(at);
    const offset = this.random(3) === 0 ? 0 : this.random(PAGE);
    const length = [1, 1, 7, 300, PAGE][this.random(5)] as number;
    const bytes = new Uint8Array(Math.min(length, PAGE - offset)).map(() => this.random(256));
    const addr = BigInt(ARENA + at * PAGE + offset);
    const fill = this.random(2) === 0;
    const value = fill ? (bytes.fill(bytes[0] as number)[0] as number) : bytes;
    const { result } = this.simulator.execute({ op: 'store', pid, addr, value, length: BigInt(bytes.length) });
    this.forgetDead();
    const allowed = there?.writable === true;
    if (!this.judge(pid, result, allowed ? there : undefined, 'store', at)) return;
    plainStore(space, at, offset, bytes, this.file);
  }

  private load(pid: number, at: number): void {
    const there = this.spaces.get(pid)?.get(at);
    const offset = this.random(PAGE - 200);
    const addr = BigInt(ARENA + at * PAGE + offset);
    const { result } = this.simulator.execute({ op: 'load', pid, addr, length: 200n });
    this.forgetDead();
    if (!this.judge(pid, result, there, 'load', at) || result.kind !== 'bytes') return;
    const should = shown(there as PlainPage, this.file)?.subarray(offset, offset + 200) ?? new Uint8Array();
    if (Buffer.compare(result.bytes, should) !== 0)
      throw new Error(`process ${pid}: page ${at} does not read as written`);
  }

  /**
   * mlock, and all that populates a locked mapping, copies private pages of the file without a store: what they show then
   * is theirs.
   */
  private adoptCopies(pid: number): void {
    const space = this.spaces.get(pid);
    if (space === undefined) return;
    const k = this.simulator.state;
    const mm = k.mms.get(k.tasks.get(pid).mm);
    for (const [at, there] of space) {
      if (there.shared || there.own) continue;
      const addr = ARENA + at * PAGE;
      const flags = mm.pt.find(addr)?.words[2 * pteIndex(addr)] ?? 0;
      const pfn = mm.pt.find(addr)?.words[2 * pteIndex(addr) + 1] ?? 0;
      const copied = (flags & PTE_MAPPED) !== 0 ? (k.frames.flagsOf(pfn) & PG_ANON) !== 0 : (flags & PTE_SWAP) !== 0;
      if (copied) space.set(at, { ...there, bytes: (shown(there, this.file) as Uint8Array).slice(), own: true });
    }
  }

  /** Whether an access went as it must; false when it raised the signal that it had to, or the process was killed. */
  private judge(pid: number, result: CallResult, there: PlainPage | undefined, what: string, at: number): boolean {
    if (result.kind === 'signal' && result.signal === 'SIGKILL') return false;
    if (!this.spaces.has(pid)) return false;
    const bus = there !== undefined && shown(there, this.file) === null;
    const should = there === undefined ? 'SIGSEGV' : bus ? 'SIGBUS' : 'done';
    const is = result.kind === 'signal' ? result.signal : 'done';
    if (is !== should) throw new Error(`process ${pid}: ${what} at page ${at}: ${is}, should be ${should}`);
    return is === 'done';
  }

  private map(pid: number, at: number): void {
    const pages = 1 + this.random(Math.min(FILE_PAGES, ARENA_PAGES - at));
    const isFile = this.random(3) === 0;
    const shared = this.random(2) === 0;
    const flags = (shared ? MAP.SHARED : MAP.PRIVATE) | MAP.FIXED | (isFile ? 0 : MAP.ANONYMOUS);
    const locked = this.random(12) === 0 ? MAP.LOCKED : 0;
    const fd = isFile ? this.fd : BigInt.asUintN(64, -1n);
    const [rw, length] = [BigInt(PROT.READ | PROT.WRITE), BigInt(pages * PAGE)];
    const mapped = this.call(pid, 'mmap', BigInt(ARENA + at * PAGE), length, rw, BigInt(flags | locked), fd, 0n);
    const space = this.spaces.get(pid);
    if (mapped === null || space === undefined) return;
    for (let i = 0; i < pages; i++) {
      const bytes = isFile && shared ? (this.file.pages[i] as Uint8Array) : new Uint8Array(PAGE);
      space.set(at + i, { bytes, shared, filePage: isFile ? i : -1, own: !isFile, writable: true });
    }
    this.adoptCopies(pid);
  }

  /** Steps about the file: pwrite from memory, pread to memory, ftruncate, fsync. */
  private wholeFile(pid: number): void {
    const space = this.spaces.get(pid) as PlainSpace;
    const page = this.random(FILE_PAGES);
    const what = this.random(6);
    if (what === 0) {
      if (this.call(pid, 'ftruncate', this.fd, BigInt(page * PAGE)) !== null) {
        this.file.truncate(page, this.spaces.values());
      }
      return;
    }
    if (what === 1) {
      this.call(pid, 'fsync', this.fd);
      return;
    }
    const at = this.random(ARENA_PAGES);
    const length = 1 + this.random(500);
    const offset = this.random(PAGE - length);
    const args = [this.fd, BigInt(ARENA + at * PAGE + offset), BigInt(length), BigInt(page * PAGE + offset)] as const;
    if (page >= this.file.size) return;
    const filePage = this.file.pages[page] as Uint8Array;
    const there = space.get(at);
    if (what < 4) {
      const moved = Number(this.call(pid, 'pwrite64', ...args) ?? 0n);
      const source = there === undefined ? null : shown(there, this.file);
      if (moved > 0) filePage.set((source as Uint8Array).slice(offset, offset + moved), offset);
      return;
    }
    const moved = Number(this.call(pid, 'pread64', ...args) ?? 0n);
    if (moved > 0) plainStore(space, at, offset, filePage.slice(offset, offset + moved), this.file);
    this.adoptCopies(pid);
  }

  /** Steps about a range of pages that need not be mapped whole. */
  private range(pid: number, at: number): void {
    const pages = 1 + this.random(Math.min(5, ARENA_PAGES - at));
    const [addr, length] = [BigInt(ARENA + at * PAGE), BigInt(pages * PAGE)];
    const space = this.spaces.get(pid) as PlainSpace;
    const each = (change: (there: PlainPage, page: number) => void): void => {
      for (let page = at; page < at + pages; page++) {
        const there = space.get(page);
        if (there !== undefined) change(there, page);
      }
    };
    switch (this.random(12)) {
      case 0:
        if (this.call(pid, 'munmap', addr, length) !== null) each((_, page) => space.delete(page));
        return;
      case 1:
      case 2: {
        const writable = this.random(2) === 0;
        const whole = Array.from({ length: pages }, (_, i) => space.has(at + i)).every(Boolean);
        if (!whole) return;
        const prot = BigInt(writable ? PROT.READ | PROT.WRITE : PROT.READ);
        if (this.call(pid, 'mprotect', addr, length, prot) === null) return;
        each((there, page) => space.set(page, { ...there, writable }));
        this.adoptCopies(pid);
        return;
      }
      case 3:
        this.dontneed(pid, at);
        return;
      case 4:
      case 5:
        this.call(pid, 'mlock', addr, length);
        this.adoptCopies(pid);
        return;
      case 6:
      case 7:
        this.call(pid, 'munlock', addr, length);
        return;
      default: {
        const advice = [MADV.PAGEOUT, MADV.PAGEOUT, MADV.COLD, MADV.WILLNEED][this.random(4)] as number;
        this.call(pid, 'madvise', addr, length, BigInt(advice));
      }
    }
  }

  /** Of one page: what a range of them does before it fails is not worth a second model. */
  private dontneed(pid: number, at: number): void {
    const space = this.spaces.get(pid) as PlainSpace;
    const there = space.get(at);
    const done = this.call(pid, 'madvise', BigInt(ARENA + at * PAGE), BigInt(PAGE), BigInt(MADV.DONTNEED));
    if (done === null || there === undefined || there.shared) return;
    space.set(at, { ...there, bytes: new Uint8Array(PAGE), own: there.filePage < 0 });
  }

  private processes(pid: number): void {
    if (this.random(3) === 0 && this.spaces.size > 1) {
      this.call(pid, 'exit_group', 0n);
      return;
    }
    if (this.spaces.size >= MAX_PROCESSES) return;
    const space = this.spaces.get(pid) as PlainSpace;
    const child = this.call(pid, 'fork');
    if (child === null || this.simulator.state.tasks.get(Number(child)).state !== 'alive') return;
    this.spaces.set(Number(child), plainFork(space));
  }

  private kernel(): void {
    const calls = ['reclaim', 'reclaim', 'writeback', 'drop_caches', 'swapoff', 'swapon', 'swapon'];
    const name = calls[this.random(calls.length)] as string;
    const args = name === 'reclaim' ? [BigInt(1 + this.random(8))] : [];
    this.simulator.execute({ op: 'kernel', name, args });
    this.forgetDead();
  }

  /** Every byte of every process; `deep`, every invariant too. */
  compare(deep: boolean): void {
    const k = this.simulator.state;
    for (const [pid, space] of this.spaces) {
      const mm = k.mms.get(k.tasks.get(pid).mm);
      for (const [at, there] of space) {
        const is = pageOf(k, mm, ARENA + at * PAGE);
        const should = shown(there, this.file);
        const same = is === null || should === null ? is === should : Buffer.compare(is, should) === 0;
        if (!same) throw new Error(`step ${this.steps}: process ${pid}: page ${at} does not hold what was written`);
      }
    }
    if (!deep) return;
    const violations = checkKernel(k);
    if (violations.length > 0) throw new Error(`step ${this.steps}: ${violations.slice(0, 5).join('\n')}`);
  }

  /** Every process ends: what is in use then are caches. */
  endAll(): void {
    const k = this.simulator.state;
    // A parent that is killed at the end of its fork leaves a child that nobody keeps book of.
    for (const { pid, state } of [...k.tasks.values()]) if (state === 'alive') this.call(pid, 'exit_group', 0n);
    const cached = [...k.inodes.values()].reduce((n, inode) => n + inode.nrpages, 0);
    // MADV_WILLNEED brings shmem as far as the swap cache: it waits there for somebody who touches the file.
    // What the disk still writes for nobody is freed when it is done.
    for (let step = 0; step < k.config.writeback; step++) {
      this.simulator.execute({ op: 'kernel', name: 'reclaim', args: [0n] });
    }
    expect(k.writes.size).toBe(0);
    expect(k.frames.total - k.frames.counters.free).toBe(cached + page_state(k).nr_swapcached);
    expect(k.swap.used).toBe([...k.inodes.values()].reduce((n, inode) => n + inode.swapped, 0));
    expect(checkKernel(k)).toEqual([]);
  }
}

/** Frames and slots of the machines: fewer frames than a process needs, fewer than there are processes, dozens. */
const FRAMES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 256];
const SLOTS = [0, 1, 4, 16, 64, 256];
const STEPS = 1000;
const RUNS = 100;

describe('whatever is evicted, every page reads what was last written to it', () => {
  let steps = 0;
  let evicted = 0;
  let killed = 0;
  /** Pages under writeback between two steps, all steps together. */
  let writing = 0;

  test(`${STEPS * RUNS} random steps`, { timeout: 120_000 }, () => {
    const machine = fc.record({
      seed: fc.noShrink(fc.nat()),
      frames: fc.noShrink(fc.constantFrom(...FRAMES)),
      slots: fc.noShrink(fc.constantFrom(...SLOTS)),
      swappiness: fc.noShrink(fc.constantFrom(0, 60, 60, 100, 200)),
      replacement: fc.noShrink(fc.constantFrom('linux', 'linux', 'linux', 'fifo', 'lru', 'clock', 'random', 'opt')),
      filesystem: fc.noShrink(fc.constantFrom('ext4', 'ext4', 'tmpfs')),
      writeback: fc.noShrink(fc.constantFrom(0, 0, 1, 2, 5, 50)),
    });
    fc.assert(
      fc.property(machine, ({ seed, frames, slots, ...more }) => {
        // A file on tmpfs needs room before the first step.
        const keys = { ...more, filesystem: frames + slots < 4 * FILE_PAGES ? 'ext4' : more.filesystem };
        const pair = new Pair(seed, { ram: frames * PAGE, swap: slots * PAGE, ...keys } as Partial<MachineConfig>);
        for (let step = 1; step <= STEPS; step++) {
          pair.step();
          writing += pair.simulator.state.writes.size;
          if (step % 25 === 0) pair.compare(step % 200 === 0);
        }
        const { events } = pair.simulator.state.frames.counters;
        for (let by = 0; by < 3; by++) evicted += events[PGSTEAL + by] as number;
        steps += pair.steps;
        killed += pair.killed;
        pair.endAll();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(steps).toBe(STEPS * RUNS);
    expect(evicted).toBeGreaterThan(10_000);
    expect(killed).toBeGreaterThan(10);
    expect(writing).toBeGreaterThan(500);
  });
});
