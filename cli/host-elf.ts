// Real programs of this machine, for `program "PATH" host`.

import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { type HostFiles, readHostProgram } from '../simulator/fs/host-program.ts';
import type { ReadHostElf } from '../simulator/scenario/index.ts';

const files: HostFiles = {
  size(path) {
    try {
      const stat = statSync(path);
      return stat.isFile() ? stat.size : null;
    } catch {
      return null;
    }
  },
  realPath(path) {
    try {
      return realpathSync(path);
    } catch {
      return null;
    }
  },
  read(path, offset, length) {
    const fd = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
    } finally {
      closeSync(fd);
    }
  },
};

export const readHostElf: ReadHostElf = (path) => readHostProgram(path, files);
