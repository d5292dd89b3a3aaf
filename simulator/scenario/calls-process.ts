// Signatures of the calls that make, end and limit processes.

import type { CallRow } from './calls.ts';

const PROCESS: readonly CallRow[] = [
  {
    name: 'fork',
    parameters: '',
    returns: 'the child',
    doc: 'Makes a child with a copy of the address space; pages are shared until one side writes (copy-on-write).',
    makesProcess: true,
  },
  {
    name: 'vfork',
    parameters: '',
    returns: 'the child',
    doc: 'Makes a child that borrows the address space until it executes a program or ends; the parent waits.',
    makesProcess: true,
  },
  {
    name: 'clone',
    parameters:
      '[flags:flags/clone/signal] [stack=child_stack:address/general] [parent_tid:struct] [child_tid=child_tidptr:struct] [tls:struct]',
    returns: 'the child',
    doc: 'Makes a child that shares what the flags say; with CLONE_VM the address space itself.',
    makesProcess: true,
  },
  {
    name: 'execve',
    parameters: 'path:path [argv:strings] [envp:strings]',
    returns: '0',
    doc: 'Replaces the address space by that of a program.',
  },
  { name: 'exit', parameters: '[status:int]', returns: '0', doc: 'Ends the process; its memory is torn down.' },
  { name: 'exit_group', parameters: '[status:int]', returns: '0', doc: 'Ends the process and all its threads.' },
  {
    name: 'wait4',
    parameters: '[pid:process] [wstatus:struct] [options:flags/wait] [rusage:struct]',
    returns: 'the child that ended, or 0',
    doc: 'Takes the exit status of a child that ended; pid -1 means any child. One that would block is an error here.',
  },
  { name: 'kill', parameters: 'pid:process sig:int/signal', returns: '0', doc: 'Sends a signal to a process.' },
];

const LIMITS: readonly CallRow[] = [
  {
    name: 'setrlimit',
    parameters: 'resource:int/rlimit soft=rlim:limit/rlim [hard:limit/rlim]',
    returns: '0',
    doc: 'Sets the soft limit of a resource and, if given, the hard one.',
  },
  {
    name: 'getrlimit',
    parameters: 'resource:int/rlimit [rlim:struct]',
    returns: '0',
    doc: 'Reads the limits of a resource.',
  },
  {
    name: 'prlimit64',
    parameters: 'pid:process resource:int/rlimit new_limit:limit/rlim/general [old_limit:struct/rlim/general]',
    returns: '0',
    doc: 'Sets the limits of a resource of a process when new_limit is {rlim_cur=…, rlim_max=…}; NULL leaves them.',
  },
  {
    name: 'personality',
    parameters: 'persona:flags/personality',
    returns: 'the personality before',
    doc: 'Sets the execution domain; 0xffffffff only reads it.',
  },
];

export const PROCESS_CALLS = { process: PROCESS, limits: LIMITS } as const;
