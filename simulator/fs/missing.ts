// What is said of a path where nothing lies.

import type { Because } from '../abi.ts';
import { closest } from '../closest.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Inode } from '../state/records.ts';

/** Why a step cannot be made, or a question not be answered. */
export interface Missing {
  readonly words: string;
  readonly because: Because;
}

/** `path` as the scenario writes it. */
export function missing_file(k: Kernel, path: string): Missing {
  return { words: `there is no file "${path}"${hint(k, path, (inode) => inode.kind !== 'device')}`, because: { path } };
}

/** What is said where a device is wanted and nothing lies at `path`: devices are declared, never made during a run. */
export function missing_device(k: Kernel, path: string): Missing {
  const near = hint(k, path, (inode) => inode.kind === 'device');
  return { words: `no device "${path}" is declared${near}`, because: { path, wanted: 'device' } };
}

function hint(k: Kernel, path: string, fits: (inode: Inode) => boolean): string {
  const known = Array.from(k.paths.entries()).filter(([, id]) => fits(k.inodes.get(id)));
  const meant = closest(
    path,
    known.map(([name]) => name),
  );
  return meant === null ? '' : `: did you mean "${meant}"?`;
}
