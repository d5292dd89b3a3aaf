// Signatures of the calls on files, memfds and System V shared memory.

import type { CallRow } from './calls.ts';

const READ =
  'The kernel stores into the buffer: a bad one is EFAULT or a short count, never a signal. A string in its place is what strace saw: the call reads, and stores nowhere.';
const WRITE =
  'The kernel loads from the buffer: a bad one is EFAULT or a short count, never a signal. A string in its place is what is written, zeros behind it.';
const COUNT = 'the number of bytes';

export const FILE_CALLS: readonly CallRow[] = [
  {
    name: 'open',
    parameters: 'path:path flags:flags/open [mode:flags/mode]',
    returns: 'a file descriptor',
    doc: 'Opens a file; the lowest free descriptor, 3 at first.',
  },
  {
    name: 'openat',
    parameters: 'dirfd:fd/at path:path flags:flags/open [mode:flags/mode]',
    returns: 'a file descriptor',
    doc: 'Opens a file; dirfd is AT_FDCWD or counts for relative paths only.',
  },
  {
    name: 'creat',
    parameters: 'path:path [mode:flags/mode]',
    returns: 'a file descriptor',
    doc: 'Makes a file or empties it, and opens it for writing only.',
  },
  { name: 'close', parameters: 'fd:fd', returns: '0', doc: 'Closes a descriptor; mappings of the file stay.' },
  { name: 'dup', parameters: 'fd:fd', returns: 'a file descriptor', doc: 'A second descriptor of the same open file.' },
  {
    name: 'read',
    parameters: 'fd:fd buf:buffer count:length/general',
    returns: COUNT,
    doc: `Reads at the offset. ${READ}`,
  },
  {
    name: 'write',
    parameters: 'fd:fd buf:buffer count:length/general',
    returns: COUNT,
    doc: `Writes at the offset. ${WRITE}`,
  },
  ...['pread', 'pread64'].map((name) => ({
    name,
    parameters: 'fd:fd buf:buffer count:length/general offset:length/general',
    returns: COUNT,
    doc: `Reads at an offset given. ${READ}`,
  })),
  ...['pwrite', 'pwrite64'].map((name) => ({
    name,
    parameters: 'fd:fd buf:buffer count:length/general offset:length/general',
    returns: COUNT,
    doc: `Writes at an offset given. ${WRITE}`,
  })),
  {
    name: 'lseek',
    parameters: 'fd:fd offset:length/general whence:int/seek',
    returns: 'the new offset',
    doc: 'Moves the offset of an open file.',
  },
  {
    name: 'ftruncate',
    parameters: 'fd:fd length:length/general',
    returns: '0',
    doc: 'Sets the length of a file; pages behind the new end leave every mapping.',
  },
  {
    name: 'fsync',
    parameters: 'fd:fd',
    returns: '0',
    doc: 'Writes the dirty pages of a file to disk, and waits until it has them.',
  },
  {
    name: 'fdatasync',
    parameters: 'fd:fd',
    returns: '0',
    doc: 'As fsync, but for what reading the data back does not need.',
  },
  { name: 'sync', parameters: '', returns: '0', doc: 'Writes the dirty pages of all files to disk, and waits.' },
  {
    name: 'memfd_create',
    parameters: 'name:path flags:flags/memfd',
    returns: 'a file descriptor',
    doc: 'Makes a file that lives in memory and has no path.',
  },
  { name: 'unlink', parameters: 'path:path', returns: '0', doc: 'Removes a name; the file lives while it is in use.' },
  {
    name: 'shmget',
    parameters: 'key:int/ipc size:length/general shmflg:flags/ipc/shm/mode',
    returns: 'a segment id',
    doc: 'Finds or makes a System V shared memory segment.',
  },
  {
    name: 'shmat',
    parameters: 'shmid:int shmaddr:address/general shmflg:flags/shmat',
    returns: 'the address of the mapping',
    doc: 'Maps a shared memory segment.',
  },
  { name: 'shmdt', parameters: 'shmaddr:address', returns: '0', doc: 'Unmaps a shared memory segment.' },
  {
    name: 'shmctl',
    parameters: 'shmid:int cmd:int/ipc-command [buf:struct/general]',
    returns: '0',
    doc: 'Controls a segment; IPC_RMID removes it once nobody is attached.',
  },
];
