// Checks of what a step expects, before the run: what it can never come to.

import type { Expectation } from './ast.ts';
import type { Reporter } from './binder.ts';
import type { CallSignature } from './calls.ts';
import { errnoNames, signalNames } from './constants.ts';
import { OUTCOMES } from './expectation-parser.ts';
import { checkValue, describeType, type NameScope } from './expression-checks.ts';
import { closest } from './source.ts';

/** What can end an access of the CPU. */
const ACCESS_SIGNALS: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGKILL'];

/** include/uapi/asm-generic/siginfo.h: of each signal the codes of its own, and those of all. */
const OWN_CODES: Readonly<Record<string, readonly string[]>> = {
  SIGSEGV: ['SEGV_MAPERR', 'SEGV_ACCERR', 'SEGV_BNDERR', 'SEGV_PKUERR', 'SEGV_CPERR'],
  SIGBUS: ['BUS_ADRERR', 'BUS_ADRALN', 'BUS_OBJERR', 'BUS_MCEERR_AR', 'BUS_MCEERR_AO'],
};
const COMMON_CODES: readonly string[] = ['SI_KERNEL', 'SI_USER', 'SI_QUEUE', 'SI_TKILL'];

/** Checks what a step expects. At most one error. */
export function checkExpectation(
  expected: Expectation,
  call: CallSignature,
  scope: NameScope,
  reporter: Reporter,
): void {
  const impossible = findImpossible(expected, call);
  if (impossible !== null) {
    reporter.error('expectation', impossible, expected.span);
    return;
  }
  if (expected.value === null) return;
  const value = expected.value;
  const isList = value.kind === 'array' || value.kind === 'struct';
  const type = isList ? 'array' : checkValue(value, withOutcomes(scope), reporter);
  if (type === null || type === 'unknown') return;
  if (type === 'string' && call.name !== 'load') {
    reporter.error('type', `${call.name} gives ${call.returns}, not a string`, value.span);
  } else if (type !== 'int' && type !== 'string') {
    reporter.error('type', `${call.name} gives ${call.returns}, not ${describeType(type)}`, value.span);
  } else if (call.name === 'load' && value.kind === 'int' && value.value > 0xffn) {
    reporter.warning('expectation', 'a load is compared with one byte, and this is more', value.span);
  }
}

/** Why no step of `call` can come to all that is expected; null when one can. */
function findImpossible(
  { outcome, signal, signalCode, errno, value }: Expectation,
  call: CallSignature,
): string | null {
  if (call.family === 'CPU') {
    if (errno !== null) return `${call.name} gives no errno: expect hit, minor, major, cow or a signal`;
    if (signal !== null && !ACCESS_SIGNALS.includes(signal)) {
      return `${call.name} cannot end in ${signal}: expect ${ACCESS_SIGNALS.join(', ')}`;
    }
  } else if (outcome !== null) {
    return `${call.name} has no outcome such as ${outcome}, only load, store and fetch do: expect a value or an errno`;
  }
  if (signal === null) return null;
  const codes = [...(OWN_CODES[signal] ?? []), ...COMMON_CODES];
  if (signalCode !== null && !codes.includes(signalCode)) {
    const meant = closest(signalCode, codes);
    return `${signalCode} is no code of ${signal}: ${meant === null ? `it has ${codes.join(', ')}` : `did you mean ${meant}?`}`;
  }
  if (value !== null) return `who ends in ${signal} gives no value: expect one of the two`;
  // The error that comes with the signal is what strace shows.
  const isWithSignal = signal === 'SIGXFSZ' && errno === 'EFBIG';
  return errno === null || isWithSignal ? null : `who ends in ${signal} gives no errno: expect one of the two`;
}

/** A name that means nothing may be one that only an expectation knows, mistyped. */
function withOutcomes(scope: NameScope): NameScope {
  return {
    lookup: (name) => scope.lookup(name),
    explainUnbound: (name) => scope.explainUnbound(name, [...OUTCOMES, ...signalNames(), ...errnoNames()]),
  };
}
