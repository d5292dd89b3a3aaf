/** Counting faults: mm_account_fault() of mm/memory.c, and the record of each for the step's report. */

import type { AccessKind, FaultKind } from '../abi.ts';
import type { VirtAddr } from '../machine/address.ts';
import type { Kernel } from '../state/kernel.ts';
import { VM_FAULT_MAJOR } from './fault.ts';
import { lastFaultKind } from './memory.ts';

/**
 * Counts a served fault for the running task; `result` are handle_mm_fault()'s bits. `kind` is said when it is another
 * than the handler's: a fault that grew the stack.
 */
export function count_fault(
  k: Kernel,
  addr: VirtAddr,
  access: AccessKind,
  result: number,
  kind: FaultKind | null = null,
): void {
  const major = (result & VM_FAULT_MAJOR) !== 0;
  k.scalars.pgfault++;
  if (major) k.scalars.pgmajfault++;
  const task = k.tasks.edit(k.scalars.current);
  if (major) task.maj_flt++;
  else task.min_flt++;
  if (k.faults !== null) k.faults.push({ addr, access, kind: kind ?? lastFaultKind, major });
  if (k.sink !== null) k.emit({ type: 'fault-done', va: addr, kind: kind ?? lastFaultKind, major });
}
