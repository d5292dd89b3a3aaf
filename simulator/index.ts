// The simulator's one public entry.
export type * from './abi.ts';
export * from './scenario/index.ts';
export * from './scenario/service/index.ts';
export * from './timeline.ts';
export type * from './view/types.ts';
