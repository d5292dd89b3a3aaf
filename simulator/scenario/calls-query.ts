// Signatures of the functions of `assert`.

import type { CallRow } from './calls.ts';

export const QUERY_FUNCTIONS: readonly CallRow[] = [
  query('phys', 'p:process a:address', 'an address', 'The physical address behind an address of a process.'),
  query('pfn', 'p:process a:address', 'a page frame number', 'The page frame number behind an address of a process.'),
  query('present', 'p:process a:address', 'true or false', 'Whether the page is present in RAM and mapped.'),
  query('swapped', 'p:process a:address', 'true or false', 'Whether the page is in swap.'),
  query('refs', 'p:process a:address', 'a count', 'How many page-table entries map the frame.'),
  query('perm', 'p:process a:address', '"rw-p"', 'The permissions of the mapping, as /proc/PID/maps writes them.'),
  query(
    'byte',
    'p:process a:address',
    'a byte',
    'The byte at an address, seen without an access: nothing is faulted in.',
  ),
  query('rss', 'p:process', 'a size in bytes', 'The resident set of a process.'),
  query('pss', 'p:process', 'a size in bytes', 'The proportional set of a process: shared pages count in parts.'),
  query('vsz', 'p:process', 'a size in bytes', 'The size of the address space of a process.'),
  query('minflt', 'p:process', 'a count', 'Minor faults of a process so far.'),
  query('majflt', 'p:process', 'a count', 'Major faults of a process so far.'),
  query('vmas', 'p:process', 'a count', 'How many VMAs the address space has.'),
  query('oom_score_adj', 'p:process', '-1000 to 1000', 'What /proc/PID/oom_score_adj says.'),
  query(
    'oom_score',
    'p:process',
    'a number',
    'What /proc/PID/oom_score says: the badness of a process. 667 is nothing, 1333 all of RAM and swap, 0 never chosen.',
  ),
  query('cached', 'path:path offset:length', 'true or false', 'Whether that page of the file is in the page cache.'),
  query(
    'dirty',
    'path:path offset:length',
    'true or false',
    'Whether that page of the page cache is newer than what was last sent to the disk.',
  ),
  query(
    'writeback',
    'path:path offset:length',
    'true or false',
    'Whether that page of the page cache is on its way to the disk.',
  ),
  query(
    'disk',
    'path:path offset:length',
    'a byte',
    'The byte that the disk holds there, whatever the page cache has.',
  ),
  query('free', '', 'a count', 'Free page frames.'),
  query('swap_used', '', 'a count', 'Swap slots in use.'),
  query('vmstat', 'name:counter', 'a count', 'A line of /proc/vmstat: vmstat("pgscan_kswapd").'),
  query('meminfo', 'name:counter', 'a size in bytes', 'A line of /proc/meminfo, in bytes: meminfo("Dirty").'),
];

function query(name: string, parameters: string, returns: string, doc: string): CallRow {
  return { name, parameters, returns, doc };
}
