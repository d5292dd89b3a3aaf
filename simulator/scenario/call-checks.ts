// Checks of a step before the run: arity, the types of arguments, constants that do not fit.

import type { CallSyntax, Expr, StructExpr } from './ast.ts';
import type { Reporter } from './binder.ts';
import { type CallSignature, type Parameter, type ParameterType, parameterAt, signatureLabel } from './calls.ts';
import { constant } from './constants.ts';
import { constantValue } from './evaluate.ts';
import { writeInt } from './expectations.ts';
import { checkValue, countOf, describeType, type NameScope, type ValueType } from './expression-checks.ts';
import { clip } from './lexer.ts';

/** What each parameter accepts. A raw address may stand wherever the kernel takes a pointer. */
const ACCEPTED: Readonly<Record<ParameterType, readonly ValueType[]>> = {
  address: ['int'],
  length: ['int'],
  int: ['int'],
  fd: ['int'],
  flags: ['int'],
  process: ['int'],
  path: ['string', 'int'],
  counter: ['string'],
  buffer: ['int', 'string', 'array', 'struct'],
  struct: ['int', 'struct', 'array'],
  strings: ['array', 'int'],
  bytes: ['int', 'string'],
  signal: ['int'],
  handler: ['int'],
  limit: ['int', 'struct'],
};

/**
 * Checks a step's arguments and puts them into the order of the parameters.
 * @returns null after an error was reported.
 */
export function checkStep(
  syntax: CallSyntax,
  call: CallSignature,
  scope: NameScope,
  reporter: Reporter,
): readonly (Expr | null)[] | null {
  const args = placeArguments(syntax, call, reporter);
  if (args === null) return null;
  for (const [index, arg] of args.entries()) {
    const parameter = parameterAt(call, index);
    if (arg === null || parameter === undefined) continue;
    if (!checkArgument(arg, parameter, call, scope, reporter)) return null;
  }
  return args;
}

/** Checks the arguments of a call that means nothing: what their own words mean. */
export function checkArguments(syntax: CallSyntax, scope: NameScope, reporter: Reporter): void {
  for (const arg of syntax.args) if (checkValue(arg, scope, reporter) === null) return;
}

function placeArguments(syntax: CallSyntax, call: CallSignature, reporter: Reporter): (Expr | null)[] | null {
  const args: (Expr | null)[] = [];
  for (const arg of syntax.args) {
    if (arg.kind !== 'label') {
      args.push(arg);
      continue;
    }
    const { name, span } = arg.label;
    const index = call.parameters.findIndex((p) => p.name === name || p.labels.includes(name));
    if (index < 0) {
      const message = () => `${call.name} has no argument '${clip(name)}': ${signatureLabel(call)}`;
      reporter.once(`argument ${call.name} ${name}`, 'arity', message, span);
      return null;
    }
    while (args.length <= index) args.push(null);
    args[index] = arg.value;
  }
  const least = call.parameters.filter((p) => !p.optional).length;
  const most = call.parameters.at(-1)?.rest === true ? Number.POSITIVE_INFINITY : call.parameters.length;
  if (args.length >= least && args.length <= most) return args;
  const span = args.length > most ? (syntax.args[most]?.span ?? syntax.span) : syntax.span;
  reporter.error('arity', `expected ${signatureLabel(call)}, but there ${isOrAre(args.length)}`, span);
  return null;
}

function isOrAre(count: number): string {
  return `${count === 1 ? 'is' : 'are'} ${countOf(count)}`;
}

function checkArgument(
  arg: Expr,
  parameter: Parameter,
  call: CallSignature,
  scope: NameScope,
  reporter: Reporter,
): boolean {
  if (parameter.type === 'handler') return checkHandler(arg, reporter);
  if (parameter.type === 'signal') return checkSignal(arg, reporter);
  const type = checkValue(arg, scope, reporter);
  if (type === null) return false;
  // The arguments behind spawn's path may stand one by one.
  const accepted = parameter.rest ? [...ACCEPTED[parameter.type], 'string'] : ACCEPTED[parameter.type];
  if (type !== 'unknown' && !accepted.includes(type)) {
    const wanted = ACCEPTED[parameter.type].map(describeType).slice(0, 2).join(' or ');
    const message = `${parameter.name} of ${call.name} is ${wanted}, not ${describeType(type)}`;
    reporter.error('type', message, arg.span);
    return false;
  }
  if (parameter.type === 'limit' && arg.kind === 'struct' && !checkLimits(arg, reporter)) return false;
  if (parameter.type === 'bytes' && type === 'int') warnOfLargeByte(arg, reporter);
  if (parameter.constants.length > 0) warnOfMisfits(arg, parameter, call, reporter);
  return true;
}

function checkHandler(arg: Expr, reporter: Reporter): boolean {
  if (arg.kind === 'name' && (arg.name === 'handler' || arg.name === 'SIG_DFL')) return true;
  reporter.error('type', 'a signal gets `handler` or SIG_DFL', arg.span);
  return false;
}

function checkSignal(arg: Expr, reporter: Reporter): boolean {
  if (arg.kind === 'name' && (arg.name === 'SIGSEGV' || arg.name === 'SIGBUS')) return true;
  reporter.error('type', 'signal() is about SIGSEGV or SIGBUS', arg.span);
  return false;
}

/** The two fields of struct rlimit: what C would set a missing one to, 0, is hardly ever meant. */
function checkLimits({ fields, span }: StructExpr, reporter: Reporter): boolean {
  const names = fields.map(({ name }) => name.name).sort();
  if (names.join() === 'rlim_cur,rlim_max') return true;
  reporter.error('type', 'limits are {rlim_cur=…, rlim_max=…}', span);
  return false;
}

/** As in C, an integer that is no byte loses its upper bits. Down to -128 it is one. */
function warnOfLargeByte(arg: Expr, reporter: Reporter): void {
  const value = constantValue(arg);
  if (value === null || value <= 0xffn || value >= (1n << 64n) - 128n) return;
  const message = `a store writes one byte, and ${writeInt(value)} is more: its lowest byte is ${value & 0xffn}`;
  reporter.warning('range', message, arg.span);
}

/** A constant of another family compiles in C and is hardly ever meant. */
function warnOfMisfits(arg: Expr, parameter: Parameter, call: CallSignature, reporter: Reporter): void {
  const parts = arg.kind === 'or' ? arg.operands : [arg];
  for (const part of parts) {
    if (part.kind !== 'name') continue;
    const known = constant(part.name);
    if (known === undefined || known.group === 'general' || parameter.constants.includes(known.group)) continue;
    reporter.warning('constant', `${part.name} is not meant for ${parameter.name} of ${call.name}`, part.span);
  }
}
