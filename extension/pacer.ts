// Cuts long computations into slices, so that the extension host answers in between.

/** How long one slice may hold the extension host, in milliseconds. */
const SLICE_MS = 12;
const MAX_BUDGET = 1 << 20;

/** Lets everything that waits for the event loop have its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** True once a slice that begins now has had its time. */
export function sliceEnds(milliseconds = SLICE_MS): () => boolean {
  const end = performance.now() + milliseconds;
  return () => performance.now() >= end;
}

/** Chooses how many steps the next slice may take, from how long the last one took. */
export class Pacer {
  private current = 16;

  /** Steps for the next slice, at least 1. */
  get budget(): number {
    return this.current;
  }

  /** Tells how long a slice of `steps` steps took. */
  measured(steps: number, milliseconds: number): void {
    const ideal = milliseconds <= 0 ? this.current * 4 : (steps * SLICE_MS) / milliseconds;
    this.current = Math.max(1, Math.min(MAX_BUDGET, this.current * 4, Math.floor(ideal)));
  }
}
