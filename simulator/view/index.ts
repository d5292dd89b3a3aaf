// The views: pure queries over a place of a run, as plain data.
export { cachedFiles } from './cached-files.ts';
export { frameMap, frameUses } from './frame-map.ts';
export { frameView } from './frames.ts';
export { machineNumbers, machineView, memoryMaps, swapMap } from './memory.ts';
export type { Place } from './place.ts';
export {
  lastAccess,
  type MemoryCounters,
  type MemoryFile,
  memoryCounters,
  memoryText,
  type ProcFile,
  procText,
} from './proc-text.ts';
export { processOutlines, processPids, processViews } from './processes.ts';
export { slotView } from './swap-slot.ts';
export type * from './types.ts';
export { pageRuns, vmaStarts, vmaViews } from './vmas.ts';
export { walk } from './walk.ts';
export { why, whyBoundary } from './why.ts';
