// Linux's own reclaim as a policy: the simulated machine itself, with room for so many pages of one process.

import type { Request } from '../abi.ts';
import { pteIndex } from '../machine/address.ts';
import { PTE_PRESENT } from '../machine/pagetable.ts';
import { DEFAULT_MACHINE, Simulator } from '../simulator.ts';
import { PageOrder } from './page-order.ts';
import { FREE_FRAME, HIT, type Policy } from './policy.ts';

const PAGE = 4096;
/** The end of user space, and every address below it. */
const USER_SPACE = 2n ** 47n - 4096n;
const PROT_READ_WRITE = 3n;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE. */
const MAP_PRIVATE_ANONYMOUS = 0x4022n;
/** MAP_LOCKED | MAP_POPULATE. */
const MAP_LOCKED = 0xa000n;
const NO_FD = 2n ** 64n - 1n;
/** Tries to give a machine the wanted room. */
const TRIES = 64;
/** A step that records so many events may have left some out. */
const MANY_EVENTS = 50_000;

/** Sizes of a machine, in pages: RAM, and what is locked in it. */
interface Sizes {
  readonly ram: number;
  readonly locked: number;
}

/** The machine cannot even run the process. */
class TooSmall extends Error {}

/** A process with nothing but anonymous memory: `locked` pages that stay, and a region that is paged. */
class PagedProcess {
  readonly simulator = new Simulator();
  readonly region: number;
  readonly mm: number;
  readonly #pid: number;
  readonly #locked: number;

  /** @param pages of the region that is paged */
  constructor({ ram, locked }: Sizes, pages: number) {
    const { simulator } = this;
    const sizes = { ram: ram * PAGE, swap: (pages + ram) * PAGE };
    simulator.declare({ kind: 'machine', config: { ...DEFAULT_MACHINE, ...sizes, overcommit: 1 } });
    this.#pid = simulator.execute({ op: 'spawn', path: '/bin/puppet', argv: [] }).child ?? 0;
    this.#locked = locked;
    // What the program itself has, and its file in the page cache, would take frames.
    this.#syscall('munmap', [0n, USER_SPACE]);
    this.#perform({ op: 'kernel', name: 'drop_caches', args: [] });
    if (locked > 0) this.#map(locked, MAP_PRIVATE_ANONYMOUS | MAP_LOCKED);
    this.region = Number(this.#map(pages, MAP_PRIVATE_ANONYMOUS));
    this.mm = simulator.state.tasks.get(this.#pid).mm;
  }

  #map(pages: number, flags: bigint): bigint {
    return this.#syscall('mmap', [0n, BigInt(pages) * BigInt(PAGE), PROT_READ_WRITE, flags, NO_FD, 0n]);
  }

  #syscall(name: string, args: readonly bigint[]): bigint {
    return this.#perform({ op: 'syscall', pid: this.#pid, name, args });
  }

  #perform(request: Request): bigint {
    const { result } = this.simulator.execute(request);
    if (result.kind === 'value') return result.value;
    throw new TooSmall(`PagedProcess: ${request.op} came to ${result.kind}`);
  }

  /** The program writes to a page of the region: a read of an untouched page would take no frame. */
  touch(page: number): void {
    this.#perform({ op: 'store', pid: this.#pid, addr: BigInt(this.region + page * PAGE), value: 1 });
  }

  /** The kernel reclaims so many pages, as it does when an allocation finds no frame. */
  reclaim(pages: number): void {
    this.#perform({ op: 'kernel', name: 'reclaim', args: [BigInt(pages)] });
  }

  isPresent(page: number): boolean {
    const address = this.region + page * PAGE;
    const table = this.simulator.state.mms.get(this.mm).pt.find(address);
    return table !== undefined && ((table.words[2 * pteIndex(address)] as number) & PTE_PRESENT) !== 0;
  }

  /** Resident pages of the region. */
  get resident(): number {
    return this.simulator.state.mms.get(this.mm).rss_anon - this.#locked;
  }
}

/** The most pages that are resident together while a process writes to one new page after the other; 0 if it cannot run. */
function roomOf(sizes: Sizes): number {
  const pages = sizes.ram + Math.ceil(sizes.ram / 4) + 64;
  let most = 0;
  try {
    const process = new PagedProcess(sizes, pages);
    for (let page = 0; page < pages; page++) {
      process.touch(page);
      most = Math.max(most, process.resident);
    }
  } catch (error) {
    if (error instanceof TooSmall) return 0;
    throw error;
  }
  return most;
}

/** A machine on which `frames` pages of one process are resident together, and never more. */
function sizesFor(frames: number): Sizes {
  let sizes: Sizes = { ram: frames, locked: 0 };
  for (let tries = 0; tries < TRIES; tries++) {
    const room = roomOf(sizes);
    if (room === frames) return sizes;
    // What the machine keeps free grows with its RAM; room that is too much is locked away.
    const { ram, locked } = sizes;
    sizes = room < frames ? { ram: ram + frames - room, locked } : { ram, locked: locked + room - frames };
  }
  throw new Error(`sizesFor: no machine has room for ${frames} pages`);
}

/**
 * `replacement=linux` of the simulated machine, whatever it does: active and inactive lists, accessed bits, second
 * chance. A process writes to its anonymous pages on a machine whose RAM has room for `frames` of them. A page is in
 * memory while a PTE maps it. Linux may drive out several pages at once, and may do so before the last frame is taken.
 * {@link resident} is in order of arrival.
 */
export class LinuxReclaim implements Policy {
  readonly ordersByUse = false;
  readonly #process: PagedProcess;
  readonly #arrivals: PageOrder;
  readonly #end: number;
  readonly #frames: number;
  #victims: number[] = [];

  constructor(frames: number, pages: number) {
    this.#frames = frames;
    // Where all pages fit, nothing is ever replaced: RAM in plenty.
    const sizes = frames < pages ? sizesFor(frames) : { ram: 2 * pages + 4096, locked: 0 };
    this.#process = new PagedProcess(sizes, pages);
    this.#process.simulator.listen(true);
    this.#arrivals = new PageOrder(pages);
    this.#end = this.#process.region + pages * PAGE;
  }

  access(page: number): number {
    const order = this.#arrivals;
    const isHit = order.has(page);
    this.#process.touch(page);
    this.#victims = this.#goneNow();
    // Where kswapd finds all pages in use, the kernel lends out frames that it means to keep free.
    const excess = this.#process.resident - this.#frames;
    if (excess > 0) {
      this.#process.reclaim(excess);
      this.#victims.push(...this.#goneNow());
    }
    if (isHit) return HIT;
    if (this.#process.isPresent(page)) order.append(page);
    return this.#victims[0] ?? FREE_FRAME;
  }

  /** Drops and returns the pages that the machine's last step took out of the page table, in the order in which they went. */
  #goneNow(): number[] {
    const gone: number[] = [];
    for (const page of this.#changed()) {
      if (!this.#arrivals.has(page) || this.#process.isPresent(page)) continue;
      this.#arrivals.remove(page);
      gone.push(page);
    }
    return gone;
  }

  /** Pages whose entry the machine's last step has cleared; all pages when it did too much to tell. */
  #changed(): number[] {
    const { simulator, region, mm } = this.#process;
    const { events } = simulator;
    if (events.length >= MANY_EVENTS) return this.#arrivals.toArray();
    const pages: number[] = [];
    for (const event of events) {
      if (event.type !== 'pte' || event.mm !== mm || event.va < region || event.va >= this.#end) continue;
      if ((event.after.flags & PTE_PRESENT) === 0) pages.push((event.va - region) / PAGE);
    }
    return pages;
  }

  victims(): readonly number[] {
    return this.#victims;
  }

  resident(): number[] {
    return this.#arrivals.toArray();
  }
}
