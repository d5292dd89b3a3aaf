// What the read-only documents say: files of /proc/PID, and the machine's /proc/meminfo, /proc/vmstat and free(1).
import { type MemoryFile, memoryText, type ProcFile, procText, type Timeline } from '../simulator/index.ts';

/** Files of one process. */
const PROCESS_FILES: readonly ProcFile[] = ['maps', 'smaps', 'smaps_rollup', 'status'];

/** Texts about the whole machine, by the path of their document. */
const MEMORY_PATHS: Readonly<Record<MemoryFile, string>> = {
  meminfo: '/proc/meminfo',
  vmstat: '/proc/vmstat',
  free: '/free',
};

/** Path of the document of a process's file. */
export function processPath(pid: number, file: ProcFile): string {
  return `/proc/${pid}/${file}`;
}

/** Path of the document of a text about the machine. */
export function memoryPath(file: MemoryFile): string {
  return MEMORY_PATHS[file];
}

/** The text of the document at `path` where `timeline` stands (null: its scenario is not open, or gave its memory back), or why there is none. */
export function documentText(timeline: Timeline | null, path: string): string {
  const memory = memoryFile(path);
  const [, pid, name] = /^\/proc\/(\d+)\/(\w+)$/.exec(path) ?? [];
  const file = PROCESS_FILES.find((one) => one === name);
  if (memory === undefined && file === undefined) return `${path} is not a file that is shown here.\n`;
  if (timeline === null) return `The scenario of ${path} is not open, or does not run now.\n`;
  if (memory !== undefined) return memoryText(timeline, memory);
  if (file === undefined || !timeline.names.has(Number(pid))) return `There is no process ${pid} at this step.\n`;
  return procText(timeline, Number(pid), file);
}

function memoryFile(path: string): MemoryFile | undefined {
  const files: readonly MemoryFile[] = ['meminfo', 'vmstat', 'free'];
  return files.find((file) => MEMORY_PATHS[file] === path);
}
