// The interpreter over a backend of a few lines: requests, bindings, loops, expectations, asserts.

import { describe, expect, test } from 'vitest';
import type { StepOutcome } from '../../simulator/abi.ts';
import { driveAsync, driveSync } from '../../simulator/scenario/asking.ts';
import { outcomeOf } from '../../simulator/scenario/expectations.ts';
import { initialState, performStep, type StepReport } from '../../simulator/scenario/interpreter.ts';
import { parseScenario } from '../../simulator/scenario/scenario.ts';
import { FakeBackend } from './fake-backend.ts';

function runText(text: string, backend = new FakeBackend(), most = 1000): StepReport[] {
  const scenario = parseScenario(text);
  expect(scenario.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  const reports: StepReport[] = [];
  let state = initialState(scenario);
  while (state.cursor !== null && reports.length < most) {
    const end = driveSync(performStep(scenario, state), backend);
    reports.push(end.report);
    state = end.state;
  }
  return reports;
}

/** The report of the last line, behind `p = spawn()` and a mapping `a`. */
function lastOf(line: string, backend = new FakeBackend()): StepReport {
  const setup = 'p = spawn()\np: a = mmap(NULL, 8K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)\n';
  const report = runText(`${setup}${line}\n`, backend).at(-1);
  if (report === undefined) throw new Error('no report');
  return report;
}

function argsOf(line: string): unknown {
  const request = lastOf(line).request;
  return request?.op === 'syscall' ? [request.name, ...request.args] : request;
}

describe('requests', () => {
  test('arithmetic is 64-bit unsigned and wraps', () => {
    const max = (1n << 64n) - 1n;
    expect(argsOf('p: brk(0xffffffffffffffff + 2)')).toEqual(['brk', 1n]);
    expect(argsOf('p: brk(-1)')).toEqual(['brk', max]);
    expect(argsOf('p: brk(1 - 2 * 3)')).toEqual(['brk', max - 4n]);
    expect(argsOf('p: brk(2 + 3 * 4K - (1 + 1))')).toEqual(['brk', 12288n]);
    expect(argsOf('p: brk(1|2|PROT_EXEC)')).toEqual(['brk', 7n]);
    expect(argsOf('p: brk(0x8000000000000000 * 2)')).toEqual(['brk', 0n]);
    expect(argsOf('p: brk(a + PAGE_SIZE)')).toEqual(['brk', 0x7ffff7ff5000n + 4096n]);
  });

  test('a process in an expression is its pid', () => {
    expect(argsOf('p: kill(p, SIGKILL)')).toEqual(['kill', 1000n, 9n]);
  });

  test('accesses', () => {
    expect(argsOf('p: load(a)')).toEqual({ op: 'load', pid: 1000, addr: 0x7ffff7ff5000n });
    expect(argsOf('p: load(a, 8K)')).toMatchObject({ op: 'load', length: 8192n });
    expect(argsOf('p: store(a, 0x1ff)')).toMatchObject({ op: 'store', value: 0xff });
    expect(argsOf('p: store(a, -1, 4K)')).toMatchObject({ op: 'store', value: 0xff, length: 4096n });
    expect(argsOf('p: store(a, "\\0hi")')).toMatchObject({ value: Uint8Array.of(0, 104, 105) });
    expect(argsOf('p: fetch(a)')).toMatchObject({ op: 'fetch' });
    expect(argsOf('p: signal(SIGBUS, handler)')).toEqual({ op: 'signal', pid: 1000, signal: 'SIGBUS', handler: true });
    expect(argsOf('p: signal(SIGSEGV, SIG_DFL)')).toMatchObject({ handler: false });
  });

  test('limits take one form, however they are written', () => {
    expect(argsOf('p: setrlimit(RLIMIT_STACK, 1M)')).toEqual(['setrlimit', 3n, 1n << 20n]);
    const both = ['setrlimit', 3n, 1n << 20n, (1n << 64n) - 1n];
    expect(argsOf('p: setrlimit(RLIMIT_STACK, 1M, RLIM_INFINITY)')).toEqual(both);
    expect(argsOf('p: setrlimit(RLIMIT_STACK, {rlim_cur=1024*1024, rlim_max=RLIM64_INFINITY})')).toEqual(both);
    expect(argsOf('p: prlimit64(0, RLIMIT_STACK, {rlim_cur=1024*1024, rlim_max=RLIM64_INFINITY}, NULL)')).toEqual(both);
    expect(argsOf('p: prlimit64(p, RLIMIT_STACK, NULL, {rlim_cur=1, rlim_max=2})')).toEqual([
      'prlimit64',
      1000n,
      3n,
      0n,
      0n,
    ]);
    expect(argsOf('p: prlimit64(0, RLIMIT_STACK, NULL, a)')).toEqual(['prlimit64', 0n, 3n, 0n, 0x7ffff7ff5000n]);
  });

  test("strace's named arguments of clone come into the kernel's order", () => {
    const line = 'p: clone(child_stack=0x1000, flags=CLONE_VM|SIGCHLD, child_tidptr=0x2000)';
    expect(argsOf(line)).toEqual(['clone', 0x111n, 0x1000n, 0n, 0x2000n]);
  });

  test('argv and envp', () => {
    const text = (words: unknown) => (words as { text: string }[]).map((w) => w.text);
    const request = lastOf('p: execve("/bin/ls", ["/bin/ls", "-l"], [])').request;
    expect(request?.op === 'syscall' && text(request.args[1])).toEqual(['/bin/ls', '-l']);
    expect(request?.op === 'syscall' && request.args[2]).toEqual([]);
    const argv = (line: string) => {
      const spawn = runText(line)[0]?.request;
      return spawn?.op === 'spawn' ? [spawn.path, ...text(spawn.argv)] : [];
    };
    expect(argv('q = spawn()')).toEqual(['/bin/puppet', '/bin/puppet']);
    expect(argv('q = spawn("/x")')).toEqual(['/x', '/x']);
    expect(argv('q = spawn("/x", "y", "z")')).toEqual(['/x', 'y', 'z']);
    expect(argv('q = spawn("/x", ["y", "z"])')).toEqual(['/x', 'y', 'z']);
  });

  test('an environment of which strace says only its size', () => {
    const environment = (envp: string) => (argsOf(`p: execve("/x", ["x"], ${envp})`) as unknown[])[3];
    const three = new Array(3).fill({ text: '', bytes: new Uint8Array(0) });
    expect(environment('0x7ffd12345678 /* 3 vars */')).toEqual(three);
    expect(environment('[/* 3 vars */]')).toEqual(three);
    expect(environment('0x7ffd12345678 /* 1 var */')).toHaveLength(1);
    expect(environment('0x7ffd12345678 /* 0 vars */')).toEqual([]);
    expect(environment('0x7ffd12345678')).toBe(0x7ffd12345678n);
    expect(environment('0x7ffd12345678 /* 99999999999 vars */')).toHaveLength(1 << 20);
  });

  test('calls of the kernel', () => {
    expect(argsOf('kernel: vm_insert_page(p, a, "/dev/d", 2)')).toMatchObject({
      op: 'kernel',
      name: 'vm_insert_page',
      args: [1000n, 0x7ffff7ff5000n, { text: '/dev/d' }, 2n],
    });
  });
});

describe('names', () => {
  test('a failed call binds -1, and the lines behind it can be made', () => {
    const backend = new FakeBackend();
    backend.answers.set('mmap', { result: { kind: 'errno', errno: 'ENOMEM' }, faults: [], minflt: 0, majflt: 0 });
    const reports = runText(
      'p = spawn()\np: a = mmap(0, 1, 0, 0, -1, 0) = ENOMEM\np: munmap(a, 4K)\nassert a == MAP_FAILED',
      backend,
    );
    expect(reports.map((r) => r.expected)).toEqual([undefined, true, undefined, true]);
  });

  test('a name whose step was not made has no value', () => {
    const reports = runText('p = spawn()\np: exit(0)\np: a = brk(0)\np: load(a)\nassert a == 0');
    expect(reports.map((r) => r.error?.message)).toEqual([
      undefined,
      undefined,
      "process 'p' is dead",
      "'a' holds nothing: line 3 did not give it a value",
      "'a' holds nothing: line 3 did not give it a value",
    ]);
    expect(reports.map((r) => r.outcome.result.kind)).toEqual(['value', 'value', 'skipped', 'skipped', 'value']);
  });

  test('why a step is not made names the processes as the scenario does', () => {
    const backend = new FakeBackend();
    const waits = 'process 1000 waits for its vfork child, process 1001; process 1002 does not';
    const skipped = { kind: 'skipped', message: waits } as const;
    backend.answers.set('brk', { result: skipped, faults: [], minflt: 0, majflt: 0 });
    const reports = runText('p = spawn()\np: kid = fork()\np: brk(0)', backend);
    expect(reports[2]?.error?.message).toBe(
      "process 'p' waits for its vfork child, process 'kid'; process 1002 does not",
    );
  });

  test('a process that was not made is an error on the lines of its steps', () => {
    const backend = new FakeBackend();
    backend.answers.set('fork', { result: { kind: 'errno', errno: 'EAGAIN' }, faults: [], minflt: 0, majflt: 0 });
    const reports = runText('p = spawn()\np: kid = fork() = EAGAIN\nkid: brk(0)', backend);
    expect(reports[2]?.error?.message).toContain("no process 'kid'");
  });

  test('what comes of one mistake names the line that told it, and a new process makes its own', () => {
    const backend = new FakeBackend();
    const followUps = (text: string) =>
      runText(text, backend).map(({ error, followUp }) => (error && (followUp?.line ?? 'told')) ?? null);
    const dead = 'p = spawn()\np: load(0)\n';
    // Its own steps, and those that need what these would have given.
    expect(followUps(`${dead}p: a = brk(0)\np: b = brk(a)\np: load(b)\nassert b == 0`)).toEqual([
      null,
      null,
      'told',
      3,
      3,
      3,
    ]);
    expect(followUps(`${dead}q = spawn()\nq: load(0)\np: brk(0)\nq: brk(0)\np: brk(0)\nq: brk(0)`)).toEqual([
      null,
      null,
      null,
      null,
      'told',
      'told',
      5,
      6,
    ]);
    expect(followUps('repeat 2\np = spawn()\np: load(0)\np: brk(0)\np: brk(0)\nend')).toEqual([
      null,
      null,
      'told',
      4,
      null,
      null,
      'told',
      4,
    ]);
    expect(followUps('p = spawn()\nrepeat 0\np: a = brk(0)\nend\np: brk(a)\np: load(a)\np: load(7, a)')).toEqual([
      null,
      'told',
      5,
      5,
    ]);
    backend.answers.set('fork', { result: { kind: 'errno', errno: 'EAGAIN' }, faults: [], minflt: 0, majflt: 0 });
    expect(followUps('p = spawn()\np: kid = fork()\nkid: brk(0)\nkid: a = brk(0)\np: load(a)')).toEqual([
      null,
      null,
      'told',
      3,
      3,
    ]);
    // A step that was not made for a reason of its own has told it.
    const waits = { kind: 'skipped', message: 'it would wait' } as const;
    backend.answers.set('wait4', { result: waits, faults: [], minflt: 0, majflt: 0 });
    expect(followUps('p = spawn()\np: w = wait4(-1)\np: brk(w)\np: wait4(-1)')).toEqual([null, 'told', 2, 'told']);
  });

  test('a load binds what it read, lowest byte first', () => {
    const reports = runText('p = spawn()\np: store(0x5000, "\\1\\2")\np: x = load(0x5000, 2)\nassert x == 0x201');
    expect(reports[3]?.expected).toBe(true);
  });
});

describe('repeat', () => {
  test('lines are repeated, nested, and names are bound anew', () => {
    const text = 'p = spawn()\nrepeat 2\nrepeat 3\np: a = mmap(0, 4K, 0, 2, -1, 0)\nend\np: brk(a)\nend\np: brk(1)';
    const reports = runText(text);
    expect(reports.map((r) => r.line)).toEqual([1, 4, 4, 4, 6, 4, 4, 4, 6, 8]);
    const brks = reports.filter((r) => r.call === 'brk').map((r) => r.request?.op === 'syscall' && r.request.args[0]);
    expect(brks).toEqual([0x7ffff7ff7000n - 0x3000n, 0x7ffff7ff7000n - 0x6000n, 1n]);
  });

  test('10^12 rounds cost nothing before they are made', () => {
    const reports = runText(
      'p = spawn()\nrepeat 1000000000000\nrepeat 1000000\np: brk(0)\nend\nend',
      new FakeBackend(),
      50,
    );
    expect(reports).toHaveLength(50);
  });

  test('rounds of nothing are passed over', () => {
    const text =
      'p = spawn()\nrepeat 1000000000000\nrepeat 0\np: brk(0)\nend\nrepeat 4\n# nothing\nend\nend\np: brk(1)';
    expect(runText(text).map((r) => r.line)).toEqual([1, 10]);
  });

  test('repeat 0 leaves its names without values', () => {
    const reports = runText('p = spawn()\nrepeat 0\np: a = brk(0)\nend\np: brk(a)');
    expect(reports[1]?.error?.message).toBe("'a' is not bound here: line 3, which binds it, has not run");
  });
});

describe('expectations', () => {
  const met: string[] = [
    'p: brk(0) = 0',
    'p: brk(0) = ?',
    'p: load(a) = minor',
    'p: load(a) = minor 0',
    'p: load(a, 3) = "\\0\\0\\0"',
    'p: load(a) = "\\0\\0\\0"',
    'p: store(a, "x") = minor',
    'p: store(a, "x") = 0',
    'p: load(0) = SIGSEGV',
    'p: load(0) = SIGSEGV SEGV_MAPERR',
  ];
  test.each(met)('%s is met', (line) => {
    expect(lastOf(line)).toMatchObject({ expected: true });
  });

  const missed: [string, string][] = [
    ['p: brk(0) = 1', 'expected 1, got 0'],
    ['p: brk(0) = ENOMEM', 'expected ENOMEM, got 0'],
    ['p: load(a) = hit', 'expected hit, got minor fault'],
    ['p: load(a) = cow', 'expected cow'],
    ['p: load(a) = major 7', 'expected major and 7, got minor fault and 0'],
    ['p: load(a) = 0x41', 'expected 0x41, got 0x0'],
    ['p: load(a) = minor 7', 'expected 7, got 0'],
    ['p: load(a, 2) = "\\0\\0\\0"', 'expected "\\x00\\x00\\x00", got "\\x00\\x00"'],
    ['p: load(a, 9) = "hello"', 'expected "hello", got "\\x00\\x00\\x00\\x00\\x00"'],
    ['p: load(a) = "hi"', 'expected "hi", got "\\x00\\x00"'],
    ['p: load(a) = SIGSEGV', 'expected SIGSEGV, got minor fault'],
    ['p: store(a, 1) = hit', 'expected hit, got minor fault'],
    ['p: store(a, 1) = 7', 'expected 7, got 0'],
    ['p: brk(0) = SIGKILL', 'expected SIGKILL, got 0'],
    ['p: brk(0) = 16K', 'expected 16K, got 0'],
    ['p: load(0) = SIGBUS', 'expected SIGBUS, got SIGSEGV SEGV_MAPERR at 0x0'],
    ['p: load(0) = minor', 'expected minor, got SIGSEGV'],
    ['p: load(0) = SIGSEGV SEGV_ACCERR', 'expected SIGSEGV SEGV_ACCERR'],
  ];
  test.each(missed)('%s fails', (line, message) => {
    const report = lastOf(line);
    expect(report.expected).toBe(false);
    expect(report.failure?.message).toContain(message);
  });

  test.each([
    [
      'p: brk(0) = minor',
      'brk has no outcome such as minor, only load, store and fetch do: expect a value or an errno',
    ],
    ['p: k = fork() = cow', 'fork has no outcome'],
    ['q = spawn() = minor', 'spawn has no outcome'],
    ['p: signal(SIGSEGV, handler) = hit', 'signal has no outcome'],
    ['kernel: writeback() = hit', 'writeback has no outcome'],
    ['p: load(0) = ENOMEM', 'load gives no errno: expect hit, minor, major, cow or a signal'],
    ['p: load(0) = hit, ENOMEM', 'load gives no errno'],
    ['p: load(0) = hit, SIGSEGV', 'only one result can be expected'],
    ['p: load(0) = SIGSEGV minor', 'only one result can be expected'],
    ['p: load(0) = SIGSEGV SIGBUS', 'only one result can be expected'],
    ['p: load(0) = SIGSEGV 0', 'who ends in SIGSEGV gives no value: expect one of the two'],
    ['p: brk(0) = ENOMEM SIGKILL', 'who ends in SIGKILL gives no errno: expect one of the two'],
    ['p: load(0) = SIGTERM', 'load cannot end in SIGTERM: expect SIGSEGV, SIGBUS, SIGKILL'],
    ['p: load(0) = SIGBUS SEGV_MAPERR', 'SEGV_MAPERR is no code of SIGBUS: it has BUS_ADRERR,'],
    ['p: load(0) = SIGSEGV BUS_ADRERR', 'BUS_ADRERR is no code of SIGSEGV: it has SEGV_MAPERR,'],
    ['p: load(0) = SIGSEGV SEGV_MAPPER', 'SEGV_MAPPER is no code of SIGSEGV: did you mean SEGV_MAPERR?'],
    ['p: load(0) = SIGSEGV SEGV_MAPERR SEGV_ACCERR', 'only one result can be expected'],
    ['p: load(0) = SEGV_MAPERR', 'SEGV_MAPERR says why a signal was sent: write it behind SIGSEGV'],
    ['p: brk(0) = ? 5', 'only one result can be expected'],
    ['p: brk(0) = 5 ?', 'only one result can be expected'],
  ])('%s is an error before the run', (line, message) => {
    const { diagnostics } = parseScenario(`p = spawn()\n${line}`);
    expect(diagnostics.map((problem) => problem.message)).toEqual([expect.stringContaining(message)]);
    expect(diagnostics[0]?.severity).toBe('error');
  });

  test.each([
    'p: load(0) = SIGSEGV SI_KERNEL',
    'p: load(0) = SIGBUS, BUS_ADRERR',
    'p: load(0) = SIGKILL SI_KERNEL',
    'p: ftruncate(3, 9M) = -1 EFBIG SIGXFSZ SI_USER',
    'p: kill(p, SIGTERM) = SIGTERM',
    'q = spawn() = SIGSEGV SI_KERNEL',
    'p: load(0) = ? hit',
  ])('%s can be', (line) => {
    expect(parseScenario(`p = spawn()\n${line}`).diagnostics).toEqual([]);
  });

  test('an errno that was not expected says what it means', () => {
    const backend = new FakeBackend();
    backend.answers.set('brk', { result: { kind: 'errno', errno: 'ENOMEM' }, faults: [], minflt: 0, majflt: 0 });
    const messages = (line: string) => runText(`p = spawn()\n${line}`, backend)[1]?.failure;
    expect(messages('p: brk(0) = 0')).toMatchObject({ message: 'expected 0, got ENOMEM (Cannot allocate memory)' });
    expect(messages('p: brk(0) = EINVAL')).toMatchObject({ tells: ['result'] });
  });

  test('of long strings the place of the first difference is shown', () => {
    const digits = '0123456789'.repeat(5);
    const wanted = digits.replace(/9$/, '!');
    const reports = runText(`p = spawn()\np: store(0x5000, "${digits}")\np: load(0x5000, 50) = "${wanted}"`);
    expect(reports[2]?.failure?.message).toBe('expected …"12345678!", got …"123456789": byte 49 differs');
  });

  test('a line that expects nothing says nothing', () => {
    expect(lastOf('p: brk(0)')).not.toHaveProperty('expected');
  });

  test('the costliest fault names the outcome, and a cow is minor too', () => {
    const base: StepOutcome = { result: { kind: 'value', value: 0n }, faults: [], minflt: 0, majflt: 0 };
    const fault = { addr: 0, access: 'write', kind: 'cow', major: false } as const;
    expect(outcomeOf(base)).toBe('hit');
    expect(outcomeOf({ ...base, minflt: 1 })).toBe('minor');
    expect(outcomeOf({ ...base, minflt: 1, faults: [fault] })).toBe('cow');
    expect(
      outcomeOf({ ...base, minflt: 1, majflt: 1, faults: [fault, { ...fault, kind: 'swap-in', major: true }] }),
    ).toBe('major');
    const backend = new FakeBackend();
    backend.execute = () => ({ ...base, minflt: 1, faults: [fault], child: 1000 });
    expect(
      runText('p = spawn()\np: store(1, 1) = minor\np: store(1, 1) = cow', backend).map((r) => r.expected),
    ).toEqual([undefined, true, true]);
  });

  test('-1 is what a failed call returns', () => {
    const backend = new FakeBackend();
    backend.answers.set('brk', { result: { kind: 'errno', errno: 'ENOMEM' }, faults: [], minflt: 0, majflt: 0 });
    expect(lastOf('p: brk(0) = -1', backend).expected).toBe(true);
    expect(lastOf('p: brk(0) = -1 ENOMEM (Cannot allocate memory)', backend).expected).toBe(true);
    expect(lastOf('p: brk(0) = -1 EINVAL (Invalid argument)', backend).expected).toBe(false);
  });
});

describe('assert', () => {
  const held = [
    '1 + 1 == 2 && 3 > 2',
    '!(1 == 2)',
    'perm(p, a) == "rw-p"',
    'perm(p, a) != "r--p" && !present(p, a)',
    'phys(p, a) + 4 == 5',
    'present(p, a) == 0',
    '-1 > 0',
    '"a" < "b"',
    'byte(p, a) * 3 == 0',
  ];
  test.each(held)('%s', (condition) => {
    expect(lastOf(`assert ${condition}`)).toMatchObject({ kind: 'assert', expected: true });
  });

  const failed: [string, string][] = [
    ['1 == 2', 'the assert does not hold: it never holds'],
    ['phys(p, a) == 2', 'phys(p, a) is 0x1'],
    ['present(p, a)', 'present(p, a) is false'],
    ['!phys(p, a)', 'phys(p, a) is 1'],
    ['1 == 1 && perm(p, a) == "r--p"', 'perm(p, a) is "rw-p"'],
    ['a == 1', 'a is 0x7ffff7ff5000'],
    ['3 - 4 < 0', '3 - 4 is 0xffffffffffffffff (numbers have 64 bits and no sign)'],
    ['3 - 4 == 0', '3 - 4 is -1'],
  ];
  test.each(failed)('%s does not hold', (condition, message) => {
    const report = lastOf(`assert ${condition}`);
    expect(report.expected).toBe(false);
    expect(report.failure?.message).toContain(message);
  });

  test('what cannot be answered is an error', () => {
    expect(lastOf('assert rss(77) == 0')).toMatchObject({ expected: false, error: { message: 'no such process' } });
  });
});

test('a backend behind promises gives the same', async () => {
  const scenario = parseScenario(
    'p = spawn()\np: store(0x5000, "x") = minor\nassert byte(p, 0x5000) == 0x78\np: load(0x5000) = hit "x"',
  );
  const backend = new FakeBackend();
  const slow = {
    execute: (request: Parameters<FakeBackend['execute']>[0]) => Promise.resolve(backend.execute(request)),
    query: (query: Parameters<FakeBackend['query']>[0]) => Promise.resolve(backend.query(query)),
  };
  const met: (boolean | undefined)[] = [];
  let state = initialState(scenario);
  while (state.cursor !== null) {
    const end = await driveAsync(performStep(scenario, state), slow);
    met.push(end.report.expected);
    state = end.state;
  }
  expect(met).toEqual([undefined, true, true, true]);
});
