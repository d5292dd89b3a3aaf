/** Why a mapping is where it is: the step that put an address there, and what decided the place. */

import type { Arg, Request } from '../abi.ts';
import type { KernelEvent } from '../events.ts';
import { hex, PMD_SIZE, pageAlign, pageDown, type VirtAddr } from '../machine/address.ts';
import { VM_GROWSDOWN, type Vma } from '../mm/vma.ts';
import type { StepReport } from '../scenario/interpreter.ts';
import type { Mm } from '../state/records.ts';
import { CLONE, MAP, MREMAP } from '../uapi.ts';
import { mmOf, type Place, processName } from './place.ts';
import type { PlacedView } from './types.ts';

type Syscall = Extract<Request, { op: 'syscall' }>;
type Heard = Extract<KernelEvent, { type: 'placement' }>;

/** A step whose events can be had again. */
type Record = StepReport & { events?(): readonly KernelEvent[] };

/** Steps that are looked back, and steps whose events are recorded again for one answer. */
const LOOK_BACK = 8192;
const MAX_REPLAYS = 32;

const TOP_DOWN = 'top-down: the end of the highest hole below mmap_base that is large enough';
const SEARCHES: Readonly<{ [why: string]: string }> = {
  hint: 'hint honoured: nothing is mapped there',
  mmap_min_addr: 'mmap_min_addr: the hint lies below it and was raised to it; nothing is mapped there',
  'top-down': TOP_DOWN,
  ADDR_COMPAT_LAYOUT: 'ADDR_COMPAT_LAYOUT: the lowest hole above mmap_base that is large enough',
  'bottom-up': 'bottom-up: no hole below mmap_base is large enough, so the search goes upwards from its bottom',
  MAP_32BIT: 'MAP_32BIT: the lowest hole between 1 GiB and 2 GiB that is large enough',
};

function number(args: readonly Arg[], index: number): number {
  const arg = args[index];
  return typeof arg === 'bigint' ? Number(arg) : 0;
}

function returned(record: Record): number | null {
  const { result } = record.outcome;
  return result.kind === 'value' ? Number(result.value) : null;
}

function within(address: VirtAddr, start: VirtAddr, length: number): boolean {
  return start <= address && address < start + length;
}

function aligned(event: Heard): string {
  if (!event.why.endsWith('2 MiB aligned')) return '';
  if (event.length % PMD_SIZE !== 0) return ', placed so that 2 MiB pieces of the file are 2 MiB aligned';
  return ', 2 MiB aligned because the length is a multiple of 2 MiB';
}

/** What get_unmapped_area() decided; `hint` is the address that was asked for, 0 for none. */
function searched(event: Heard | undefined, hint: number): string {
  if (event === undefined) return 'get_unmapped_area() chose the place';
  const [how = ''] = event.why.split(', ');
  const refused = hint !== 0 && how !== 'hint' && how !== 'mmap_min_addr' ? `the hint ${hex(hint)} does not fit; ` : '';
  return `${refused}${SEARCHES[how] ?? how}${aligned(event)}`;
}

/** Looks back through a run for the step that put an address where it is. */
class Search {
  private readonly address: VirtAddr;
  private replays = 0;
  /** The address space that is looked at. */
  private space: number;
  /** What the forks on the way add to the sentence, newest first. */
  private readonly forks: string[] = [];
  private readonly name: (pid: number) => string;
  private readonly startBrk: VirtAddr;
  private readonly growsDown: boolean;
  /** The oldest brk seen so far that left the break behind the address. */
  private brk: { readonly record: Record; readonly view: PlacedView } | null = null;

  /** `vma` holds the address in `mm`, whose number is `space`. */
  constructor(address: VirtAddr, vma: Vma, mm: Mm, space: number, name: (pid: number) => string) {
    this.address = address;
    this.startBrk = mm.start_brk;
    this.growsDown = (vma.vm_flags & VM_GROWSDOWN) !== 0;
    this.space = space;
    this.name = name;
  }

  private events(record: Record): readonly KernelEvent[] {
    if (this.replays++ >= MAX_REPLAYS) return [];
    return record.events?.() ?? [];
  }

  private found(record: Record, text: string): PlacedView {
    return { line: record.line, text: [...this.forks, `${record.call}(): ${text}`].join('; ') };
  }

  /** The answer if `record` gives it, else null. */
  look(record: Record, spaces: Spaces): PlacedView | null {
    const { request } = record;
    if (request === null || record.pid === null) return null;
    this.crossFork(record, record.pid, spaces);
    if (spaces.own !== this.space) return null;
    if (request.op === 'spawn') return this.brk?.view ?? this.executed(record);
    const grown = this.growsDown && this.mayGrow(record) ? this.grown(record) : null;
    if (grown !== null || request.op !== 'syscall') return grown;
    const value = returned(record);
    const found = value === null ? this.movedBeforeError(record, request) : this.called(record, request, value);
    return found === null ? null : this.newest(found);
  }

  /** `found`, unless a later brk went over the address again, which by then was free. */
  private newest(found: PlacedView): PlacedView {
    if (this.brk === null) return found;
    const { record, view } = this.brk;
    return this.events(record).some((event) => this.reaches(event)) ? view : found;
  }

  /** Behind the step that made it, a child's mappings are the parent's. */
  private crossFork(record: Record, parent: number, spaces: Spaces): void {
    if (spaces.child !== this.space || spaces.own === this.space) return;
    this.space = spaces.own;
    this.forks.push(`inherited from ${this.name(parent)} by ${record.call} on line ${record.line}`);
  }

  private called(record: Record, { name, args }: Syscall, value: number): PlacedView | null {
    switch (name) {
      case 'mmap':
        return within(this.address, value, pageAlign(number(args, 1))) ? this.mapped(record, args) : null;
      case 'mremap':
        return this.remapped(record, args, value);
      case 'shmat':
        return this.attached(record, args, value);
      case 'brk':
        return this.broken(record, value);
      case 'execve':
        return this.brk?.view ?? this.executed(record);
      default:
        return null;
    }
  }

  private placement(record: Record): Heard | undefined {
    return this.events(record).findLast(
      (event): event is Heard => event.type === 'placement' && within(this.address, event.addr, event.length),
    );
  }

  private mapped(record: Record, args: readonly Arg[]): PlacedView {
    const flags = number(args, 3);
    if ((flags & MAP.FIXED_NOREPLACE) !== 0) {
      return this.found(record, 'MAP_FIXED_NOREPLACE: the address that was asked for; nothing was mapped there');
    }
    if ((flags & MAP.FIXED) !== 0) {
      return this.found(record, 'MAP_FIXED: the address that was asked for; whatever was mapped there went');
    }
    return this.found(record, searched(this.placement(record), number(args, 0)));
  }

  private remapped(record: Record, args: readonly Arg[], value: number): PlacedView | null {
    const [from, oldLength, newLength] = [number(args, 0), pageAlign(number(args, 1)), pageAlign(number(args, 2))];
    if (!within(this.address, value, newLength)) return null;
    if (value === from) {
      if (within(this.address, value, oldLength)) return null;
      return this.found(record, 'it grew in place: nothing was mapped behind it');
    }
    const flags = number(args, 3);
    if ((flags & MREMAP.FIXED) !== 0) {
      return this.found(record, `MREMAP_FIXED: moved from ${hex(from)} to the address that was asked for`);
    }
    const reason = (flags & MREMAP.DONTUNMAP) !== 0 ? 'MREMAP_DONTUNMAP' : 'it could not grow in place';
    return this.found(record, `moved from ${hex(from)}: ${reason}; get_unmapped_area() chose the place as for mmap`);
  }

  /** Of several mappings that mremap was to move, those before the one that it refused have moved all the same. */
  private movedBeforeError(record: Record, { name, args }: Syscall): PlacedView | null {
    if (name !== 'mremap' || (number(args, 3) & MREMAP.FIXED) === 0) return null;
    if (!within(this.address, number(args, 4), pageAlign(number(args, 2)))) return null;
    if (!this.events(record).some((event) => this.reaches(event))) return null;
    return this.found(record, 'MREMAP_FIXED: moved to the address that was asked for, before the call failed');
  }

  private attached(record: Record, args: readonly Arg[], value: number): PlacedView | null {
    if (value > this.address) return null;
    const covers = this.events(record).some(
      (event) => event.type === 'vma-insert' && within(this.address, event.vma.start, event.vma.end - event.vma.start),
    );
    if (!covers) return null;
    if (number(args, 1) !== 0) return this.found(record, 'the address that was asked for');
    return this.found(record, searched(this.placement(record), 0));
  }

  /** Of the calls that left the break behind the address, the one that first put it there made the page. */
  private broken(record: Record, value: number): PlacedView | null {
    if (this.address < this.startBrk) return null;
    if (pageAlign(value) <= this.address) return this.brk?.view ?? null;
    this.brk = { record, view: this.found(record, 'the heap grows upwards from start_brk, behind the program') };
    return null;
  }

  /** A stack also grows for an access that its permissions refuse then: that ends in a signal, not in a fault served. */
  private mayGrow({ outcome: { faults, result } }: Record): boolean {
    const grew = faults.some(({ kind, addr }) => kind === 'stack-growth' && pageDown(addr) <= this.address);
    return grew || (result.kind === 'signal' && pageDown(Number(result.addr)) <= this.address);
  }

  private grown(record: Record): PlacedView | null {
    const event = this.events(record).find(
      (candidate) =>
        candidate.type === 'expand-stack' &&
        candidate.error === null &&
        candidate.to <= this.address &&
        this.address < candidate.from,
    );
    if (event?.type !== 'expand-stack') return null;
    return this.found(
      record,
      `VM_GROWSDOWN: the access below ${hex(event.from)} let the stack grow down to ${hex(event.to)}`,
    );
  }

  /** What execve mapped, by the part of its work that mapped it. */
  private executed(record: Record): PlacedView | null {
    let stage = '';
    let text: string | null = null;
    for (const event of this.events(record)) {
      if (event.type === 'exec') stage = event.stage;
      if (event.type === 'loader-call') stage = 'library';
      else if (event.type === 'placement' && within(this.address, event.addr, event.length)) {
        text = `${PARTS[stage] ?? stage}: ${searched(event, 0)}`;
      } else if (text === null && this.covers(event)) text = `${PARTS[stage] ?? stage}${FIXED[stage] ?? ''}`;
    }
    return text === null ? null : this.found(record, text);
  }

  /** A VMA came to hold the address that did not hold it before. */
  private reaches(event: KernelEvent): boolean {
    if (!this.covers(event)) return false;
    return (
      event.type !== 'vma-change' || !within(this.address, event.before.start, event.before.end - event.before.start)
    );
  }

  private covers(event: KernelEvent): boolean {
    const vma = event.type === 'vma-insert' ? event.vma : event.type === 'vma-change' ? event.after : null;
    return vma !== null && within(this.address, vma.start, vma.end - vma.start);
  }
}

const PARTS: Readonly<{ [stage: string]: string }> = {
  stack: 'the stack',
  segments: 'a segment of the program',
  interpreter: 'the dynamic loader',
  library: 'a library or the memory of the dynamic loader',
  vdso: '[vvar] or [vdso]',
};

/** What decides the place where nothing is looked for. */
const FIXED: Readonly<{ [stage: string]: string }> = {
  stack: ': at the top of user space, below the random offset if there is one',
  segments: ', where the program headers of the file say (position-independent: relative to its base)',
  vdso: ': the highest hole below mmap_base when the program starts',
};

/** The address spaces of a step, by numbers of our own: its process's behind it, and that of the child it made. */
interface Spaces {
  readonly own: number;
  readonly child: number;
}

/** Which processes shared an address space at which step; those that left it since no longer tell. */
function spacesOf(records: readonly Record[]): {
  readonly steps: readonly Spaces[];
  readonly now: ReadonlyMap<number, number>;
} {
  const now = new Map<number, number>();
  let last = 0;
  const fresh = (pid: number): number => {
    now.set(pid, ++last);
    return last;
  };
  const steps = records.map(({ pid, request, outcome }): Spaces => {
    if (pid === null) return { own: 0, child: 0 };
    const executes = request?.op === 'syscall' && request.name === 'execve' && outcome.result.kind !== 'errno';
    const own = request?.op === 'spawn' || executes ? fresh(outcome.becomes ?? pid) : (now.get(pid) ?? fresh(pid));
    if (outcome.child === undefined || request?.op !== 'syscall') return { own, child: 0 };
    if (!sharesMemory(request)) return { own, child: fresh(outcome.child) };
    now.set(outcome.child, own);
    return { own, child: own };
  });
  return { steps, now };
}

function sharesMemory({ name, args }: Syscall): boolean {
  return name === 'vfork' || (name === 'clone' && (number(args, 0) & CLONE.VM) !== 0);
}

/**
 * The step that mapped an address of a process and what decided the place; null when nothing is mapped there. Looks back
 * over the last thousands of steps.
 */
export function whyPlaced(place: Place, pid: number, address: VirtAddr): PlacedView | null {
  const k = place.simulator.state;
  const mm = mmOf(k, pid);
  const vma = mm?.vmas.lookup(address);
  if (mm === undefined || vma === undefined) return null;
  const records: readonly Record[] = (place.records ?? []).slice(-LOOK_BACK);
  const { steps, now } = spacesOf(records);
  const search = new Search(address, vma, mm, now.get(pid) ?? -1, (owner) => processName(place.names, owner));
  for (let i = records.length - 1; i >= 0; i--) {
    const [record, spaces] = [records[i], steps[i]];
    const found = record === undefined || spaces === undefined ? null : search.look(record, spaces);
    if (found !== null) return found;
  }
  return { line: null, text: 'it was mapped before the steps that are still known' };
}
