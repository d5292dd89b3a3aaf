// Processes by their names in the scenario, where the kernel knows only their pids.

import { type Cause, deathKey, type Environment } from './environment.ts';

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

/** Why no step of a dead process is made. */
export function deathOf(pid: number, environment: Environment, own?: string): Cause {
  const name = nameOf(pid, environment, own);
  return { key: deathKey(name ?? pid), words: `${name ?? `process ${pid}`} is dead` };
}
