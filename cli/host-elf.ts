// Real programs of this machine, for `program "PATH" host`: the file, its interpreter and the libraries it needs.

import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HostElf } from '../simulator/abi.ts';
import { type ElfFile, parseElf, type ReadBytes } from '../simulator/fs/elf-parse.ts';
import type { HostProgram } from '../simulator/scenario/index.ts';

/** Where ld.so looks when no RPATH, LD_LIBRARY_PATH or cache says otherwise: Debian's directories, then the rest. */
const LIBRARY_DIRECTORIES = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];

/** An ELF file that was opened and understood. */
interface Loaded {
  readonly path: string;
  readonly size: number;
  readonly read: ReadBytes;
  readonly file: ElfFile;
}

class Unreadable extends Error {}

/**
 * Reads the program at `path` and all that ld.so would load with it. `closure` holds the interpreter first, then the
 * libraries in ld.so's order: breadth first, each once (elf/dl-deps.c: _dl_map_object_deps()).
 */
export function readHostElf(path: string): HostProgram | { readonly error: string } {
  try {
    const program = load(path, path);
    const interp = program.file.interp === undefined ? null : load(realPath(program.file.interp), program.file.interp);
    const libraries = interp === null ? [] : loadLibraries(program, interp);
    const resolve = (name: string) => libraries.find((l) => isNamed(l, name))?.path ?? null;
    const elf = { ...hostElf(program, resolve), ...(interp === null ? {} : { interp: interp.path }) };
    const objects = interp === null ? libraries : [interp, ...libraries];
    // libc.so.6 can be executed too and names an interpreter, but here it is a library.
    return { elf, closure: objects.map((object) => ({ ...hostElf(object, resolve), type: 'shared' })) };
  } catch (error) {
    if (error instanceof Unreadable) return { error: error.message };
    throw error;
  }
}

function loadLibraries(program: Loaded, interp: Loaded): Loaded[] {
  const libraries: Loaded[] = [];
  const queue: Loaded[] = [program];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const name of next.file.needed) {
      // The interpreter is loaded already when it is needed as a library.
      if (isNamed(interp, name) || libraries.some((library) => isNamed(library, name))) continue;
      const library = load(findLibrary(name, next.path), name);
      libraries.push(library);
      queue.push(library);
    }
  }
  return libraries;
}

function isNamed(loaded: Loaded, name: string): boolean {
  return loaded.file.soname === name || basename(loaded.path) === name || loaded.path === name;
}

function findLibrary(name: string, neededBy: string): string {
  const candidates = name.includes('/') ? [name] : LIBRARY_DIRECTORIES.map((directory) => join(directory, name));
  const found = candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile() === true);
  if (found === undefined) throw new Unreadable(`"${name}", which "${neededBy}" needs, is not on this machine`);
  return realPath(found);
}

/** The path that /proc/PID/maps shows. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new Unreadable(`"${path}" cannot be read on this machine`);
  }
}

function load(path: string, name: string): Loaded {
  const size = sizeOf(path);
  const read: ReadBytes = (offset, length) => readRange(path, offset, Math.max(0, Math.min(length, size - offset)));
  const file = parseElf(read);
  if ('error' in file) throw new Unreadable(`"${name}" cannot be loaded: ${file.error}`);
  return { path, size, read, file };
}

function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new Unreadable(`"${path}" is not on this machine`);
  if (!stat.isFile()) throw new Unreadable(`"${path}" is no regular file`);
  return stat.size;
}

function readRange(path: string, offset: number, length: number): Uint8Array {
  if (length === 0) return new Uint8Array();
  const fd = openFile(path);
  try {
    const bytes = new Uint8Array(Math.min(length, fstatSync(fd).size));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(fd);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new Unreadable(`"${path}" cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

function hostElf(loaded: Loaded, resolve: (name: string) => string | null): HostElf {
  const { path, size, read, file } = loaded;
  const needs = file.needed.flatMap((name) => resolve(name) ?? []);
  const elf = { path, type: file.type, entry: file.entry, size, segments: file.segments, needs, read };
  return file.relro === undefined ? elf : { ...elf, relro: file.relro };
}
