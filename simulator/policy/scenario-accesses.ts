// The pages that a scenario's loads, stores and fetches touch, in order.

import type {
  Backend,
  CallResult,
  Declaration,
  FaultRecord,
  MachineReport,
  OomKill,
  ProcessReport,
  Query,
  QueryResult,
  Request,
  StepOutcome,
} from '../abi.ts';
import { MAX_TOUCHED } from '../kernel/cpu.ts';
import { pteIndex } from '../machine/address.ts';
import { CHUNK_MASK, PG_ANON, PG_FILE, PG_SHMEM } from '../machine/frames.ts';
import type { Future } from '../mm/future.ts';
import { Simulator } from '../simulator.ts';
import { ReferenceBuilder, type References } from './references.ts';

const PAGE = 4096;
/** What a load returns at most. */
const MAX_VALUE = 256;

type Access = Extract<Request, { op: 'load' | 'store' | 'fetch' }>;

/** An anonymous page's life in frames and slots; `mapping` and `index` tell whether a frame still holds it. */
interface AnonPage {
  readonly id: number;
  readonly mapping: number;
  readonly index: number;
}

/**
 * A machine that notes which page each access of the CPU touched. A page is what needs a frame of its own: pages of files
 * and shared memory are one page for all who map them, and so is a page shared since fork until the copy-on-write;
 * the copy is a new page. Accesses of the kernel, and those that a signal ended, are not noted.
 */
export class AccessRecorder implements Backend {
  readonly #simulator = new Simulator();
  readonly #references = new ReferenceBuilder<string>();
  /** By frame and by swap slot. */
  readonly #anonByFrame = new Map<number, AnonPage>();
  readonly #anonBySlot = new Map<number, AnonPage>();
  /** Names by what a page is; and how many pages a name has stood for. */
  readonly #names = new Map<string, string>();
  readonly #timesNamed = new Map<string, number>();
  /** Pages touched by the step that is not named yet: what each is, and its page number. */
  #touched: { readonly what: string; readonly number: number }[] = [];
  #nextAnon = 0;

  constructor() {
    this.#simulator.listen(true);
  }

  declare(declaration: Declaration): string | null {
    return this.#simulator.declare(declaration);
  }

  foresee(future: Future): void {
    this.#simulator.foresee(future);
  }

  query(query: Query): QueryResult {
    return this.#simulator.query(query);
  }

  reportProcess(pid: number): ProcessReport {
    return this.#simulator.reportProcess(pid);
  }

  reportMachine(): MachineReport {
    return this.#simulator.reportMachine();
  }

  execute(request: Request, step?: number): StepOutcome {
    if (request.op !== 'load' && request.op !== 'store' && request.op !== 'fetch') return this.#perform(request, step);
    const faults: FaultRecord[] = [];
    const oom: OomKill[] = [];
    let result: CallResult | null = null;
    let [minflt, majflt] = [0, 0];
    for (const piece of piecesOf(request)) {
      const mm = this.#simulator.state.tasks.find(piece.pid)?.mm ?? 0;
      const outcome = this.#perform(piece, step);
      const isDone = outcome.result.kind === 'value' || outcome.result.kind === 'bytes';
      if (isDone && lengthOf(piece) > 0n) this.#note(mm, Number(piece.addr));
      for (const fault of outcome.faults) faults.push(fault);
      if (outcome.oom !== undefined) oom.push(...outcome.oom);
      minflt += outcome.minflt;
      majflt += outcome.majflt;
      result = result === null ? outcome.result : joined(result, outcome.result);
      if (!isDone) break;
    }
    if (result === null) throw new Error('AccessRecorder.execute: an access has no pieces');
    return { result, faults, minflt, majflt, ...(oom.length === 0 ? {} : { oom }) };
  }

  /** Ends a step: new pages that it touched are named after its process. False when the accesses are too many. */
  endStep(process: string): boolean {
    const touched = this.#touched;
    this.#touched = [];
    return touched.every(({ what, number }) => this.#references.add(this.#nameOf(what, process, number)));
  }

  /** All accesses of the steps that have ended. */
  references(): References {
    return this.#references.finish('hexadecimal');
  }

  #nameOf(what: string, process: string, number: number): string {
    const known = this.#names.get(what);
    if (known !== undefined) return known;
    const place = `${process}:0x${number.toString(16)}`;
    const times = (this.#timesNamed.get(place) ?? 0) + 1;
    this.#timesNamed.set(place, times);
    const name = times === 1 ? place : `${place}#${times}`;
    this.#names.set(what, name);
    return name;
  }

  #perform(request: Request, step: number | undefined): StepOutcome {
    const outcome = this.#simulator.execute(request, step);
    for (const event of this.#simulator.events) {
      if (event.type === 'frame-alloc' || event.type === 'frame-free') this.#anonByFrame.delete(event.pfn);
      else if (event.type === 'swap-out') this.#move(this.#anonByFrame, event.pfn, this.#anonBySlot, event.slot);
      else if (event.type === 'swap-in') this.#move(this.#anonBySlot, event.slot, this.#anonByFrame, event.pfn);
    }
    return outcome;
  }

  #move(from: Map<number, AnonPage>, source: number, to: Map<number, AnonPage>, target: number): void {
    const page = from.get(source);
    if (page === undefined) to.delete(target);
    else to.set(target, page);
  }

  /** Notes the page that now lies at `address`. */
  #note(mm: number, address: number): void {
    const number = Math.floor(address / PAGE);
    const { frames, mms } = this.#simulator.state;
    const table = mms.get(mm).pt.find(address);
    const pfn = table?.words[2 * pteIndex(address) + 1] ?? 0;
    if (pfn === frames.zeroPfn) {
      this.#touched.push({ what: `zero ${mm} ${number}`, number });
      return;
    }
    const flags = frames.flagsOf(pfn);
    if ((flags & PG_ANON) !== 0) this.#touched.push({ what: this.#anonPage(pfn, mm, number), number });
    else if ((flags & (PG_FILE | PG_SHMEM)) !== 0) {
      const chunk = frames.chunk(pfn);
      const i = pfn & CHUNK_MASK;
      this.#touched.push({ what: `file ${chunk.mapping[i]} ${chunk.index[i]}`, number });
    } else this.#touched.push({ what: `frame ${pfn}`, number });
  }

  #anonPage(pfn: number, mm: number, number: number): string {
    const chunk = this.#simulator.state.frames.chunk(pfn);
    const mapping = chunk.mapping[pfn & CHUNK_MASK] as number;
    const index = chunk.index[pfn & CHUNK_MASK] as number;
    const known = this.#anonByFrame.get(pfn);
    if (known !== undefined && known.mapping === mapping && known.index === index) return `anon ${known.id}`;
    const page = { id: this.#nextAnon++, mapping, index };
    this.#anonByFrame.set(pfn, page);
    const what = `anon ${page.id}`;
    // What was read as zeros before its first write is the same page still.
    const zero = `zero ${mm} ${number}`;
    const name = this.#names.get(zero);
    if (name !== undefined) {
      this.#names.delete(zero);
      this.#names.set(what, name);
    }
    return what;
  }
}

/** Bytes that an access names. */
function lengthOf(access: Access): bigint {
  if (access.op === 'fetch') return 1n;
  if (access.length !== undefined) return access.length;
  return access.op === 'store' && typeof access.value !== 'number' ? BigInt(access.value.length) : 1n;
}

/** An access page by page, so that each page can be looked at before the next one drives it out. */
function* piecesOf(access: Access): Generator<Access> {
  const length = lengthOf(access);
  const start = access.addr % BigInt(PAGE);
  // What is longer the machine refuses: it is handed on as it is.
  if (access.op === 'fetch' || length > MAX_TOUCHED || start + length <= BigInt(PAGE)) {
    yield access;
    return;
  }
  for (let done = 0n; done < length; ) {
    const addr = access.addr + done;
    const part = minimum(BigInt(PAGE) - (addr % BigInt(PAGE)), length - done);
    if (access.op === 'load' || typeof access.value === 'number') yield { ...access, addr, length: part };
    else {
      const { op, pid, value } = access;
      yield { op, pid, addr, value: value.subarray(Number(done)), length: part };
    }
    done += part;
  }
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The results of two pieces of one step as one. */
function joined(first: CallResult, second: CallResult): CallResult {
  if (first.kind !== 'bytes' || second.kind !== 'bytes') return second;
  if (first.bytes.length === MAX_VALUE) return first;
  const bytes = new Uint8Array(Math.min(MAX_VALUE, first.bytes.length + second.bytes.length));
  bytes.set(first.bytes);
  bytes.set(second.bytes.subarray(0, bytes.length - first.bytes.length), first.bytes.length);
  return { kind: 'bytes', bytes };
}
