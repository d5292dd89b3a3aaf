// Published exercises through the command line, and single steps that their solutions show.

import { describe, expect, test } from 'vitest';
import { EXERCISES } from './exercises.ts';
import { policiesOf, resultOf } from './support.ts';

test('the exercises are more than twenty, from many places', () => {
  expect(EXERCISES.length).toBeGreaterThan(30);
  expect(new Set(EXERCISES.map(({ source }) => source)).size).toBeGreaterThan(20);
});

describe('page faults as published', () => {
  test.each(EXERCISES.map((exercise) => [`${exercise.source}; ${exercise.frames} frames`, exercise] as const))(
    '%s',
    (_, { pages, frames, faults }) => {
      const results = policiesOf(pages.join(', '), `--frames ${frames}`);
      for (const [policy, misses] of Object.entries(faults)) {
        expect(results.find((result) => result.policy === policy)).toMatchObject({
          frames,
          misses,
          hits: pages.length - misses,
        });
      }
    },
  );
});

describe('steps as published', () => {
  // Stallings: Operating Systems, Internals and Design Principles, the figure of four algorithms.
  const STALLINGS = '2 3 2 1 5 2 4 5 3 2 5 2';
  test.each([
    ['fifo', [null, null, null, null, 2, 3, 1, null, 5, null, 2, 4]],
    ['lru', [null, null, null, null, 3, null, 1, null, 2, 4, null, null]],
    ['clock', [null, null, null, null, 2, 3, 1, null, 5, null, 4, null]],
  ])('the victims of %s', (policy, expected) => {
    const { steps } = resultOf(STALLINGS, policy, '--frames 3');
    expect(steps.map(({ victim }) => victim)).toEqual(expected);
  });

  test('the frames of CLOCK, as the figure draws them', () => {
    const { steps } = resultOf(STALLINGS, 'clock', '--frames 3');
    expect(steps.map(({ resident }) => resident.join(' '))).toEqual([
      ...['2', '2 3', '2 3', '2 3 1', '5 3 1', '5 2 1', '5 2 4', '5 2 4', '3 2 4', '3 2 4', '3 2 5', '3 2 5'],
    ]);
  });
});
