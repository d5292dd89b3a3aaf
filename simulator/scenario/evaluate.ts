// Arithmetic of expressions that ask nothing: 64-bit unsigned, wrapping.

import { childrenOf, type Expr } from './ast.ts';
import { constant } from './constants.ts';

/** Gives the value of a name that is no constant, or null when it has none. */
export type NameValues = (name: string) => bigint | null;

/** The value of an integer expression, or the name that has none. Asks no function of `assert`. */
export function evaluateInt(expr: Expr, values: NameValues): { readonly value: bigint } | { readonly unbound: string } {
  try {
    return { value: BigInt.asUintN(64, compute(expr, values)) };
  } catch (problem) {
    if (problem instanceof Unbound) return { unbound: problem.name };
    throw problem;
  }
}

/** The value of an expression made of numbers and constants, or null when it has names. */
export function constantValue(expr: Expr): bigint | null {
  if (!isArithmetic(expr)) return null;
  const result = evaluateInt(expr, () => null);
  return 'value' in result ? result.value : null;
}

/** True of what evaluateInt() can work out. */
export function isArithmetic(expr: Expr): boolean {
  switch (expr.kind) {
    case 'int':
    case 'name':
      return true;
    case 'sum':
    case 'product':
    case 'or':
    case 'negate':
    case 'group':
      return childrenOf(expr).every(isArithmetic);
    default:
      return false;
  }
}

class Unbound {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function compute(expr: Expr, values: NameValues): bigint {
  switch (expr.kind) {
    case 'int':
      return expr.value;
    case 'name': {
      const value = values(expr.name) ?? constant(expr.name)?.value;
      if (value === undefined) throw new Unbound(expr.name);
      return value;
    }
    case 'sum': {
      let sum = 0n;
      for (const { negative, operand } of expr.terms) {
        const term = compute(operand, values);
        sum = BigInt.asUintN(64, negative ? sum - term : sum + term);
      }
      return sum;
    }
    case 'product': {
      let product = 1n;
      for (const operand of expr.operands) product = BigInt.asUintN(64, product * compute(operand, values));
      return product;
    }
    case 'or': {
      let bits = 0n;
      for (const operand of expr.operands) bits |= compute(operand, values);
      return bits;
    }
    case 'negate':
      return BigInt.asUintN(64, -compute(expr.operand, values));
    case 'group':
      return compute(expr.operand, values);
    case 'label':
      return compute(expr.value, values);
    default:
      throw new Error(`compute: ${expr.kind} is not an integer`);
  }
}
