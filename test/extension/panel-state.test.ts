// What the panel is told of the last step.
import { expect, test } from 'vitest';
import { Focus } from '../../extension/panel/selection.ts';
import { stateMessage } from '../../extension/panel/state.ts';
import type { Session } from '../../extension/session.ts';
import { parseScenario, processPids, Timeline } from '../../simulator/index.ts';

test('an assert comes with the step before it that did something', () => {
  const lines = ['p = spawn()', 'assert rss(p) > 0', 'assert rss(p) > 1', 'p: store(0, 1)'];
  const timeline = Timeline.open(parseScenario(lines.join('\n')));
  // What the message takes from a session: the editor's own objects are not there without an editor.
  const session = {
    document: { uri: { path: '/x.vas', toString: () => 'file:///x.vas' } },
    busy: null,
    textOf: ({ line }: { line: number }) => lines[line - 1] ?? '',
  } as unknown as Session;
  const last = () => {
    timeline.step();
    return stateMessage(session, timeline, new Focus(), null).message.lastStep;
  };
  expect(last()).not.toHaveProperty('before');
  for (const line of [2, 3]) {
    expect(last()).toMatchObject({ line, before: { line: 1, text: 'p = spawn()' } });
  }
  expect(last()).not.toHaveProperty('before');
});

test('what is wrong with a step is told once, beside what it came to', () => {
  const lines = [
    'p = spawn()',
    'p: brk(NULL) = 7',
    'assert 1 == 2',
    'p: load(0x401000, 1) = major',
    'p: load(0)',
    'p: a = brk(0)',
    'p: load(a)',
  ];
  const timeline = Timeline.open(parseScenario(lines.join('\n')));
  const session = {
    document: { uri: { path: '/x.vas', toString: () => 'file:///x.vas' } },
    busy: null,
    textOf: () => '',
  } as unknown as Session;
  const told = lines.map(() => {
    timeline.step();
    const last = stateMessage(session, timeline, new Focus(), null).message.lastStep;
    return [last?.outcome, last?.problem];
  });
  expect(told.slice(1)).toEqual([
    ['= 0x402000', 'expected 7, got 0x402000'],
    ['✗', 'the assert does not hold: it never holds'],
    ['= cc · hit', 'expected major, got hit'],
    ['SIGSEGV (SEGV_MAPERR at 0x0)', null],
    ['not run', "process 'p' is dead: SIGSEGV ended it"],
    ['not run: p is dead', null],
  ]);
});

test('of many processes the living are to choose from, the newest, and the one looked at', () => {
  const text = 'p = spawn()\nrepeat 300\np: k = fork()\nend\nrepeat 700\np: z = fork()\nz: exit(0)\nend\n';
  const timeline = Timeline.open(parseScenario(text));
  timeline.runToEnd({ budgetSteps: 1e9 });
  const session = {
    document: { uri: { path: '/x.vas', toString: () => 'file:///x.vas' } },
    busy: null,
    textOf: () => '',
  } as unknown as Session;
  const focus = new Focus();
  for (const pid of [1000, 1400, 1700]) {
    focus.chooseProcess(timeline, pid);
    const { processes, hiddenProcesses } = stateMessage(session, timeline, focus, null).message;
    const pids = processes.map((process) => process.pid);
    expect(pids).toEqual([...pids].sort((a, b) => a - b));
    expect(pids).toEqual(expect.arrayContaining([pid, 2000, ...processPids(timeline, 'alive')]));
    expect(pids.length + hiddenProcesses).toBe(1001);
    expect(pids.length).toBeLessThanOrEqual(501);
  }
});

test('behind a long run without an access, the view is of the process that ran last', () => {
  const text = `a = spawn()
b = spawn()
repeat 5000
  b: brk(0)
end
`;
  const timeline = Timeline.open(parseScenario(text));
  expect(new Focus().selection(timeline)).toBe(null);
  timeline.runToEnd({ budgetSteps: 1e9 });
  expect(new Focus().selection(timeline)).toMatchObject({ pid: 1001, address: '0x401000' });
});
