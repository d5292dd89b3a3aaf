// The scenarios that come with the extension, by name. A folder listing would not do: the web host cannot list folders.

export interface Sample {
  /** Name of the file in samples/, without `.vas`. */
  readonly name: string;
  readonly title: string;
  readonly detail: string;
  /** Needs a disk to read real programs from. */
  readonly desktop?: true;
}

/** In the order in which a newcomer would take them. */
export const samples: readonly Sample[] = [
  { name: 'first-steps', title: 'First steps', detail: 'A process, a mapping, a page fault: the shortest tour' },
  {
    name: 'demand-paging',
    title: 'An executable is mapped and paged in on demand',
    detail: 'execve maps everything and loads almost nothing',
  },
  {
    name: 'two-kinds-of-objects',
    title: 'The two kinds of objects',
    detail: 'Regular files and anonymous memory behind a mapping',
  },
  {
    name: 'mmap-munmap',
    title: 'mmap, munmap and the segfault after',
    detail: 'Why touching freed memory kills a process',
  },
  {
    name: 'private-copy-on-write',
    title: 'Private mappings: copy-on-write',
    detail: 'A private copy of a file page, made at the first write',
  },
  { name: 'shared-objects', title: 'Shared objects between two processes', detail: 'One frame, two page tables' },
  { name: 'fork', title: 'fork', detail: 'Two processes share every page until one of them writes' },
  { name: 'execve', title: 'execve', detail: 'The four things that execve does to an address space' },
  {
    name: 'swap',
    title: 'Swap and eviction, until swap is full',
    detail: 'RAM runs out, pages go to swap slots, and then those run out too',
  },
  {
    name: 'vma-merge-and-split',
    title: 'VMAs merge and split',
    detail: 'mprotect cuts an area in three; undoing it makes it one again',
  },
  {
    name: 'vm-insert-page',
    title: 'A driver maps pages: vm_insert_page',
    detail: 'remap_pfn_range, page by page, and on fault',
  },
  {
    name: 'host-program',
    title: 'A real program of this machine',
    detail: 'The program headers of /bin/true, read from disk',
    desktop: true,
  },
];
