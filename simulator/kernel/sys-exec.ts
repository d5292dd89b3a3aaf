/** execve(2) and its arguments, as the scenario writes them or from user memory (fs/exec.c). */

import type { StringArg } from '../abi.ts';
import { type Arguments, count_argument_pages, MAX_ARG_STRLEN, MAX_ARGUMENTS } from '../fs/exec-stack.ts';
import { refuse } from '../mm/refuse.ts';
import type { Kernel } from '../state/kernel.ts';
import { do_execve } from './exec.ts';
import type { SysCall, SysResult } from './syscall.ts';
import { user_pointers, user_string } from './user-strings.ts';

/** Longest path, its end included. */
const PATH_MAX = 4096;
/** More pointers than the stack's limit can ever allow. */
const MAX_POINTERS = 2 ** 20;

/** Strings of the scenario, or pointers to strings in user memory. */
type StringList = readonly Uint8Array[] | { readonly pointers: readonly number[] };

/** count(): the list at an argument; EFAULT when its pointers cannot be read. */
function stringList(c: SysCall, index: number, absent: readonly Uint8Array[]): StringList | 'EFAULT' {
  const written = c.strings(index);
  if (written !== null) return written.map((string) => string.bytes);
  if (!c.has(index)) return absent;
  const pointers = user_pointers(c.k, c.word(index), MAX_POINTERS);
  return pointers === null ? refuse(c.k, 'EFAULT', 'the array of arguments cannot be read') : { pointers };
}

/** The strings themselves; null when one cannot be read. What is far too long in all is cut: it is refused anyway. */
function copyStrings(k: Kernel, list: StringList): readonly Uint8Array[] | null {
  if (!('pointers' in list)) return list;
  const strings: Uint8Array[] = [];
  let bytes = 0;
  for (const pointer of list.pointers) {
    const string = bytes > MAX_ARGUMENTS ? new Uint8Array(0) : user_string(k, pointer, MAX_ARG_STRLEN);
    if (string === null) return null;
    strings.push(string);
    bytes += string.length;
  }
  return strings;
}

/** argv and envp: argv is the path alone and envp empty unless given, and a program without any argument gets an empty one. */
function readArguments(c: SysCall, path: Uint8Array): Arguments | 'EFAULT' {
  const argvList = stringList(c, 1, [path]);
  if (argvList === 'EFAULT') return argvList;
  const envpList = stringList(c, 2, []);
  if (envpList === 'EFAULT') return envpList;
  const envp = copyStrings(c.k, envpList);
  const argv = envp === null ? null : copyStrings(c.k, argvList);
  if (envp !== null && argv !== null) return { path, argv: argv.length === 0 ? [new Uint8Array(0)] : argv, envp };
  count_argument_pages(c.k, { path, argv: [], envp: [] });
  return refuse(c.k, 'EFAULT', 'an argument cannot be read');
}

/** getname(): the path as text and as bytes, or the errno. */
function pathArgument(c: SysCall, index: number): StringArg | 'EFAULT' | 'ENAMETOOLONG' {
  const written = c.string(index);
  const bytes = written === null ? user_string(c.k, c.word(index), PATH_MAX) : written.bytes;
  if (bytes === null) return refuse(c.k, 'EFAULT', 'the path cannot be read');
  if (bytes.length >= PATH_MAX) return refuse(c.k, 'ENAMETOOLONG', 'the path is longer than PATH_MAX');
  return written ?? { text: String.fromCharCode(...bytes), bytes };
}

/** execve(2). Only the calling thread survives. */
export function execve(c: SysCall): SysResult {
  const path = pathArgument(c, 0);
  if (typeof path === 'string') return path;
  return do_execve(c.k, c.task.pid, path.text, () => readArguments(c, path.bytes));
}
