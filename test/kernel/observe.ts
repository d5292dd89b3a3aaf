/** One form for what both sides show of a process, without what a comparison must leave out. */
import type { ProcessReport } from '../../simulator/abi.ts';
import type { ProcessDump } from './driver.ts';

/** Lines by key: `maps 0x7ffff7ff5000`, `page 0x…`, `status VmSize`; equal lines mean equal behaviour. */
export type Observation = ReadonlyMap<string, string>;

/** smaps numbers that are compared. */
const SMAPS = [
  'Rss',
  'Pss',
  'Pss_Dirty',
  'Shared_Clean',
  'Shared_Dirty',
  'Private_Clean',
  'Private_Dirty',
  'Referenced',
  'Anonymous',
  'LazyFree',
  'Swap',
  'SwapPss',
  'Locked',
] as const;

/** status lines that are compared; VmHWM is an estimate of the kernel's. */
const STATUS = [
  'VmPeak',
  'VmSize',
  'VmLck',
  'VmRSS',
  'RssAnon',
  'RssFile',
  'RssShmem',
  'VmData',
  'VmStk',
  'VmExe',
  'VmLib',
  'VmPTE',
  'VmSwap',
] as const;

const MAPS_LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ *(.*)$/;

/** Names of frames: two sides agree when the same pages share a frame, whatever its number. */
export class FrameNames {
  private readonly names = new Map<string, number>();

  name(pfn: string): string {
    const known = this.names.get(pfn);
    if (known !== undefined) return `#${known}`;
    this.names.set(pfn, this.names.size);
    return `#${this.names.size - 1}`;
  }
}

/** Ranges of special mappings: their map counts belong to the whole machine. */
function addMaps(lines: Map<string, string>, maps: string): [bigint, bigint][] {
  const special: [bigint, bigint][] = [];
  for (const line of maps.split('\n')) {
    const match = MAPS_LINE.exec(line);
    if (match === null) continue;
    const [, start = '', end = '', perms = '', offset = '', name = ''] = match;
    lines.set(`maps 0x${start.replace(/^0+/, '')}`, `-${end} ${perms} ${offset} ${name}`);
    if (name.startsWith('[v')) special.push([BigInt(`0x${start}`), BigInt(`0x${end}`)]);
  }
  return special;
}

function inside(ranges: readonly [bigint, bigint][], va: bigint): boolean {
  return ranges.some(([start, end]) => va >= start && va < end);
}

function pageLine(
  page: { present: boolean; swapped: boolean; file: boolean; exclusive: boolean; zero: boolean },
  frame: string,
): string {
  if (page.swapped) return 'swapped';
  return `present${page.zero ? ' zero' : ` ${frame}`}${page.file ? ' file' : ''}${page.exclusive ? ' exclusive' : ''}`;
}

/** What the simulator shows. */
export function observeSimulated(report: ProcessReport, frames: FrameNames): Observation {
  const lines = new Map<string, string>();
  const special = addMaps(lines, report.maps);
  for (const entry of report.smaps) {
    const flags = String(entry['VmFlags']);
    lines.set(`flags ${entry.start}`, flags);
    if (inside(special, BigInt(entry.start))) continue;
    for (const field of SMAPS) lines.set(`smaps ${entry.start} ${field}`, String(entry[field]));
  }
  for (const field of STATUS) if (field in report.status) lines.set(`status ${field}`, String(report.status[field]));
  for (const page of report.pages) {
    if (inside(special, BigInt(page.va))) continue;
    const line = pageLine(
      { ...page, swapped: page.swap !== null },
      page.zero || page.pfn === null ? '' : frames.name(page.pfn),
    );
    lines.set(`page ${page.va}`, line);
  }
  // Of the dead no counters are left: those of a thread go to its group.
  if (report.state !== 'alive') return lines;
  lines.set('minflt', String(report.minflt));
  lines.set('majflt', String(report.majflt));
  return lines;
}

function addSmaps(lines: Map<string, string>, smaps: string, special: readonly [bigint, bigint][]): void {
  let start = '';
  for (const line of smaps.split('\n')) {
    const head = MAPS_LINE.exec(line);
    if (head !== null) {
      start = `0x${BigInt(`0x${head[1]}`).toString(16)}`;
      continue;
    }
    const [key = '', rest = ''] = line.split(/:\s*/, 2);
    if (key === 'VmFlags') lines.set(`flags ${start}`, rest.trim());
    else if ((SMAPS as readonly string[]).includes(key) && !inside(special, BigInt(start))) {
      lines.set(`smaps ${start} ${key}`, rest.replace(/ kB$/, ''));
    }
  }
}

/** What the kernel shows. */
export function observeReal(dump: ProcessDump, frames: FrameNames): Observation {
  const lines = new Map<string, string>();
  if (!dump.alive) return lines;
  const special = addMaps(lines, dump.maps);
  addSmaps(lines, dump.smaps, special);
  for (const line of dump.status.split('\n')) {
    const [key = '', rest = ''] = line.split(/:\s*/, 2);
    if ((STATUS as readonly string[]).includes(key)) lines.set(`status ${key}`, rest.replace(/ kB$/, '').trim());
  }
  for (const page of dump.pages) {
    if (inside(special, page.va)) continue;
    const frame = page.zero || !page.present ? '' : frames.name(page.pfn.toString(16));
    lines.set(`page 0x${page.va.toString(16)}`, pageLine(page, frame));
  }
  lines.set('minflt', String(dump.minflt));
  lines.set('majflt', String(dump.majflt));
  return lines;
}

/** Lines in which two observations differ: `key: kernel … simulator …`. */
export function differences(real: Observation, simulated: Observation): string[] {
  const keys = new Set([...real.keys(), ...simulated.keys()]);
  const found: string[] = [];
  for (const key of keys) {
    const [r, s] = [real.get(key), simulated.get(key)];
    if (r !== s) found.push(`${key}: kernel ${r ?? '(none)'} | simulator ${s ?? '(none)'}`);
  }
  return found;
}
