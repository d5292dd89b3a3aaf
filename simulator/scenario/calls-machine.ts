// Signatures of what the CPU does between system calls, and of what the kernel does by itself.

import type { CallRow } from './calls.ts';

const CPU: readonly CallRow[] = [
  {
    name: 'load',
    parameters: 'addr:address [len:length/general]',
    returns: 'the first min(len, 256) bytes; one without len',
    doc: 'The CPU reads; a len over one page touches each page in ascending order.',
  },
  {
    name: 'store',
    parameters: 'addr:address value:bytes [len:length/general]',
    returns: '0',
    doc: 'The CPU writes a byte or a string. With a len, the byte fills it; a string is cut, or followed by zeros, as strncpy does.',
  },
  { name: 'fetch', parameters: 'addr:address', returns: '0', doc: 'The CPU fetches an instruction.' },
];

const SIGNALS: readonly CallRow[] = [
  {
    name: 'signal',
    parameters: 'signum:signal/signal handler:handler/handler',
    returns: '0',
    doc: 'Sets what SIGSEGV or SIGBUS does: `handler` goes on at the next line of the process, SIG_DFL kills it.',
  },
];

export const CPU_CALLS = { cpu: CPU, signals: SIGNALS } as const;

export const KERNEL_CALLS: readonly CallRow[] = [
  {
    name: 'reclaim',
    parameters: 'pages:int',
    returns: 'the pages freed',
    doc: 'Reclaims pages as if memory were short.',
  },
  { name: 'writeback', parameters: '', returns: '0', doc: 'Writes all dirty file pages to disk, and waits for none.' },
  { name: 'drop_caches', parameters: '', returns: '0', doc: 'Drops the clean, unmapped pages of the page cache.' },
  { name: 'swapoff', parameters: '', returns: '0', doc: 'Brings all swapped pages back and stops swapping.' },
  { name: 'swapon', parameters: '', returns: '0', doc: 'Starts swapping again.' },
  {
    name: 'vm_insert_page',
    parameters: 'process:process addr:address device:path index:int',
    returns: '0',
    doc: 'A driver puts one page of its device into a mapping of a process.',
  },
  {
    name: 'remap_pfn_range',
    parameters: 'process:process addr:address device:path index:int size:length/general',
    returns: '0',
    doc: 'A driver maps a run of physical pages of its device into a mapping of a process.',
  },
  {
    name: 'truncate',
    parameters: 'path:path size:length/general',
    returns: '0',
    doc: 'Somebody else sets the length of a file.',
  },
  { name: 'oom', parameters: '', returns: '0', doc: 'The OOM killer takes the process with the highest badness.' },
  {
    name: 'oom_score_adj',
    parameters: 'process:process adj:int',
    returns: '0',
    doc: 'Sets /proc/PID/oom_score_adj, -1000 to 1000: so many thousandths of RAM and swap are added to the badness. A process at -1000 is never chosen. Children inherit it, and execve keeps it.',
  },
];
