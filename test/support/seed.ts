/** One seed for every property of a run: the same everywhere, another one by `VAS_SEED=N` (or `VAS_SEED=random`). */
import * as fc from 'fast-check';

const wanted = process.env['VAS_SEED'] ?? '20261121';
const seed = wanted === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wanted);
if (wanted === 'random') process.stderr.write(`VAS_SEED=${seed}\n`);
fc.configureGlobal({ seed });
