// Writing to standard output in large pieces, and messages to standard error.

import { writeSync } from 'node:fs';

const PIECE = 1 << 16;

/** Collects text and hands it on in large pieces. */
export class Output {
  readonly #sink: (bytes: Uint8Array) => void;
  #pending: string[] = [];
  #length = 0;

  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }

  /** To a file or a pipe, waiting for its reader: a long run holds little in memory. Messages call it `name`. */
  static toFile(fd: number, name: string): Output {
    return new Output((bytes) => writeAll(fd, name, bytes));
  }

  write(text: string): void {
    this.#pending.push(text);
    this.#length += text.length;
    if (this.#length >= PIECE) this.flush();
  }

  flush(): void {
    const bytes = Buffer.from(this.#pending.join(''));
    this.#pending = [];
    this.#length = 0;
    this.#sink(bytes);
  }
}

/** The reader of our output has gone away: there is nobody left to run for. */
export class BrokenPipe extends Error {}

/** Our output cannot be written: the disk is full, or the like. */
export class OutputProblem extends Error {}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'your quota of the disk is used up',
  EFBIG: 'the file would be too large',
  EBADF: 'it is not open for writing',
};

function writeAll(fd: number, name: string, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new BrokenPipe();
      if (code !== 'EAGAIN') throw new OutputProblem(`${name} cannot be written: ${PROBLEMS[code] ?? message}`);
      // The pipe is full and does not block: give its reader a moment.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

const ESCAPES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

export type Style = keyof typeof ESCAPES;
export type Paint = (style: Style, text: string) => string;

/** Colours for a terminal; plain text for everything else and under NO_COLOR. */
export function painter(isTerminal: boolean): Paint {
  const colours = isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  return (style, text) => (colours ? `\u001b[${ESCAPES[style]}m${text}\u001b[0m` : text);
}
