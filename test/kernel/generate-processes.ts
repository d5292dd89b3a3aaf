/** Random calls that make, change and end processes. */
import { type Operation, PROGRAM, type Writer } from './scenario-writer.ts';

const MOST = 6;
const THREAD = 'CLONE_VM|CLONE_SIGHAND|CLONE_THREAD';

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
    [4, THREAD],
    [1, `${THREAD}|CLONE_FILES|CLONE_FS`],
    [1, 'CLONE_SIGHAND|SIGCHLD'],
    [1, 'CLONE_THREAD|CLONE_VM'],
    [1, 'CLONE_VM|CLONE_SIGHAND|SIGCHLD'],
  ]);
  const child = writer.bind(writer.process(), `clone(${flags})`, 'c');
  if (flags === 'CLONE_SIGHAND|SIGCHLD' || flags === 'CLONE_THREAD|CLONE_VM') return;
  if (flags.startsWith(THREAD)) writer.threads.add(child);
  adopt(writer, child);
}

/** argv and envp: none, the usual, empty ones, or many. */
function vectors(writer: Writer): string {
  const words = (count: number, prefix: string): string =>
    `[${Array.from({ length: count }, (_, index) => `"${prefix}${index}"`).join(', ')}]`;
  return writer.random.weighted([
    [12, ''],
    [3, ', ["main", "argument"]'],
    [2, ', ["main"], ["HOME=/root", "LANG=C"]'],
    [1, ', []'],
    [1, `, ${words(12, 'argument number ')}, ${words(12, 'VARIABLE=')}`],
  ]);
}

function exec(writer: Writer): void {
  const { random } = writer;
  const process = writer.process();
  // The harness follows the execve of a group's first thread only.
  if (writer.threads.has(process)) return;
  const path = random.weighted([
    [8, random.pick(writer.programs)],
    [1, '/bin/none'],
    [1, '/data/a'],
  ]);
  writer.say(process, `execve("${path}"${vectors(writer)})`);
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
  const { random } = writer;
  const who = random.chance(75) ? '-1' : random.pick(writer.processes);
  const status = random.chance(75) ? 'NULL' : writer.byteAddress();
  writer.say(writer.process(), `wait4(${who}, ${status}, ${random.pick(['WNOHANG', 'WNOHANG', '0'])})`);
}

/** READ_IMPLIES_EXEC changes what mmap and mprotect do. Without ADDR_NO_RANDOMIZE the next execve would be left to chance. */
function persona(writer: Writer): void {
  const flags = writer.random.weighted([
    [4, 'READ_IMPLIES_EXEC|ADDR_NO_RANDOMIZE'],
    [3, 'ADDR_NO_RANDOMIZE'],
    [2, '0xffffffff'],
  ]);
  writer.say(writer.process(), `personality(${flags})`);
}

/** What signals of bad accesses do from now on. */
function handle(writer: Writer): void {
  const { random } = writer;
  const signal = random.pick(['SIGSEGV', 'SIGBUS']);
  writer.say(writer.process(), `signal(${signal}, ${random.chance(70) ? 'handler' : 'SIG_DFL'})`);
}

export const PROCESS_OPERATIONS = { fork, start, vfork, clone, exec, leave, wait, persona, handle } satisfies Record<
  string,
  Operation
>;
