/** execve(2) and the start of the new program (fs/exec.c: do_execveat_common(), begin_new_exec()). */

import { emptyMm, type LoadedProgram, load_elf_binary } from '../fs/binfmt-elf.ts';
import { open_exec, type Program, read_program } from '../fs/exec-file.ts';
import { type Arguments, argument_error, count_argument_pages } from '../fs/exec-stack.ts';
import { load_libraries } from '../fs/ld-so.ts';
import { fput } from '../mm/file-refs.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Task } from '../state/records.ts';
import { READ_IMPLIES_EXEC, SIG } from '../uapi.ts';
import { fetch } from './cpu.ts';
import { close_on_exec } from './descriptors.ts';
import { clear_child_tid, do_exit, do_group_exit, mmput, vfork_done } from './exit.ts';
import type { Gone } from './syscall.ts';
import { release_task, threads_of } from './task.ts';

/** Where the links of vfork and of shared descriptors name a thread, they name it by its new pid. */
function relink(k: Kernel, task: Task, was: number): void {
  if (task.vforkParent !== 0) k.tasks.edit(task.vforkParent).vforkChild = task.pid;
  if (task.vforkChild !== 0) k.tasks.edit(task.vforkChild).vforkParent = task.pid;
  const group = k.tasks.edit(task.filesGroup);
  const sharers = group.filesSharers;
  if (sharers === null || sharers.get(was) === 0) return;
  group.filesSharers = sharers.plus(was, -1, k.epoch.now).plus(task.pid, 1, k.epoch.now);
}

/** The thread becomes the leader of its group, with the leader's pid; the old leader is a thread until it ends. */
function exchange(k: Kernel, leader: Task, thread: Task): void {
  const fields = (task: Task) => ({
    mm: task.mm,
    state: task.state,
    end: task.end,
    min_flt: task.min_flt,
    maj_flt: task.maj_flt,
    files: task.files,
    cloexec: task.cloexec,
    filesGroup: task.filesGroup,
    personality: task.personality,
    vforkChild: task.vforkChild,
    vforkParent: task.vforkParent,
    clear_child_tid: task.clear_child_tid,
  });
  const led = fields(leader);
  Object.assign(leader, fields(thread));
  Object.assign(thread, led);
  const share = leader.filesGroup === thread.filesGroup;
  relink(k, leader, share ? leader.pid : thread.pid);
  relink(k, thread, share ? thread.pid : leader.pid);
}

/**
 * de_thread(): every other thread of the group ends, and a caller that is not the leader takes the leader's pid. Returns the
 * pid that the caller has from now on.
 */
function de_thread(k: Kernel, pid: number): number {
  const { tgid } = k.tasks.get(pid);
  if (pid !== tgid) {
    exchange(k, k.tasks.edit(tgid), k.tasks.edit(pid));
    k.scalars.current = tgid;
  }
  for (const other of threads_of(k, tgid)) {
    if (other.pid === tgid) continue;
    do_exit(k, other.pid, { kind: 'exit', status: 0 });
    // A leader that had ended before: nobody but its group waited for it.
    if (other.state === 'zombie') release_task(k, k.tasks.edit(other.pid));
  }
  k.tasks.edit(tgid).exit_signal = SIG.CHLD;
  return tgid;
}

/** begin_new_exec(): the point of no return. The caller has an empty address space afterwards. */
function begin_new_exec(k: Kernel, caller: number, program: Program, path: string, from: number): number {
  const pid = de_thread(k, caller);
  close_on_exec(k, pid);
  const mm = emptyMm(k);
  const inode = k.files.get(program.file).inode;
  mm.exe = inode;
  k.inodes.edit(inode).executing++;
  const task = k.tasks.edit(pid);
  const old = task.mm;
  clear_child_tid(k, task);
  task.mm = mm.id;
  task.personality &= ~READ_IMPLIES_EXEC;
  task.self_exec_id++;
  task.comm = path;
  task.handlers = new Set();
  if (old !== 0) {
    const stage = k.mms.get(old).users > 1 ? 'shared address space' : 'old address space';
    if (k.sink !== null) k.emit({ type: 'exec', path, stage });
    mmput(k, old);
  }
  vfork_done(k, pid);
  k.tlb.flushAll();
  if (k.sink !== null && from >= 0) k.emit({ type: 'context-switch', from, to: pid, cr3: mm.pt.rootPfn });
  return pid;
}

/** The new program executes its first instruction; a loader of libraries goes on until the program itself would begin. */
function start(k: Kernel, pid: number, program: Program, loaded: LoadedProgram): 0 | Gone {
  const mm = k.mms.edit(k.tasks.get(pid).mm);
  const first = fetch(k, BigInt(mm.entry));
  if (first.kind === 'signal') return { signal: first.signal, code: first.code, addr: first.addr };
  if (program.interp === null) return 0;
  const elfAt = (file: number) => k.elves.get(k.inodes.get(k.files.get(file).inode).path);
  const elf = elfAt(program.file);
  const interp = elfAt(program.interp.file);
  const isHost = k.inodes.get(k.files.get(program.file).inode).image.kind === 'host';
  if (elf === undefined || interp === undefined || (elf.needs.length === 0 && !isHost)) return 0;
  const { files } = k.tasks.get(pid);
  let fd = 0;
  while (files.has(fd)) fd++;
  const { bias, interpBias } = loaded;
  k.substeps = load_libraries(k, mm, { program: elf, bias, interp, interpBias, fd });
  return 0;
}

/** Gives the arguments, when the program is known to be there. */
export type ReadArguments = () => Arguments | 'EFAULT';

/** What can still fail without harm, behind the opening of the file: the arguments and the file's own headers. */
function prepare(k: Kernel, file: number, args: Arguments): Program | string {
  const tooMuch = argument_error(k, args);
  if (tooMuch !== null) return tooMuch;
  const program = read_program(k, file);
  if (typeof program === 'string') count_argument_pages(k, args);
  return program;
}

/**
 * Replaces the image of a task. 0; an errno, and nothing has changed; or the signal that ended the process.
 * @param from for a task that is new on the CPU: who ran before, 0 for nobody
 */
export function do_execve(k: Kernel, caller: number, path: string, read: ReadArguments, from = -1): 0 | string | Gone {
  const file = open_exec(k, path);
  if (typeof file === 'string') return file;
  const args = read();
  const program = args === 'EFAULT' ? args : prepare(k, file, args);
  if (typeof program === 'string' || typeof args === 'string') {
    fput(k, file);
    return typeof program === 'string' ? program : 'EFAULT';
  }
  const pid = begin_new_exec(k, caller, program, path, from);
  const loaded = load_elf_binary(k, k.mms.edit(k.tasks.get(pid).mm), program, args);
  const result = typeof loaded === 'string' ? die(k, pid, loaded) : start(k, pid, program, loaded);
  if (program.interp !== null) fput(k, program.interp.file);
  fput(k, file);
  return result;
}

/** force_fatal_sig(SIGSEGV): an error behind the point of no return is reported to nobody. */
function die(k: Kernel, pid: number, errno: string): Gone {
  if (k.sink !== null) k.emit({ type: 'refused', errno, why: 'too late: the old image is gone, so the process dies' });
  do_group_exit(k, pid, { kind: 'signal', signal: 'SIGSEGV', code: 'SI_KERNEL' });
  return { signal: 'SIGSEGV', code: 'SI_KERNEL' };
}
