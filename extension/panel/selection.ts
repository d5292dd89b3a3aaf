// What the page-table view looks at in one session: an address of a process, or whatever was accessed last.
import { lastAccess, processPids, processViews, type Timeline, typedAddress, walk } from '../../simulator/index.ts';
import type { SavedState, Selection } from '../../webview/protocol.ts';

/** The answer to an address expression of the user. */
export type Chosen = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** One session's choice; it outlives steps, the addresses behind names are looked up anew at each place. */
export class Focus {
  follow = true;
  /** The frame chosen in the map, `0x…`. */
  pfn: string | null = null;
  /** The swap slot chosen in its map. */
  slot: number | null = null;
  private chosen: Selection | null = null;

  /** Takes over what a view showed before it was reloaded. */
  restore(saved: SavedState): void {
    this.follow = saved.follow;
    this.pfn = saved.pfn;
    if (saved.pid !== null) this.chosen = { pid: saved.pid, address: '0x0', text: saved.text };
  }

  /** The selection at the timeline's position; null when there is nothing to look at. */
  selection(timeline: Timeline): Selection | null {
    if (this.follow) {
      const access = lastAccess(timeline);
      if (access !== null) {
        const address = hex(access.address);
        this.chosen = { pid: access.pid, address, text: address };
      }
    }
    if (this.chosen === null) return untouched(timeline);
    if (!exists(timeline, this.chosen.pid)) return null;
    const answer = timeline.evaluate(this.chosen.text);
    return 'value' in answer ? { ...this.chosen, address: hex(answer.value) } : this.chosen;
  }

  /** Looks at `typed`, an address expression, in the process looked at now. */
  chooseText(timeline: Timeline, typed: string): Chosen {
    const pid = this.selection(timeline)?.pid ?? firstProcess(timeline);
    const text = addressText(timeline, pid, typed);
    const answer = timeline.evaluate(text);
    if ('error' in answer) return { ok: false, message: answer.error };
    if (!('value' in answer)) {
      return { ok: false, message: `${text} is a ${'process' in answer ? 'process' : 'string'}, not an address` };
    }
    if (pid === null) return { ok: false, message: 'No process is alive yet: make a step first' };
    this.choose(pid, hex(answer.value), text);
    return { ok: true };
  }

  chooseProcess(timeline: Timeline, pid: number): void {
    const now = this.selection(timeline);
    const address = now?.address ?? processStart(timeline, pid);
    this.choose(pid, address, now?.text ?? address);
  }

  choose(pid: number, address: string, text: string): void {
    this.follow = false;
    this.chosen = { pid, address, text };
  }
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** A process to look at when nobody said which: one that is alive. */
export function firstProcess(timeline: Timeline): number | null {
  return processPids(timeline, 'alive')[0] ?? null;
}

/** Where to look while no access is known, as behind a long run of other calls: at the code of the process that ran last. */
function untouched(timeline: Timeline): Selection | null {
  const last = timeline.lastRecord?.pid ?? null;
  const pid = last !== null && processPids(timeline, 'alive').includes(last) ? last : firstProcess(timeline);
  if (pid === null) return null;
  const address = processStart(timeline, pid);
  return { pid, address, text: address };
}

function exists(timeline: Timeline, pid: number): boolean {
  return processViews(timeline, [pid]).length > 0;
}

function processStart(timeline: Timeline, pid: number): string {
  const [process] = processViews(timeline, [pid]);
  return process?.numbers.find((number) => number.name === 'start_code')?.value ?? '0x0';
}

/** The expression that an address means that somebody typed for a process. */
export function addressText(timeline: Timeline, pid: number | null, typed: string): string {
  return typedAddress(typed, (address) => pid !== null && walk(timeline, pid, address).vma !== null);
}
