/** The driver against this machine's kernel: facts of Linux 6.18 that no run may get wrong, and what bad runs leave behind. */
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KernelMachine, type ProcessDump, type StepResult } from './driver.ts';

const PAGE = 4096n;
const RW = 3n;
const PRIVATE_ANONYMOUS = 0x22n;
const MADV_PAGEOUT = 21n;
const MADV_POPULATE_WRITE = 23n;
const O_RDWR = 2n;
const RLIMIT_STACK = 3;

const lacking = KernelMachine.available();

function mapped(result: StepResult): bigint {
  if (result.value === undefined) throw new Error(`mmap failed: ${result.errno}`);
  return result.value;
}

/** The range, permissions and name of each line of maps. */
function layout(dump: ProcessDump): string[] {
  return dump.maps
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(\S+ \S+) \S+ \S+ \S+\s*/, '$1 ').trimEnd());
}

function statusKb(dump: ProcessDump, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(dump.status)?.[1]);
}

describe.skipIf(lacking !== undefined)(`the real kernel${lacking === undefined ? '' : ` (${lacking})`}`, () => {
  let machine: KernelMachine;
  let pid: number;

  const call = (name: string, ...args: bigint[]) => machine.syscall(pid, name, args);
  const anonymous = async (length: bigint) => mapped(await call('mmap', 0n, length, RW, PRIVATE_ANONYMOUS, -1n, 0n));

  beforeAll(async () => {
    machine = await KernelMachine.start();
  }, 60000);

  afterAll(() => machine.close());

  beforeEach(async () => {
    await machine.reset();
    await machine.constants(['/data/file', '/bin/puppet', ['/bin/puppet', '-l']]);
    await machine.program('/bin/puppet', { text: 4096 });
    await machine.file('/data/file', 40960);
    machine.pageCache('warm');
    pid = (await machine.spawn('/bin/puppet')).pid;
  });

  test('a fresh static process has its own segments, vdso and stack, and nothing else', async () => {
    const dump = await machine.dump(pid);
    expect(layout(dump)).toEqual([
      '00400000-00401000 r--p /bin/puppet',
      '00401000-00402000 r-xp /bin/puppet',
      '7ffff7ff7000-7ffff7ffb000 r--p [vvar]',
      '7ffff7ffb000-7ffff7ffd000 r--p [vvar_vclock]',
      '7ffff7ffd000-7ffff7fff000 r-xp [vdso]',
      '7ffffffde000-7ffffffff000 rw-p [stack]',
      'ffffffffff600000-ffffffffff601000 --xp [vsyscall]',
    ]);
    expect(pid).toBe(1000);
    expect([dump.minflt, dump.majflt]).toEqual([2, 0]);
    expect(statusKb(dump, 'VmSize')).toBe(172);
    expect(statusKb(dump, 'VmPTE')).toBe(24);
    expect(dump.pages.map((page) => page.va)).toEqual([0x400000n, 0x401000n, 0x7fffffffe000n].slice(1));
  });

  test('a position-independent program is mapped high, its interpreter below mmap_base', async () => {
    await machine.library('/lib/ld.so', { text: 12288, rodata: 4096, data: 4096, bss: 4096 });
    await machine.program('/bin/pie', { type: 'pie', text: 8192, data: 4096, interp: '/lib/ld.so' });
    const { pid: pie } = await machine.spawn('/bin/pie');
    const lines = layout(await machine.dump(pie));
    expect(lines[0]).toBe('555555554000-555555555000 r--p /bin/pie');
    expect(lines).toContain('7ffff7ff8000-7ffff7ff9000 r--p /lib/ld.so');
    expect(lines).toContain('7ffff7ffe000-7ffff7fff000 rw-p');
  });

  test('maps are placed top-down, and each untouched page costs one fault', async () => {
    expect(await anonymous(2n * PAGE)).toBe(0x7ffff7ff5000n);
    expect(await machine.load(pid, 0x7ffff7ff5000n)).toMatchObject({ bytes: Uint8Array.of(0), minflt: 1, majflt: 0 });
    expect((await machine.dump(pid)).pages.find((page) => page.va === 0x7ffff7ff5000n)).toMatchObject({
      zero: true,
      file: false,
      exclusive: false,
    });
    expect(await machine.fill(pid, 0x7ffff7ff5000n, 65, 2n * PAGE)).toMatchObject({ minflt: 2, majflt: 0 });
    const { bytes } = await machine.load(pid, 0x7ffff7ff5ffen, 4n);
    expect(bytes).toEqual(Uint8Array.of(65, 65, 65, 65));
  });

  test('errors are the kernel’s', async () => {
    expect(await call('mmap', 0n, 0n, RW, PRIVATE_ANONYMOUS, -1n, 0n)).toMatchObject({ errno: 'EINVAL' });
    expect(await call('mmap', 0x8000n, PAGE, RW, 0x32n, -1n, 0n)).toMatchObject({ errno: 'EPERM' });
    expect(await call('mprotect', 0x10000000n, PAGE, RW)).toMatchObject({ errno: 'ENOMEM' });
    expect(await call('personality', 0xffffffffn)).toMatchObject({ value: 0x40000n });
  });

  test('after a fork the first writer copies and the second keeps the frame', async () => {
    const buffer = await anonymous(PAGE);
    await machine.store(pid, buffer, 'hello');
    const frame = async (who: number) => (await machine.dump(who)).pages.find((page) => page.va === buffer);
    const before = (await frame(pid))?.pfn;
    const fork = await call('fork');
    expect(fork).toMatchObject({ value: 1001n, minflt: 0, child: { pid: 1001, minflt: 1, majflt: 0 } });
    expect(await frame(1001)).toMatchObject({ pfn: before, exclusive: false, mapCount: 2 });
    expect(await machine.store(1001, buffer, 'J')).toMatchObject({ minflt: 1 });
    expect((await frame(1001))?.pfn).not.toBe(before);
    expect(await machine.store(pid, buffer, 'M')).toMatchObject({ minflt: 1 });
    expect(await frame(pid)).toMatchObject({ pfn: before, exclusive: true });
    expect(await machine.store(pid, buffer, 'N')).toMatchObject({ minflt: 0 });
    expect(Buffer.from((await machine.load(1001, buffer, 5n)).bytes ?? []).toString()).toBe('Jello');
  });

  test('a page that was swapped out comes back with one major fault', async () => {
    expect(machine.hasSwap).toBe(true);
    const buffer = await anonymous(2n * PAGE);
    await machine.fill(pid, buffer, 7, 2n * PAGE);
    await call('madvise', buffer, 2n * PAGE, MADV_PAGEOUT);
    const out = (await machine.dump(pid)).pages.filter((page) => page.va >= buffer && page.va < buffer + 2n * PAGE);
    expect(out.map(({ present, swapped }) => [present, swapped])).toEqual([
      [false, true],
      [false, true],
    ]);
    expect(await machine.load(pid, buffer)).toMatchObject({ bytes: Uint8Array.of(7), minflt: 0, majflt: 1 });
    expect(await machine.store(pid, buffer, 'x')).toMatchObject({ minflt: 0, majflt: 0 });
  });

  test('a cached file is mapped by fault-around; an evicted one is read with a major fault', async () => {
    const open = await machine.syscall(pid, 'open', ['/data/file', O_RDWR]);
    expect(open.value).toBe(3n);
    const map = mapped(await call('mmap', 0n, 10n * PAGE, RW, 2n, 3n, 0n));
    expect(await machine.load(pid, map)).toMatchObject({ bytes: Uint8Array.of(1), minflt: 1, majflt: 0 });
    expect((await machine.dump(pid)).pages.filter((page) => page.va >= map && page.va < map + 10n * PAGE)).toHaveLength(
      10,
    );
    expect(await machine.store(pid, map, 'w')).toMatchObject({ minflt: 1 });
    await call('madvise', map, 10n * PAGE, 4n);
    await machine.kernel({ op: 'drop_caches' });
    expect((await machine.cached('/data/file')).some(Boolean)).toBe(false);
    expect(await machine.load(pid, map)).toMatchObject({ bytes: Uint8Array.of(1), minflt: 0, majflt: 1 });
  });

  test('beyond the end of a file there is SIGBUS, without a mapping SIGSEGV; a handler lets the process go on', async () => {
    await machine.syscall(pid, 'open', ['/data/file', O_RDWR]);
    const map = mapped(await call('mmap', 0n, 12n * PAGE, RW, 1n, 3n, 0n));
    await machine.signal(pid, 'SIGBUS', 'handler');
    expect(await machine.load(pid, map + 10n * PAGE)).toMatchObject({
      signal: { name: 'SIGBUS', code: 'BUS_ADRERR', addr: map + 10n * PAGE },
      minflt: 0,
      died: false,
    });
    await machine.kernel({ op: 'truncate', path: '/data/file', size: PAGE });
    expect(await machine.load(pid, map + PAGE)).toMatchObject({ signal: { name: 'SIGBUS' }, died: false });
    expect(await machine.store(pid, 0n, 'x')).toMatchObject({
      signal: { name: 'SIGSEGV', code: 'SEGV_MAPERR', addr: 0n },
      died: true,
      dead: [],
    });
    expect((await machine.dump(pid)).alive).toBe(false);
    await expect(machine.load(pid, map)).rejects.toThrow('dead');
  });

  test('a fetch needs an executable page, and executes nothing that touches memory', async () => {
    await machine.signal(pid, 'SIGSEGV', 'handler');
    const code = mapped(await call('mmap', 0n, PAGE, 7n, PRIVATE_ANONYMOUS, -1n, 0n));
    expect(await machine.fetch(pid, code)).toMatchObject({ value: 0n, minflt: 1 });
    await machine.store(pid, code, Uint8Array.of(0x0f, 0x05, 0x48, 0x89, 0x00));
    expect(await machine.fetch(pid, code)).toMatchObject({ value: 0n, minflt: 0 });
    expect(await machine.fetch(pid, code + 2n)).toMatchObject({ value: 0n, minflt: 0 });
    const data = await anonymous(PAGE);
    expect(await machine.fetch(pid, data)).toMatchObject({
      signal: { name: 'SIGSEGV', code: 'SEGV_ACCERR', addr: data },
      minflt: 1,
    });
    expect(await machine.fetch(pid, 1n << 63n)).toMatchObject({ signal: { code: 'SI_KERNEL', addr: 0n } });
  });

  test('the stack grows down to its limit, which is read at the fault', async () => {
    const lowest = 0x7fffff7ff000n;
    expect(await machine.store(pid, lowest, 'x')).toMatchObject({ value: 0n, minflt: 1 });
    expect(await machine.setrlimit(pid, RLIMIT_STACK, 16n << 20n)).toMatchObject({ value: 0n });
    expect(await machine.load(pid, lowest - 1n)).toMatchObject({ minflt: 1 });
    expect(await machine.setrlimit(pid, RLIMIT_STACK, 2n << 20n, 1n << 20n)).toMatchObject({ errno: 'EINVAL' });
    expect(await machine.load(pid, lowest - (8n << 20n) - 1n)).toMatchObject({
      signal: { code: 'SEGV_MAPERR' },
      died: true,
    });
  });

  test('execve, vfork, wait4 and kill do what they say, and a wait that would sleep is given up', async () => {
    expect(await machine.syscall(pid, 'execve', ['/bin/puppet', ['/bin/puppet', '-l'], 0n])).toMatchObject({
      value: 0n,
      minflt: 2,
    });
    expect(await call('vfork')).toMatchObject({ value: 1001n, child: { pid: 1001, minflt: 0 } });
    await expect(call('getrlimit', 3n, 0n)).rejects.toThrow('vfork');
    expect(await machine.syscall(1001, 'exit_group', [3n])).toMatchObject({ died: true, ended: { status: 3 } });
    expect(await call('wait4', -1n, 0n, 0n, 0n)).toMatchObject({ value: 1001n });
    expect(await call('wait4', -1n, 0n, 0n, 0n)).toMatchObject({ errno: 'ECHILD' });
    expect((await call('fork')).child?.pid).toBe(1002);
    expect(await call('wait4', -1n, 0n, 0n, 0n)).toMatchObject({ blocked: true });
    expect(await call('kill', 1002n, 15n)).toMatchObject({ value: 0n, dead: [1002] });
    expect(await call('wait4', -1n, 0n, 0n, 0n)).toMatchObject({ value: 1002n });
  });

  test('pages that the kernel made writable are hits, whatever the TLB remembers', async () => {
    await machine.syscall(pid, 'open', ['/data/file', O_RDWR]);
    const map = mapped(await call('mmap', 0n, 10n * PAGE, RW, 1n, 3n, 0n));
    for (let round = 0; round < 20; round++) {
      await call('msync', map, 10n * PAGE, 4n);
      await machine.load(pid, map, 10n * PAGE);
      await call('madvise', map, 10n * PAGE, MADV_POPULATE_WRITE);
      expect(await machine.fill(pid, map, round, 10n * PAGE)).toMatchObject({ minflt: 0, majflt: 0 });
    }
  });

  test('a process that asks for more than there is ends alone', async () => {
    const small = await KernelMachine.start({ memoryBytes: 16 << 20 });
    try {
      await small.program('/bin/puppet', { text: 4096 });
      const { pid: greedy } = await small.spawn('/bin/puppet');
      const map = mapped(await small.syscall(greedy, 'mmap', [0n, 64n << 20n, RW, PRIVATE_ANONYMOUS, -1n, 0n]));
      const end = await small.fill(greedy, map, 1, 64n << 20n);
      expect(end).toMatchObject({ signal: { name: 'SIGKILL' }, died: true });
      const { pid: next } = await small.spawn('/bin/puppet');
      expect((await small.dump(next)).minflt).toBe(2);
    } finally {
      await small.close();
    }
  });

  test('forks without end fail, and leave nothing behind', async () => {
    let made = 0;
    for (let i = 0; i < 300; i++) {
      const fork = await call('fork');
      if (fork.child !== undefined) made++;
      else expect(fork.errno).toBe('EAGAIN');
    }
    expect(made).toBe(255);
    await machine.reset();
    await machine.program('/bin/puppet', { text: 4096 });
    expect((await machine.spawn('/bin/puppet')).pid).toBe(1000);
  });

  test('threads share memory; an execve of the first ends the others', async () => {
    const thread = await call('clone', 0x10f00n, 0n, 0n, 0n, 0n);
    expect(thread.child).toMatchObject({ pid: 1001, minflt: 0 });
    const buffer = mapped(await machine.syscall(1001, 'mmap', [0n, PAGE, RW, PRIVATE_ANONYMOUS, -1n, 0n]));
    expect(await machine.store(1001, buffer, 'shared')).toMatchObject({ minflt: 1 });
    expect(await machine.load(pid, buffer)).toMatchObject({ minflt: 0 });
    const replaced = await machine.syscall(pid, 'execve', ['/bin/puppet', ['/bin/puppet', '-l'], 0n]);
    expect(replaced).toMatchObject({ value: 0n, dead: [1001], died: false });
  });

  test('a run has a time limit, and its end leaves no process and no file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'vas-test-'));
    const short = await KernelMachine.start({ runLimitMs: 300, directory });
    expect(readdirSync(directory)).toHaveLength(1);
    await short.program('/bin/puppet', { text: 4096 });
    const { pid: slow } = await short.spawn('/bin/puppet');
    const map = mapped(await short.syscall(slow, 'mmap', [0n, 1n << 40n, 1n, PRIVATE_ANONYMOUS, -1n, 0n]));
    await expect(short.load(slow, map, 1n << 40n)).rejects.toThrow('longer than 300 ms');
    await short.close();
    expect(short.over).toContain('300 ms');
    expect(readdirSync(directory)).toEqual([]);
    rmdirSync(directory);
  });
});
