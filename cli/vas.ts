// Entry of the headless runner: the real simulator, and the real process.

import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { proc_maps } from '../simulator/proc/maps.ts';
import { proc_smaps } from '../simulator/proc/smaps.ts';
import { proc_status } from '../simulator/proc/status.ts';
import { Simulator } from '../simulator/simulator.ts';
import { UsageError } from './arguments.ts';
import type { Machine } from './machine.ts';
import { main } from './main.ts';

function makeMachine(): Machine {
  const backend = new Simulator();
  return {
    backend,
    procText(pid, file) {
      const { state } = backend;
      const task = state.tasks.get(pid);
      if (file === 'status') return proc_status(state, task);
      if (task.mm === 0) return '';
      const mm = state.mms.get(task.mm);
      return file === 'maps' ? proc_maps(state, mm) : proc_smaps(state, mm);
    },
    walk() {
      throw new UsageError('translate is not there yet');
    },
  };
}

/** The version in package.json, which lies beside the folder of this program. */
function version(): string {
  const here = dirname(realpathSync(process.argv[1] ?? '.'));
  const manifest = JSON.parse(readFileSync(join(here, '..', 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

process.exitCode = main(process.argv.slice(2), makeMachine, version);
