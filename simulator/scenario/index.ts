// What the rest of the project uses of the language.

export type { Answer, Answerer, Ask, Asking, AsyncAnswerer } from './asking.ts';
export { driveAsync, driveSync } from './asking.ts';
export type { Expectation, Expr, Statement } from './ast.ts';
export { describeManyBytes, encodeUtf8, quote, toHex } from './bytes.ts';
export type { Cause, FollowUp } from './environment.ts';
export type { Told } from './expectations.ts';
export { describeResult, outcomeOf, writeInt } from './expectations.ts';
export type { Failure, Remark, RunState, StepEnd, StepReport } from './interpreter.ts';
export { initialState, performStep } from './interpreter.ts';
export type { ReadHostElf } from './opening.ts';
export { declareAll } from './opening.ts';
export type { Scenario } from './scenario.ts';
export { hasErrors, parseScenario } from './scenario.ts';
export type { Diagnostic, DiagnosticCode, Position, Range, Severity } from './source.ts';
export { typedAddress } from './typed-address.ts';
