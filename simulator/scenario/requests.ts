// From a step of the scenario, its names evaluated, to the request that the kernel gets.

import type { Arg, Request, StringArg } from '../abi.ts';
import type { Expr, StructExpr } from './ast.ts';
import { encodeUtf8 } from './bytes.ts';
import type { Parameter } from './calls.ts';
import { parameterAt } from './calls.ts';
import { PUPPET } from './declarations.ts';
import { type Cause, type Environment, processKey } from './environment.ts';
import { evaluateInt } from './evaluate.ts';
import { clip } from './lexer.ts';
import { processOf, type StepCode } from './scenario.ts';
import { closest, type Span } from './source.ts';

/** Why a step cannot be made. */
export interface StepProblem {
  readonly message: string;
  readonly span: Span;
  /** Absent where nothing else comes of it. */
  readonly cause?: Cause | undefined;
}

/** Ends the lowering of a step; caught by lowerStep(). */
class Unmakeable extends Error {
  readonly span: Span;
  readonly origin: Cause | undefined;

  constructor({ message, span, cause }: StepProblem) {
    super(message);
    this.span = span;
    this.origin = cause;
  }
}

/** The request of a step, or why it cannot be made. */
export function lowerStep(code: StepCode, environment: Environment): Request | StepProblem {
  try {
    return new Lowering(code, environment).request();
  } catch (problem) {
    if (problem instanceof Unmakeable) return { message: problem.message, span: problem.span, cause: problem.origin };
    throw problem;
  }
}

/** The value of an integer expression in `environment`, or why it has none. */
export function intOf(expr: Expr, environment: Environment): bigint | StepProblem {
  const result = evaluateInt(expr, (name) => environment.value(name));
  return 'value' in result ? result.value : { ...explainMissing(result.unbound, environment), span: expr.span };
}

function explainMissing(name: string, environment: Environment): { readonly message: string; readonly cause: Cause } {
  const binding = environment.get(name);
  if (binding?.kind === 'failed') {
    return { message: `'${name}' holds nothing: line ${binding.line} did not give it a value`, cause: binding.cause };
  }
  const message = explainUnbound(name, environment);
  return { message, cause: { key: `name ${name}`, words: `'${clip(name)}' is not bound` } };
}

function explainUnbound(name: string, environment: Environment): string {
  const line = environment.lineOf(name);
  if (line !== null) return `'${clip(name)}' is not bound here: line ${line}, which binds it, has not run`;
  const meant = closest(name, environment.known());
  return `'${clip(name)}' is not bound: no line of the scenario binds it${meant === null ? '' : `. Did you mean '${meant}'?`}`;
}

/** Why `name`, which was to be a process, is none. */
export function explainNoProcess(
  name: string,
  environment: Environment,
): { readonly message: string; readonly cause: Cause } {
  const binding = environment.get(name);
  if (binding === undefined) return explainMissing(name, environment);
  const words = `there is no process '${name}'`;
  const cause = binding.kind === 'failed' ? binding.cause : { key: processKey(name, 'is none'), words };
  return { message: `${words}: the step that binds the name made none`, cause };
}

class Lowering {
  readonly #code: StepCode;
  readonly #environment: Environment;

  constructor(code: StepCode, environment: Environment) {
    this.#code = code;
    this.#environment = environment;
  }

  request(): Request {
    const { signature } = this.#code;
    switch (signature.family) {
      case 'spawn':
        return this.#spawn();
      case 'kernel':
        return { op: 'kernel', name: signature.name, args: this.#args() };
      case 'CPU':
        return this.#access();
      case 'signals':
        return this.#signal();
      case 'limits':
        return this.#limits();
      default:
        return { op: 'syscall', pid: this.#pid(), name: signature.name, args: this.#args() };
    }
  }

  #pid(): number {
    const process = processOf(this.#code);
    const binding = this.#environment.get(process.name);
    if (binding?.kind === 'process') return binding.pid;
    throw new Unmakeable({ ...explainNoProcess(process.name, this.#environment), span: process.span });
  }

  #spawn(): Request {
    const [path, ...rest] = this.#code.args;
    const text = path?.kind === 'string' ? path.value : stringArg(PUPPET);
    const argv = rest.flatMap((arg) => (arg === null ? [] : this.#strings(arg)));
    return { op: 'spawn', path: text.text, argv: argv.length === 0 ? [text] : argv };
  }

  #strings(expr: Expr): readonly StringArg[] {
    if (expr.kind === 'string') return [expr.value];
    const items = expr.kind === 'array' ? expr.items : [];
    return items.flatMap((item) => (item.kind === 'string' ? [item.value] : []));
  }

  #access(): Request {
    const pid = this.#pid();
    const [address, second, third] = this.#code.args;
    const addr = this.#int(address);
    const { name } = this.#code.signature;
    if (name === 'fetch') return { op: 'fetch', pid, addr };
    if (name === 'load') {
      return second === undefined || second === null
        ? { op: 'load', pid, addr }
        : { op: 'load', pid, addr, length: this.#int(second) };
    }
    const value = second?.kind === 'string' ? second.value.bytes : Number(this.#int(second) & 0xffn);
    return third === undefined || third === null
      ? { op: 'store', pid, addr, value }
      : { op: 'store', pid, addr, value, length: this.#int(third) };
  }

  #signal(): Request {
    const [signal, handler] = this.#code.args;
    const name = signal?.kind === 'name' ? signal.name : '';
    const handles = handler?.kind === 'name' && handler.name === 'handler';
    return { op: 'signal', pid: this.#pid(), signal: name, handler: handles };
  }

  /**
   * setrlimit, getrlimit and prlimit64. Limits that stand in a structure become the words `soft, hard`, so that the
   * kernel sees one form: `setrlimit(resource, soft[, hard])`.
   */
  #limits(): Request {
    const pid = this.#pid();
    const { name } = this.#code.signature;
    const { args } = this.#code;
    if (name === 'prlimit64') return this.#prlimit(pid);
    // Where strace shows what the kernel stored, there is no address that a limit could be stored at.
    if (name === 'getrlimit' && args[1]?.kind === 'struct') {
      return { op: 'syscall', pid, name, args: [this.#int(args[0])] };
    }
    const limits = name === 'setrlimit' && args[1]?.kind === 'struct' ? args[1] : null;
    if (limits === null) return { op: 'syscall', pid, name, args: this.#args() };
    return { op: 'syscall', pid, name, args: [this.#int(args[0]), ...this.#limitWords(limits)] };
  }

  #prlimit(pid: number): Request {
    const [who, resource, fresh] = this.#code.args;
    const target = Number(this.#int(who));
    const subject = target === 0 ? pid : target;
    if (fresh?.kind === 'struct') {
      const args = [this.#int(resource), ...this.#limitWords(fresh)];
      return { op: 'syscall', pid: subject, name: 'setrlimit', args };
    }
    return { op: 'syscall', pid, name: 'prlimit64', args: this.#args() };
  }

  /** Both are there: the binder has seen to it. */
  #limitWords(limits: StructExpr): Arg[] {
    const soft = limits.fields.find((field) => field.name.name === 'rlim_cur');
    const hard = limits.fields.find((field) => field.name.name === 'rlim_max');
    return [this.#int(soft?.value), this.#int(hard?.value)];
  }

  #args(): Arg[] {
    return this.#code.args.map((arg, index) => {
      const parameter = parameterAt(this.#code.signature, index);
      return arg === null || parameter === undefined ? 0n : this.#arg(arg, parameter);
    });
  }

  #arg(expr: Expr, parameter: Parameter): Arg {
    if (expr.kind === 'string') return expr.value;
    if (parameter.type === 'strings' && expr.kind === 'array') return this.#strings(expr);
    // Where strace shows what the kernel stored, the address is not known: the call stores nothing.
    if (parameter.type === 'buffer' && (expr.kind === 'array' || expr.kind === 'struct')) return SHOWN;
    if (expr.kind === 'array' || expr.kind === 'struct') return 0n;
    return this.#int(expr);
  }

  #int(expr: Expr | null | undefined): bigint {
    if (expr === null || expr === undefined) return 0n;
    const value = intOf(expr, this.#environment);
    if (typeof value === 'bigint') return value;
    throw new Unmakeable(value);
  }
}

/** What stands for a buffer whose contents a line shows in no string. */
const SHOWN: StringArg = { text: '', bytes: new Uint8Array(0) };

function stringArg(text: string): StringArg {
  return { text, bytes: encodeUtf8(text) };
}
