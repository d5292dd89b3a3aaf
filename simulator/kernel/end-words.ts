/** How a process ended, in the words of a step or a question that it cannot answer any more. */

import type { Task } from '../state/records.ts';

/** `process 1000 is dead: SIGSEGV ended it`. */
export function deadWords({ pid, end }: Task): string {
  return `process ${pid} is dead${endWords(end)}`;
}

/** Empty where nobody knows. */
function endWords(end: Task['end']): string {
  if (end === null) return '';
  if (end.kind === 'exit') return `: it ended with exit status ${end.status}`;
  return end.signal === 'SIGKILL' && end.code === 'SI_KERNEL'
    ? ': it was killed for want of memory'
    : `: ${end.signal} ended it`;
}
