// Short explanations of the language's own words, for completion and hover.

/** Keywords, each with the form of its statement and what it means. */
export const KEYWORD_DOCS: Readonly<Record<string, { readonly form: string; readonly doc: string }>> = {
  machine: { form: 'machine key=value …', doc: 'Describes the machine: RAM, swap, page-table levels, policies.' },
  file: {
    form: 'file "PATH" size=N | text="…"',
    doc: 'A regular file; with size=N, byte i is i / 4096 + 1 modulo 256.',
  },
  program: {
    form: 'program "PATH" [type=static|pie] text=N [rodata=N] [data=N] [bss=N] [interp="PATH"] [needs="PATH,…"]',
    doc: 'An executable ELF file of that shape; `program "PATH" host` takes the real file of this machine.',
  },
  library: {
    form: 'library "PATH" text=N [rodata=N] [data=N] [bss=N]',
    doc: 'An ELF shared object: a library, or what interp= names.',
  },
  device: {
    form: 'device "PATH" pages=N mmap=remap|insert|fault',
    doc: 'A character device; its mmap maps all pages at once, none, or each on its first fault.',
  },
  repeat: { form: 'repeat N … end', doc: 'Repeats the lines up to its end; names bound inside are bound anew.' },
  end: { form: 'end', doc: 'Ends a repeat.' },
  assert: {
    form: 'assert EXPR',
    doc: 'Checks a condition: comparisons joined by &&, negated by !, over numbers, strings and functions.',
  },
  kernel: { form: 'kernel: CALL(…)', doc: "What nobody's process asked for: reclaim, writeback, drivers at work." },
  handler: {
    form: 'signal(SIGSEGV, handler)',
    doc: 'Stands for a handler that goes on at the next line of its process.',
  },
};

export const OUTCOME_DOCS: Readonly<Record<string, string>> = {
  hit: 'The access causes no fault.',
  minor: 'The access faults, and the kernel serves the fault without reading from a disk.',
  major: 'The access faults, and the page has to be read from a file or from swap.',
  cow: 'A minor fault that copies a page which is shared since a fork.',
};

/** Keys of file, program, library and device. */
export const KEY_DOCS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: {
    size: 'Length in bytes; byte i is i / 4096 + 1 modulo 256, so that each page can be told.',
    text: 'The contents of the file.',
  },
  program: {
    type: 'static: at fixed addresses from 0x400000 (the default). pie: position-independent.',
    text: 'Size of the code, mapped r-x; its bytes are 0xcc.',
    rodata: 'Size of the read-only data, mapped r--; its bytes are 0xd0.',
    data: 'Size of the initialised data, mapped rw-; its bytes are 0xd2.',
    bss: 'Size of the data that start as zeros and are not in the file.',
    interp: 'Path of the dynamic loader, a declared library.',
    needs: 'Paths of libraries that the loader maps, separated by commas.',
    host: 'Takes the real file of that path on this machine.',
  },
  library: {
    text: 'Size of the code, mapped r-x.',
    rodata: 'Size of the read-only data, mapped r--.',
    data: 'Size of the initialised data, mapped rw-.',
    bss: 'Size of the data that start as zeros and are not in the file.',
  },
  device: {
    pages: 'How many physical pages the device has.',
    mmap: 'remap: mmap maps all pages at once. insert: none until vm_insert_page. fault: each on its first fault.',
  },
};

/** The words that a key takes. */
export const KEY_VALUES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  program: { type: ['static', 'pie'] },
  device: { mmap: ['remap', 'insert', 'fault'] },
};
