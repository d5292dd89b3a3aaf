/** The first sentence of a story: what the step asked for and what it came to. */

import type { FaultRecord, Request, StepOutcome } from '../abi.ts';
import { errnoText } from '../scenario/constants.ts';
import { describeResult } from '../scenario/expectations.ts';
import type { StepReport } from '../scenario/interpreter.ts';
import type { StoryLine } from '../view/types.ts';
import { oomSummary, oomText } from './oom-words.ts';
import { count, faultKindWords, type Telling } from './words.ts';

/** Choices of the OOM killer that are told at the top of a story. */
const MAX_KILLS = 8;

function bytesOf(request: Extract<Request, { op: 'load' | 'store' }>): bigint {
  if (request.length !== undefined) return request.length;
  return request.op === 'store' && typeof request.value !== 'number' ? BigInt(request.value.length) : 1n;
}

function asked(request: Request): string {
  switch (request.op) {
    case 'load':
      return `reads ${count(bytesOf(request), 'byte')} at 0x${request.addr.toString(16)}`;
    case 'store':
      return `writes ${count(bytesOf(request), 'byte')} at 0x${request.addr.toString(16)}`;
    case 'fetch':
      return `executes an instruction at 0x${request.addr.toString(16)}`;
    case 'spawn':
      return `is made and executes ${request.path}`;
    case 'signal':
      return `${request.handler ? 'sets a handler for' : 'gives up its handler for'} ${request.signal}`;
    case 'kernel':
      return `${request.name}()`;
    default:
      return `calls ${request.name}()`;
  }
}

function faultWords(faults: readonly FaultRecord[], outcome: StepOutcome, special: string | null): string {
  const total = Math.max(faults.length, outcome.minflt + outcome.majflt);
  const [first] = faults;
  if (first === undefined) return total === 0 ? '' : count(total, 'page fault');
  if (total === 1) return `${first.major ? 'major' : 'minor'} fault: ${faultKindWords(first.kind, special)}`;
  const major = outcome.majflt === 0 ? '' : `, ${outcome.majflt.toLocaleString('en-US')} of them major`;
  return `${count(total, 'page fault')}${major}`;
}

function errnoWords(errno: string): string {
  const text = errnoText(errno);
  return text === undefined || text === null ? errno : `${errno} (${text})`;
}

function cameTo({ request, outcome }: StepReport, special: string | null): string {
  const { result, faults } = outcome;
  const fault = faultWords(faults, outcome, special);
  const isAccess = request?.op === 'load' || request?.op === 'store' || request?.op === 'fetch';
  if (result.kind === 'signal') return `${result.signal} (${result.code})`;
  if (result.kind === 'skipped') return `not done: ${result.message}`;
  if (isAccess) return fault === '' ? 'hit, no fault' : fault;
  const value = result.kind === 'errno' ? errnoWords(result.errno) : describeResult(result);
  const quiet = request?.op === 'spawn' || request?.op === 'signal';
  return [quiet && result.kind !== 'errno' ? '' : `= ${value}`, fault].filter((part) => part !== '').join('; ');
}

/**
 * Null for an assert, and for a step that could not be made: they have no story. `special` is the special mapping that its
 * first fault is in.
 */
export function stepSentence(telling: Telling, report: StepReport, special: string | null): StoryLine | null {
  const { request, pid } = report;
  if (request === null) return null;
  const who = pid === null ? 'kernel:' : telling.name(pid);
  const oom = oomSummary(report.outcome.oom, (who) => telling.name(who));
  const end = [cameTo(report, special), oom].filter((part) => part !== '').join('; ');
  const text = `${who} ${asked(request)}${end === '' ? '' : `: ${end}`}`;
  const address = request.op === 'load' || request.op === 'store' || request.op === 'fetch' ? request.addr : null;
  return {
    depth: 0,
    text,
    ...(pid === null ? {} : { pid }),
    ...(address === null ? {} : { va: `0x${address.toString(16)}` }),
  };
}

/** What the OOM killer did in a step, for the top of its story: it would stand deep among the pages that were asked for. */
export function oomLines(telling: Telling, { outcome }: StepReport): StoryLine[] {
  const kills = outcome.oom ?? [];
  const lines = kills.slice(0, MAX_KILLS).map((kill) => ({
    depth: 1,
    text: oomText(kill, (pid) => telling.name(pid)),
    ...(kill.victim === null ? {} : { pid: kill.victim.pid }),
  }));
  if (kills.length <= MAX_KILLS) return lines;
  return [...lines, { depth: 1, text: `… the OOM killer chose ${count(kills.length - MAX_KILLS, 'more time')}` }];
}
