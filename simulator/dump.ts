/**
 * The whole state as text: two machines that would go on in the same way give the same text, however they came there.
 * Epochs and sharing between snapshots do not show.
 */

import { contentByte, type PageContent, readFrame } from './machine/content.ts';
import { CHUNK_MASK, SPECIAL_PAGES } from './machine/frames.ts';
import type { PteTable, UpperTable } from './machine/pagetable.ts';
import type { SwapSlots } from './machine/swap-slots.ts';
import { Counts } from './state/counts.ts';
import type { Kernel } from './state/kernel.ts';
import type { Inode, Mm } from './state/records.ts';

/** Bookkeeping of the copy-on-write state, and what is written out elsewhere. */
const HIDDEN: ReadonlySet<string> = new Set(['owner', 'cacheOwner', 'writtenOwner', 'pt', 'vmas', 'cache', 'written']);

/** A value as text, the keys of records, maps and sets in order. */
function text(value: unknown): string {
  if (value instanceof Counts) return text(new Map(value));
  if (value instanceof Map) return `{${[...value].map(([k, v]) => `${text(k)}:${text(v)}`).sort()}}`;
  if (value instanceof Set) return `<${[...value].map(text).sort()}>`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `[${value.map(text)}]`;
  if (typeof value === 'function') return 'function';
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).filter((key) => !HIDDEN.has(key));
    return `{${keys.sort().map((key) => `${key}:${text((value as Record<string, unknown>)[key])}`)}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** A page's bytes as runs: `00*4096`. */
function contentText(content: PageContent): string {
  if (content.word === 0) return '00*4096';
  const runs: string[] = [];
  const bytes = content.bytes ?? Uint8Array.from({ length: 4096 }, (_, offset) => contentByte(content, offset));
  let start = 0;
  for (let i = 1; i <= 4096; i++) {
    if (i < 4096 && bytes[i] === bytes[start]) continue;
    runs.push(`${(bytes[start] as number).toString(16).padStart(2, '0')}*${i - start}`);
    start = i;
  }
  return runs.join(' ');
}

function frameLine(k: Kernel, pfn: number): string {
  const { frames, nextUses } = k;
  const chunk = frames.chunk(pfn);
  const i = pfn & CHUNK_MASK;
  const fields = [
    chunk.flags,
    chunk.mapcount,
    chunk.refs,
    chunk.mapping,
    chunk.index,
    chunk.next,
    chunk.prev,
    chunk.slot,
  ];
  const use = nextUses === null ? '' : ` ${nextUses.nextOf(pfn)} ${nextUses.arrivedOf(pfn)}`;
  return `frame ${pfn}: ${fields.map((field) => field[i]).join(' ')}${use} | ${contentText(readFrame(frames, pfn))}`;
}

function* frameLines(k: Kernel): Generator<string> {
  const { frames } = k;
  const c = frames.counters;
  yield `frames: ${text({ ...c, head: [...c.head], tail: [...c.tail], count: [...c.count], events: [...c.events], lruvec: [...c.lruvec] })}`;
  for (let pfn = 1; pfn < c.fresh; pfn++) yield frameLine(k, pfn);
  const devices = [...k.inodes.values()].flatMap((inode) => (inode.device === null ? [] : [inode.device]));
  const special = { firstPfn: frames.deviceBase, pages: SPECIAL_PAGES };
  for (const { firstPfn, pages } of [special, ...devices]) {
    for (let pfn = firstPfn; pfn < firstPfn + pages; pfn++) if (frames.known(pfn)) yield frameLine(k, pfn);
  }
}

function* swapLines(swap: SwapSlots): Generator<string> {
  const root = swap.freeze();
  yield `swap: on ${root.on}, used ${root.used}, cached ${root.cachedPages}, fresh ${root.fresh}`;
  const free: number[] = [];
  for (let next = root.freeHead; next !== 0; ) {
    free.push(next - 1);
    next = root.dir[(next - 1) >> 8]?.next[(next - 1) & 255] ?? 0;
  }
  yield `swap free: ${free}`;
  for (let slot = 0; slot < root.fresh; slot++) {
    const line = `slot ${slot}: ${swap.count(slot)} ${swap.cached(slot)} ${swap.shadow(slot)}`;
    yield `${line} | ${contentText(swap.content(slot))}`;
  }
}

function* tableLines(table: UpperTable, indent: string): Generator<string> {
  yield `${indent}table ${table.pfn}`;
  for (let i = 0; i < table.kids.length; i++) {
    const kid = table.kids[i];
    if (kid === undefined) continue;
    yield `${indent} [${i}]`;
    if (table.level > 1) {
      yield* tableLines(kid as UpperTable, `${indent}  `);
      continue;
    }
    const { pfn, words } = kid as PteTable;
    const entries: string[] = [];
    for (let at = 0; at < words.length; at += 2) {
      if (words[at] !== 0 || words[at + 1] !== 0) entries.push(`${at / 2}=${words[at]}/${words[at + 1]}`);
    }
    yield `${indent}  table ${pfn}: ${entries.join(' ')}`;
  }
}

function* mmLines(mm: Mm): Generator<string> {
  yield `mm ${text(mm)}`;
  for (const vma of mm.vmas.toArray()) yield ` vma ${text(vma)}`;
  yield ` tables: ${mm.pt.tables}`;
  yield* tableLines(mm.pt.top, ' ');
}

function* inodeLines(inode: Inode): Generator<string> {
  yield `inode ${text(inode)}`;
  const chunks = [...inode.cache].sort(([a], [b]) => a - b);
  for (const [at, { pages, shadows }] of chunks) {
    if (pages.some((entry) => entry !== 0)) yield ` cache ${at}: ${[...pages]}`;
    if (shadows?.some((entry) => entry !== 0)) yield ` shadows ${at}: ${[...shadows]}`;
  }
  const written = [...inode.written].sort(([a], [b]) => a - b);
  for (const [index, content] of written) yield ` disk ${index}: ${contentText(content)}`;
}

/** Pages under writeback, in the order in which they end. */
function* writeLines({ writes }: Kernel): Generator<string> {
  for (const [pfn, write] of writes.entries()) {
    yield `writing frame ${pfn}: ${writes.stepsLeft(write)} steps | ${write.content === null ? 'swap' : contentText(write.content)}`;
  }
}

function tlbLine(k: Kernel): string {
  const { turn } = k.tlb.freeze();
  return `tlb: ${text(k.tlb.entries())} ${[...turn]}`;
}

function* lines(k: Kernel): Generator<string> {
  yield `scalars: ${text({ ...k.scalars, nextTable: k.tablePages.next })}`;
  yield tlbLine(k);
  yield `paths: ${text(new Map(k.paths.entries()))}`;
  yield `elves: ${text(new Map(k.elves.entries()))}`;
  yield `shm: ${text(new Map(k.shm.entries()))}`;
  for (const table of [k.tasks, k.files, k.anonVmas]) {
    yield `next id ${table.nextId}, ${table.size} records`;
    for (const record of table.values()) yield ` ${text(record)}`;
  }
  yield `next mm ${k.mms.nextId}, next inode ${k.inodes.nextId}`;
  for (const mm of k.mms.values()) yield* mmLines(mm);
  for (const inode of k.inodes.values()) yield* inodeLines(inode);
  yield* swapLines(k.swap);
  yield* writeLines(k);
  yield* frameLines(k);
}

/** The state of the machine as text, a line for each record. Reads only; takes time in proportion to RAM in use. */
export function dumpKernel(k: Kernel): string {
  return [...lines(k)].join('\n');
}
