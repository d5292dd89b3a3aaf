// Runs of scenarios for the tests of the views.

import { expect } from 'vitest';
import { parseScenario, Timeline } from '../../simulator/index.ts';

/** A timeline at the start of a scenario that has no mistakes. */
export function open(text: string): Timeline {
  const scenario = parseScenario(text);
  expect(scenario.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return Timeline.open(scenario);
}

/** A timeline at the end of a scenario, every step made by itself and none of them in error. */
export function play(text: string): Timeline {
  const timeline = open(text);
  for (let record = timeline.step(); record !== null; record = timeline.step()) {
    expect(record.error?.message, `line ${record.line}`).toBeUndefined();
    expect(record.failure?.message, `line ${record.line}`).toBeUndefined();
  }
  return timeline;
}

/** Value of a name of the scenario. */
export function valueOfName(timeline: Timeline, name: string): bigint {
  const answer = timeline.evaluate(name);
  if (!('value' in answer)) throw new Error(`valueOfName: ${name} has no value`);
  return answer.value;
}

export function pidOf(timeline: Timeline, name: string): number {
  const pid = timeline.processNamed(name);
  if (pid === null) throw new Error(`pidOf: no process ${name}`);
  return pid;
}

/** The story of the last step as text, two spaces a level. */
export function storyText(timeline: Timeline): string {
  const story = timeline.lastRecord?.story() ?? [];
  return story.map(({ depth, text }) => '  '.repeat(depth) + text).join('\n');
}
