// Reads real programs from the disk of the machine that the extension runs on, for `program "PATH" host`.
import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { type HostFiles, type ReadHostElf, readHostProgram } from '../../simulator/index.ts';

/** `action`'s result; null when the file system refuses. */
function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}

const files: HostFiles = {
  size: (path) =>
    attempt(() => {
      const info = statSync(path);
      return info.isFile() ? info.size : null;
    }),
  realPath: (path) => attempt(() => realpathSync(path)),
  read(path, offset, length) {
    const file = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    } finally {
      closeSync(file);
    }
  },
};

/** The program at `path` with its interpreter and libraries, or what keeps it from being read. */
export const readHostElf: ReadHostElf = (path) => readHostProgram(path, files);
