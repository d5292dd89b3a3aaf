/** One worker of the conformance run: a kernel machine that compares and cuts down the scenarios it is told to. */
import { generate } from '../kernel/generate.ts';
import { type Comparison, compare } from '../kernel/lockstep.ts';
import { Machines } from '../kernel/machines.ts';
import { reduce } from '../kernel/reduce.ts';
import type { Answer, Order } from './protocol.ts';
import { signatureOf } from './signature.ts';

const machines = new Machines();

async function run(source: string): Promise<Comparison> {
  return compare(source, await machines.fresh(source));
}

/** Runs of a scenario that must agree, behind one that differed, before that one counts as chance. */
const SECOND_LOOKS = 2;

/** A scenario that throws counts as one that differs, by its message. */
async function symptom(source: string): Promise<{ name: string; result: Comparison | null; error?: string }> {
  try {
    const result = await run(source);
    return { name: result.difference === null ? '' : signatureOf(result.difference), result };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name: `error: ${text.split('\n')[0]}`, result: null, error: text.split('\n').slice(0, 6).join('\n') };
  }
}

/** Whether a difference is gone when one looks again, as one is that somebody else on the machine has caused. */
async function isChance(source: string): Promise<boolean> {
  for (let look = 0; look < SECOND_LOOKS; look++) if ((await symptom(source)).name !== '') return false;
  return true;
}

async function perform(order: Order): Promise<Answer> {
  const started = performance.now();
  const { seed, group, steps } = order;
  const source = generate(seed, group, steps);
  const first = await symptom(source);
  const answer = (): Omit<Answer, 'difference'> => ({
    seed,
    group,
    steps: first.result?.steps ?? 0,
    milliseconds: performance.now() - started,
    ...(first.error === undefined ? {} : { error: first.error }),
  });
  const difference = first.result?.difference ?? null;
  if (order.kind === 'run' && difference !== null && (await isChance(source))) {
    return { ...answer(), difference: null, wavered: difference };
  }
  if (order.kind === 'run' || first.name === '') return { ...answer(), difference };
  const cut = difference === null ? source : source.split('\n').slice(0, difference.line).join('\n');
  const reduced = await reduce(cut, async (candidate) => (await symptom(candidate)).name === first.name);
  const last = await symptom(reduced);
  const shown = last.result?.difference ?? { line: 0, text: '', group: 'error', details: [last.error ?? ''] };
  return { ...answer(), difference, reduced: { source: reduced, difference: shown } };
}

process.on('message', (order: Order) => {
  void perform(order).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => {
  void machines.close().then(() => process.exit(0));
});
