/** One request carried out by the machine: who may run it, the call or the access itself, and what it came to. */

import type { Because, CallResult, FaultRecord, Request, StepOutcome, StringArg } from './abi.ts';
import { utf8 } from './fs/utf8.ts';
import { fetch, load, raise, store } from './kernel/cpu.ts';
import { deadWords } from './kernel/end-words.ts';
import { do_execve } from './kernel/exec.ts';
import { do_exit, do_group_exit } from './kernel/exit.ts';
import { tooMuchHeld } from './kernel/host-limit.ts';
import { KERNEL_OPERATIONS } from './kernel/kernel-calls.ts';
import { dropRemoved } from './kernel/shm-control.ts';
import { FILE_CALLS } from './kernel/sys-file.ts';
import { FORK_CALLS, set_child_tid } from './kernel/sys-fork.ts';
import { MM_CALLS } from './kernel/sys-mm.ts';
import { PROCESS_CALLS } from './kernel/sys-process.ts';
import { SIGNAL_CALLS } from './kernel/sys-signal.ts';
import { WAIT_CALLS } from './kernel/sys-wait.ts';
import { type Child, type Skip, SysCall, type SysHandler, type SysResult } from './kernel/syscall.ts';
import { current_mm, new_task, run_as, switch_to, threads_of } from './kernel/task.ts';
import { WORD_END } from './machine/address.ts';
import { cpu_access, OOM_KILLED } from './mm/access.ts';
import { isParts, type Parts } from './parts.ts';
import type { Kernel } from './state/kernel.ts';
import type { Task } from './state/records.ts';

const SYSCALLS: Readonly<Record<string, SysHandler>> = {
  ...MM_CALLS,
  ...FILE_CALLS,
  ...FORK_CALLS,
  ...WAIT_CALLS,
  ...SIGNAL_CALLS,
  ...PROCESS_CALLS,
};

const WORDS = 2n ** 64n;

function toWord(value: number): bigint {
  return value > WORD_END / 2 ? WORDS - BigInt(WORD_END - value) : BigInt(value);
}

/** What a step of a process came to, without its faults. */
type Performed = Pick<StepOutcome, 'result' | 'child' | 'substeps' | 'becomes'>;

function* performed(access: Parts<CallResult>): Parts<Performed> {
  return { result: yield* access };
}

/**
 * Carries out one request, in parts; between two of them the machine may be looked at.
 * @param faults the step's list: what {@link Kernel.faults} collects
 */
export function* performRequest(k: Kernel, request: Request, faults: FaultRecord[]): Parts<StepOutcome> {
  if (request.op === 'spawn') {
    const held = tooMuchHeld(k, request);
    return held === null ? spawn(k, request.path, request.argv, faults) : skipped(held);
  }
  if (request.op === 'kernel') {
    const operation = KERNEL_OPERATIONS[request.name];
    const answer = operation === undefined ? { skip: `unknown call ${request.name}` } : operation(k, request.args);
    const result = isParts(answer) ? yield* answer : answer;
    finishOom(k, 0);
    return { result: toResult(result), faults, minflt: 0, majflt: 0 };
  }
  const task = k.tasks.find(request.pid);
  if (task === undefined) return skipped('there is no such process');
  if (task.state !== 'alive') {
    return skipped(deadWords(task), { pid: task.pid, state: 'is dead' });
  }
  const standstill = cannotRun(k, task);
  if (standstill !== null) return standstill;
  const held = tooMuchHeld(k, request);
  if (held !== null) return skipped(held);
  const minflt = task.min_flt;
  const majflt = task.maj_flt;
  switch_to(k, task);
  const performed = perform(k, request, task.pid);
  const done = isParts(performed) ? yield* performed : performed;
  const { becomes = task.pid } = done;
  const killed = finishOom(k, becomes);
  const after = k.tasks.get(becomes);
  const born = done.child === undefined ? undefined : k.tasks.get(done.child);
  // What a new thread did counts for its process.
  const thread = born?.tgid === after.tgid ? born : undefined;
  return {
    faults: [...faults],
    minflt: after.min_flt + (thread?.min_flt ?? 0) - minflt,
    majflt: after.maj_flt + (thread?.maj_flt ?? 0) - majflt,
    ...done,
    ...(killed === null ? {} : { result: killed }),
  };
}

function cannotRun(k: Kernel, { pid, tgid, vforkChild }: Task): StepOutcome | null {
  if (k.tasks.get(tgid).job.stopped) {
    const message = `process ${pid} is stopped: it goes on when another process sends it SIGCONT`;
    return skipped(message, { pid, state: 'is stopped' });
  }
  if (vforkChild === 0) return null;
  const message = `process ${pid} waits for its vfork child, process ${vforkChild}`;
  return skipped(message, { pid, state: 'waits for its vfork child' });
}

function skipped(message: string, because?: Because): StepOutcome {
  return { result: skippedResult({ skip: message, ...(because && { because }) }), faults: [], minflt: 0, majflt: 0 };
}

/**
 * The OOM killer chose a process while it was on the CPU: it dies here. The signal, where it is `pid`, whose step this
 * is; a child that was just forked, or somebody for whom the kernel worked, dies alone.
 */
function finishOom(k: Kernel, pid: number): CallResult | null {
  if (k.scalars.oomVictim === 0) return null;
  const victim = k.tasks.get(k.scalars.oomVictim);
  k.scalars.oomVictim = 0;
  if (victim.pid !== pid) {
    do_group_exit(k, victim.pid, { kind: 'signal', signal: OOM_KILLED.signal, code: OOM_KILLED.code });
    return null;
  }
  if (victim.state === 'alive') return raise(k, OOM_KILLED, 0n);
  return { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL', addr: 0n };
}

function perform(k: Kernel, request: Request, pid: number): Performed | Parts<Performed> {
  switch (request.op) {
    case 'load':
      return performed(load(k, request.addr, request.length));
    case 'store':
      return performed(store(k, request.addr, request.value, request.length));
    case 'fetch':
      return { result: fetch(k, request.addr) };
    case 'signal':
      return { result: setHandler(k, pid, request.signal, request.handler) };
    case 'syscall':
      return syscall(k, request.name, new SysCall(k, k.tasks.edit(pid), request.args));
    default:
      throw new Error(`perform: ${request.op} is no step of a process`);
  }
}

function setHandler(k: Kernel, pid: number, signal: string, handler: boolean): CallResult {
  const handlers = new Set(k.tasks.get(pid).handlers);
  if (handler) handlers.add(signal);
  else handlers.delete(signal);
  for (const task of threads_of(k, k.tasks.get(pid).tgid)) {
    k.tasks.edit(task.pid).handlers = handlers;
  }
  return { kind: 'value', value: 0n };
}

function* syscall(k: Kernel, name: string, call: SysCall): Parts<Performed> {
  const handler = SYSCALLS[name];
  if (handler === undefined) return { result: { kind: 'errno', errno: 'ENOSYS' } };
  const answer = handler(call);
  const result = isParts(answer) ? yield* answer : answer;
  if (typeof result === 'object' && 'child' in result) {
    firstInstruction(k, result, call.task.pid);
    return { result: { kind: 'value', value: BigInt(result.child) }, child: result.child };
  }
  dropRemoved(k);
  const { current } = k.scalars;
  const renamed = name === 'execve' && current !== call.task.pid ? { becomes: current } : {};
  return { result: toResult(result), ...loaderCalls(k), ...renamed };
}

/**
 * A child stores its pid where clone() was told to, and executes one instruction of its text page before the step ends;
 * these faults are its own.
 */
function firstInstruction(k: Kernel, { child, set_child_tid: address }: Child, parent: number): void {
  const task = k.tasks.get(child);
  run_as(k, task, () => {
    if (address !== undefined) set_child_tid(k, address, child);
    if (task.mm !== k.tasks.get(parent).mm) cpu_access(k, current_mm(k), k.mms.get(task.mm).entry, 'exec');
  });
}

function spawn(k: Kernel, path: string, argv: readonly StringArg[], faults: FaultRecord[]): StepOutcome {
  const task = new_task(k, path);
  const from = k.scalars.current;
  k.scalars.current = task.pid;
  const list = argv.map((string) => string.bytes);
  const executed = do_execve(k, task.pid, path, () => ({ path: utf8(path), argv: list, envp: [] }), from);
  if (typeof executed === 'string') do_exit(k, task.pid, { kind: 'signal', signal: 'SIGKILL', code: 'SI_KERNEL' });
  const killed = finishOom(k, task.pid);
  const { min_flt: minflt, maj_flt: majflt } = k.tasks.get(task.pid);
  const result = killed ?? toResult(executed === 0 ? task.pid : executed);
  return { result, faults, minflt, majflt, child: task.pid, ...loaderCalls(k) };
}

/** What the dynamic loader did in this step. */
function loaderCalls(k: Kernel): Pick<StepOutcome, 'substeps'> {
  return k.substeps.length === 0 ? {} : { substeps: k.substeps };
}

function skippedResult({ skip, because }: Skip): CallResult {
  return { kind: 'skipped', message: skip, ...(because && { because }) };
}

function toResult(result: SysResult): CallResult {
  if (typeof result === 'number') return { kind: 'value', value: toWord(result) };
  if (typeof result === 'bigint') return { kind: 'value', value: result };
  if (typeof result === 'string') return { kind: 'errno', errno: result };
  if ('skip' in result) return skippedResult(result);
  if ('signal' in result) return { kind: 'signal', signal: result.signal, code: result.code, addr: result.addr ?? 0n };
  return { kind: 'value', value: BigInt(result.child) };
}
