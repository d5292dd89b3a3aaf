// The few words at the end of an executed line.
import { expect, test } from 'vitest';
import { lineText, outcomeText, resultTone } from '../../extension/outcome-text.ts';
import type { LineSummary, StepRecord } from '../../simulator/index.ts';

const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };

function record(call: string, more: Partial<StepRecord> & Pick<StepRecord, 'outcome'>): StepRecord {
  return {
    kind: 'step',
    index: 0,
    line: 1,
    range,
    callRange: range,
    process: 'p',
    pid: 1000,
    call,
    request: null,
    story: () => [],
    events: () => [],
    ...more,
  };
}

const outcome = (result: StepRecord['outcome']['result'], minflt = 0, majflt = 0): StepRecord['outcome'] => ({
  result,
  faults: [],
  minflt,
  majflt,
});

const zero = { kind: 'value', value: 0n } as const;
const text = (step: StepRecord) => outcomeText(step, (pid) => (pid === 1001 ? 'kid' : undefined));

test('addresses are hexadecimal, small numbers are not', () => {
  expect(text(record('mmap', { outcome: outcome({ kind: 'value', value: 0x7ffff7ff5000n }) }))).toBe(
    '= 0x7ffff7ff5000',
  );
  expect(text(record('munmap', { outcome: outcome(zero) }))).toBe('= 0');
  expect(text(record('open', { outcome: outcome({ kind: 'value', value: 3n }), expected: true }))).toBe('✓ = 3');
});

test('a new process has its name', () => {
  const step = record('fork', { outcome: { ...outcome({ kind: 'value', value: 1001n }), child: 1001 } });
  expect(text(step)).toBe('= 1001 (kid)');
});

test('an access says whether it faulted, and why', () => {
  const fault = { addr: 0x1000, access: 'write', kind: 'cow', major: false } as const;
  expect(text(record('store', { outcome: outcome(zero) }))).toBe('hit');
  expect(text(record('store', { outcome: { ...outcome(zero, 1), faults: [fault] } }))).toBe(
    'minor fault (copy-on-write)',
  );
  expect(text(record('load', { outcome: outcome({ kind: 'value', value: 0x4an }, 0, 2) }))).toBe(
    "= 0x4a 'J' · 2 major faults",
  );
  const bytes = new TextEncoder().encode('hello');
  expect(text(record('load', { outcome: outcome({ kind: 'bytes', bytes }) }))).toBe('= "hello" · hit');
});

test('in brief, kinds of faults are left out', () => {
  const anon = { addr: 0x1000, access: 'write', kind: 'anon', major: false } as const;
  const spawned = record('spawn', { outcome: { ...outcome(zero, 2), faults: [anon, anon] } });
  const nameOf = () => undefined;
  expect(outcomeText(spawned, nameOf)).toBe('= 0 · 2 minor faults (demand-zero)');
  expect(outcomeText(spawned, nameOf, 'brief')).toBe('= 0 · 2 minor faults');
  const line: LineSummary = {
    executions: 1,
    failures: 0,
    errors: 0,
    last: { ...spawned, expected: true },
    firstFailure: null,
    firstError: null,
  };
  expect(lineText(line, nameOf, 'brief')).toBe('✓ = 0 · 2 minor faults');
});

test('of many bytes the first are shown, and how many there are', () => {
  const load = (bytes: Uint8Array, length: number) =>
    text(
      record('load', {
        outcome: outcome({ kind: 'bytes', bytes }),
        request: { op: 'load', pid: 1000, addr: 0x1000n, length: BigInt(length) },
      }),
    );
  expect(load(new Uint8Array(100).fill(1), 100)).toBe('= 0x01 × 100 · hit');
  // Only the first 256 are known of more.
  const ones = Array.from({ length: 16 }, () => '01').join(' ');
  expect(load(new Uint8Array(256).fill(1), 8192)).toBe(`= 8192 bytes: ${ones} … · hit`);
  expect(load(new TextEncoder().encode('hello world, '.repeat(10)), 130)).toBe(
    '= 130 bytes: "hello world, hel"… · hit',
  );
  expect(load(Uint8Array.of(0, 1, 2, 255), 4)).toBe('= 00 01 02 ff · hit');
});

test('errors, signals and failures stand out', () => {
  expect(text(record('mmap', { outcome: outcome({ kind: 'errno', errno: 'ENOMEM' }) }))).toBe('= ENOMEM');
  const killed = record('load', {
    outcome: outcome({ kind: 'signal', signal: 'SIGSEGV', code: 'SEGV_MAPERR', addr: 0x1234n }),
  });
  expect(text(killed)).toBe('SIGSEGV (SEGV_MAPERR at 0x1234)');
  expect(resultTone(killed)).toBe('signal');
  const oom = { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL', addr: 0n } as const;
  expect(text(record('store', { outcome: outcome(oom) }))).toBe('SIGKILL');
  const failure = { message: 'expected EINVAL, got 0', range, tells: ['result'] } as const;
  const failed = record('munmap', { outcome: outcome(zero, 1), failure });
  expect(text(failed)).toBe('✗ expected EINVAL, got 0 · minor fault');
  expect(resultTone(failed)).toBe('failure');
});

test('who the OOM killer took stands before the faults', () => {
  const victim = { pid: 1001, resident: 9, swapped: 0, tables: 7, adj: 0, unit: 0, badness: 16 };
  const kill = { victim, killed: [1001], others: [], more: 0 };
  const step = record('store', { outcome: { ...outcome(zero, 20), oom: [kill] } });
  expect(text(step)).toBe('OOM: kid (1001) killed, badness 16 · 20 minor faults');
  expect(resultTone(step)).toBe('signal');
  const more = record('store', { outcome: { ...outcome(zero), oom: [kill, { ...kill, victim: null }] } });
  expect(text(more)).toBe('OOM: kid (1001) killed, badness 16, and 1 more · hit');
});

test('a line of a loop tells its last iteration and how many there were', () => {
  const last = record('store', { outcome: outcome(zero), expected: true });
  const summary: LineSummary = { executions: 3, failures: 0, errors: 0, last, firstFailure: null, firstError: null };
  expect(lineText(summary, () => undefined)).toBe('✓ hit  ×3');
  expect(lineText({ ...summary, executions: 1 }, () => undefined)).toBe('✓ hit');
});

test('an assert that holds is a check mark', () => {
  expect(
    text(record('assert', { kind: 'assert', outcome: outcome({ kind: 'value', value: 1n }), expected: true })),
  ).toBe('✓');
});
