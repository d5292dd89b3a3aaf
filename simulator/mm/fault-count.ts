/** Counting faults: mm_account_fault() of mm/memory.c, and the record of each for the step's report. */

import type { AccessKind, FaultKind } from '../abi.ts';
import type { VirtAddr } from '../machine/address.ts';
import { PGFAULT, PGMAJFAULT } from '../machine/vm-events.ts';
import type { Kernel } from '../state/kernel.ts';
import { type Faulter, VM_FAULT_MAJOR, VM_FAULT_RETRY } from './fault.ts';
import { lastFaultKind } from './memory.ts';

/**
 * What a fault counts as that had to be tried again: the program's own first try, under the VMA's lock, is forgotten
 * unless it read a page; the kernel's is remembered (FAULT_FLAG_TRIED); that of mm_populate() ends there, and what it
 * finds next is minor.
 */
function is_major(result: number, by: Faulter): boolean {
  const tried = (result & VM_FAULT_RETRY) !== 0;
  if (by === 'populate' && tried) return false;
  return (result & VM_FAULT_MAJOR) !== 0 || (by === 'kernel' && tried);
}

/** Faults that the report of one step lists; the others are counted by their kinds. */
const MAX_FAULTS = 2 ** 20;

/**
 * Counts a served fault for the running task; `result` are handle_mm_fault()'s bits. `kind` is said when it is another
 * than the handler's: a fault that grew the stack.
 */
export function count_fault(
  k: Kernel,
  addr: VirtAddr,
  access: AccessKind,
  result: number,
  by: Faulter,
  kind: FaultKind | null = null,
): void {
  const major = is_major(result, by);
  k.frames.countEvent(PGFAULT);
  if (major) k.frames.countEvent(PGMAJFAULT);
  // Looked at here: where all kinds of records come by, as in Table.edit(), reading `owner` takes a search.
  const running = k.tasks.get(k.scalars.current);
  const task = running.owner === k.epoch.now ? running : k.tasks.edit(running.pid);
  if (major) task.maj_flt++;
  else task.min_flt++;
  const told = kind ?? lastFaultKind;
  if (k.faults !== null) {
    if (k.faults.length < MAX_FAULTS) k.faults.push({ addr, access, kind: told, major });
    else k.unlistedFaults.set(told, (k.unlistedFaults.get(told) ?? 0) + 1);
  }
  if (k.sink !== null) k.emit({ type: 'fault-done', va: addr, kind: told, major });
}
