/** What execve finds out of a file before anything is changed: may it be executed, and is it an ELF program (fs/exec.c). */

import { fput, open_file } from '../mm/file-refs.ts';
import { refuse } from '../mm/refuse.ts';
import type { Kernel } from '../state/kernel.ts';
import {
  EHDR_SIZE,
  type ElfHeader,
  EM_X86_64,
  ET_DYN,
  ET_EXEC,
  MAX_PATH,
  PHDR_SIZE,
  type Phdr,
  PT_INTERP,
  readElfHeader,
  readPhdrs,
  stringAt,
} from './elf-parse.ts';
import { kernel_read } from './kernel-read.ts';
import { canonical, inode_at, path_lookup } from './namei.ts';

/** prepare_binprm() reads so many bytes of the file (BINPRM_BUF_SIZE). */
const BINPRM_BUF_SIZE = 256;
const MAX_PHDR_BYTES = 65536;
const MAY_EXEC = 1;

/** An opened ELF file with its headers. Whoever has one gives the file back with {@link fput}. */
export interface ElfBinary {
  readonly file: number;
  readonly header: ElfHeader;
  readonly phdrs: readonly Phdr[];
}

/** A program that can be executed, and the interpreter that it names. */
export interface Program extends ElfBinary {
  readonly interp: ElfBinary | null;
}

/** do_open_execat(): opens a file for execution, or the errno. */
export function open_exec(k: Kernel, path: string): number | string {
  const found = path_lookup(k, path);
  if (typeof found === 'string') return found;
  if (found.kind === 'none') return refuse(k, 'ENOENT', 'there is no such file');
  if (found.kind === 'directory') return refuse(k, 'EACCES', 'a directory is not executed');
  if (found.slash) return refuse(k, 'ENOTDIR', 'a file is no directory');
  const inode = inode_at(k, found.path);
  if (inode === undefined) throw new Error(`open_exec: ${found.path} has no inode`);
  const { kind, access } = k.inodes.get(inode);
  if ((kind !== 'file' && kind !== 'shmem') || (access & MAY_EXEC) === 0) {
    return refuse(k, 'EACCES', 'the file is not executable');
  }
  for (const file of k.files.values()) {
    if (file.inode === inode && file.writable) return refuse(k, 'ETXTBSY', 'the file is open for writing');
  }
  return open_file(k, inode, { readable: true, writable: false, append: false });
}

function noFrame(k: Kernel): 'ENOMEM' {
  return refuse(k, 'ENOMEM', 'no frame is free for the file to be read');
}

/** load_elf_phdrs(): null when the table is missing, too large or cut off. */
function load_elf_phdrs(k: Kernel, file: number, header: ElfHeader): Phdr[] | 'ENOMEM' | null {
  const size = header.phnum * PHDR_SIZE;
  if (header.phentsize !== PHDR_SIZE || size === 0 || size > MAX_PHDR_BYTES) return null;
  const table = kernel_read(k, file, header.phoff, size);
  if (table === null) return noFrame(k);
  return table.length < size ? null : readPhdrs(table);
}

/** The interpreter that a PT_INTERP header names, opened and with its headers read; an errno; null for none. */
function open_interp(k: Kernel, program: ElfBinary): ElfBinary | string | null {
  const phdr = program.phdrs.find((header) => header.type === PT_INTERP);
  if (phdr === undefined) return null;
  if (phdr.filesz > MAX_PATH || phdr.filesz < 2) return refuse(k, 'ENOEXEC', 'PT_INTERP has an impossible length');
  const bytes = kernel_read(k, program.file, phdr.offset, phdr.filesz);
  if (bytes === null) return noFrame(k);
  if (bytes.length < phdr.filesz) return refuse(k, 'EIO', 'PT_INTERP lies behind the end of the file');
  if (bytes.at(-1) !== 0) return refuse(k, 'ENOEXEC', 'the path of PT_INTERP has no end');
  const { path } = k.inodes.get(k.files.get(program.file).inode);
  const named = stringAt(bytes, 0);
  // The symbolic link that a real program names was resolved when the program was read.
  const file = open_exec(k, k.paths.get(canonical(named)) === undefined ? (k.elves.get(path)?.interp ?? named) : named);
  if (typeof file === 'string') return file;
  const interp = read_interp(k, file);
  if (typeof interp === 'string') fput(k, file);
  return interp;
}

function read_interp(k: Kernel, file: number): ElfBinary | string {
  const first = kernel_read(k, file, 0, EHDR_SIZE);
  if (first === null) return noFrame(k);
  if (first.length < EHDR_SIZE) return refuse(k, 'EIO', 'the interpreter is too short for an ELF header');
  const header = readElfHeader(first);
  if (!header.isElf || header.machine !== EM_X86_64) {
    return refuse(k, 'ELIBBAD', 'the interpreter is no ELF file of this machine');
  }
  const phdrs = load_elf_phdrs(k, file, header);
  if (phdrs === 'ENOMEM') return phdrs;
  return phdrs === null
    ? refuse(k, 'ELIBBAD', 'the program headers of the interpreter cannot be read')
    : { file, header, phdrs };
}

/**
 * The part of load_elf_binary() that can still fail without harm: reads the headers of an opened file and of the
 * interpreter that it names, in Linux's order of errors.
 */
export function read_program(k: Kernel, file: number): Program | string {
  const start = kernel_read(k, file, 0, BINPRM_BUF_SIZE);
  if (start === null) return noFrame(k);
  const buf = new Uint8Array(BINPRM_BUF_SIZE);
  buf.set(start);
  const header = readElfHeader(buf);
  const isProgram = header.isElf && (header.type === ET_EXEC || header.type === ET_DYN);
  if (!isProgram || header.machine !== EM_X86_64) return refuse(k, 'ENOEXEC', 'no ELF program of this machine');
  const phdrs = load_elf_phdrs(k, file, header);
  if (phdrs === 'ENOMEM') return phdrs;
  if (phdrs === null) return refuse(k, 'ENOEXEC', 'its program headers cannot be read');
  const interp = open_interp(k, { file, header, phdrs });
  return typeof interp === 'string' ? interp : { file, header, phdrs, interp };
}
