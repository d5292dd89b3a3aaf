/** The system calls of the dynamic loader: each is made, written down as strace writes it, and told to who listens. */

import type { Substep } from '../abi.ts';
import { hex, PAGE_SIZE, type VirtAddr } from '../machine/address.ts';
import { do_mmap } from '../mm/mmap.ts';
import { do_mprotect } from '../mm/mprotect.ts';
import { do_munmap } from '../mm/munmap.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm, OpenFile } from '../state/records.ts';
import { MAP, PROT } from '../uapi.ts';

const PROT_NAMES = ['READ', 'WRITE', 'EXEC'] as const;
/** Flags that the loader uses, in strace's order. */
const MAP_NAMES = ['PRIVATE', 'FIXED', 'ANONYMOUS', 'DENYWRITE'] as const;

function protText(prot: number): string {
  const names = PROT_NAMES.filter((name) => (prot & PROT[name]) !== 0).map((name) => `PROT_${name}`);
  return names.length === 0 ? 'PROT_NONE' : names.join('|');
}

function flagsText(flags: number): string {
  return MAP_NAMES.filter((name) => (flags & MAP[name]) !== 0)
    .map((name) => `MAP_${name}`)
    .join('|');
}

/** An open file as `strace -y` shows its descriptor. */
export interface LoaderFile {
  readonly file: OpenFile;
  readonly fd: number;
  readonly path: string;
}

/** What the loader maps: a file from `offset` (bytes, page aligned) on, or anonymous memory. */
export interface LoaderMap {
  /** 0: the kernel chooses. */
  readonly addr: VirtAddr;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  readonly from: LoaderFile | null;
  readonly offset: number;
}

/** Makes the loader's calls in one address space and keeps the list of them. */
export class LoaderCalls {
  readonly made: Substep[] = [];
  private readonly k: Kernel;
  private readonly mm: Mm;

  constructor(k: Kernel, mm: Mm) {
    this.k = k;
    this.mm = mm;
  }

  /** mmap(2). Returns the address, -1 after an error. */
  mmap({ addr, length, prot, flags, from, offset }: LoaderMap): VirtAddr {
    const place = addr === 0 ? 'NULL' : hex(addr);
    const file = from === null ? '-1' : `${from.fd}<${from.path}>`;
    const what = `${place}, ${length}, ${protText(prot)}, ${flagsText(flags)}, ${file}, ${offset === 0 ? 0 : hex(offset)}`;
    const mapped = this.call('mmap', what, () => {
      const pgoff = offset / PAGE_SIZE;
      const got = do_mmap(this.k, this.mm, { addr, length, prot, flags, file: from?.file ?? null, pgoff });
      return typeof got === 'string' ? got : got.addr;
    });
    return typeof mapped === 'string' ? -1 : mapped;
  }

  mprotect(addr: VirtAddr, length: number, prot: number): void {
    this.call('mprotect', `${hex(addr)}, ${length}, ${protText(prot)}`, () =>
      do_mprotect(this.k, this.mm, addr, length, prot),
    );
  }

  munmap(addr: VirtAddr, length: number): void {
    this.call('munmap', `${hex(addr)}, ${length}`, () => do_munmap(this.k, this.mm, addr, length));
  }

  private call(name: string, args: string, make: () => number | string): number | string {
    const text = `${name}(${args})`;
    if (this.k.sink !== null) this.k.emit({ type: 'loader-call', text });
    this.k.depth++;
    const got = make();
    this.k.depth--;
    const result =
      typeof got === 'string'
        ? ({ kind: 'errno', errno: got } as const)
        : ({ kind: 'value', value: BigInt(got) } as const);
    this.made.push({ call: name, text, result });
    return got;
  }
}
