// The simulator's one public entry.
export type * from './abi.ts';
export { checkKernel } from './checks.ts';
export { oomShortly, oomSummary, oomText } from './explain/oom-words.ts';
export { type HostFiles, type HostProgram, readHostProgram } from './fs/host-program.ts';
export * from './scenario/index.ts';
export * from './scenario/service/index.ts';
export { DEFAULT_MACHINE, Simulator, type Snapshot } from './simulator.ts';
export * from './timeline.ts';
export * from './view/index.ts';
