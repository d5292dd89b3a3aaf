// Reading real ELF files: against readelf's idea of this machine's own programs, and garbage.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHostElf } from '../../cli/host-elf.ts';
import { parseElf, type ReadBytes } from '../../simulator/fs/elf-parse.ts';

const fromBytes =
  (bytes: Uint8Array): ReadBytes =>
  (offset, length) =>
    bytes.subarray(offset, offset + length);

const shell = ['/bin/bash', '/bin/sh'].find((path) => existsSync(path)) ?? process.execPath;
const ldd = existsSync('/usr/bin/ldd');

describe('real programs', () => {
  test.each([shell, process.execPath])('%s: segments are ordered, inside the file, and hold the entry', (path) => {
    const bytes = readFileSync(path);
    const elf = parseElf(fromBytes(bytes));
    if ('error' in elf) throw new Error(elf.error);
    expect(elf.segments.length).toBeGreaterThan(1);
    for (const [index, segment] of elf.segments.entries()) {
      expect(segment.offset + segment.filesz).toBeLessThanOrEqual(bytes.length);
      expect(segment.filesz).toBeLessThanOrEqual(segment.memsz);
      expect(segment.vaddr % 4096).toBe(segment.offset % 4096);
      expect(segment.vaddr).toBeGreaterThanOrEqual((elf.segments[index - 1]?.vaddr ?? -1) + 1);
    }
    const text = elf.segments.find((s) => elf.entry >= s.vaddr && elf.entry < s.vaddr + s.memsz);
    expect((text?.flags ?? 0) & 1).toBe(1);
  });

  test.runIf(ldd)('the closure of a program is what ldd lists', () => {
    const program = readHostElf(shell);
    if ('error' in program) throw new Error(program.error);
    const listed = execFileSync('ldd', [shell], { encoding: 'utf8' });
    const names = [...listed.matchAll(/^\s*(?:(\S+) => \S+|(\/\S+)) \(/gm)].map((m) => basename(m[1] ?? m[2] ?? ''));
    const wanted = names.filter((name) => !name.startsWith('linux-vdso'));
    expect(program.closure).toHaveLength(wanted.length);
    expect(program.elf.interp).toBe(program.closure[0]?.path);
    for (const object of program.closure) {
      expect(object.type).toBe('shared');
      expect(object.read?.(0, 4)).toEqual(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
      expect(object.read?.(object.size - 1, 100)).toHaveLength(1);
    }
    const paths = program.closure.map((object) => object.path);
    for (const object of [program.elf, ...program.closure])
      for (const path of object.needs) expect(paths).toContain(path);
  });

  test('what cannot be loaded is said', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vas-elf-'));
    try {
      const text = join(folder, 'text');
      writeFileSync(text, 'no program');
      expect(readHostElf(text)).toEqual({ error: `"${text}" cannot be loaded: it is no ELF file` });
      expect(readHostElf(join(folder, 'none'))).toHaveProperty('error');
      expect(readHostElf(folder)).toEqual({ error: `"${folder}" is no file of this machine` });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('garbage', () => {
  test('any bytes give an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parseElf(fromBytes(bytes))).toHaveProperty('error');
      }),
    );
  });

  test('a real program with bytes changed gives an answer', () => {
    const original = readFileSync(shell).subarray(0, 65536);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1023), fc.nat(255)), { minLength: 1, maxLength: 20 }), (changes) => {
        const bytes = Uint8Array.from(original);
        for (const [at, byte] of changes) bytes[at] = byte;
        expect(parseElf(fromBytes(bytes))).toBeTypeOf('object');
      }),
    );
  });
});
