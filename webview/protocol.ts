/**
 * What the extension host and the page-table view say to each other: plain data that survives a structured clone.
 * The only file of this folder that the extension imports (the page's HTML, the frame-map updates and the way numbers are written come along here).
 */
import type {
  FrameView,
  NumberView,
  ProcessView,
  SlotView,
  StoryLine,
  SwapMapView,
  WalkView,
} from '../simulator/view/types.ts';
import type { FrameMapUpdate } from './frame-map-update.ts';

export { applyFrameMapUpdate, type FrameMapUpdate, frameMapUpdate } from './frame-map-update.ts';
export { type WebviewHtmlOptions, webviewHtml } from './html.ts';
export { countText, numberText, positionText } from './numbers.ts';

/** What the view looks at. */
export interface Selection {
  readonly pid: number;
  /** The address walked, `0x…`. */
  readonly address: string;
  /** What the address field shows: the expression as it was typed, or the address itself. */
  readonly text: string;
}

/** The step that led to the position (the last one executed, whichever way the user travelled). */
export interface LastStep {
  /** Line in the scenario, 1-based. */
  readonly line: number;
  /** The statement as it is written. */
  readonly text: string;
  /** The scenario's name of the process, `kernel` for nobody's steps, empty for statements without one. */
  readonly process: string;
  /** As the editor shows it at the line's end: `= 0x7ffff7ff5000`, `minor fault`, `SIGSEGV`. */
  readonly outcome: string;
  /** The message of a failed expectation, or of a step that could not be made. */
  readonly problem: string | null;
  readonly story: readonly StoryLine[];
  /** Of an assert: the last step above it that did something; absent when there is none. */
  readonly before?: Pick<LastStep, 'line' | 'text' | 'outcome'>;
}

/** A process to choose. */
export type ProcessChoice = Pick<ProcessView, 'pid' | 'name' | 'state' | 'ended'>;

/** A name of the scenario with its value: offered in the address field. */
export interface Binding {
  readonly name: string;
  /** `0x…`. */
  readonly value: string;
}

/** Everything the view shows; sent after `ready`, after each step and each change of the selection. */
export interface StateMessage {
  readonly type: 'state';
  /** The scenario document: its URI (kept for a reload) and the file name to show. */
  readonly scenario: { readonly uri: string; readonly name: string };
  /** Steps executed so far. */
  readonly position: number;
  /** Steps of the whole run; null while that is not known. */
  readonly total: number | null;
  /** The statement that a step would execute; null at the end. */
  readonly next: { readonly line: number; readonly text: string } | null;
  /** What the host is busy with (`Running to the end…`), null when idle: busy, only `cancel` makes sense. */
  readonly busy: string | null;
  readonly canStep: boolean;
  readonly canBack: boolean;
  /** By pid. */
  readonly processes: readonly ProcessChoice[];
  /** How many processes are not among them, for there are too many. */
  readonly hiddenProcesses: number;
  readonly bindings: readonly Binding[];
  /** On: after each step the selection moves to the step's last access. */
  readonly follow: boolean;
  /** Null: nothing to look at yet (no process, or follow is on and nothing was accessed). */
  readonly selection: Selection | null;
  /** The translation of the selection; null when there is none (no selection, or the process is gone). */
  readonly walk: WalkView | null;
  readonly frames: FrameMapUpdate;
  readonly swap: SwapMapView;
  /** The frame asked for by `selectFrame`, as it is now; null when none is. */
  readonly frame: FrameView | null;
  /** The swap slot asked for by `selectSlot`, as it is now; null when none is. */
  readonly slot: SlotView | null;
  readonly numbers: readonly NumberView[];
  readonly lastStep: LastStep | null;
}

/** The answer to `selectFrame`, when nothing else changed. */
export interface FrameMessage {
  readonly type: 'frame';
  /** Null: the selection was dropped, or there is no such frame. */
  readonly frame: FrameView | null;
}

/** The answer to `selectSlot`, when nothing else changed. */
export interface SlotMessage {
  readonly type: 'slot';
  /** Null: the selection was dropped, or there is no such slot. */
  readonly slot: SlotView | null;
}

/** The host could not do what was asked, or has something to tell. */
export interface NoticeMessage {
  readonly type: 'notice';
  readonly severity: 'error' | 'info';
  /** `address`: shown at the address field; `general`: shown at the top. */
  readonly about: 'address' | 'general';
  readonly message: string;
}

/**
 * The scenario was closed, or has errors and nothing runs: the view says so instead of showing a state.
 * It forgets the frame map: the next `state` must carry all of it.
 */
export interface EmptyMessage {
  readonly type: 'empty';
  readonly message: string;
}

export type HostMessage = StateMessage | FrameMessage | SlotMessage | NoticeMessage | EmptyMessage;

/** What the colours of the map of frames tell apart. */
export type FrameColouring = 'use' | 'list' | 'owner';

/** What the view keeps over a reload (`vscode.setState`); a panel serializer gets it as its state. */
export interface SavedState {
  readonly scenario: string;
  readonly pid: number | null;
  readonly text: string;
  readonly follow: boolean;
  /** The frame selected in the map. */
  readonly pfn: string | null;
  /** Absent: by use. */
  readonly colouring?: FrameColouring;
}

export type ViewMessage =
  /** The view listens now: answer with a `state` whose frames are `full`. `saved` is what it showed before a reload. */
  | { readonly type: 'ready'; readonly saved: SavedState | null }
  | { readonly type: 'selectProcess'; readonly pid: number }
  /** Let the user choose among all processes, those too that the state leaves out. Answer: `state`, when one is chosen. */
  | { readonly type: 'listProcesses' }
  /** An address expression as typed; turns follow off. Answer: `state`, or a `notice` about the address. */
  | { readonly type: 'selectAddress'; readonly text: string }
  /** Go to an address (`0x…`) of a process: an entry, a mapper or a line of the story was chosen; turns follow off. */
  | { readonly type: 'goTo'; readonly pid: number; readonly address: string }
  | { readonly type: 'follow'; readonly on: boolean }
  | { readonly type: 'step' }
  | { readonly type: 'back' }
  | { readonly type: 'start' }
  | { readonly type: 'end' }
  | { readonly type: 'cancel' }
  /** Answer: `frame`; the states that follow carry it too. Null drops the selection. */
  | { readonly type: 'selectFrame'; readonly pfn: string | null }
  /** Answer: `slot`; the states that follow carry it too. Null drops the selection. */
  | { readonly type: 'selectSlot'; readonly slot: number | null }
  /** Show the line (1-based) in the editor. */
  | { readonly type: 'revealLine'; readonly line: number }
  /** The view missed an update (its frame map cannot be brought up to date): answer with a full `state`. */
  | { readonly type: 'resync' }
  /** Something went wrong in the view: for the extension's log. */
  | { readonly type: 'problem'; readonly message: string; readonly stack: string };
