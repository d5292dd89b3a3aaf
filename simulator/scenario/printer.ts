// Statements back to text, in the one form in which a person would write them. What is printed parses to the same tree.

import type { CallSyntax, Expectation, Expr, Statement } from './ast.ts';
import { quote } from './bytes.ts';

/** One line, without a newline. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'declaration': {
      const path = statement.path === null ? [] : [printExpr(statement.path)];
      const settings = statement.settings.map(({ key, value }) =>
        value === null ? key.name : `${key.name}=${printExpr(value)}`,
      );
      return [statement.keyword.name, ...path, ...settings].join(' ');
    }
    case 'spawn':
      return `${statement.target.name} = ${printCall(statement.call)}${printExpected(statement.expected)}`;
    case 'call': {
      const target = statement.target === null ? '' : `${statement.target.name} = `;
      return `${statement.process.name}: ${target}${printCall(statement.call)}${printExpected(statement.expected)}`;
    }
    case 'assert':
      return `assert ${printExpr(statement.condition)}`;
    case 'repeat':
      return `repeat ${printExpr(statement.count)}`;
    case 'end':
      return 'end';
  }
}

function printCall(call: CallSyntax): string {
  return `${call.callee.name}(${call.args.map(printExpr).join(', ')})`;
}

function printExpected(expected: Expectation | null): string {
  if (expected === null) return '';
  const value = expected.value === null ? null : printExpr(expected.value);
  const words = [
    expected.any ? '?' : null,
    expected.outcome,
    expected.signal === null ? null : [expected.signal, expected.signalCode].filter((w) => w !== null).join(' '),
    expected.errno,
    value,
  ];
  return ` = ${words.filter((word) => word !== null).join(', ')}`;
}

/** An expression with the parentheses that it was parsed with. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'int':
      return expr.text;
    case 'string':
      return `${quote(expr.value.bytes)}${expr.abbreviated ? '...' : ''}`;
    case 'name':
      return expr.name;
    case 'sum':
      return expr.terms
        .map(({ negative, operand }, i) => `${i === 0 ? '' : negative ? ' - ' : ' + '}${printExpr(operand)}`)
        .join('');
    case 'product':
      return expr.operands.map(printExpr).join(' * ');
    case 'or':
      return expr.operands.map(printExpr).join('|');
    case 'and':
      return expr.operands.map(printExpr).join(' && ');
    case 'negate':
      return `-${printExpr(expr.operand)}`;
    case 'not':
      return `!${printExpr(expr.operand)}`;
    case 'group':
      return `(${printExpr(expr.operand)})`;
    case 'compare':
      return `${printExpr(expr.left)} ${expr.operator} ${printExpr(expr.right)}`;
    case 'call':
      return `${expr.callee.name}(${expr.args.map(printExpr).join(', ')})`;
    case 'array':
      return `[${expr.items.map(printExpr).join(', ')}]`;
    case 'struct':
      return `{${expr.fields.map(({ name, value }) => `${name.name}=${printExpr(value)}`).join(', ')}}`;
    case 'label':
      return `${expr.label.name}=${printExpr(expr.value)}`;
  }
}
