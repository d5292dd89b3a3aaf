/** What the view shows, as a function of the messages that came. */
import type { FrameMapView } from '../../simulator/view/types.ts';
import { applyFrameMapUpdate } from '../frame-map-update.ts';
import { positionText } from '../numbers.ts';
import type { FrameColouring, HostMessage, NoticeMessage, SavedState, StateMessage } from '../protocol.ts';

/** A state with its frame map put together. */
export type Shown = Omit<StateMessage, 'type' | 'frames'> & { readonly frames: FrameMapView };

export interface View {
  /** Null until the first state came, and after `empty`. */
  readonly shown: Shown | null;
  /** Why there is nothing to show; null while waiting. */
  readonly empty: string | null;
  readonly notice: NoticeMessage | null;
  /** A delta of the frame map had nothing to apply to: the host must send everything. */
  readonly lost: boolean;
  /** Indices of frames of which something else is told than in the picture before; empty after a jump to another map. */
  readonly freshFrames: readonly number[];
  /** Slots whose number of users differs from the picture before. */
  readonly freshSlots: readonly number[];
}

export const WAITING: View = { shown: null, empty: null, notice: null, lost: false, freshFrames: [], freshSlots: [] };

/** Frames or slots that light up at most: beyond, the change is a landscape, not a list. */
const FRESH_LIMIT = 256;

/** The view after a message. */
export function receive(view: View, message: HostMessage): View {
  switch (message.type) {
    case 'state':
      return receiveState(view, message);
    case 'frame':
      return view.shown === null ? view : { ...view, shown: { ...view.shown, frame: message.frame } };
    case 'slot':
      return view.shown === null ? view : { ...view, shown: { ...view.shown, slot: message.slot } };
    case 'notice':
      return { ...view, notice: message };
    case 'empty':
      return { ...WAITING, empty: message.message };
  }
}

function receiveState(view: View, message: StateMessage): View {
  const before = view.shown?.frames ?? null;
  const frames = applyFrameMapUpdate(before, message.frames);
  if (frames === null) return { ...view, lost: true };
  const { type: _type, frames: update, ...rest } = message;
  return {
    shown: { ...rest, frames },
    empty: null,
    notice: null,
    lost: false,
    freshFrames: update.kind === 'delta' ? Array.from(update.indices.slice(0, FRESH_LIMIT)) : moved(before, frames),
    freshSlots: differing(view.shown?.swap.counts ?? null, message.swap.counts),
  };
}

/** Indices whose use differs, when both maps show the same frames. */
function moved(before: FrameMapView | null, after: FrameMapView): number[] {
  return before?.first === after.first ? differing(before.uses, after.uses) : [];
}

function differing(before: Uint8Array | null, after: Uint8Array): number[] {
  if (before?.length !== after.length) return [];
  const indices: number[] = [];
  for (let i = 0; i < after.length && indices.length < FRESH_LIMIT; i++) if (before[i] !== after[i]) indices.push(i);
  return indices;
}

/** What to keep over a reload. */
export function savedState(shown: Shown, colouring: FrameColouring): SavedState {
  return {
    scenario: shown.scenario.uri,
    pid: shown.selection?.pid ?? null,
    text: shown.selection?.text ?? '',
    follow: shown.follow,
    pfn: shown.frame?.pfn ?? null,
    colouring,
  };
}

/** Why there is no walk to see. */
export function nothingToWalk(shown: Pick<Shown, 'processes' | 'selection' | 'follow'>): string {
  if (shown.processes.length === 0) return 'No process yet: step to begin.';
  const chosen = shown.processes.find((process) => process.pid === shown.selection?.pid);
  if (chosen !== undefined && chosen.state !== 'alive') {
    const why = chosen.ended === null ? '' : ` (${chosen.ended})`;
    return `${chosen.name} has ended${why}: its address space is gone.`;
  }
  return shown.follow
    ? 'No memory was touched yet: step, or type an address.'
    : 'Type an address to see it translated.';
}

/** What a screen reader is told after a step. */
export function announcement(shown: Shown): string {
  if (shown.busy !== null) return shown.busy;
  const last = shown.lastStep;
  if (last === null) return `${positionText(shown.position, shown.total)}: nothing has run yet`;
  const said = [`${positionText(shown.position, shown.total)}: ${last.text}`, last.outcome, last.problem ?? ''];
  return said.filter((part) => part !== '').join(', ');
}
