/** kill (kernel/signal.c). */

import { refuse } from '../mm/refuse.ts';
import { SIG, signalName } from '../uapi.ts';
import { send_signal } from './exit.ts';
import type { SysCall, SysHandler, SysResult } from './syscall.ts';

const INT_MIN = -(2 ** 31);
const INIT = 1;

/** The processes that a kill() is for, the caller's own last; an errno name when there is none. */
function targets(c: SysCall, pid: number): number[] | string {
  if (pid > 0) {
    const target = c.k.tasks.find(pid);
    if (target !== undefined && target.state !== 'dead') return [target.tgid];
    return pid === INIT ? 'EPERM' : refuse(c.k, 'ESRCH', 'no process has that pid');
  }
  if (pid === INT_MIN) return 'ESRCH';
  const others = pid === -1;
  const pgrp = pid === 0 ? c.task.pgrp : -pid;
  const found: number[] = [];
  let self = false;
  for (const task of c.k.tasks.values()) {
    if (task.state === 'dead' || task.pid !== task.tgid || (!others && task.pgrp !== pgrp)) continue;
    if (task.pid !== c.task.tgid) found.push(task.pid);
    else self = !others;
  }
  if (self) found.push(c.task.tgid);
  return found.length > 0
    ? found
    : refuse(c.k, 'ESRCH', others ? 'there is no other process' : 'no process is in that group');
}

function kill(c: SysCall): SysResult {
  const signal = c.int(1);
  const found = targets(c, c.int(0));
  if (found === 'ESRCH') return found;
  if (signal < 0 || signal > SIG.MAX) return refuse(c.k, 'EINVAL', 'no signal has that number');
  if (typeof found === 'string') return found;
  if (signal === 0) return 0;
  for (const pid of found) send_signal(c.k, pid, signal);
  const alive = c.k.tasks.get(c.task.pid).state === 'alive';
  return alive ? 0 : { signal: signalName(signal), code: 'SI_USER' };
}

export const SIGNAL_CALLS: Readonly<Record<string, SysHandler>> = { kill };
