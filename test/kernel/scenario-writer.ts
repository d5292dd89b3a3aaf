/** What is known while a random scenario is written: its lines, processes, files, and the regions worth aiming at. */
import type { Random } from './random.ts';

export const PAGE = 4096n;
export const TASK_SIZE = 0x7ffffffff000n;

/** What a scenario starts with. */
export interface Setting {
  /** Files are declared, and opened by the first process. */
  readonly files?: boolean;
  /** One of them is larger than what a page table maps. */
  readonly large?: boolean;
  /** Programs of several shapes are declared, and the first process runs one of them. */
  readonly programs?: boolean;
  readonly filesystem?: 'tmpfs';
}

/** A place for MAP_FIXED mappings: it crosses the border between two page tables in its middle. */
export const ARENA = 0x201f0000n;
export const ARENA_PAGES = 32;

/** The program of most scenarios: header, text, rodata, data and bss that end inside a page. */
export const PROGRAM = {
  path: '/bin/main',
  shape: 'text=8K rodata=4K data=6000 bss=9000',
  dataStart: 0x404000n,
  dataPages: 4,
};

/** An address: a name that a step has bound, or a number. */
export interface Base {
  readonly name?: string;
  readonly value: bigint;
}

export interface Region {
  readonly base: Base;
  readonly pages: number;
}

/** An open descriptor of some process, as the name of the step that opened it. */
export interface Descriptor {
  readonly name: string;
  readonly path?: string;
  readonly pages: number;
}

export interface Range {
  readonly addr: string;
  readonly length: string;
}

export type Operation = (writer: Writer) => void;

export function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** `base + bytes` as an expression. */
export function at(base: Base, bytes: bigint): string {
  if (base.name === undefined) return hex(base.value + bytes);
  if (bytes === 0n) return base.name;
  return bytes > 0n ? `${base.name} + ${size(bytes)}` : `${base.name} - ${size(-bytes)}`;
}

/** A size, in K where it is one. */
export function size(bytes: bigint): string {
  return bytes > 0n && bytes % 1024n === 0n && bytes < 1n << 40n ? `${bytes / 1024n}K` : hex(bytes);
}

const ODD_ADDRESSES: readonly bigint[] = [
  0n,
  0x1000n,
  0xf000n,
  0x10000n,
  TASK_SIZE - PAGE,
  TASK_SIZE,
  0x800000000000n,
  0x8000000000000000n,
  0xffff800000000000n,
  0xffffffffff600000n,
  0xfffffffffffff000n,
  0x7ffff7ff7000n,
  0x7ffff7ffb000n,
  0x7ffff7ffd000n,
  0x7ffff7fff000n,
  0x7ffffffde000n,
];

/** Lengths that no mapping should have, or that wrap. None of them makes a call touch much memory. */
export const ODD_LENGTHS: readonly bigint[] = [
  0n,
  1n,
  4095n,
  4097n,
  0x7ffffffff000n,
  0x800000000000n,
  0xfffffffffffff000n,
  0xffffffffffffffffn,
];

export class Writer {
  readonly random: Random;
  readonly regions: Region[] = [];
  readonly processes: string[] = [];
  readonly descriptors: Descriptor[] = [];
  readonly files: { readonly path: string; readonly pages: number }[] = [];
  readonly segments: string[] = [];
  readonly programs: string[] = [PROGRAM.path];
  /** Those of the processes that are further threads of another one. */
  readonly threads = new Set<string>();
  forked = 0;
  private readonly declarations: string[] = [];
  private readonly lines: string[] = [];
  private names = 0;

  constructor(random: Random) {
    this.random = random;
  }

  get steps(): number {
    return this.lines.length;
  }

  text(title: string): string {
    return [`# ${title}`, ...this.declarations, ...this.lines, ''].join('\n');
  }

  /** Declarations and the first process, which survives its own bad accesses. */
  begin(setting: Setting): void {
    const { random } = this;
    if (setting.filesystem !== undefined) this.declarations.push(`machine filesystem=${setting.filesystem}`);
    if (random.chance(50)) this.declarations.push('machine page_cache=warm');
    this.declarations.push(`program "${PROGRAM.path}" ${PROGRAM.shape}`);
    if (setting.programs === true) this.declarePrograms();
    if (setting.files === true) this.declareFiles(setting.large === true);
    this.processes.push('p');
    this.lines.push(`p = spawn("${random.pick(this.programs)}")`);
    this.survive('p');
    for (const file of this.files) {
      const name = this.bind(
        'p',
        `open("${file.path}", ${random.weighted([
          [8, 'O_RDWR'],
          [2, 'O_RDONLY'],
          [1, 'O_WRONLY'],
        ])})`,
        'f',
      );
      this.descriptors.push({ name, ...file });
    }
  }

  /** Segments of all sizes. What lies behind the first text page is worth touching, wherever the kernel puts it. */
  private declarePrograms(): void {
    const { random } = this;
    const bytes = (): number =>
      random.weighted([
        [4, random.between(1, 6) * 4096],
        [4, random.between(1, 20000)],
        [1, 80000],
      ]);
    this.declarations.push(`library "/lib/ld.so" text=${random.pick(['4K', '12K'])} data=${bytes()} bss=${bytes()}`);
    for (const [index, type] of ['static', 'static', 'pie', 'pie interp="/lib/ld.so"'].entries()) {
      const path = `/bin/program${index}`;
      const parts = [
        `type=${type}`,
        `text=${random.chance(50) ? 4096 : bytes()}`,
        ...(random.chance(60) ? [`rodata=${bytes()}`] : []),
        ...(random.chance(70) ? [`data=${bytes()}`] : []),
        ...(random.chance(70) ? [`bss=${bytes()}`] : []),
      ];
      this.declarations.push(`program "${path}" ${parts.join(' ')}`);
      this.programs.push(path);
    }
    this.regions.push({ base: { value: 0x403000n }, pages: 8 }, { base: { value: 0x555555557000n }, pages: 8 });
  }

  private declareFiles(large: boolean): void {
    const { random } = this;
    if (large) {
      const bytes = 4096 * random.between(512, 1300) + random.pick([0, 1, 100]);
      this.files.push({ path: '/data/large', pages: Math.ceil(bytes / 4096) });
      this.declarations.push(`file "/data/large" size=${bytes}`);
    }
    if (random.chance(25)) {
      this.files.push({ path: '/data/text', pages: 1 });
      this.declarations.push(`file "/data/text" text="${'line of text\\n'.repeat(random.between(1, 20))}"`);
    }
    for (const path of ['/data/a', '/data/b']) {
      const pages = random.weighted([
        [4, random.between(1, 8)],
        [3, random.between(9, 40)],
        [1, random.between(60, 90)],
      ]);
      const bytes = random.chance(40) ? pages * 4096 : (pages - 1) * 4096 + random.pick([1, 100, 2048, 4095]);
      this.files.push({ path, pages });
      this.declarations.push(`file "${path}" size=${bytes}`);
    }
  }

  /** Signals of bad accesses do not end the process. */
  survive(process: string): void {
    if (this.random.chance(97)) this.say(process, 'signal(SIGSEGV, handler)');
    if (this.random.chance(97)) this.say(process, 'signal(SIGBUS, handler)');
  }

  /** A step of a process. */
  say(process: string, call: string): void {
    this.lines.push(`${process}: ${call}`);
  }

  /** A step of a process that binds a new name. */
  bind(process: string, call: string, prefix = 'm'): string {
    const name = `${prefix}${++this.names}`;
    this.lines.push(`${process}: ${name} = ${call}`);
    return name;
  }

  /** Another process, started from nothing. */
  start(): void {
    const name = `p${++this.names}`;
    this.lines.push(`${name} = spawn("${this.random.pick(this.programs)}")`);
    this.processes.push(name);
    this.survive(name);
  }

  /** A step without a process, such as `kernel: writeback()`. */
  kernel(call: string): void {
    this.lines.push(`kernel: ${call}`);
  }

  process(): string {
    const { random, processes } = this;
    return processes.length === 1 || random.chance(35) ? (processes[0] ?? 'p') : random.pick(processes);
  }

  addRegion(base: Base, pages: number): void {
    this.regions.push({ base, pages });
    if (this.regions.length > 12) this.regions.splice(this.random.below(6), 1);
  }

  region(): Region {
    const { random } = this;
    const own = { base: { value: PROGRAM.dataStart }, pages: PROGRAM.dataPages };
    if (this.regions.length === 0) return random.chance(60) ? { base: { value: ARENA }, pages: ARENA_PAGES } : own;
    // Recent regions are the most interesting ones.
    if (random.chance(40)) return this.regions[this.regions.length - 1] ?? own;
    return random.chance(6) ? own : random.pick(this.regions);
  }

  arenaAddress(): bigint {
    return ARENA + BigInt(this.random.below(ARENA_PAGES)) * PAGE;
  }

  /** The address of a byte to touch: mostly inside a region, often at its border, sometimes anywhere. */
  byteAddress(): string {
    const { random } = this;
    if (random.chance(4)) return hex(random.pick(ODD_ADDRESSES) + BigInt(random.pick([0, 8, 4095])));
    if (random.chance(10)) return hex(this.arenaAddress());
    const { base, pages } = this.region();
    const page = random.weighted([
      [12, random.below(pages)],
      [2, 0],
      [2, pages - 1],
      [1, pages],
      [1, -1],
    ]);
    return at(
      base,
      BigInt(page) * PAGE +
        BigInt(
          random.weighted([
            [6, 0],
            [2, random.below(4096)],
            [1, 4095],
          ]),
        ),
    );
  }

  /** A range for a call: mostly page-aligned around a region and its borders; wrong in one of eight cases. */
  range(): Range {
    const { random } = this;
    if (random.chance(12)) return this.badRange();
    if (random.chance(15)) {
      return { addr: hex(this.arenaAddress()), length: size(BigInt(random.between(1, 8)) * PAGE) };
    }
    const { base, pages } = this.region();
    const first = random.weighted([
      [4, 0],
      [5, random.below(pages)],
      [1, pages - 1],
      [1, pages],
      [1, -1],
    ]);
    const rest = pages - first;
    const count = random.weighted([
      [4, Math.max(1, rest)],
      [5, random.between(1, Math.max(1, rest))],
      [2, 1],
      [1, rest + 1],
      [1, rest + 3],
    ]);
    const tail = random.chance(8) ? BigInt(random.pick([-1, 1, -4095, 100])) : 0n;
    return { addr: at(base, BigInt(first) * PAGE), length: size(BigInt(Math.max(1, count)) * PAGE + tail) };
  }

  private badRange(): Range {
    const { random } = this;
    const { base, pages } = this.region();
    const addr = random.weighted([
      [3, at(base, BigInt(random.pick([1, 8, 2048, 4095])))],
      [2, hex(random.pick(ODD_ADDRESSES))],
      [4, at(base, BigInt(random.below(pages)) * PAGE)],
    ]);
    const length = random.weighted([
      [5, size(random.pick(ODD_LENGTHS))],
      [4, size(BigInt(random.between(1, pages)) * PAGE)],
    ]);
    return { addr, length };
  }

  /**
   * Not PROT_EXEC alone: on a CPU with protection keys Linux gives such memory a key that forbids reading
   * (mm/mmap.c: do_mmap() calls execute_only_pkey()), on others it is readable.
   */
  prot(): string {
    return this.random.weighted([
      [10, 'PROT_READ|PROT_WRITE'],
      [5, 'PROT_READ'],
      [3, 'PROT_NONE'],
      [1, 'PROT_WRITE'],
      [2, 'PROT_READ|PROT_EXEC'],
      [2, 'PROT_READ|PROT_WRITE|PROT_EXEC'],
    ]);
  }

  /** A length for a new mapping, in pages: small ones mostly. */
  pages(): number {
    return this.random.weighted([
      [6, this.random.between(1, 4)],
      [5, this.random.between(3, 12)],
      [1, this.random.between(16, 40)],
    ]);
  }
}
