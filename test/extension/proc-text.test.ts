// The documents of /proc and free(1): their texts where the run stands, and why there is none.
import { describe, expect, it } from 'vitest';
import { documentText, memoryPath, processPath } from '../../extension/proc-text.ts';
import { parseScenario, Timeline } from '../../simulator/index.ts';

const SCENARIO = `
machine ram=1M swap=64K
app = spawn()
app: buf = mmap(NULL, 16K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(buf, 1, 16K)
app: madvise(buf, 4K, MADV_PAGEOUT)
`;

const MACHINE = (['meminfo', 'vmstat', 'free'] as const).map(memoryPath);

function started(): Timeline {
  const timeline = Timeline.open(parseScenario(SCENARIO));
  timeline.step();
  timeline.step();
  return timeline;
}

/** A number of a text: `MemFree:   900 kB`, `pswpout 1`. */
function numberOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text)?.[1]);
}

describe('documents of the machine', () => {
  it('tell what has become of its memory, and step back with the run', () => {
    const timeline = started();
    const texts = () => MACHINE.map((path) => documentText(timeline, path));
    const before = texts();
    timeline.step();
    const stored = texts();
    timeline.step();
    const [meminfo = '', vmstat = '', free = ''] = texts();
    expect(numberOf(stored[0] ?? '', 'MemFree')).toBe(numberOf(before[0] ?? '', 'MemFree') - 16);
    expect(numberOf(meminfo, 'MemFree')).toBe(numberOf(before[0] ?? '', 'MemFree') - 12);
    expect([numberOf(meminfo, 'SwapTotal'), numberOf(meminfo, 'SwapFree')]).toEqual([64, 60]);
    expect(numberOf(vmstat, 'pswpout')).toBe(1);
    expect(numberOf(free, 'Mem')).toBe(1024);
    timeline.back();
    expect(texts()).toEqual(stored);
    timeline.back();
    expect(texts()).toEqual(before);
  });

  it('are there before the first process is', () => {
    const timeline = Timeline.open(parseScenario(SCENARIO));
    for (const path of MACHINE) expect(documentText(timeline, path)).toMatch(/1024|nr_free_pages 256/);
  });
});

describe('documents of a process', () => {
  it('tell of it what /proc does', () => {
    const timeline = started();
    timeline.step();
    const text = (file: Parameters<typeof processPath>[1]) => documentText(timeline, processPath(1000, file));
    expect(text('maps')).toContain('rw-p 00000000 00:00 0');
    expect(text('smaps')).toContain('VmFlags:');
    expect(text('status')).toContain('VmRSS:');
    expect(text('smaps_rollup')).toMatch(/\[rollup\]\n/);
    expect(numberOf(text('smaps_rollup'), 'Anonymous')).toBeGreaterThanOrEqual(16);
  });

  it('say why there is nothing to tell', () => {
    const timeline = started();
    expect(documentText(timeline, '/proc/7/maps')).toBe('There is no process 7 at this step.\n');
    expect(documentText(timeline, '/proc/1000/environ')).toBe('/proc/1000/environ is not a file that is shown here.\n');
    expect(documentText(null, '/proc/meminfo')).toBe(
      'The scenario of /proc/meminfo is not open, or does not run now.\n',
    );
  });
});
