// An expression that somebody typed beside a run: what it comes to with the names of a place in that run.

import { type Answerer, driveSync } from './asking.ts';
import { evaluateExpression } from './conditions.ts';
import type { Environment } from './environment.ts';
import { parseExpressionText } from './parser.ts';

/** A process's pid for the bare name of a process, else a number or a string, else why there is none. */
export type Evaluated =
  | { readonly value: bigint }
  | { readonly process: number }
  | { readonly text: string }
  | { readonly error: string };

/** Evaluates `text`; true is 1 and false is 0. */
export function evaluateText(text: string, environment: Environment, backend: Answerer): Evaluated {
  const parsed = parseExpressionText(text);
  if ('error' in parsed) return { error: parsed.error };
  if (parsed.expr.kind === 'name') {
    const pid = environment.process(parsed.expr.name);
    if (pid !== null) return { process: pid };
  }
  const value = driveSync(evaluateExpression(parsed.expr, environment), backend);
  if ('message' in value) return { error: value.message };
  if ('text' in value) return { text: value.text };
  return { value: 'int' in value ? value.int : value.bool ? 1n : 0n };
}
