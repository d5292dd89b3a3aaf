// Signatures of the calls that change an address space.

import type { CallRow } from './calls.ts';

export const MEMORY_CALLS: readonly CallRow[] = [
  {
    name: 'mmap',
    parameters:
      'addr:address/general length:length/general prot:flags/prot flags:flags/map fd:fd offset=pgoffset:length/general',
    returns: 'the address of the mapping',
    doc: 'Maps a file or anonymous memory into the address space. No page is touched until it is used.',
  },
  {
    name: 'munmap',
    parameters: 'addr:address length:length/general',
    returns: '0',
    doc: 'Unmaps whole pages; a mapping may be cut in two. What is not mapped is passed over.',
  },
  {
    name: 'mprotect',
    parameters: 'addr:address length:length/general prot:flags/prot',
    returns: '0',
    doc: 'Changes what may be done with the pages; mappings are split and merged as needed.',
  },
  {
    name: 'mremap',
    parameters:
      'old_address:address old_size:length/general new_size:length/general [flags:flags/mremap] [new_address:address]',
    returns: 'the address of the mapping',
    doc: 'Grows, shrinks or moves a mapping, its pages with it.',
  },
  {
    name: 'brk',
    parameters: '[addr:address/general]',
    returns: 'the new program break, or the old one when it could not be moved',
    doc: 'Moves the end of the heap. brk(NULL) tells where it is.',
  },
  {
    name: 'madvise',
    parameters: 'addr:address length:length/general advice:int/madv',
    returns: '0',
    doc: 'Tells the kernel what to do with a range of pages, or what to expect of it.',
  },
  {
    name: 'msync',
    parameters: 'addr:address length:length/general flags:flags/msync',
    returns: '0',
    doc: 'Writes the dirty pages of a shared file mapping back to the file.',
  },
  {
    name: 'mlock',
    parameters: 'addr:address length:length/general',
    returns: '0',
    doc: 'Faults pages in and keeps them in RAM.',
  },
  {
    name: 'mlock2',
    parameters: 'addr:address length:length/general flags:flags/mlock2',
    returns: '0',
    doc: 'As mlock; with MLOCK_ONFAULT, pages are locked when they are first touched.',
  },
  {
    name: 'munlock',
    parameters: 'addr:address length:length/general',
    returns: '0',
    doc: 'Undoes mlock for a range.',
  },
  { name: 'mlockall', parameters: 'flags:flags/mlockall', returns: '0', doc: 'Locks the whole address space.' },
  { name: 'munlockall', parameters: '', returns: '0', doc: 'Undoes all locks, MCL_FUTURE too.' },
  {
    name: 'mincore',
    parameters: 'addr:address length:length/general vec:buffer',
    returns: '0',
    doc: 'Stores one byte a page at vec: bit 0 says whether the page is in RAM.',
  },
  {
    name: 'pkey_alloc',
    parameters: '[flags:flags] [access_rights:flags/pkey]',
    returns: 'the protection key',
    doc: 'Allocates a protection key.',
  },
  { name: 'pkey_free', parameters: 'pkey:int', returns: '0', doc: 'Frees a protection key.' },
  {
    name: 'pkey_mprotect',
    parameters: 'addr:address length:length/general prot:flags/prot pkey:int',
    returns: '0',
    doc: 'As mprotect, and gives the pages a protection key.',
  },
  {
    name: 'prctl',
    parameters: 'option:int/prctl-option [arg2:int/prctl] [arg3:address] [arg4:length/general] [arg5:buffer]',
    returns: '0',
    doc: 'Operations on a process; PR_SET_VMA with PR_SET_VMA_ANON_NAME names a range of anonymous memory.',
  },
];
