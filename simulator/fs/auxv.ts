/** The auxiliary vector: what the kernel tells a program and its loader (include/uapi/linux/auxvec.h). */

import { PAGE_SIZE, type VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import { utf8 } from './utf8.ts';

const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  RSEQ_FEATURE_SIZE: 27,
  RSEQ_ALIGN: 28,
  EXECFN: 31,
  SYSINFO_EHDR: 33,
  MINSIGSTKSZ: 51,
} as const;

/** CPUID 1 EDX of a usual x86-64 processor; it differs from one to the next, and the model has none in particular. */
const HWCAP = 0x178bfbff;
/** HWCAP2_FSGSBASE. */
const HWCAP2 = 2;
/** A signal frame with AVX state, without AVX-512. */
const MINSIGSTKSZ = 1776;
const USER = 1000;
const RSEQ_FEATURE_SIZE = 28;
const RSEQ_ALIGN = 32;

/** ELF_PLATFORM with its end. */
export const platformString: Uint8Array = Uint8Array.of(...utf8('x86_64'), 0);

/** What the vector tells of the program. */
export interface AuxiliaryFacts {
  /** Where its program headers lie in memory. */
  readonly phdr: VirtAddr;
  readonly phnum: number;
  /** Load address of the interpreter, 0 without one. */
  readonly base: VirtAddr;
  /** Its own entry, not the interpreter's. */
  readonly entry: VirtAddr;
}

/** What the vector points at. */
interface Places {
  readonly platform: VirtAddr;
  readonly random: VirtAddr;
  readonly execfn: VirtAddr;
  readonly vdso: VirtAddr;
}

/** 16 bytes that stand for chance: the same in each run, different in each address space. */
export function randomBytes(k: Kernel): Uint8Array {
  let state = Math.imul(k.mms.nextId, 0x9e3779b1) | 1;
  return Uint8Array.from({ length: 16 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 16) & 255;
  });
}

/** The words of the vector, in the order of create_elf_tables(), with its end. */
export function auxiliary_vector({ phdr, phnum, base, entry }: AuxiliaryFacts, places: Places): number[] {
  const vdso = places.vdso === 0 ? [] : [AT.SYSINFO_EHDR, places.vdso];
  return [
    ...vdso,
    ...[AT.MINSIGSTKSZ, MINSIGSTKSZ, AT.HWCAP, HWCAP, AT.PAGESZ, PAGE_SIZE, AT.CLKTCK, 100],
    ...[AT.PHDR, phdr, AT.PHENT, 56, AT.PHNUM, phnum, AT.BASE, base, AT.FLAGS, 0, AT.ENTRY, entry],
    ...[AT.UID, USER, AT.EUID, USER, AT.GID, USER, AT.EGID, USER, AT.SECURE, 0],
    ...[AT.RANDOM, places.random, AT.HWCAP2, HWCAP2, AT.EXECFN, places.execfn, AT.PLATFORM, places.platform],
    ...[AT.RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE, AT.RSEQ_ALIGN, RSEQ_ALIGN, AT.NULL, 0],
  ];
}
