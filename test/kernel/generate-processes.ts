/** Random calls that make, change and end processes. */
import { type Operation, PROGRAM, type Writer } from './scenario-writer.ts';

const MOST = 6;

function adopt(writer: Writer, name: string): void {
  writer.processes.push(name);
  writer.forked++;
}

function fork(writer: Writer): void {
  if (writer.forked >= MOST) {
    leave(writer);
    return;
  }
  adopt(writer, writer.bind(writer.process(), 'fork()', 'c'));
}

/** A vfork child acts while its parent waits, then executes a program or ends. */
function vfork(writer: Writer): void {
  const { random } = writer;
  if (writer.forked >= MOST) {
    leave(writer);
    return;
  }
  const parent = writer.process();
  const child = writer.bind(parent, random.chance(70) ? 'vfork()' : 'clone(CLONE_VM|CLONE_VFORK|SIGCHLD)', 'c');
  for (let i = random.below(4); i > 0; i--)
    writer.say(child, random.pick([`store(${writer.byteAddress()}, 9)`, `load(${writer.byteAddress()})`]));
  if (random.chance(60)) {
    writer.say(child, `execve("${PROGRAM.path}")`);
    writer.survive(child);
    adopt(writer, child);
  } else writer.say(child, `exit(${random.below(4)})`);
}

function clone(writer: Writer): void {
  const { random } = writer;
  if (writer.forked >= MOST) {
    leave(writer);
    return;
  }
  const flags = random.weighted([
    [4, 'SIGCHLD'],
    [6, 'CLONE_VM|SIGCHLD'],
    [2, 'CLONE_VM|CLONE_FILES|SIGCHLD'],
    [2, 'CLONE_FILES|SIGCHLD'],
    [1, 'CLONE_SIGHAND|SIGCHLD'],
    [1, 'CLONE_THREAD|CLONE_VM'],
  ]);
  const child = writer.bind(writer.process(), `clone(${flags})`, 'c');
  if (!flags.includes('THREAD') && !flags.includes('SIGHAND')) adopt(writer, child);
}

function exec(writer: Writer): void {
  const { random } = writer;
  const process = writer.process();
  const path = random.weighted([
    [8, random.pick(writer.programs)],
    [1, '/bin/none'],
    [1, '/data/a'],
  ]);
  writer.say(process, `execve("${path}"${random.chance(20) ? ', ["main", "argument"]' : ''})`);
  writer.survive(process);
}

function start(writer: Writer): void {
  if (writer.processes.length >= MOST) leave(writer);
  else writer.start();
}

function leave(writer: Writer): void {
  const { random } = writer;
  const others = writer.processes.slice(1);
  if (others.length === 0) return;
  const victim = random.pick(others);
  writer.processes.splice(writer.processes.indexOf(victim), 1);
  const end = random.weighted([
    [5, 'exit(0)'],
    [2, 'exit_group(3)'],
    [3, ''],
  ]);
  if (end !== '') writer.say(victim, end);
  else writer.say(writer.process(), `kill(${victim}, ${random.pick(['SIGKILL', 'SIGTERM', 'SIGSEGV', '0'])})`);
}

function wait(writer: Writer): void {
  writer.say(writer.process(), `wait4(-1, NULL, ${writer.random.pick(['WNOHANG', 'WNOHANG', '0'])})`);
}

export const PROCESS_OPERATIONS = { fork, start, vfork, clone, exec, leave, wait } satisfies Record<string, Operation>;
