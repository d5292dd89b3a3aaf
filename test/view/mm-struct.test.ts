// The numbers of an mm_struct that views show. The addresses are what /proc/PID/stat of Linux 6.18 has for programs of the
// same shape, without ASLR.

import { describe, expect, test } from 'vitest';
import { processViews } from '../../simulator/index.ts';
import { pidOf, play } from './run.ts';

/** The numbers of a process at the end of a scenario. */
function numbers(text: string, process = 'p'): Readonly<Record<string, string>> {
  const timeline = play(text);
  const [view] = processViews(timeline, [pidOf(timeline, process)]);
  if (view === undefined) throw new Error('numbers: no such process');
  return Object.fromEntries(view.numbers.map(({ name, value }) => [name, value]));
}

describe('the layout of a program', () => {
  test.each([
    [
      'static, with all segments',
      'text=12K rodata=4K data=8K bss=8K',
      {
        start_code: '0x401000',
        end_code: '0x404000',
        start_data: '0x405000',
        end_data: '0x407000',
        start_brk: '0x409000',
      },
    ],
    [
      'static, with code alone',
      'text=4K',
      {
        start_code: '0x401000',
        end_code: '0x402000',
        start_data: '0x401000',
        end_data: '0x402000',
        start_brk: '0x402000',
      },
    ],
    [
      'static, with bss and no data',
      'text=4K bss=12K',
      {
        start_code: '0x401000',
        end_code: '0x402000',
        start_data: '0x402000',
        end_data: '0x402000',
        start_brk: '0x405000',
      },
    ],
    [
      'position-independent, without an interpreter',
      'type=pie text=8K data=6K bss=0x900',
      {
        start_code: '0x7ffff7ffa000',
        end_code: '0x7ffff7ffc000',
        start_data: '0x7ffff7ffc000',
        end_data: '0x7ffff7ffd800',
        start_brk: '0x555555555000',
      },
    ],
  ])('%s', (_what, shape, layout) => {
    const shown = numbers(`program "/bin/aaa" ${shape}\np = spawn("/bin/aaa")`);
    expect(shown).toMatchObject({ ...layout, brk: layout.start_brk });
    expect(shown).toMatchObject({
      start_stack: '0x7fffffffee30',
      arg_start: '0x7fffffffefe6',
      arg_end: '0x7fffffffefef',
    });
    expect(shown).toMatchObject({ env_start: '0x7fffffffefef', env_end: '0x7fffffffefef' });
  });

  test.each([
    ['["a"]', '[]', 'ee30', 'efe6', 'efe8', 'efe8'],
    ['["a"]', '["X=1", "YY=22"]', 'ee10', 'efdc', 'efde', 'efe8'],
    ['["a", "bb"]', '[]', 'ee30', 'efe3', 'efe8', 'efe8'],
    ['["a", "bb"]', '["X=1"]', 'ee10', 'efdf', 'efe4', 'efe8'],
    ['["a", "bb", "ccc"]', '[]', 'ee10', 'efdf', 'efe8', 'efe8'],
    ['["a", "bb", "ccc"]', '["X=1", "YY=22"]', 'ee00', 'efd5', 'efde', 'efe8'],
    ['["/tmp/fifteen/ab"]', '["X=1"]', 'ee20', 'efd4', 'efe4', 'efe8'],
  ])('with argv %s and envp %s', (argv, envp, stack, arg, env, end) => {
    const path = '/tmp/fifteen/ab';
    const shown = numbers(`program "${path}" text=4K\np = spawn()\np: execve("${path}", ${argv}, ${envp})`);
    const at = (low: string) => `0x7fffffff${low}`;
    expect(shown['start_stack'], 'start_stack').toBe(at(stack));
    expect([shown['arg_start'], shown['arg_end']]).toEqual([at(arg), at(env)]);
    expect([shown['env_start'], shown['env_end']]).toEqual([at(env), at(end)]);
  });

  test('is the same in a child of fork, and brk moves nothing but brk', () => {
    const text = 'program "/bin/aaa" text=12K data=8K bss=8K\np = spawn("/bin/aaa")\np: brk(0x40b000) = 0x40b000\n';
    const [before, child] = [numbers(text), numbers(`${text}p: kid = fork()`, 'kid')];
    const fields = ['code', 'data'].flatMap((name) => [`start_${name}`, `end_${name}`]);
    for (const name of [...fields, 'start_brk', 'start_stack', 'arg_start', 'arg_end', 'env_start', 'env_end']) {
      expect(child[name], name).toBe(before[name]);
    }
    expect([before['start_brk'], before['brk'], child['brk']]).toEqual(['0x408000', '0x40b000', '0x40b000']);
  });
});
