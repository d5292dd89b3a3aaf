/**
 * Path names (fs/namei.c). Files stand in one table by their whole names; a directory is there because something lies
 * in it, or because something once did.
 */

import { new_inode } from '../mm/shmem.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';
import { utf8 } from './utf8.ts';

const PATH_MAX = 4096;
const NAME_MAX = 255;

/** Where a directory of ext4 ends for lseek: its offsets are hashes of names (EXT4_HTREE_EOF_64BIT, as fs/size.ts: toBytes()). */
const HTREE_EOF = 2 ** 63;

/** Directories that are there before anybody makes one. */
const FIXED: ReadonlySet<string> = new Set(['/', '/dev', '/bin']);

/** Where a path leads. */
export interface Found {
  /** The name without dots and doubled slashes, from the root. */
  readonly path: string;
  /** What is there; `none`: nothing, in a directory that exists. */
  readonly kind: 'none' | 'file' | 'directory';
  /** The path ends in a name and a slash: only a directory may lie there. */
  readonly slash: boolean;
}

/** Appends a name to the path of a directory. */
function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

/** The directory of a path that is in order; the root is its own. */
export function parent_of(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

/** A path in order: from the root, without dots and doubled slashes. Nothing is looked up. */
export function canonical(path: string): string {
  let at = '/';
  for (const name of path.split('/')) {
    if (name === '..') at = parent_of(at);
    else if (name !== '' && name !== '.') at = below(at, name);
  }
  return at;
}

/** Inode of /dev/zero or /dev/null, which nobody declares; made when it is first wanted. Undefined for other paths. */
function memory_device(k: Kernel, path: string): number | undefined {
  if (path !== '/dev/zero' && path !== '/dev/null') return undefined;
  const kind = path === '/dev/zero' ? 'zero' : 'null';
  const { id } = new_inode(k, { kind, path, size: 0, deleted: false, access: 6 });
  k.paths.set(path, id);
  return id;
}

/** {@link Inode.access} of a directory that exists. Only the superuser may change /dev. */
export function directory_access(path: string): number {
  return path === '/dev' ? 5 : 7;
}

/** Inode of a directory that exists; made when it is first wanted, and from then on the directory stays. */
export function directory_inode(k: Kernel, path: string): Inode {
  const known = k.paths.get(path);
  if (known !== undefined) return k.inodes.get(known);
  const access = directory_access(path);
  const inode = new_inode(k, { kind: 'directory', path, size: HTREE_EOF, deleted: false, access });
  k.paths.set(path, inode.id);
  return inode;
}

function isDirectory(k: Kernel, path: string): boolean {
  if (FIXED.has(path)) return true;
  const known = k.paths.get(path);
  if (known !== undefined) return k.inodes.get(known).kind === 'directory';
  for (const [other] of k.paths.entries()) if (other.startsWith(`${path}/`)) return true;
  return false;
}

function kindOf(k: Kernel, path: string): Found['kind'] {
  if (isDirectory(k, path)) return 'directory';
  return k.paths.get(path) !== undefined || path === '/dev/zero' || path === '/dev/null' ? 'file' : 'none';
}

/** Inode id of the file at a path that is in order. */
export function inode_at(k: Kernel, path: string): number | undefined {
  return k.paths.get(path) ?? memory_device(k, path);
}

/**
 * path_lookupat() up to the last component, whose absence is no error: ENOENT, ENOTDIR or ENAMETOOLONG, or where the path
 * leads. `start` is the directory of a relative path, in order. With `makes` the directories above the last component
 * are taken to be there, where nothing else is: scenarios have no mkdir.
 */
export function path_lookup(k: Kernel, text: string, start = '/', makes = false): Found | string {
  // What follows a NUL the kernel never sees.
  const path = text.split('\0', 1)[0] ?? '';
  if (path === '') return 'ENOENT';
  if (utf8(path).length >= PATH_MAX) return 'ENAMETOOLONG';
  const names = path.split('/').filter((name) => name !== '');
  let at = path.startsWith('/') ? '/' : start;
  let kind: Found['kind'] = 'directory';
  for (const name of names) {
    if (kind === 'none' && !makes) return 'ENOENT';
    if (kind === 'file') return 'ENOTDIR';
    if (name === '.') continue;
    if (utf8(name).length > NAME_MAX) return 'ENAMETOOLONG';
    at = name === '..' ? parent_of(at) : below(at, name);
    kind = kindOf(k, at);
  }
  // A slash behind dots, or alone, asks for nothing more.
  const last = names.at(-1) ?? '.';
  return { path: at, kind, slash: path.endsWith('/') && last !== '.' && last !== '..' };
}
