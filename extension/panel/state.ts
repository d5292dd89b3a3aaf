// Gathers everything the page-table view shows into one message.
import {
  type FrameMapView,
  frameView,
  machineNumbers,
  memoryMaps,
  processOutlines,
  processPids,
  slotView,
  type Timeline,
  walk,
} from '../../simulator/index.ts';
import { frameMapUpdate, type LastStep, type ProcessChoice, type StateMessage } from '../../webview/protocol.ts';
import { plainOutcomeText } from '../outcome-text.ts';
import type { Session } from '../session.ts';
import { type Focus, hex } from './selection.ts';

/** Processes that the view is offered at most. */
const MAX_CHOICES = 500;

export interface BuiltState {
  readonly message: StateMessage;
  /** The frame map sent: the base of the next update. */
  readonly frames: FrameMapView;
}

/** The state message; `sent` is the frame map that the view has, null when it has none. */
export function stateMessage(
  session: Session,
  timeline: Timeline,
  focus: Focus,
  sent: FrameMapView | null,
): BuiltState {
  const selection = focus.selection(timeline);
  const { processes, hidden } = processChoices(timeline, selection?.pid ?? null);
  const alive = processes.some((process) => process.pid === selection?.pid && process.state === 'alive');
  const { frames, swap } = memoryMaps(timeline);
  const uri = session.document.uri;
  const message: StateMessage = {
    type: 'state',
    scenario: { uri: uri.toString(), name: uri.path.split('/').pop() ?? '' },
    position: session.position,
    total: session.total,
    next: timeline.next,
    busy: session.busy === null ? null : `${session.busy.title}…`,
    canStep: session.canStep,
    canBack: session.canStepBack,
    processes,
    hiddenProcesses: hidden,
    bindings: [...timeline.bindings].map(([name, value]) => ({ name, value: hex(value) })),
    follow: focus.follow,
    selection,
    walk: selection !== null && alive ? walk(timeline, selection.pid, BigInt(selection.address)) : null,
    frames: frameMapUpdate(sent, frames),
    swap,
    frame: chosenFrame(timeline, focus, frames),
    slot: chosenSlot(timeline, focus),
    numbers: machineNumbers(timeline),
    lastStep: lastStep(session, timeline),
  };
  return { message, frames };
}

/**
 * Processes to choose from in the page; the editor's own list has all. A message of thousands would hold a step up, so of
 * many these are the living (the oldest and the newest), then the newest of the others, and always the one chosen.
 */
function processChoices(timeline: Timeline, chosen: number | null) {
  const pids = processPids(timeline);
  const processes: readonly ProcessChoice[] = processOutlines(timeline, someOf(timeline, pids, chosen));
  return { processes, hidden: pids.length - processes.length };
}

function someOf(timeline: Timeline, pids: readonly number[], chosen: number | null): readonly number[] {
  if (pids.length <= MAX_CHOICES) return pids;
  const alive = processPids(timeline, 'alive');
  const half = MAX_CHOICES / 2;
  const living = new Set(
    alive.length <= MAX_CHOICES ? alive : alive.filter((_, i) => i < half || i >= alive.length - half),
  );
  const room = MAX_CHOICES - living.size;
  const others = pids.filter((pid) => !living.has(pid));
  const newest = new Set(room > 0 && alive.length <= MAX_CHOICES ? others.slice(-room) : []);
  return pids.filter((pid) => living.has(pid) || newest.has(pid) || pid === chosen);
}

/** The frame that the user chose in the map; null when there is none of that number. */
export function chosenFrame(timeline: Timeline, focus: Focus, frames: FrameMapView): StateMessage['frame'] {
  if (focus.pfn === null) return null;
  const pfn = Number(focus.pfn);
  const inRam = Number.isSafeInteger(pfn) && pfn >= frames.first && pfn < frames.first + frames.total;
  return inRam ? frameView(timeline, pfn) : null;
}

/** The swap slot that the user chose; null when there is none of that number. */
export function chosenSlot(timeline: Timeline, focus: Focus): StateMessage['slot'] {
  return focus.slot === null ? null : slotView(timeline, focus.slot);
}

function lastStep(session: Session, timeline: Timeline): LastStep | null {
  const record = timeline.lastRecord;
  if (record === null) return null;
  return {
    line: record.line,
    text: session.textOf(record),
    process: record.process,
    outcome: plainOutcomeText(record, (pid) => timeline.names.get(pid)),
    problem: record.followUp === undefined ? (record.error?.message ?? record.failure?.message ?? null) : null,
    story: record.story(),
    ...(record.kind === 'assert' && stepBefore(session, timeline)),
  };
}

/** An assert does nothing: what the machine came to is the work of the step before it. */
function stepBefore(session: Session, timeline: Timeline): Pick<LastStep, 'before'> {
  const step = timeline.records.findLast((record) => record.kind === 'step');
  if (step === undefined) return {};
  const outcome = plainOutcomeText(step, (pid) => timeline.names.get(pid));
  return { before: { line: step.line, text: session.textOf(step), outcome } };
}
