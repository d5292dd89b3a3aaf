// Why steps are not made, in the names of the scenario, where the kernel knows only pids.

import type { Because } from '../abi.ts';
import { type Cause, type Environment, processKey } from './environment.ts';
import { clip } from './lexer.ts';

/** The name of a process; of several names `own`, if it is one of them. */
function nameOf(pid: number, environment: Environment, own?: string): string | undefined {
  const binding = own === undefined ? undefined : environment.get(own);
  if (binding?.kind === 'process' && binding.pid === pid) return own;
  return environment.processNames().get(pid);
}

/** `process 1000` by its name; of several names `own`, if it is one of them. */
export function withNames(message: string, environment: Environment, own?: string): string {
  return message.replace(/\bprocess (\d+)\b/g, (unnamed, digits: string) => {
    const name = nameOf(Number(digits), environment, own);
    return name === undefined ? unnamed : `process '${name}'`;
  });
}

/** What several steps are not made for; `own` is the process that one of them is written under. */
export function causeOf(because: Because, environment: Environment, own?: string): Cause {
  if ('path' in because) {
    const path = clip(because.path);
    if (because.wanted === 'device') return { key: `device ${because.path}`, words: `"${path}" is no device` };
    return { key: `file ${because.path}`, words: `there is no file "${path}"` };
  }
  const { pid, state } = because;
  const name = nameOf(pid, environment, own);
  return { key: processKey(name ?? pid, state), words: `${name ?? `process ${pid}`} ${state}` };
}
