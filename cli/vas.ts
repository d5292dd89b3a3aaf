// Entry of the headless runner: the real simulator, and the real process.

import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Scenario } from '../simulator/scenario/index.ts';
import { Simulator } from '../simulator/simulator.ts';
import { Timeline } from '../simulator/timeline.ts';
import { memoryText, procText } from '../simulator/view/proc-text.ts';
import type { WhyView } from '../simulator/view/types.ts';
import { walk } from '../simulator/view/walk.ts';
import { why } from '../simulator/view/why.ts';
import { readHostElf } from './host-elf.ts';
import type { Machine } from './machine.ts';
import { main } from './main.ts';

function makeMachine(): Machine {
  const simulator = new Simulator();
  return {
    backend: simulator,
    procText: (pid, file) => procText({ simulator }, pid, file),
    memoryText: (file) => memoryText({ simulator }, file),
    walk: (pid, address, names) => walk({ simulator, names }, pid, address),
    why: whyAt,
  };
}

/** Only a run that can go back knows which step mapped an address, so the run is made again as one. */
function whyAt(scenario: Scenario, position: number, pid: number, address: bigint): WhyView {
  const timeline = Timeline.open(scenario, { readHostElf });
  timeline.runToEnd({ budgetSteps: position });
  return why(timeline, pid, address);
}

/** The version in package.json, which lies beside the folder of this program. */
function version(): string {
  const here = dirname(realpathSync(process.argv[1] ?? '.'));
  const manifest = JSON.parse(readFileSync(join(here, '..', 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

process.exitCode = main(process.argv.slice(2), makeMachine, version);
