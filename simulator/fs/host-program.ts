// A real program with all that its dynamic loader would load: found and read through three functions of the host.

import type { HostElf, HostFile } from '../abi.ts';
import { type ElfFile, parseElf } from './elf-parse.ts';
import { LD_SO_CACHE } from './ld-so.ts';

/** A real program, its interpreter and libraries: the interpreter first, then in the order in which ld.so loads them. */
export interface HostProgram {
  readonly elf: HostElf;
  readonly closure: readonly HostElf[];
  /** What the loader looks libraries up in, where the machine has it. */
  readonly cache?: HostFile;
}

/** The files of the machine that runs the simulation. Nothing is ever written. */
export interface HostFiles {
  /** Size of a regular file in bytes; null when the path is none. */
  size(path: string): number | null;
  /** The path without symbolic links, as /proc/PID/maps shows it; null when it cannot be found. */
  realPath(path: string): string | null;
  /** The bytes at [offset, offset + length); throws when they cannot be read. */
  read(path: string, offset: number, length: number): Uint8Array;
}

/** Where ld.so looks when no RPATH, LD_LIBRARY_PATH or cache says otherwise: Debian's directories, then the rest. */
const LIBRARY_DIRECTORIES = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];

/** An ELF file that was found and understood. */
interface Loaded {
  readonly path: string;
  readonly size: number;
  readonly read: (offset: number, length: number) => Uint8Array;
  readonly file: ElfFile;
}

/** Ends the reading of a program; caught by readHostProgram(). */
class Unreadable extends Error {}

/** Reads the program at `path`; each library once, breadth first (elf/dl-deps.c: _dl_map_object_deps()). */
export function readHostProgram(path: string, files: HostFiles): HostProgram | { readonly error: string } {
  try {
    const program = loadReal(path, files);
    const interp = program.file.interp === undefined ? null : loadReal(program.file.interp, files);
    const libraries = interp === null ? [] : loadLibraries(program, interp, files);
    const resolve = (name: string) => libraries.find((library) => isNamed(library, name))?.path ?? null;
    const link = program.path === path ? {} : { link: path };
    const elf = { ...hostElf(program, resolve), ...link, ...(interp === null ? {} : { interp: interp.path }) };
    const objects = interp === null ? libraries : [interp, ...libraries];
    // libc.so.6 can be executed too and names an interpreter, but here it is a library.
    const closure = objects.map((object): HostElf => ({ ...hostElf(object, resolve), type: 'shared' }));
    const size = files.size(LD_SO_CACHE);
    if (size === null) return { elf, closure };
    const read = (offset: number, length: number) => readWithin(files, LD_SO_CACHE, size, offset, length);
    return { elf, closure, cache: { path: LD_SO_CACHE, size, read } };
  } catch (error) {
    if (error instanceof Unreadable) return { error: error.message };
    throw error;
  }
}

function loadLibraries(program: Loaded, interp: Loaded, files: HostFiles): Loaded[] {
  const libraries: Loaded[] = [];
  const queue: Loaded[] = [program];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const name of next.file.needed) {
      // The interpreter is loaded already when it is needed as a library.
      if (isNamed(interp, name) || libraries.some((library) => isNamed(library, name))) continue;
      const library = loadReal(findLibrary(name, next.path, files), files);
      libraries.push(library);
      queue.push(library);
    }
  }
  return libraries;
}

function isNamed(loaded: Loaded, name: string): boolean {
  return loaded.file.soname === name || loaded.path === name || loaded.path.endsWith(`/${name}`);
}

function findLibrary(name: string, neededBy: string, files: HostFiles): string {
  const candidates = name.includes('/') ? [name] : LIBRARY_DIRECTORIES.map((directory) => `${directory}/${name}`);
  const found = candidates.find((candidate) => files.size(candidate) !== null);
  if (found === undefined) throw new Unreadable(`"${name}", which "${neededBy}" needs, is not on this machine`);
  return found;
}

function loadReal(path: string, files: HostFiles): Loaded {
  return load(files.realPath(path) ?? path, path, files);
}

function readWithin(files: HostFiles, path: string, size: number, offset: number, length: number): Uint8Array {
  const most = Math.max(0, Math.min(length, size - offset));
  return most === 0 ? new Uint8Array() : files.read(path, offset, most);
}

/** Loads the file at `path`; messages call it `name`. */
function load(path: string, name: string, files: HostFiles): Loaded {
  const size = files.size(path);
  if (size === null) throw new Unreadable(`"${name}" is no file of this machine`);
  const read = (offset: number, length: number) => readWithin(files, path, size, offset, length);
  const file = parse(name, read);
  if ('error' in file) throw new Unreadable(`"${name}" cannot be loaded: ${file.error}`);
  return { path, size, read, file };
}

function parse(name: string, read: Loaded['read']): ElfFile | { readonly error: string } {
  try {
    return parseElf(read);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unreadable(`"${name}" cannot be read: ${why}`);
  }
}

function hostElf(loaded: Loaded, resolve: (name: string) => string | null): HostElf {
  const { path, size, read, file } = loaded;
  const needs = file.needed.flatMap((name) => resolve(name) ?? []);
  const elf = { path, type: file.type, entry: file.entry, size, segments: file.segments, needs, read };
  return file.relro === undefined ? elf : { ...elf, relro: file.relro };
}
