// Page contents against a plain copy of every byte: whatever is forked, shared, copied on write, moved, paged out and
// brought back, every page of every process reads what was last written to it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkKernel, DEFAULT_MACHINE, Simulator } from '../../simulator/index.ts';
import { MADV, MAP, MREMAP, PROT } from '../../simulator/uapi.ts';

const PAGE = 4096;
/** Pages that the steps are about: they cross the border between two page tables. */
const ARENA = 0x201f8000;
const ARENA_PAGES = 16;
const FILE_PAGES = 8;

/** Bytes that a step writes or compares, by their offset in the page. */
const OFFSETS = [0, 1, 777, 4095];

/** A page's bytes at {@link OFFSETS}; shared by all who map the same page of an object. */
type Bytes = number[];

interface PlainPage {
  bytes: Bytes;
  readonly shared: boolean;
  /** Page of the file behind a private page that was not written yet; -1 for none. */
  readonly filePage: number;
  readonly written: boolean;
}

/** One process's memory without page tables, frames or swap. */
type Plain = Map<number, PlainPage>;

const zeros = (): Bytes => OFFSETS.map(() => 0);

type Op =
  | {
      readonly kind: 'map';
      readonly what: 'private' | 'shared' | 'file' | 'private-file';
      readonly page: number;
      readonly count: number;
    }
  | { readonly kind: 'store'; readonly page: number; readonly offset: number; readonly value: number }
  | { readonly kind: 'fill'; readonly page: number; readonly count: number; readonly value: number }
  | {
      readonly kind: 'load' | 'unmap' | 'dontneed' | 'pageout' | 'readonly' | 'move';
      readonly page: number;
      readonly count: number;
    }
  | { readonly kind: 'fork' | 'exit' | 'reclaim' | 'writeback' | 'drop' | 'swapoff' | 'swapon' };

const page = fc.nat(ARENA_PAGES - 1);
const count = fc.integer({ min: 1, max: 6 });
const value = fc.integer({ min: 1, max: 255 });
const op: fc.Arbitrary<readonly [who: number, op: Op]> = fc.tuple(
  fc.nat(5),
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('map' as const),
        what: fc.constantFrom(
          'private' as const,
          'private' as const,
          'shared' as const,
          'file' as const,
          'private-file' as const,
        ),
        page,
        count,
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({ kind: fc.constant('store' as const), page, offset: fc.nat(OFFSETS.length - 1), value }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('fill' as const), page, count, value }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          'load' as const,
          'unmap' as const,
          'dontneed' as const,
          'pageout' as const,
          'pageout' as const,
          'readonly' as const,
          'move' as const,
        ),
        page,
        count,
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          'fork' as const,
          'fork' as const,
          'exit' as const,
          'reclaim' as const,
          'reclaim' as const,
          'writeback' as const,
          'drop' as const,
          'swapoff' as const,
          'swapon' as const,
        ),
      }),
    },
  ),
);

/** The simulator and the plain copy side by side. */
class Pair {
  readonly simulator = new Simulator();
  readonly plain = new Map<number, Plain>();
  readonly file: Bytes[] = Array.from({ length: FILE_PAGES }, (_, i) => OFFSETS.map(() => i + 1));
  private readonly fd: bigint;

  constructor(ram: number, swap: number) {
    this.simulator.declare({ kind: 'machine', config: { ...DEFAULT_MACHINE, ram, swap, overcommit: 1 } });
    this.simulator.declare({ kind: 'file', path: '/f', size: FILE_PAGES * PAGE });
    const { child } = this.simulator.execute({ op: 'spawn', path: '/bin/puppet', argv: [] });
    const first = child ?? 0;
    this.plain.set(first, new Map());
    this.execute(first, { op: 'signal', signal: 'SIGSEGV', handler: true });
    this.fd = this.call(first, 'open', { text: '/f', bytes: new TextEncoder().encode('/f') }, 2n) ?? 0n;
  }

  private execute(pid: number, request: { op: 'signal'; signal: string; handler: boolean }): void {
    this.simulator.execute({ ...request, pid });
  }

  /** The value of a system call; null when it failed. Whoever the OOM killer took is forgotten. */
  private call(pid: number, name: string, ...args: (bigint | { text: string; bytes: Uint8Array })[]): bigint | null {
    const { result } = this.simulator.execute({ op: 'syscall', pid, name, args });
    this.forgetDead();
    return result.kind === 'value' ? result.value : null;
  }

  private forgetDead(): void {
    for (const pid of [...this.plain.keys()]) {
      if (this.simulator.state.tasks.get(pid).state !== 'alive') this.plain.delete(pid);
    }
  }

  apply(who: number, step: Op): void {
    const pids = [...this.plain.keys()];
    const pid = pids[who % Math.max(1, pids.length)];
    if (pid === undefined) return;
    switch (step.kind) {
      case 'map':
        this.map(pid, step.what, step.page, step.count);
        return;
      case 'store':
        this.store(pid, step.page, step.value, step.offset);
        return;
      case 'fill':
        for (let i = 0; i < step.count; i++) this.store(pid, step.page + i, step.value, null);
        return;
      case 'fork':
        this.fork(pid);
        return;
      case 'exit':
        if (pids.length > 1) this.call(pid, 'exit_group', 0n);
        return;
      case 'reclaim':
      case 'writeback':
      case 'swapoff':
      case 'swapon':
        this.simulator.execute({ op: 'kernel', name: step.kind, args: [4n] });
        this.forgetDead();
        return;
      case 'drop':
        this.simulator.execute({ op: 'kernel', name: 'drop_caches', args: [] });
        return;
      default:
        this.range(pid, step.kind, step.page, step.count);
    }
  }

  private map(pid: number, what: 'private' | 'shared' | 'file' | 'private-file', at: number, pages: number): void {
    const isFile = what === 'file' || what === 'private-file';
    const shared = what === 'shared' || what === 'file';
    const flags = (shared ? MAP.SHARED : MAP.PRIVATE) | MAP.FIXED | (isFile ? 0 : MAP.ANONYMOUS);
    const rw = BigInt(PROT.READ | PROT.WRITE);
    const fd = isFile ? this.fd : BigInt.asUintN(64, -1n);
    const mapped = this.call(pid, 'mmap', BigInt(ARENA + at * PAGE), BigInt(pages * PAGE), rw, BigInt(flags), fd, 0n);
    const plain = this.plain.get(pid);
    if (mapped === null || plain === undefined) return;
    for (let i = 0; i < pages; i++) {
      const filePage = isFile ? i : -1;
      const bytes = what === 'file' ? (this.file[i] as Bytes) : zeros();
      plain.set(at + i, { bytes, shared, filePage, written: what !== 'private-file' });
    }
  }

  private store(pid: number, at: number, byte: number, offset: number | null): void {
    const addr = BigInt(ARENA + at * PAGE + (offset === null ? 0 : (OFFSETS[offset] as number)));
    const length = offset === null ? BigInt(PAGE) : 1n;
    const { result } = this.simulator.execute({ op: 'store', pid, addr, value: byte, length });
    this.forgetDead();
    const plain = this.plain.get(pid);
    const there = plain?.get(at);
    if (plain === undefined) return;
    if (result.kind === 'signal') {
      expect(result.signal, `store to page ${at}`).toBe('SIGSEGV');
      return;
    }
    if (there === undefined) throw new Error(`a store to page ${at}, where nothing is mapped, succeeded`);
    const own = there.shared ? there.bytes : [...this.bytesOf(there)];
    OFFSETS.forEach((_, i) => {
      if (offset === null || i === offset) own[i] = byte;
    });
    plain.set(at, { ...there, bytes: own, written: true });
  }

  /** What a page holds: a private page of a file shows the file until it is written. */
  private bytesOf(there: PlainPage): Bytes {
    return there.written ? there.bytes : (this.file[there.filePage] as Bytes);
  }

  private fork(pid: number): void {
    if (this.plain.size >= 5) return;
    const child = this.call(pid, 'fork');
    const plain = this.plain.get(pid);
    if (child === null || plain === undefined) return;
    if (this.simulator.state.tasks.get(Number(child)).state !== 'alive') return;
    const copy: Plain = new Map();
    for (const [at, there] of plain) copy.set(at, there.shared ? there : { ...there, bytes: [...there.bytes] });
    this.plain.set(Number(child), copy);
  }

  private range(
    pid: number,
    kind: 'load' | 'unmap' | 'dontneed' | 'pageout' | 'readonly' | 'move',
    at: number,
    pages: number,
  ): void {
    const addr = BigInt(ARENA + at * PAGE);
    const length = BigInt(pages * PAGE);
    if (kind === 'load') {
      this.simulator.execute({ op: 'load', pid, addr, length });
      this.forgetDead();
      return;
    }
    if (kind === 'pageout') this.call(pid, 'madvise', addr, length, BigInt(MADV.PAGEOUT));
    if (kind === 'readonly') this.call(pid, 'mprotect', addr, length, BigInt(PROT.READ));
    if (kind === 'pageout' || kind === 'readonly') return;
    const plain = this.plain.get(pid) as Plain;
    if (kind === 'unmap') {
      if (this.call(pid, 'munmap', addr, length) !== null) for (let i = 0; i < pages; i++) plain.delete(at + i);
      return;
    }
    if (kind === 'dontneed') {
      // Pages before a hole are dropped, and those behind it too.
      this.call(pid, 'madvise', addr, length, BigInt(MADV.DONTNEED));
      for (let i = 0; i < pages; i++) {
        const there = plain.get(at + i);
        if (there === undefined || there.shared) continue;
        plain.set(at + i, { ...there, bytes: zeros(), written: there.filePage < 0 });
      }
      return;
    }
    const to = (at + 8) % ARENA_PAGES;
    const flags = BigInt(MREMAP.MAYMOVE | MREMAP.FIXED);
    const moved = this.call(pid, 'mremap', addr, BigInt(PAGE), BigInt(PAGE), flags, BigInt(ARENA + to * PAGE));
    const there = plain.get(at);
    if (moved === null || there === undefined) return;
    plain.set(to, there);
    plain.delete(at);
  }

  /** Every byte of every process, looked at without an access. */
  compare(): void {
    for (const [pid, plain] of this.plain) {
      for (let at = 0; at < ARENA_PAGES + 6; at++) {
        const there = plain.get(at);
        const seen = OFFSETS.map((offset) => {
          const args = [BigInt(pid), BigInt(ARENA + at * PAGE + offset)];
          const answer = this.simulator.query({ name: 'byte', args });
          return answer.kind === 'int' ? Number(answer.value) : null;
        });
        const should = there === undefined ? OFFSETS.map(() => null) : this.bytesOf(there);
        expect(seen, `process ${pid}, page ${at}`).toEqual([...should]);
      }
    }
    expect(checkKernel(this.simulator.state)).toEqual([]);
  }
}

const machine = fc.tuple(fc.constantFrom(16, 20, 32, 64, 256), fc.constantFrom(0, 4, 16, 64));

test('every page reads what was last written to it', () => {
  fc.assert(
    fc.property(machine, fc.array(op, { maxLength: 80, size: 'max' }), ([frames, slots], steps) => {
      const pair = new Pair(frames * PAGE, slots * PAGE);
      for (const [who, step] of steps) {
        pair.apply(who, step);
        pair.compare();
      }
    }),
    { numRuns: 250 },
  );
});
